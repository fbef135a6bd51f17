//! sipsak asks and writes.

use std::process::{Command, Stdio};

use handset_testkit::{free_port, peer};

use crate::common::{Softphone, text};

#[test]
fn it_gets_an_answer_and_is_heard() {
    let Some(program) = peer("sipsak", "sipsak") else { return };
    let (mut phone, uri) = Softphone::answering(&[]);
    let run = |arguments: &[&str]| {
        let output = Command::new(&program)
            .args(arguments)
            .args(["-s", &uri])
            .stdin(Stdio::null())
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        said
    };
    let answer = run(&["-vv"]);
    assert!(answer.contains("200 OK") && answer.contains("Allow"), "{answer}");
    // Its own messages overrun a buffer of its; one out of a file does not.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("message.sip");
    let host = uri.rsplit('@').next().unwrap();
    let message = format!(
        "MESSAGE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{0};branch=z9hG4bKsipsak\r\n\
         From: <sip:prober@127.0.0.1>;tag=1\r\nTo: <{uri}>\r\nCall-ID: 1@{host}\r\n\
         CSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nContent-Type: text/plain\r\n\
         Content-Length: 19\r\n\r\nwritten by a prober",
        free_port()
    );
    std::fs::write(&file, message).unwrap();
    run(&["-f", file.to_str().unwrap(), "-L", "-vv"]);
    assert_eq!(text(&phone.event("message"), "text"), "written by a prober");
    assert_eq!(phone.quit(), 0);
}
