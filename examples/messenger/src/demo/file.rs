//! A file: invitation in the conversation, then from one to the other directly.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rand_core::Rng;
use serde_json::json;
use tftp_core::messenger::invitation;
use tokio::time::timeout;

use super::{Demo, Figures, HERE, Pair, conversation, right, rounded};
use crate::bind::{self, Otherwise};
use crate::file::{Listening, Offer, Target, receive, send, sha256};
use crate::{net, random};

const NAME: &str = "holiday.bin";
/// Not a whole number of chunks.
const SIZE: usize = 6 * 1024 * 1024 + 1234;
/// Who receives it, as it says on the connection.
const RECEIVER: &str = "bob@example.test";
/// How long the other side may take to connect.
const SOON: Duration = Duration::from_secs(5);

pub(super) async fn show(demo: &Demo<'_>, pair: &mut Pair<'_>) -> Result<((), Figures)> {
    let source = demo.out.join(NAME);
    let mut octets = vec![0; SIZE];
    random::generator()?.fill_bytes(&mut octets);
    tokio::fs::write(&source, &octets)
        .await
        .with_context(|| format!("{} cannot be written", source.display()))?;
    drop(octets);

    let conversation = conversation::open(pair).await?;
    let (alice, bob) = pair;
    let (in_alice, in_bob) = (conversation.alice, conversation.bob);
    let offer = Offer::new(NAME, SIZE as u64)?;
    alice.send(in_alice, invitation::CONTENT_TYPE, offer.body()?).await?;
    let offered = Offer::parse(&bob.receive(in_bob, invitation::CONTENT_TYPE).await?)?;
    ensure!(offered == offer, "another file was offered than Alice has");
    demo.story.tell("alice", format!("offers {NAME}, {SIZE} octets"));

    let (bob_keys, accept) = offered.accept()?;
    bob.send(in_bob, invitation::CONTENT_TYPE, accept).await?;
    let (alice_keys, _) =
        offer.accepted(&alice.receive(in_alice, invitation::CONTENT_TYPE).await?)?;
    demo.story.tell("bob", "takes it, and sends the keys that it is to be encrypted with");

    let listener = bind::listener(HERE, demo.policy.files.ports(), Otherwise::AnyFree).await?;
    let port = listener.local_addr()?.port();
    let (alice_cookie, listening) = offer.listening(&HERE.to_string(), port)?;
    alice.send(in_alice, invitation::CONTENT_TYPE, listening).await?;
    let answer = bob.receive(in_bob, invitation::CONTENT_TYPE).await?;
    let Listening { host, port: bob_port, auth_cookie } = offered.address(&answer)?;
    let address = SocketAddr::new(host.parse().context("the sender's address is none")?, bob_port);
    demo.story.tell("bob", format!("connects to {address}"));

    let copy = demo.out.join(format!("received-{}", offered.name));
    // Each run of the demo replaces the files of the one before.
    let target = Target::choose(&copy, |_| true).context("the file may not be written")?;
    let bar = bar(demo);
    let began = Instant::now();
    let sending = async {
        let (stream, _) =
            timeout(SOON, listener.accept()).await.context("Bob did not connect")??;
        let config = offer.config(RECEIVER, alice_cookie, alice_keys);
        send(stream, &config, &source, |_| {}).await
    };
    let receiving = async {
        let stream = net::open(HERE, address).await.context("Bob cannot connect")?;
        let config = offered.config(RECEIVER, auth_cookie, bob_keys);
        receive(stream, &config, &target, |octets| bar.set_position(octets)).await
    };
    let (sent, received) = tokio::join!(sending, receiving);
    let took = began.elapsed();
    bar.finish_and_clear();
    match (sent, received) {
        (Ok(()), Ok(())) => {}
        // Where both fail one of the two is the consequence of the other.
        (Err(sent), Err(received)) => bail!("Alice: {sent:#}; Bob: {received:#}"),
        (sent, received) => sent.context("Alice").and(received.context("Bob"))?,
    }
    conversation::close(pair, conversation).await?;

    let (before, after) =
        tokio::task::spawn_blocking(move || (sha256(&source), sha256(&copy))).await?;
    let (before, after) = (before?, after?);
    let rate = SIZE as f64 / 1e6 / took.as_secs_f64();
    demo.story.tell("bob", format!("has all of it after {:.3} s", took.as_secs_f64()));
    let figures = vec![
        ("octets", json!(SIZE)),
        ("MB/s", json!(rounded(rate))),
        ("port", json!(port)),
        ("SHA-256", json!(after.get(..16).unwrap_or_default())),
    ];
    right(before == after, || format!("the file has SHA-256 {after}, not {before}"), &figures)?;
    Ok(((), figures))
}

/// A progress bar where a person sees it.
fn bar(demo: &Demo<'_>) -> ProgressBar {
    let target = if demo.story.shows_progress() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(SIZE as u64), target);
    let style = "          bob     {bar:30.magenta} {bytes}/{total_bytes} at {bytes_per_sec}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}
