//! A call with sound both ways.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use host::codec::Codec;
use host::keys::{Policy, SUITES};
use host::media::{Ear, Media, News, Outcome, Setup};
use host::negotiation::Negotiator;
use serde_json::json;
use tokio::net::UdpSocket;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{BOB, Demo, Figures, HERE, Pair, right, rounded};
use crate::audio::{ANSWER, SAMPLE_RATE, SPEECH, likeness, read_wav, write_wav};
use crate::bind::{self, Otherwise};

/// How long a call within this machine may take to come.
const SOON: Duration = Duration::from_secs(5);
/// More of the packets may not be lost.
const MOST_LOSS_PERCENT: f64 = 1.0;
/// The jitter may not be more, on average, in milliseconds.
const MOST_JITTER_MS: f64 = 20.0;
/// The E-model's opinion has to be at least this.
const LEAST_OPINION: f64 = 3.5;
/// Packets wait so long to be played: what was heard is compared with what was said as one piece.
const PLAYOUT_DELAY: Duration = Duration::from_millis(80);
/// What was heard has to be this much like what was said.
const LEAST_LIKENESS: f64 = 0.9;
/// What was heard may come this much later, in samples.
const MOST_LAG: usize = SAMPLE_RATE as usize;

const CODECS: &[Codec] = &[Codec::Pcmu, Codec::Pcma];

pub(super) async fn show(demo: &Demo<'_>, (alice, bob): &mut Pair<'_>) -> Result<((), Figures)> {
    let (speech, answer) = (read_wav(SPEECH)?, read_wav(ANSWER)?);
    let media = demo.policy.media;
    let pairs = || {
        (0..media.pairs())
            .filter_map(|number| media.pair(number))
            .map(|pair| (pair.rtp(), pair.rtcp()))
    };
    let mut at_alice = Side::open(bind::pair(HERE, pairs(), Otherwise::AnyFree).await?)?;
    let mut at_bob = Side::open(bind::pair(HERE, pairs(), Otherwise::AnyFree).await?)?;
    let (alice_port, bob_port) = (at_alice.port, at_bob.port);

    let of_alice = alice.invite(BOB, at_alice.negotiator.offer()?).await?;
    let (of_bob, from, offer) = bob.incoming(SOON).await?;
    ensure!(from == "alice@example.test", "the call is from {from}, not from Alice");
    demo.story.tell(
        "alice",
        format!("calls, listens for sound on port {alice_port}, and offers keys to protect it"),
    );
    bob.ring(of_bob).await?;
    alice.ringing(of_alice).await?;
    demo.story.tell("bob", "hears it ring");
    let (answer_body, by_bob) = at_bob.negotiator.answer(&offer)?;
    let (answered, picked_up) =
        tokio::join!(alice.answered(of_alice, SOON), bob.answer(of_bob, answer_body));
    picked_up?;
    let by_alice = at_alice.negotiator.accept(&answered?)?;
    ensure!(by_alice.codec == by_bob.codec, "they have not agreed on one codec");
    let codec = by_alice.codec.name();
    let keys = by_bob.keys.as_ref().context("Bob has not taken a key")?;
    let suite = keys.ours.profile().name();
    demo.story.tell(
        "bob",
        format!("picks up, takes the key; they talk in {codec}, he listens on port {bob_port}"),
    );
    demo.story.tell("bob", format!("answers with a key of his own: SRTP with {suite}"));

    let alice_sound = at_alice.talk("alice@example.test", &speech);
    let bob_sound = at_bob.talk("bob@example.test", &answer);
    alice_sound.agree(by_alice);
    bob_sound.agree(by_bob);
    let longest = speech.len().max(answer.len()) as f64 / f64::from(SAMPLE_RATE);
    // What was said last is still on its way through the other side's buffer.
    let until = Instant::now() + Duration::from_secs_f64(longest + 0.4);
    if demo.stats {
        watch(demo, until, &alice_sound, &bob_sound).await;
    }
    tokio::time::sleep_until(until).await;
    demo.story.tell("alice", "has said everything and hangs up");
    let (hung_up, ended) = tokio::join!(alice.hang_up(of_alice), bob.ended(of_bob, SOON));
    hung_up.and(ended)?;
    let (at_alice, at_bob) = tokio::join!(alice_sound.end(), bob_sound.end());
    let (at_alice, at_bob) = (at_alice.context("Alice")?, at_bob.context("Bob")?);
    for (name, outcome) in [("Alice", &at_alice), ("Bob", &at_bob)] {
        ensure!(outcome.report.received > 0, "no sound has come to {name}");
    }

    let recording = demo.out.join("call.wav");
    write_wav(&recording, &at_bob.samples)?;
    demo.story.tell("bob", format!("has recorded what he heard in {}", recording.display()));
    let (bob_heard, alice_heard) = (at_bob.samples.clone(), at_alice.samples.clone());
    let (to_bob, to_alice) = tokio::task::spawn_blocking(move || {
        (likeness(&speech, &bob_heard, MOST_LAG), likeness(&answer, &alice_heard, MOST_LAG))
    })
    .await?;

    let (there, here) = (&at_alice.report, &at_bob.report);
    let loss = there.loss_percent.max(here.loss_percent);
    let jitter = there.mean_jitter_ms.max(here.mean_jitter_ms);
    let alike = to_bob.correlation.min(to_alice.correlation);
    let lag_ms = to_bob.lag as f64 / f64::from(SAMPLE_RATE) * 1000.0;
    let round_trip = there.round_trip_ms.zip(here.round_trip_ms).map(|(one, other)| one.max(other));
    let opinion = there.mos.zip(here.mos).map(|(one, other)| one.min(other));
    let refused = there.refused + here.refused;
    let figures = vec![
        ("codec", json!(codec)),
        ("SRTP", json!(format!("offered, taken: {suite}"))),
        ("packets", json!(there.expected + here.expected)),
        ("loss %", json!(loss)),
        ("mean jitter ms", json!(jitter)),
        ("RTT ms", json!(round_trip)),
        ("MOS", json!(opinion)),
        ("correlation", json!(rounded(to_bob.correlation))),
        ("correlation back", json!(rounded(to_alice.correlation))),
        ("lag ms", json!(lag_ms)),
        ("concealed", json!(there.concealed + here.concealed)),
        ("RTCP reports", json!(there.reports + here.reports)),
        ("alice RTP port", json!(alice_port)),
        ("bob RTP port", json!(bob_port)),
    ];
    right(loss <= MOST_LOSS_PERCENT, || format!("{loss:.2} % of the packets were lost"), &figures)?;
    right(jitter <= MOST_JITTER_MS, || format!("the mean jitter was {jitter} ms"), &figures)?;
    right(
        opinion.is_some_and(|opinion| opinion >= LEAST_OPINION),
        || format!("the sound was of little use: an opinion of {opinion:?}"),
        &figures,
    )?;
    right(
        refused == 0 && there.srtp.is_some() && here.srtp.is_some(),
        || format!("the sound was not protected as agreed: {refused} packets were refused"),
        &figures,
    )?;
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
fn reported(heard: &Outcome) -> bool {
    let report = &heard.report;
    let most = f64::from(report.sent) * MOST_LOSS_PERCENT / 100.0;
    report.reports > 0 && report.remote_lost.is_some_and(|lost| f64::from(lost) <= most)
}

/// Tells each second how good the sound is.
async fn watch(demo: &Demo<'_>, until: Instant, alice: &Media, bob: &Media) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    seconds.tick().await;
    while seconds.tick().await < until {
        for (who, media) in [("alice", alice), ("bob", bob)] {
            let report = media.report();
            let or_none = |value: Option<f64>| {
                value.map_or_else(|| "-".to_owned(), |value| value.to_string())
            };
            demo.story.tell(
                who,
                format!(
                    "hears with {} % lost, {} ms of jitter, {} ms there and back: MOS {}",
                    report.loss_percent,
                    report.jitter_ms,
                    or_none(report.round_trip_ms),
                    or_none(report.mos)
                ),
            );
        }
    }
}

/// One side before its sound begins.
struct Side {
    sockets: (UdpSocket, UdpSocket),
    port: u16,
    negotiator: Negotiator,
}

impl Side {
    fn open(sockets: (UdpSocket, UdpSocket)) -> Result<Self> {
        let (rtp, rtcp) = (sockets.0.local_addr()?.port(), sockets.1.local_addr()?.port());
        let negotiator = Negotiator::new(HERE, (rtp, rtcp), CODECS, Policy::Offer, SUITES)?;
        Ok(Self { sockets, port: rtp, negotiator })
    }

    fn talk(self, name: &str, speech: &[i16]) -> Media {
        let setup = Setup {
            sockets: self.sockets,
            name: name.to_owned(),
            speech: Some(host::audio::Sound { rate: SAMPLE_RATE, samples: speech.to_vec() }),
            repeats: false,
            ear: Ear::Keep,
            delay: Some(PLAYOUT_DELAY),
        };
        Media::start(setup, |_: News| {})
    }
}
