//! A conversation in which files are offered: whose bodies are dealt to the transfers that they are
//! for, by their cookies.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use sip_core::agent::CallId;
use tftp_core::messenger::{Invitation, invitation};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::Outcome;
use crate::client::Client;
use crate::file::Offer;
use crate::happening::Happening;
use crate::stop::Stop;

/// A conversation has no end of its own.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A body on its way out.
struct Letter {
    body: Vec<u8>,
    delivered: oneshot::Sender<Result<()>>,
}

/// What belongs to one file within a conversation.
pub(super) struct Line {
    inbox: mpsc::UnboundedReceiver<Vec<u8>>,
    out: mpsc::Sender<Letter>,
}

impl Line {
    /// Sends a body, and waits until the other side has it.
    pub(super) async fn say(&self, body: Vec<u8>) -> Result<()> {
        let (delivered, told) = oneshot::channel();
        self.out.send(Letter { body, delivered }).await.ok().context("the conversation is over")?;
        told.await.context("the conversation is over")?
    }

    /// The other side's next body; nothing once it has hung up.
    pub(super) async fn hear(&mut self) -> Option<Vec<u8>> {
        self.inbox.recv().await
    }
}

/// A conversation.
pub(super) struct Talk {
    call: CallId,
    lines: HashMap<u32, mpsc::UnboundedSender<Vec<u8>>>,
    out: mpsc::Sender<Letter>,
    letters: mpsc::Receiver<Letter>,
    is_over: bool,
}

/// What a conversation waits for.
enum Next {
    Letter(Letter),
    Body(Vec<u8>),
    Over,
    Ended(Outcome),
}

impl Talk {
    pub(super) fn new(call: CallId) -> Self {
        let (out, letters) = mpsc::channel(16);
        Self { call, lines: HashMap::new(), out, letters, is_over: false }
    }

    /// Begins to listen for what is about one file.
    pub(super) fn line(&mut self, cookie: u32) -> Line {
        let (deal, inbox) = mpsc::unbounded_channel();
        self.lines.insert(cookie, deal);
        Line { inbox, out: self.out.clone() }
    }

    /// Carries bodies both ways until all `transfers` have ended, and where there is an `until` also
    /// until the other side has hung up or that stop was asked for. What is offered meanwhile goes
    /// to `offered`.
    pub(super) async fn carry(
        &mut self,
        client: &mut Client,
        transfers: &mut JoinSet<Outcome>,
        mut until: Option<Stop>,
        mut offered: impl FnMut(&mut JoinSet<Outcome>, Offer, Line),
    ) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        loop {
            let stays = !self.is_over && until.as_ref().is_some_and(|stop| !stop.is_asked());
            if transfers.is_empty() && !stays {
                return outcomes;
            }
            let stopped = async {
                match &mut until {
                    Some(stop) => stop.asked().await,
                    None => std::future::pending().await,
                }
            };
            // Whatever is begun for one of them is not broken off by another.
            let next = tokio::select! {
                Some(letter) = self.letters.recv() => Next::Letter(letter),
                heard = hear(client, self.call), if !self.is_over => {
                    heard.map_or(Next::Over, Next::Body)
                }
                Some(ended) = transfers.join_next() => {
                    Next::Ended(ended.unwrap_or(Outcome::Failed))
                }
                () = stopped, if stays => continue,
            };
            match next {
                Next::Letter(Letter { body, delivered }) => {
                    let sent = client.send(self.call, invitation::CONTENT_TYPE, body).await;
                    // Who waits for it no longer wants to know nothing.
                    let _ = delivered.send(sent);
                }
                Next::Body(body) => self.deal(transfers, body, &mut offered),
                Next::Over => {
                    self.is_over = true;
                    self.lines.clear();
                }
                Next::Ended(outcome) => outcomes.push(outcome),
            }
        }
    }

    /// Ends it, unless the other side has.
    pub(super) async fn hang_up(self, client: &mut Client) -> Result<()> {
        if self.is_over { Ok(()) } else { client.hang_up(self.call).await }
    }

    fn deal(
        &mut self,
        transfers: &mut JoinSet<Outcome>,
        body: Vec<u8>,
        offered: &mut impl FnMut(&mut JoinSet<Outcome>, Offer, Line),
    ) {
        // What is no invitation, or one to something else, is not for a program that takes files.
        let Ok(invitation) = Invitation::parse(&body) else { return };
        let cookie = invitation.cookie();
        if let Some(line) = self.lines.get(&cookie) {
            // A transfer that has ended hears nothing more.
            let _ = line.send(body);
        } else if let Ok(offer) = Offer::parse(&body) {
            let line = self.line(cookie);
            offered(transfers, offer, line);
        }
    }
}

/// Waits for the next body of the conversation; nothing once it is over.
async fn hear(client: &mut Client, call: CallId) -> Option<Vec<u8>> {
    let heard = client.wait("a message", FOR_EVER, |happening| match happening {
        Happening::Message { call: Some(of), body, .. } if *of == call => {
            Some(Ok(Some(body.clone())))
        }
        Happening::Ended { call: of, .. } if *of == call => Some(Ok(None)),
        _ => None,
    });
    heard.await.ok().flatten()
}

/// The description of a conversation, as Live Communications Server's clients write it.
pub(super) fn description(ip: IpAddr, format: &str) -> Result<Vec<u8>> {
    let mut buffer = vec![0; 512];
    let mut writer = sip_core::sdp::Writer::new(&mut buffer);
    writer.start(b"-", 1, 1, ip);
    writer.connection(ip);
    writer.time(0, 0);
    writer.media(b"x-ms-message", 5060, b"sip", format.as_bytes());
    let len = writer.finish()?;
    buffer.truncate(len);
    Ok(buffer)
}

/// Whether a description is one of a conversation.
pub(super) fn is_conversation(description: &[u8]) -> bool {
    let session = sip_core::sdp::Session::parse(description);
    let kind = session.ok().and_then(|session| session.media().next().map(|media| media.kind));
    matches!(kind, Some(b"x-ms-message" | b"message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_told_from_a_call() {
        let own = description([127, 0, 0, 1].into(), "null").expect("it fits");
        assert!(is_conversation(&own));
        let call = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                     m=audio 5350 RTP/AVP 0\r\n";
        assert!(!is_conversation(call));
        assert!(!is_conversation(b""));
    }
}
