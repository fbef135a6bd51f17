//! Agents among themselves and with scripted servers, in virtual time.

use super::*;
use crate::message::{Message, Name, StatusCode};
use crate::transaction::SentBy;
use crate::transport::Path;
use core::net::SocketAddr;
use core::time::Duration;
use handset_testkit::{Link, LinkConfig, seeds};
use std::boxed::Box;
use std::format;
use std::string::String;
use std::vec::Vec;

const ALICE: &str = "192.0.2.1:5060";
const BOB: &str = "192.0.2.2:5060";
const SERVER: &str = "192.0.2.9:5060";
const OFFER: Option<(&[u8], &[u8])> = Some((b"application/sdp", b"v=0 offer"));
const ANSWER: Option<(&[u8], &[u8])> = Some((b"application/sdp", b"v=0 answer"));

type Store = Storage<2, 2, 4, 10, 8192>;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn agent<'s>(storage: &'s mut Store, at: &str, user: &str, seed: u8) -> (Agent<'s>, AccountId) {
    agent_with(storage, at, user, seed, |_| {})
}

/// An agent whose configuration `change` changes.
fn agent_with<'s>(
    storage: &'s mut Store,
    at: &str,
    user: &str,
    seed: u8,
    change: impl FnOnce(&mut Config),
) -> (Agent<'s>, AccountId) {
    let mut config = Config::new(SentBy::all(address(at)));
    change(&mut config);
    let mut agent = Agent::new(config, storage, [seed; 32]).unwrap();
    let uri = format!("sip:{user}@example.com");
    let account = agent.add_account(&Account::new(uri.as_bytes())).unwrap();
    (agent, account)
}

/// What an event is, in short.
fn name(event: &Event<'_>) -> String {
    let text = format!("{event:?}");
    let end = text.find([' ', '{']).unwrap_or(text.len());
    let body = |message: &Message<'_>| String::from_utf8_lossy(message.body()).into_owned();
    match event {
        Event::Ended { end, .. } => format!("Ended {end:?}"),
        Event::Incoming { message, .. }
        | Event::Answered { message, .. }
        | Event::Confirmed { message, .. }
        | Event::Reinvited { message, .. }
        | Event::Changed { message, .. }
        | Event::Message { message, .. }
        | Event::Info { message, .. }
        | Event::Notify { message, .. } => format!("{} {}", &text[..end], body(message)),
        Event::Progress { message, .. } | Event::Response { message, .. } => {
            format!("{} {}", &text[..end], message.code().unwrap().get())
        }
        Event::TransferProgress { code, is_over, .. } => {
            format!("TransferProgress {}{}", code.get(), if *is_over { ", over" } else { "" })
        }
        Event::RegistrationFailed { failure, .. }
        | Event::TransferFailed { failure, .. }
        | Event::ChangeFailed { failure, .. } => {
            format!("{} {failure:?}", &text[..end])
        }
        _ => text[..end].into(),
    }
}

/// One side of a network: an agent and what it was told.
struct Side<'s> {
    agent: Agent<'s>,
    at: SocketAddr,
    told: Vec<String>,
}

/// Two agents on a network.
struct Net<'s> {
    now: Duration,
    link: Link<SocketAddr>,
    sides: Vec<Side<'s>>,
    /// What was sent, by start line.
    lines: Vec<String>,
    /// The first message that was sent.
    first: String,
    /// What stands at [`SERVER`]: it says a request's status line and rows.
    script: Option<Script>,
    /// Over connections, which are named by the addresses of both sides.
    streams: bool,
}

type Script = Box<dyn FnMut(Duration, &Message<'_>) -> String>;

/// The response that a script gives to a request, whole.
fn scripted(script: &mut Script, now: Duration, octets: &[u8]) -> Option<Vec<u8>> {
    let request = Message::parse(octets).unwrap();
    request.method()?;
    let mut text = script(now, &request);
    if !text.ends_with("\r\n") {
        text += "\r\n";
    }
    for row in request.headers() {
        let line = String::from_utf8_lossy(row.value).into_owned();
        match row.name {
            Name::Via | Name::From | Name::CallId | Name::CSeq => {}
            Name::To => {}
            _ => continue,
        }
        let long = String::from_utf8_lossy(row.name.long()).into_owned();
        let tag = if row.name == Name::To && !line.contains("tag=") { ";tag=server" } else { "" };
        text += &format!("{long}: {line}{tag}\r\n");
    }
    Some((text + "Content-Length: 0\r\n\r\n").into_bytes())
}

impl<'s> Net<'s> {
    fn new(config: LinkConfig, seed: u64, sides: Vec<(Agent<'s>, &str)>) -> Self {
        let side =
            |(agent, at): (Agent<'s>, &str)| Side { agent, at: address(at), told: Vec::new() };
        let sides = sides.into_iter().map(side).collect();
        Self {
            now: Duration::ZERO,
            link: Link::new(config, seed),
            sides,
            lines: Vec::new(),
            first: String::new(),
            script: None,
            streams: false,
        }
    }

    fn drain(&mut self) {
        for side in &mut self.sides {
            let mut buffer = [0; Agent::BUFFER];
            while let Some(transmit) = side.agent.poll_transmit(self.now, &mut buffer) {
                let octets = &buffer[..transmit.len];
                if self.first.is_empty() {
                    self.first = String::from_utf8_lossy(octets).into_owned();
                }
                let line = String::from_utf8_lossy(octets).lines().next().unwrap_or("").into();
                self.lines.push(line);
                self.link.send(self.now, side.at, transmit.path.remote, octets);
            }
            while let Some(event) = side.agent.poll_event() {
                side.told.push(name(&event));
            }
        }
    }

    /// Runs until `until`; `react` is called with each event that a datagram brings.
    fn run(&mut self, until: Duration, mut react: impl FnMut(&mut Agent<'s>, Duration, Event<'_>)) {
        loop {
            self.drain();
            let next = self.sides.iter().filter_map(|side| side.agent.poll_timeout());
            let next = next.chain(self.link.next_arrival()).min();
            let Some(now) = next.map(|next| next.max(self.now)).filter(|next| *next <= until)
            else {
                self.now = until;
                return;
            };
            self.now = now;
            for side in &mut self.sides {
                side.agent.handle_timeout(now);
            }
            while let Some((from, to, octets)) = self.link.receive(now) {
                if let Some(script) = self.script.as_mut().filter(|_| to == address(SERVER)) {
                    if let Some(response) = scripted(script, now, &octets) {
                        self.link.send(now, to, from, &response);
                    }
                    continue;
                }
                let Some(side) = self.sides.iter_mut().find(|side| side.at == to) else { continue };
                if self.streams {
                    let (path, mut rest) = (Path::tcp(from), &octets[..]);
                    while let (used @ 1.., event) =
                        side.agent.handle_stream(now, path, rest).unwrap()
                    {
                        rest = &rest[used..];
                        if let Some(event) = event {
                            side.told.push(name(&event));
                            react(&mut side.agent, now, event);
                        }
                    }
                    assert!(rest.is_empty());
                } else if let Ok(Some(event)) =
                    side.agent.handle_datagram(now, Path::udp(from), &octets)
                {
                    side.told.push(name(&event));
                    react(&mut side.agent, now, event);
                }
            }
        }
    }

    fn told(&mut self, side: usize) -> Vec<String> {
        core::mem::take(&mut self.sides[side].told)
    }

    fn assert_quiet(&self) {
        for side in &self.sides {
            assert_eq!(side.agent.live(), (0, 0, 0));
            assert_eq!(side.agent.poll_timeout(), None);
        }
    }
}

#[cfg(feature = "calling")]
mod calling;
mod calls;
mod limits;
#[cfg(feature = "failover")]
mod locate;
mod messages;
#[cfg(feature = "offers")]
mod offers;
#[cfg(feature = "outbound")]
mod outbound;
mod refusals;
mod registration;
mod reliable;
mod resubscribe;
mod timers;
mod transfers;
mod waiting;
