//! How each of them is, as the other one sees it.

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;
use sip_core::agent::SubscriptionId;
use sip_core::presence::xml::Text;
use sip_core::presence::{Activity, Basic, Pidf, Tuple};

use super::{ALICE, BOB, Demo, Figures, Pair, milliseconds};
use crate::client::Client;

/// How somebody is.
#[derive(Clone, Copy)]
struct Mood {
    activity: Activity<'static>,
    note: &'static str,
}

const ALICE_FIRST: Mood = Mood { activity: Activity::Working, note: "At my desk" };
const ALICE_LATER: Mood = Mood { activity: Activity::Busy, note: "Only if it burns & smokes" };
const BOB_FIRST: Mood = Mood { activity: Activity::Shopping, note: "Brötchen fürs Frühstück" };
const BOB_LATER: Mood = Mood { activity: Activity::Away, note: "Back in 5 minutes" };

pub(super) async fn show(demo: &Demo<'_>, (alice, bob): &mut Pair<'_>) -> Result<((), Figures)> {
    let (sees_bob, sees_alice) = tokio::try_join!(
        alice.subscribe(BOB, Pidf::CONTENT_TYPE),
        bob.subscribe(ALICE, Pidf::CONTENT_TYPE),
    )?;
    demo.story.tell("alice", "wants to know how Bob is");
    demo.story.tell("bob", "wants to know how Alice is");

    let mut slowest = 0.0_f64;
    let stages = [("is", ALICE_FIRST, BOB_FIRST), ("is now", ALICE_LATER, BOB_LATER)];
    for (verb, alice_mood, bob_mood) in stages {
        let began = Instant::now();
        let says_alice = alice.publish(Pidf::CONTENT_TYPE, document(ALICE, alice_mood)?);
        let says_bob = bob.publish(Pidf::CONTENT_TYPE, document(BOB, bob_mood)?);
        let (said_alice, said_bob) = tokio::join!(says_alice, says_bob);
        said_alice.context("Alice")?;
        said_bob.context("Bob")?;
        let (seen_alice, seen_bob) = tokio::join!(
            sees(bob, sees_alice, ALICE, alice_mood),
            sees(alice, sees_bob, BOB, bob_mood)
        );
        seen_alice.context("Bob does not see Alice")?;
        seen_bob.context("Alice does not see Bob")?;
        slowest = slowest.max(milliseconds(began.elapsed()));
        let sentence = |name, mood: Mood| {
            let activity = String::from_utf8_lossy(mood.activity.name()).into_owned();
            format!("sees that {name} {verb} {activity}: \"{}\"", mood.note)
        };
        demo.story.tell("bob", sentence("Alice", alice_mood));
        demo.story.tell("alice", sentence("Bob", bob_mood));
    }
    let figures = vec![("changes seen", json!(4)), ("slowest ms", json!(slowest))];
    Ok(((), figures))
}

/// Waits to be told that somebody is like this.
async fn sees(
    client: &mut Client,
    subscription: SubscriptionId,
    who: &str,
    mood: Mood,
) -> Result<()> {
    let what = format!("the news that {who} is {}", String::from_utf8_lossy(mood.activity.name()));
    client
        .told(subscription, &what, |document| {
            let pidf = Pidf::parse(document).ok()?;
            let is_him = pidf.entity.octets().eq(who.bytes());
            let notes = pidf.note.into_iter().chain(pidf.tuples().filter_map(|tuple| tuple.note));
            let says_so = notes.into_iter().any(|note| note.octets().eq(mood.note.bytes()));
            let does_so = pidf.activities().any(|activity| activity == mood.activity);
            (is_him && pidf.basic() == Some(Basic::Open) && says_so && does_so).then_some(())
        })
        .await
}

fn document(who: &str, mood: Mood) -> Result<Vec<u8>> {
    let mut pidf = Pidf::new(who.as_bytes());
    let mut tuple = Tuple::new(b"messenger", Basic::Open);
    tuple.note = Some(Text::plain(mood.note.as_bytes()));
    pidf.add_tuple(tuple);
    pidf.add_activity(mood.activity);
    let mut document = vec![0; pidf.encoded_len()];
    let len = pidf.write(&mut document)?;
    document.truncate(len);
    Ok(document)
}
