//! Calls with sipp's built-in scenarios, without a server between.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use handset_testkit::{Peer, free_port, peer};
use messenger::bind::{Otherwise, both};
use messenger::client::{Client, Setup};
use sip_core::sdp::{Codec, Direction, Local, Session, accept, answer, offer};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SOON: Duration = Duration::from_secs(10);
const CALLS: usize = 3;

async fn client() -> (Client, u16) {
    let (udp, listener) = both(LOCAL, [], Otherwise::AnyFree).await.expect("free ports");
    let port = listener.local_addr().expect("an address").port();
    let client = Client::start(Setup {
        address: "sip:handset@127.0.0.1",
        server: None,
        password: "",
        ip: LOCAL,
        udp: Some(udp),
        listener: Some(listener),
        trust: None,
    });
    (client.expect("it starts"), port)
}

fn local() -> Local<'static> {
    Local {
        session: 1,
        version: 1,
        address: LOCAL,
        rtp_port: 5350,
        rtcp_port: 5351,
        codecs: &[Codec::PCMU, Codec::PCMA],
        direction: Direction::SendRecv,
        ptime_ms: 20,
    }
}

/// Starts a scenario; `transport` is `u1` for UDP, `t1` for TCP.
fn sipp(program: &Path, scenario: &str, transport: &str, more: &[&str]) -> Peer {
    let mut command = Command::new(program);
    command
        .args(["-sn", scenario, "-t", transport, "-i", "127.0.0.1", "-m", &CALLS.to_string()])
        .args(["-nostdin", "-timeout", "20s", "-timeout_error"])
        .args(more)
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Peer::spawn(&mut command)
}

async fn succeeds(mut sipp: Peer) {
    let began = Instant::now();
    loop {
        if let Some(status) = sipp.child().try_wait().expect("it is ours") {
            assert!(status.success(), "sipp is not content: {status}");
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "sipp does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// sipp calls: it rings, is answered, and sipp hangs up.
async fn is_called(transport: &str) {
    let Some(program) = peer("sipp", "sip-tester") else { return };
    let (mut client, port) = client().await;
    let (target, own) = (format!("127.0.0.1:{port}"), free_port().to_string());
    let sipp = sipp(&program, "uac", transport, &["-d", "300", "-r", "1", "-p", &own, &target]);
    for _ in 0..CALLS {
        let (call, from, body) = client.incoming(SOON).await.expect("a call");
        assert!(from.starts_with("sipp@"), "{from}");
        client.ring(call).await.expect("it rings");
        let mut buffer = [0; 1024];
        let session = Session::parse(&body).expect("an offer");
        let (len, agreed) = answer(&local(), &session, &mut buffer).expect("an agreement");
        assert_eq!(agreed.codec, Codec::PCMU);
        client.answer(call, buffer[..len].to_vec()).await.expect("sipp acknowledges");
        client.ended(call, SOON).await.expect("sipp hangs up");
    }
    succeeds(sipp).await;
    client.end().await.expect("it ends");
}

/// sipp is called: it rings and answers, and this side hangs up.
async fn calls(transport: &str) {
    let Some(program) = peer("sipp", "sip-tester") else { return };
    let (mut client, _) = client().await;
    let port = free_port();
    let sipp = sipp(&program, "uas", transport, &["-p", &port.to_string()]);
    let name = if transport == "u1" { "udp" } else { "tcp" };
    // It takes a moment until sipp listens, and over TCP nobody asks again.
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..CALLS {
        let mut buffer = [0; 1024];
        let len = offer(&local(), &mut buffer).expect("an offer");
        let target = format!("sip:service@127.0.0.1:{port};transport={name}");
        let call = client.invite(&target, buffer[..len].to_vec()).await.expect("it is sent");
        client.ringing(call).await.expect("it rings");
        let body = client.answered(call, SOON).await.expect("an answer");
        let session = Session::parse(&body).expect("a description");
        assert_eq!(accept(&local(), &session).expect("an agreement").codec, Codec::PCMU);
        client.hang_up(call).await.expect("sipp answers the BYE");
    }
    succeeds(sipp).await;
    client.end().await.expect("it ends");
}

#[tokio::test]
async fn sipp_calls_us_over_udp() {
    is_called("u1").await;
}

#[tokio::test]
async fn sipp_calls_us_over_tcp() {
    is_called("t1").await;
}

#[tokio::test]
async fn we_call_sipp_over_udp() {
    calls("u1").await;
}

#[tokio::test]
async fn we_call_sipp_over_tcp() {
    calls("t1").await;
}
