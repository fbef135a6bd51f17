//! Two baresip phones that sign in at the server, and talk through it.

mod common;

use core::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use common::TestServer;
use handset_testkit::{Peer, free_port, peer};
use live_server::{Notice, Users};
use sip_core::auth::Algorithm;

/// A phone without sound hardware: a sine for a microphone, a bridge for a loudspeaker.
fn phone(folder: &Path, name: &str, server: SocketAddr, account: &str) {
    let port = free_port();
    let config = format!(
        "sip_listen 127.0.0.1:{port}\nnet_interface 127.0.0.1\n\
         audio_player aubridge,spk\naudio_source ausine,440\naudio_alert aubridge,alert\n\
         ausrc_srate 48000\nauplay_srate 48000\nausrc_channels 2\nauplay_channels 1\naudio_txmode poll\n\
         module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule ausine.so\nmodule aubridge.so\n\
         module_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n"
    );
    let account = format!(
        "<sip:{name}@127.0.0.1>;auth_user={name};auth_pass=secret;outbound=\"sip:{server}\";regint=60;{account}\
         audio_codecs=PCMU\n"
    );
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("config"), config).unwrap();
    std::fs::write(folder.join("accounts"), account).unwrap();
}

#[test]
fn baresip_calls_baresip_through_the_server() {
    let Some(program) = peer("baresip", "baresip-core") else { return };
    let server = TestServer::start_with(|config| {
        let mut users = Users::new("127.0.0.1").unwrap();
        users.add("alice", "secret").unwrap();
        users.add("bob", "secret").unwrap();
        config.users = users;
        // baresip 1.0 gives up where it is offered an algorithm that it does not know.
        config.digests = vec![Algorithm::Md5];
    });
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str, account: &str, arguments: &[&str]| {
        let folder = folder.path().join(name);
        phone(&folder, name, server.ready.udp[0], account);
        let mut command = Command::new(&program);
        command.arg("-f").arg(folder).args(arguments);
        Peer::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
    };
    let _bob = start("bob", "answermode=auto;", &["-t", "20"]);
    server.notice(|notice| matches!(notice, Notice::Registered { user, .. } if user == "bob"));
    let mut alice = start("alice", "", &["-e", "d sip:bob@127.0.0.1", "-t", "3"]);
    server
        .notice(|notice| matches!(notice, Notice::Call { state: "answered", code: Some(200), .. }));
    server.notice(|notice| matches!(notice, Notice::Call { state: "ended", .. }));
    server.notice(|notice| {
        matches!(notice, Notice::Unregistered { user, reason: "removed", .. } if user == "alice")
    });
    assert_eq!(alice.child().wait().unwrap().code(), Some(0));
}
