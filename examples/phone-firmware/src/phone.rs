//! The phone: what the agent tells it, what is typed, and what its sound does.

use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr};

use heapless::{Deque, String};
use phone_firmware::command::{Command, HELP};
use phone_firmware::config::{PhoneConfig, VALUE_MAX};
use phone_firmware::sdes::{Keys, Texts};
use rtp_core::codec::g711::Law;
use sip_core::agent::{AccountId, Agent, CallId, End, Error, Event, SubscriptionId};
use sip_core::message::StatusCode;
use sip_core::presence::{Basic, Pidf};
use sip_core::sdp::{self, Agreed, Codec, Direction, Local};

use crate::board::uart::Console;
use crate::fetch::now;
use crate::media::{self, Agreement, MasterKeys, Order};
use crate::memory::Busy;

const SDP: &[u8] = b"application/sdp";
const SDP_MAX: usize = 512;
const CODECS: &[Codec<'static>] = &[Codec::PCMU, Codec::PCMA, Codec::TELEPHONE_EVENT];

/// Where a call stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// We call, and wait for an answer.
    Calling,
    /// It rings here; what the answer will be is agreed already.
    Ringing,
    Talking,
}

struct Call {
    id: CallId,
    phase: Phase,
    held: bool,
    version: u64,
    agreed: Option<Agreed<'static>>,
    /// Where calls are protected.
    keys: Option<Keys>,
    /// What was agreed on while it rang.
    master_keys: Option<MasterKeys>,
    /// The answer to their offer, written when it came.
    answer: heapless::Vec<u8, SDP_MAX>,
}

/// The phone, but for its agent.
pub struct Phone {
    account: AccountId,
    address: Ipv4Addr,
    config: PhoneConfig,
    call: Option<Call>,
    mailbox: Option<SubscriptionId>,
    /// Whose presence is followed.
    watched: String<VALUE_MAX>,
    presence: Option<SubscriptionId>,
    ring_octets: usize,
    busy: Busy,
    /// What the media task has to be told.
    orders: Deque<Order, 3>,
}

impl Phone {
    /// A phone on the hook.
    pub const fn new(
        account: AccountId,
        address: Ipv4Addr,
        config: PhoneConfig,
        ring_octets: usize,
    ) -> Self {
        Self {
            account,
            address,
            config,
            call: None,
            mailbox: None,
            watched: String::new(),
            presence: None,
            ring_octets,
            busy: Busy::new(),
            orders: Deque::new(),
        }
    }

    /// What the media task has to be told next.
    pub fn next_order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// Something came of the network or of time.
    pub fn event(&mut self, agent: &mut Agent<'_>, event: Event<'_>) {
        let result = self.react(agent, event);
        if let Err(error) = result {
            let _ = writeln!(Console, "phone: {error}");
        }
    }

    /// Somebody has typed a line.
    pub fn command(&mut self, agent: &mut Agent<'_>, line: &[u8]) {
        let command = core::str::from_utf8(line).ok().and_then(Command::parse);
        let result = match command {
            None => {
                let _ = writeln!(Console, "phone: not understood; try help");
                Ok(())
            }
            Some(command) => self.obey(agent, command),
        };
        if let Err(error) = result {
            let _ = writeln!(Console, "phone: {error}");
        }
    }

    fn react(&mut self, agent: &mut Agent<'_>, event: Event<'_>) -> Result<(), Error> {
        match event {
            Event::Registered { expires, .. } => {
                let _ = writeln!(Console, "phone: registered for {} s", expires.as_secs());
                if self.mailbox.is_none() {
                    let mut uri = String::<140>::new();
                    let _ = write!(uri, "sip:{}@{}", self.config.user, self.config.domain);
                    self.mailbox = agent
                        .subscribe(
                            now(),
                            self.account,
                            uri.as_bytes(),
                            b"message-summary",
                            b"application/simple-message-summary",
                        )
                        .ok();
                }
                // One that was lost, since there was no room or no server, comes about again.
                self.watch(agent);
            }
            Event::RegistrationFailed { failure, retry_in, .. } => {
                let _ = writeln!(Console, "phone: not registered: {failure}");
                if let Some(wait) = retry_in {
                    let _ = writeln!(Console, "phone: next try in {} s", wait.as_secs());
                }
            }
            Event::Incoming { call, message, .. } => self.incoming(agent, call, message.body())?,
            Event::Progress { message, .. } => {
                let code = message.code().map_or(0, StatusCode::get);
                let _ = writeln!(Console, "phone: progress {code}");
            }
            Event::Answered { call, message } => self.answered(agent, call, message.body())?,
            Event::Confirmed { .. } => {}
            Event::Reinvited { call, message } => {
                self.reinvited(agent, call, message.body())?;
            }
            Event::Changed { call, message } => self.answered(agent, call, message.body())?,
            Event::ChangeFailed { failure, .. } => {
                let _ = writeln!(Console, "phone: the change was not taken: {failure}");
            }
            Event::Ended { call, end, .. } => self.ended(call, end),
            Event::Message { message, .. } => {
                print_message(&message);
            }
            Event::Notify { message, .. } => print_state(message.body()),
            Event::SubscriptionEnded { subscription, .. } => {
                if self.mailbox == Some(subscription) {
                    self.mailbox = None;
                }
                if self.presence == Some(subscription) {
                    self.presence = None;
                }
            }
            Event::Response { message, .. } => {
                let code = message.code().map_or(0, StatusCode::get);
                let _ = writeln!(Console, "phone: answered {code}");
            }
            Event::RequestFailed { failure, .. } => {
                let _ = writeln!(Console, "phone: {failure}");
            }
            other => defmt::debug!("{}", defmt::Debug2Format(&core::mem::discriminant(&other))),
        }
        Ok(())
    }

    fn obey(&mut self, agent: &mut Agent<'_>, command: Command<'_>) -> Result<(), Error> {
        match command {
            Command::Dial(uri) => {
                if self.call.is_some() {
                    return Err(Error::State);
                }
                let mut offer = [0; SDP_MAX];
                let keys = self.keys(agent);
                let len = self.offer(1, Direction::SendRecv, keys.as_ref(), &mut offer);
                let body = offer.get(..len).unwrap_or_default();
                let id = agent.invite(now(), self.account, uri.as_bytes(), Some((SDP, body)))?;
                self.call = Some(Call::new(id, Phase::Calling, keys));
                let _ = writeln!(Console, "phone: calling {uri}");
            }
            Command::Answer => {
                let Some(call) = self.call.as_mut().filter(|call| call.phase == Phase::Ringing)
                else {
                    return Err(Error::State);
                };
                agent.answer(now(), call.id, Some((SDP, &call.answer)))?;
                call.phase = Phase::Talking;
                let keys = call.master_keys.take();
                if let Some(agreed) = call.agreed {
                    self.start_sound(&agreed, keys);
                }
                let _ = writeln!(Console, "phone: talking");
            }
            Command::Hangup => {
                let call = self.call.as_ref().ok_or(Error::Gone)?;
                agent.hang_up(now(), call.id)?;
            }
            Command::Hold => {
                let call = self.call.as_mut().ok_or(Error::Gone)?;
                let held = !call.held;
                call.version += 1;
                let (id, version) = (call.id, call.version);
                let direction = if held { Direction::SendOnly } else { Direction::SendRecv };
                let mut offer = [0; SDP_MAX];
                let keys = self.call.as_ref().and_then(|call| call.keys.as_ref());
                let len = self.offer(version, direction, keys, &mut offer);
                let body = offer.get(..len).unwrap_or_default();
                agent.reinvite(now(), id, Some((SDP, body)))?;
                if let Some(call) = &mut self.call {
                    call.held = held;
                }
                let _ = writeln!(Console, "phone: {}", if held { "holding" } else { "resuming" });
            }
            Command::Dtmf(digits) => {
                self.order(Order::Digits(digits.chars().take(16).collect()));
            }
            Command::Message(uri, text) => {
                let body = text.as_bytes();
                agent.message(now(), self.account, uri.as_bytes(), b"text/plain", body)?;
            }
            Command::Watch(uri) => {
                if let Some(old) = self.presence.take() {
                    let _ = agent.unsubscribe(now(), old);
                }
                self.watched = String::try_from(uri).map_err(|_| Error::Uri)?;
                self.watch(agent);
            }
            Command::Stats => self.order(Order::Stats),
            Command::Memory => crate::memory::print(agent),
            Command::Cpu => self.busy.print(),
            Command::Help => {
                let _ = writeln!(Console, "{HELP}");
            }
        }
        Ok(())
    }

    fn incoming(&mut self, agent: &mut Agent<'_>, id: CallId, offer: &[u8]) -> Result<(), Error> {
        if self.call.is_some() {
            return agent.reject(now(), id, StatusCode::BUSY_HERE);
        }
        let mut call = Call::new(id, Phase::Ringing, self.keys(agent));
        let mut answer = [0; SDP_MAX];
        match self.answer(call.version, call.keys.as_mut(), offer, &mut answer) {
            Some((len, agreed, keys)) => {
                call.agreed = Some(agreed);
                call.master_keys = keys;
                let _ = call.answer.extend_from_slice(answer.get(..len).unwrap_or_default());
            }
            None => return agent.reject(now(), id, StatusCode::NOT_ACCEPTABLE_HERE),
        }
        self.call = Some(call);
        agent.ring(now(), id, StatusCode::RINGING, None)?;
        let _ = writeln!(Console, "phone: ringing with {} octets", self.ring_octets);
        Ok(())
    }

    fn answered(&mut self, agent: &mut Agent<'_>, id: CallId, answer: &[u8]) -> Result<(), Error> {
        let local = self.local(1, Direction::SendRecv);
        let Some(call) = self.call.as_mut().filter(|call| call.id == id) else { return Ok(()) };
        let accepted = accept(&local, call.keys.as_mut(), answer);
        call.phase = Phase::Talking;
        call.agreed = accepted.as_ref().map(|(agreed, _)| *agreed);
        match accepted {
            Some((agreed, keys)) => {
                let _ = writeln!(Console, "phone: talking");
                self.start_sound(&agreed, keys);
                Ok(())
            }
            None => {
                let _ = writeln!(Console, "phone: their answer cannot be used");
                agent.hang_up(now(), id)
            }
        }
    }

    fn reinvited(&mut self, agent: &mut Agent<'_>, id: CallId, offer: &[u8]) -> Result<(), Error> {
        let Some(call) = self.call.as_mut().filter(|call| call.id == id) else { return Ok(()) };
        call.version += 1;
        let version = call.version;
        let mut answer = [0; SDP_MAX];
        let mut keys = call.keys.take();
        let answered = self.answer(version, keys.as_mut(), offer, &mut answer);
        if let Some(call) = &mut self.call {
            call.keys = keys;
        }
        let Some((len, agreed, keys)) = answered else {
            return agent.reject(now(), id, StatusCode::NOT_ACCEPTABLE_HERE);
        };
        agent.answer(now(), id, Some((SDP, answer.get(..len).unwrap_or_default())))?;
        let held = if agreed.direction.sends() { "" } else { ", held by the other side" };
        let _ = writeln!(Console, "phone: talking{held}");
        self.start_sound(&agreed, keys);
        Ok(())
    }

    fn ended(&mut self, id: CallId, end: End) {
        if self.call.as_ref().is_some_and(|call| call.id == id) {
            self.call = None;
            self.order(Order::Stop);
        }
        let _ = match end {
            End::Local => writeln!(Console, "phone: hung up"),
            End::Remote => writeln!(Console, "phone: they hung up"),
            End::Cancelled => writeln!(Console, "phone: cancelled"),
            End::Failed(failure) => writeln!(Console, "phone: call failed: {failure}"),
            _ => writeln!(Console, "phone: call over"),
        };
    }

    fn start_sound(&mut self, agreed: &Agreed<'_>, keys: Option<MasterKeys>) {
        let agreement = Agreement {
            rtp: agreed.rtp,
            rtcp: agreed.rtcp,
            payload_type: agreed.send_payload_type,
            law: if agreed.codec.name == b"PCMA" { Law::A } else { Law::Mu },
            digits: agreed.telephone_event,
            sends: agreed.direction.sends(),
            microphone: self.config.microphone,
        };
        self.order(Order::Start(agreement, keys));
    }

    /// Orders leave after each event and each line, of which none gives more than there is room for.
    fn order(&mut self, order: Order) {
        let _ = self.orders.push_back(order);
    }

    fn local(&self, version: u64, direction: Direction) -> Local<'static> {
        Local {
            session: 1,
            version,
            address: IpAddr::V4(self.address),
            rtp_port: media::PORT,
            rtcp_port: media::PORT + 1,
            codecs: CODECS,
            direction,
            ptime_ms: 20,
        }
    }

    /// Follows the presence of whom it is to follow, if it does not already.
    fn watch(&mut self, agent: &mut Agent<'_>) {
        if self.presence.is_none() && !self.watched.is_empty() {
            let uri = self.watched.as_bytes();
            let accept = b"application/pidf+xml";
            self.presence = agent.subscribe(now(), self.account, uri, b"presence", accept).ok();
        }
    }

    /// New keys, where calls are to be protected.
    fn keys(&self, agent: &mut Agent<'_>) -> Option<Keys> {
        self.config.srtp.then(|| Keys::new(|| agent.random()))
    }

    fn offer(
        &self,
        version: u64,
        direction: Direction,
        keys: Option<&Keys>,
        buffer: &mut [u8],
    ) -> usize {
        let texts = keys.map(Keys::texts);
        let attributes = texts.as_ref().map(Texts::attributes);
        let offered = keys.map_or(0, Keys::offered);
        let attributes = attributes.as_ref().and_then(|all| all.get(..offered)).unwrap_or_default();
        sdp::secure_offer(&self.local(version, direction), attributes, buffer).unwrap_or(0)
    }

    fn answer(
        &self,
        version: u64,
        keys: Option<&mut Keys>,
        offer: &[u8],
        buffer: &mut [u8],
    ) -> Option<(usize, Agreed<'static>, Option<MasterKeys>)> {
        let offer = sdp::Session::parse(offer).ok()?;
        let texts = keys.as_deref().map(Keys::texts);
        let attributes = texts.as_ref().map(Texts::attributes);
        let attributes = attributes.as_ref().map_or(&[][..], |attributes| attributes);
        let local = self.local(version, Direction::SendRecv);
        let (len, agreed) = sdp::secure_answer(&local, attributes, &offer, buffer).ok()?;
        let master_keys = agree(keys, &agreed, &offer)?;
        Some((len, agreed, master_keys))
    }
}

/// What an answer to our offer comes to.
fn accept(
    local: &Local<'static>,
    keys: Option<&mut Keys>,
    answer: &[u8],
) -> Option<(Agreed<'static>, Option<MasterKeys>)> {
    let answer = sdp::Session::parse(answer).ok()?;
    let texts = keys.as_deref().map(Keys::texts);
    let attributes = texts.as_ref().map(Texts::attributes);
    let attributes = attributes.as_ref().map_or(&[][..], |attributes| attributes);
    let agreed = sdp::secure_accept(local, attributes, &answer).ok()?;
    let master_keys = agree(keys, &agreed, &answer)?;
    Some((agreed, master_keys))
}

/// The keys to send and to receive with, where they are new; nothing at all where theirs is bad.
fn agree(
    keys: Option<&mut Keys>,
    agreed: &Agreed<'_>,
    theirs: &sdp::Session<'_>,
) -> Option<Option<MasterKeys>> {
    match (keys, &agreed.crypto) {
        (Some(keys), Some(choice)) => keys.agree(choice, &theirs.crypto(choice)?).ok(),
        _ => Some(None),
    }
}

impl Call {
    const fn new(id: CallId, phase: Phase, keys: Option<Keys>) -> Self {
        Self {
            id,
            phase,
            held: false,
            version: 1,
            agreed: None,
            keys,
            master_keys: None,
            answer: heapless::Vec::new(),
        }
    }
}

fn print_message(message: &sip_core::message::Message<'_>) {
    let text = core::str::from_utf8(message.body()).unwrap_or("(no text)");
    let _ = writeln!(Console, "phone: message: {text}");
}

/// Prints the lines of a state document that a person would read off a phone's display.
fn print_state(body: &[u8]) {
    let text = core::str::from_utf8(body).unwrap_or_default();
    if let Some(line) = text.lines().find(|line| line.starts_with("Messages-Waiting")) {
        let _ = writeln!(Console, "phone: mailbox: {line}");
    }
    if let Ok(document) = Pidf::parse(body) {
        let state = match document.basic() {
            Some(Basic::Open) => "open",
            Some(Basic::Closed) => "closed",
            None => "unknown",
        };
        let _ = writeln!(Console, "phone: presence: {state}");
    }
}
