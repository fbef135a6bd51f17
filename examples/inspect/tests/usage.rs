//! How the program is called, and what it says to a wrong call.

mod common;

use common::inspect;

fn refused(arguments: &[&str], input: &[u8], words: &[&str]) {
    let run = inspect(arguments, input);
    assert_eq!(run.code, 2, "{arguments:?}: {}", run.errors);
    assert!(run.object.is_none(), "{arguments:?}");
    for word in words {
        assert!(run.errors.contains(word), "{arguments:?} should name {word}: {}", run.errors);
    }
}

#[test]
fn a_wrong_call_ends_with_2_and_says_why() {
    refused(&[], b"", &["Usage"]);
    refused(&["smtp", "-"], b"", &["smtp"]);
    refused(&["rtp"], b"", &["FILE"]);
    refused(&["rtp", "-", "--frames"], b"", &["--frames"]);
    refused(&["rtp", "-", "-"], b"", &["unexpected"]);
    refused(&["rtp", "--as", "tpkt", "-"], b"", &["--as"]);
    refused(&["t120", "-"], b"", &["--as"]);
    refused(&["t120", "--as", "t129", "-"], b"", &["t129", "mcs-domain-v3"]);
}

#[test]
fn input_that_cannot_be_read_ends_with_2_and_is_named() {
    refused(&["rtp", "no/such/file"], b"", &["no/such/file"]);
    refused(&["sip", env!("CARGO_MANIFEST_DIR")], b"", &[env!("CARGO_MANIFEST_DIR")]);
    refused(&["rtp", "--hex", "-"], b"80 0g", &["line 1, column 5", "'g'"]);
    refused(&["rtp", "--hex", "-"], b"80 0", &["odd"]);
}

#[test]
fn help_shows_examples_and_the_exit_codes() {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_inspect")).arg("--help").output();
    let run = run.expect("the program starts");
    assert_eq!(run.status.code(), Some(0));
    let text = String::from_utf8(run.stdout).expect("help is text");
    for word in [
        "sip",
        "sdp",
        "rtp",
        "rtcp",
        "tftp",
        "t120",
        "--reencode",
        "--hex",
        "Examples",
        "Exit code",
    ] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn a_file_and_standard_input_give_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("packet");
    std::fs::write(&file, "0004\r\n 00 01\n").expect("it can be written");
    let named = inspect(&["--hex", "tftp", file.to_str().expect("a plain name")], b"");
    let piped = inspect(&["tftp", "-", "--hex", "--pretty", "--json"], b"00040001");
    assert_eq!((named.code, piped.code), (0, 0), "{} {}", named.errors, piped.errors);
    assert!(named.object.is_some());
    assert_eq!(named.object, piped.object);
}
