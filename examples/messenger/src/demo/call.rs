//! A call with sound both ways.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sip_core::sdp::{self, Codec, Direction, Local, Session};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;

use super::{BOB, Demo, Figures, HERE, Pair, milliseconds, right, rounded};
use crate::audio::{ANSWER, SAMPLE_RATE, SPEECH, likeness, read_wav, write_wav};
use crate::bind::{self, Otherwise};
use crate::call::{Heard, Leg, talk};

/// How long a call within this machine may take to come.
const SOON: Duration = Duration::from_secs(5);
/// More of the packets may not be lost.
const MOST_LOSS_PERCENT: f64 = 1.0;
/// The jitter may not be more, on average.
const MOST_JITTER: Duration = Duration::from_millis(20);
/// What was heard has to be this much like what was said.
const LEAST_LIKENESS: f64 = 0.9;
/// What was heard may come this much later, in samples.
const MOST_LAG: usize = SAMPLE_RATE as usize;

const CODECS: &[Codec<'static>] = &[Codec::PCMU, Codec::PCMA];

pub(super) async fn show(demo: &Demo<'_>, (alice, bob): &mut Pair<'_>) -> Result<((), Figures)> {
    let (speech, answer) = (read_wav(SPEECH)?, read_wav(ANSWER)?);
    let media = demo.policy.media;
    let pairs = || {
        (0..media.pairs())
            .filter_map(|number| media.pair(number))
            .map(|pair| (pair.rtp(), pair.rtcp()))
    };
    let alice_ports = Ports::open(bind::pair(HERE, pairs(), Otherwise::AnyFree).await?)?;
    let bob_ports = Ports::open(bind::pair(HERE, pairs(), Otherwise::AnyFree).await?)?;

    let mut buffer = vec![0; 2048];
    let len = sdp::offer(&alice_ports.local(), &mut buffer)?;
    let of_alice = alice.invite(BOB, buffer.get(..len).unwrap_or_default().to_vec()).await?;
    let (of_bob, from, offer) = bob.incoming(SOON).await?;
    ensure!(from == "alice@example.test", "the call is from {from}, not from Alice");
    demo.story.tell("alice", format!("calls, and listens for sound on port {}", alice_ports.rtp));
    bob.ring(of_bob).await?;
    alice.ringing(of_alice).await?;
    demo.story.tell("bob", "hears it ring");
    let bob_local = bob_ports.local();
    let (len, by_bob) = sdp::answer(&bob_local, &Session::parse(&offer)?, &mut buffer)?;
    let answer_body = buffer.get(..len).unwrap_or_default().to_vec();
    let (answered, picked_up) =
        tokio::join!(alice.answered(of_alice, SOON), bob.answer(of_bob, answer_body));
    picked_up?;
    let answered = answered?;
    let alice_local = alice_ports.local();
    let by_alice = sdp::accept(&alice_local, &Session::parse(&answered)?)?;
    ensure!(by_alice.codec == by_bob.codec, "they have not agreed on one codec");
    let codec = String::from_utf8_lossy(by_alice.codec.name).into_owned();
    let (alice_port, bob_port) = (alice_ports.rtp, bob_ports.rtp);
    demo.story
        .tell("bob", format!("picks up; they talk in {codec}, he listens on port {bob_port}"));

    let alice_leg = alice_ports.leg(
        by_alice.rtp,
        by_alice.rtcp,
        by_alice.send_payload_type,
        "alice@example.test",
    );
    let bob_leg =
        bob_ports.leg(by_bob.rtp, by_bob.rtcp, by_bob.send_payload_type, "bob@example.test");
    let (alice_stops, alice_ends) = oneshot::channel();
    let (bob_stops, bob_ends) = oneshot::channel();
    let longest = speech.len().max(answer.len()) as f64 / f64::from(SAMPLE_RATE);
    let hang_up = async {
        // What was said last is still on its way through the other side's buffer.
        tokio::time::sleep(Duration::from_secs_f64(longest + 0.4)).await;
        demo.story.tell("alice", "has said everything and hangs up");
        let (hung_up, ended) = tokio::join!(alice.hang_up(of_alice), bob.ended(of_bob, SOON));
        // Each stops when it knows that the call is over; one that has stopped already needs no telling.
        let _ = (alice_stops.send(()), bob_stops.send(()));
        hung_up.and(ended)
    };
    let (at_alice, at_bob, ended) = tokio::join!(
        talk(alice_leg, &speech, alice_ends),
        talk(bob_leg, &answer, bob_ends),
        hang_up
    );
    ended?;
    let (at_alice, at_bob) = (at_alice.context("Alice")?, at_bob.context("Bob")?);

    let recording = demo.out.join("call.wav");
    write_wav(&recording, &at_bob.samples)?;
    demo.story.tell("bob", format!("has recorded what he heard in {}", recording.display()));
    let (bob_heard, alice_heard) = (at_bob.samples.clone(), at_alice.samples.clone());
    let (to_bob, to_alice) = tokio::task::spawn_blocking(move || {
        (likeness(&speech, &bob_heard, MOST_LAG), likeness(&answer, &alice_heard, MOST_LAG))
    })
    .await?;

    let loss = at_alice.loss_percent().max(at_bob.loss_percent());
    let jitter = at_alice.mean_jitter.max(at_bob.mean_jitter);
    let alike = to_bob.correlation.min(to_alice.correlation);
    let lag = Duration::from_secs_f64(to_bob.lag as f64 / f64::from(SAMPLE_RATE));
    let round_trip = at_alice.round_trip.zip(at_bob.round_trip).map(|(one, other)| one.max(other));
    let figures = vec![
        ("codec", json!(codec)),
        ("packets", json!(at_alice.expected + at_bob.expected)),
        ("loss %", json!(rounded(loss))),
        ("mean jitter ms", json!(milliseconds(jitter))),
        ("RTT ms", json!(round_trip.map(milliseconds))),
        ("correlation", json!(rounded(to_bob.correlation))),
        ("correlation back", json!(rounded(to_alice.correlation))),
        ("lag ms", json!(milliseconds(lag))),
        ("concealed", json!(at_alice.concealed + at_bob.concealed)),
        ("RTCP reports", json!(at_alice.reports + at_bob.reports)),
        ("alice RTP port", json!(alice_port)),
        ("bob RTP port", json!(bob_port)),
    ];
    right(loss <= MOST_LOSS_PERCENT, || format!("{loss:.2} % of the packets were lost"), &figures)?;
    right(jitter <= MOST_JITTER, || format!("the mean jitter was {jitter:?}"), &figures)?;
    right(
        alike > LEAST_LIKENESS,
        || format!("what was heard is not what was said: correlation {alike:.3}"),
        &figures,
    )?;
    right(round_trip.is_some(), || "no report told the way there and back".to_owned(), &figures)?;
    for (name, heard) in [("Alice", &at_alice), ("Bob", &at_bob)] {
        right(
            reported(heard),
            || format!("the other side's reports to {name} do not fit"),
            &figures,
        )?;
    }
    Ok(((), figures))
}

/// Whether the other side has reported, and of no more losses than a call may have.
fn reported(heard: &Heard) -> bool {
    let most = f64::from(heard.sent) * MOST_LOSS_PERCENT / 100.0;
    heard.reports > 0 && heard.remote_lost.is_some_and(|lost| f64::from(lost) <= most)
}

/// The sockets of one side.
struct Ports {
    sockets: (UdpSocket, UdpSocket),
    rtp: u16,
    rtcp: u16,
}

impl Ports {
    fn open(sockets: (UdpSocket, UdpSocket)) -> Result<Self> {
        let (rtp, rtcp) = (sockets.0.local_addr()?.port(), sockets.1.local_addr()?.port());
        Ok(Self { sockets, rtp, rtcp })
    }

    fn local(&self) -> Local<'static> {
        Local {
            session: 1,
            version: 1,
            address: HERE,
            rtp_port: self.rtp,
            rtcp_port: self.rtcp,
            codecs: CODECS,
            direction: Direction::SendRecv,
            ptime_ms: 20,
        }
    }

    fn leg(
        self,
        remote_rtp: std::net::SocketAddr,
        remote_rtcp: std::net::SocketAddr,
        payload_type: u8,
        name: &str,
    ) -> Leg {
        let (rtp, rtcp) = self.sockets;
        Leg { rtp, rtcp, remote_rtp, remote_rtcp, payload_type, name: name.to_owned() }
    }
}
