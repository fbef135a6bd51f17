use super::*;
use crate::audio::likeness;
use crate::bind::{Otherwise, pair};
use crate::codec::Codec;
use crate::keys::{Policy, SUITES};
use crate::negotiation::Negotiator;
use rtp_core::srtp::Profile;
use sip_core::sdp::Direction;
use std::net::{IpAddr, Ipv4Addr};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// It swells, so that one moment is not like another.
fn tone(period: usize) -> Sound {
    let at = |i: usize| (i as f64 / period as f64 * std::f64::consts::TAU).sin();
    Sound { rate: 8000, samples: (0..12_000).map(|i| (at(i) * (i as f64)) as i16).collect() }
}

struct Side {
    media: Media,
    negotiator: Negotiator,
    news: mpsc::UnboundedReceiver<News>,
}

async fn side(codecs: &[Codec], suites: &[Profile], speech: Option<Sound>) -> Side {
    let sockets = pair(LOCAL, [], Otherwise::AnyFree).await.expect("ports");
    let port = |socket: &UdpSocket| socket.local_addr().expect("an address").port();
    let ports = (port(&sockets.0), port(&sockets.1));
    let policy = if suites.is_empty() { Policy::Off } else { Policy::Require };
    let negotiator = Negotiator::new(LOCAL, ports, codecs, policy, suites).expect("keys");
    let setup = Setup {
        sockets,
        name: format!("{}@test", ports.0),
        speech,
        repeats: false,
        ear: Ear::Keep,
        delay: Some(Duration::from_millis(80)),
    };
    let (tell, news) = mpsc::unbounded_channel();
    let media = Media::start(setup, move |news| {
        let _ = tell.send(news);
    });
    Side { media, negotiator, news }
}

fn agree(one: &mut Side, other: &mut Side) {
    let offer = one.negotiator.offer().expect("an offer");
    let (answer, at_other) = other.negotiator.answer(&offer).expect("an answer");
    one.media.agree(one.negotiator.accept(&answer).expect("an agreement"));
    other.media.agree(at_other);
}

async fn until(news: &mut mpsc::UnboundedReceiver<News>, wanted: News) {
    let wait = async { while news.recv().await.expect("it goes on") != wanted {} };
    tokio::time::timeout(Duration::from_secs(5), wait)
        .await
        .unwrap_or_else(|_| panic!("no {wanted:?}"));
}

async fn they_hear_each_other(codec: Codec, suites: &[Profile]) {
    let (says_a, says_b) = (tone(20), tone(33));
    let mut a = side(&[codec], suites, Some(says_a.clone())).await;
    let mut b = side(&[codec], suites, Some(says_b.clone())).await;
    agree(&mut a, &mut b);
    tokio::time::sleep(Duration::from_millis(2200)).await;
    let (a, b) = tokio::join!(a.media.end(), b.media.end());
    let (a, b) = (a.expect("a call"), b.expect("a call"));
    for (heard, said) in [(&b, &says_a), (&a, &says_b)] {
        let said = said.at(codec.rate());
        assert_eq!(heard.rate, codec.rate());
        let found = likeness(&said.samples, &heard.samples, codec.rate() as usize / 2);
        assert!(found.correlation > 0.97, "{codec:?} {suites:?}: {found:?}");
        let report = &heard.report;
        assert_eq!((report.loss_percent, report.refused), (0.0, 0), "{report:?}");
        assert!(heard.goodbye && report.reports >= 2 && report.round_trip_ms.is_some());
        assert!(report.mos.is_some_and(|mos| mos > 4.0), "{report:?}");
        assert_eq!(report.srtp, suites.first().map(|suite| suite.name()));
    }
}

#[tokio::test]
async fn two_people_hear_each_other_in_each_codec_and_suite() {
    tokio::join!(
        they_hear_each_other(Codec::Pcma, &[]),
        they_hear_each_other(Codec::G722, &[]),
        they_hear_each_other(Codec::Pcmu, SUITES),
        they_hear_each_other(Codec::Pcmu, &[Profile::AeadAes256Gcm]),
        they_hear_each_other(Codec::Pcmu, &[Profile::AesCm256HmacSha1_32]),
    );
}

#[tokio::test]
async fn digits_arrive_in_order_and_hold_is_silent() {
    let mut a = side(&Codec::ALL, SUITES, Some(tone(20))).await;
    let mut b = side(&Codec::ALL, SUITES, None).await;
    agree(&mut a, &mut b);
    until(&mut b.news, News::Sound).await;
    a.media.dial("15#");
    for digit in ['1', '5', '#'] {
        until(&mut b.news, News::Digit(digit)).await;
    }
    until(&mut a.news, News::DigitsSent).await;
    let sent = a.media.report().sent;
    b.negotiator.direction = Direction::SendOnly;
    agree(&mut b, &mut a);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let held = a.media.report().sent;
    assert!(held < sent + 5, "{sent} {held}");
    b.negotiator.direction = Direction::SendRecv;
    agree(&mut b, &mut a);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(a.media.report().sent > held + 5);
    // The keys have gone on: nothing was refused as a replay.
    assert_eq!(b.media.report().refused, 0);
}

#[tokio::test]
async fn a_call_without_sound_has_no_opinion() {
    let mut a = side(&Codec::ALL, &[], None).await;
    let mut b = side(&Codec::ALL, &[], None).await;
    let offer = a.negotiator.offer().expect("an offer");
    let (answer, _) = b.negotiator.answer(&offer).expect("an answer");
    a.media.agree(a.negotiator.accept(&answer).expect("an agreement"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let report = a.media.end().await.expect("it ends").report;
    assert_eq!((report.mos, report.received), (None, 0));
    assert!(report.sent > 0);
}

#[test]
fn a_speech_that_repeats_begins_again_on_a_whole_frame() {
    let speech = Sound { rate: 8000, samples: (1..=240).collect() };
    let mut voice = Voice::new(Some(speech), true);
    let mut frame = [0; 160];
    assert!(!voice.next(8000, &mut frame));
    assert_eq!((frame[0], frame[159]), (1, 160));
    assert!(voice.next(8000, &mut frame), "it is said");
    assert_eq!((frame[0], frame[79], frame[80]), (161, 240, 0));
    assert!(!voice.next(8000, &mut frame));
    assert_eq!(frame[0], 1);
}
