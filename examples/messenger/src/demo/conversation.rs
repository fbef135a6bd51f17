//! Instant messages in a session of their own (INVITE, then MESSAGEs both ways), with signs of typing.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sip_core::agent::CallId;
use sip_core::presence::{ComposingState, IsComposing};

use super::{ALICE, BOB, Demo, Figures, Pair, description, milliseconds, stream_of};
use crate::client::Client;

const TEXT: &str = "text/plain; charset=UTF-8";
const TYPING: &str = "application/im-iscomposing+xml";

/// What Bob asks when Alice has lost her connection.
const STILL_THERE: &str = "Are you still there?";

/// How long a call within this machine may take to come.
const SOON: Duration = Duration::from_secs(5);

/// The stream of a session of messages, as Live Communications Server's clients describe it.
const STREAM: &str = "x-ms-message";

/// A session of messages as both see it.
pub(super) struct Conversation {
    pub(super) alice: CallId,
    pub(super) bob: CallId,
}

/// Alice opens a conversation with Bob.
pub(super) async fn open((alice, bob): &mut Pair<'_>) -> Result<Conversation> {
    let of_alice = alice.invite(BOB, description(STREAM, 5060, "sip", "null", &[])?).await?;
    let (of_bob, from, offer) = bob.incoming(SOON).await?;
    ensure!(from == "alice@example.test", "the invitation is from {from}, not from Alice");
    stream_of(&offer, STREAM)?;
    let answer = description(STREAM, 5060, "sip", BOB, &[])?;
    let (answered, picked_up) =
        tokio::join!(alice.answered(of_alice, SOON), bob.answer(of_bob, answer));
    picked_up?;
    stream_of(&answered?, STREAM)?;
    Ok(Conversation { alice: of_alice, bob: of_bob })
}

/// Alice closes it.
pub(super) async fn close((alice, bob): &mut Pair<'_>, conversation: Conversation) -> Result<()> {
    let (hung_up, ended) =
        tokio::join!(alice.hang_up(conversation.alice), bob.ended(conversation.bob, SOON));
    hung_up.and(ended)
}

pub(super) async fn show(demo: &Demo<'_>, pair: &mut Pair<'_>) -> Result<((), Figures)> {
    let conversation = open(pair).await?;
    demo.story.tell("alice", "opens a conversation with Bob");
    let (alice, bob) = pair;
    let (in_alice, in_bob) = (conversation.alice, conversation.bob);
    let lines = [
        (true, "Good morning! Did you get my drawing?"),
        (false, "Guten Morgen! Nein – schick sie mir doch über das Messenger-Fenster ✏\u{fe0f}"),
        (true, "С удовольствием. 今すぐ。 \u{1f44b}\u{1f3fd}"),
        (false, "Line one\r\nline two, <b>not bold</b> & \"quoted\""),
    ];
    let (mut octets, mut slowest) = (0, 0.0_f64);
    for (is_alice, text) in lines {
        let (name, other) = if is_alice { ("alice", "Bob") } else { ("bob", "Alice") };
        let (from, to) =
            if is_alice { (&mut **alice, &mut **bob) } else { (&mut **bob, &mut **alice) };
        let (call_from, call_to) = if is_alice { (in_alice, in_bob) } else { (in_bob, in_alice) };
        typing(from, call_from, to, call_to)
            .await
            .with_context(|| format!("{other} sees no typing"))?;
        demo.story.tell(name, format!("is typing, and {other} sees it"));
        let began = Instant::now();
        from.send(call_from, TEXT, text.into()).await?;
        let received = to.receive(call_to, TEXT).await?;
        slowest = slowest.max(milliseconds(began.elapsed()));
        ensure!(
            received == text.as_bytes(),
            "{other} read something else than {name} wrote: {text:?}"
        );
        octets += received.len();
        demo.story.tell(name, format!("\"{}\"", text.replace("\r\n", " / ")));
    }
    close(pair, conversation).await?;
    let reached = reach(demo, pair).await.context("without a connection of hers")?;
    octets += STILL_THERE.len();
    let figures = vec![
        ("messages", json!(lines.len() + 1)),
        ("signs of typing", json!(lines.len())),
        ("octets", json!(octets)),
        ("slowest ms", json!(slowest)),
        ("connections to alice's own port", json!(reached)),
    ];
    Ok(((), figures))
}

/// Alice's connection is gone, and Bob's message still comes: in clear mode the server connects to her own port.
async fn reach(demo: &Demo<'_>, (alice, bob): &mut Pair<'_>) -> Result<u64> {
    let before = alice.accepted().await?;
    alice.disconnect().await?;
    demo.story.tell("alice", "has lost her connection to the server");
    // What is sent before the server knows of it goes the way of the connection.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let of_bob = bob.invite(ALICE, description(STREAM, 5060, "sip", "null", &[])?).await?;
    let (of_alice, from, offer) = alice.incoming(SOON).await?;
    ensure!(from == "bob@example.test", "the invitation is from {from}, not from Bob");
    stream_of(&offer, STREAM)?;
    let answer = description(STREAM, 5060, "sip", ALICE, &[])?;
    let (answered, picked_up) =
        tokio::join!(bob.answered(of_bob, SOON), alice.answer(of_alice, answer));
    picked_up?;
    stream_of(&answered?, STREAM)?;
    let text = STILL_THERE;
    bob.send(of_bob, TEXT, text.into()).await?;
    ensure!(alice.receive(of_alice, TEXT).await? == text.as_bytes(), "Alice read something else");
    demo.story.tell("bob", format!("\"{text}\""));
    let reached = alice.accepted().await? - before;
    ensure!(reached > 0, "the server has not connected to Alice's own port");
    demo.story.tell("alice", "got it on her own port: the server has connected to it");
    let (hung_up, ended) = tokio::join!(bob.hang_up(of_bob), alice.ended(of_alice, SOON));
    hung_up.and(ended)?;
    Ok(reached)
}

/// One of them types, and the other sees it.
async fn typing(
    from: &mut Client,
    call_from: CallId,
    to: &mut Client,
    call_to: CallId,
) -> Result<()> {
    let sign = IsComposing::new(ComposingState::Active);
    let mut document = vec![0; sign.encoded_len()];
    let len = sign.write(&mut document)?;
    document.truncate(len);
    from.send(call_from, TYPING, document).await?;
    let received = to.receive(call_to, TYPING).await?;
    let state = IsComposing::parse(&received)?.state;
    ensure!(state == ComposingState::Active, "the sign says that nobody is typing");
    Ok(())
}
