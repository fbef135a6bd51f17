//! A far end: a telephone on the SDK that the lab can look into.
//!
//! It takes every call at once, says a speech over and over, keeps what it hears by timestamp, and
//! tells what happened.

use core::net::{Ipv4Addr, SocketAddr};
use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sip_core::agent::{Account, AccountId, Agent, CallId, Config, End, Event};
use sip_core::message::StatusCode;
use sip_core::presence::{Basic, Pidf};
use sip_core::sdp::{self, Agreed, Codec, Crypto, Direction, Local};
use sip_core::transaction::SentBy;
use sip_core::transport::Path;

use crate::keys::{Keys, SUITE};
use crate::media::{Media, Report};

const SDP: &[u8] = b"application/sdp";
const CODECS: &[Codec<'static>] = &[Codec::PCMU, Codec::PCMA, Codec::TELEPHONE_EVENT];

/// What a far end is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The user part of its address, and its name in authentication.
    pub user: &'static str,
    /// Its SIP port; media have the two ports a thousand higher.
    pub port: u16,
    /// Whether it registers, so that it can be called.
    pub registers: bool,
    /// Whether its calls are protected.
    pub srtp: bool,
}

/// What happened to a far end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The server knows where it is.
    Registered,
    /// Its state is at the server.
    Published,
    /// A request of its own failed: a text of why.
    Failed(String),
    /// It called, and the other side rings.
    Ringing,
    /// The call is there; after how long, where it was its own.
    Up(Duration),
    /// The other side has changed the call: whether the far end may send.
    Changed {
        /// Whether sound is to be sent to the other side.
        sends: bool,
    },
    /// The other side has agreed to its change.
    ChangeTaken,
    /// The call is over.
    Ended(String),
    /// A digit was heard.
    Digit(char),
    /// An instant message came.
    Message(String),
}

enum Order {
    Call(String),
    HangUp,
    Hold(bool),
    Digits(String),
    Message(String, String),
    Publish(&'static str, &'static str, String),
    Report(Sender<Option<Report>>),
    Stop,
}

/// The lab's hand on a far end.
pub struct FarEnd {
    orders: Sender<Order>,
    news: Receiver<(Instant, News)>,
    thread: Option<JoinHandle<()>>,
}

impl FarEnd {
    /// Starts one that speaks to the server.
    pub fn start(identity: Identity, own: Ipv4Addr, server: SocketAddr) -> Result<Self> {
        let (orders, mailbox) = channel();
        let (teller, news) = channel();
        let mut worker = Worker::new(identity, own, server, teller)?;
        let thread = std::thread::spawn(move || worker.work(&mailbox));
        Ok(Self { orders, news, thread: Some(thread) })
    }

    /// Waits for news that suit; what comes before is forgotten.
    pub fn expect(
        &self,
        what: &str,
        within: Duration,
        mut suits: impl FnMut(&News) -> bool,
    ) -> Result<(Instant, News)> {
        let until = Instant::now() + within;
        let mut before = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.news.recv_timeout(left) {
                Ok(news) if suits(&news.1) => return Ok(news),
                Ok((_, other)) => before.push(other),
                Err(_) => bail!(
                    "the far end had no news of {what} within {:.1} s, but {before:?}",
                    within.as_secs_f64()
                ),
            }
        }
    }

    /// Forgets the news until now.
    pub fn forget(&self) {
        while self.news.try_recv().is_ok() {}
    }

    /// Calls somebody.
    pub fn call(&self, uri: &str) -> Result<()> {
        self.order(Order::Call(uri.to_owned()))
    }

    /// Ends the call.
    pub fn hang_up(&self) -> Result<()> {
        self.order(Order::HangUp)
    }

    /// Holds the call, or takes it back.
    pub fn hold(&self, held: bool) -> Result<()> {
        self.order(Order::Hold(held))
    }

    /// Sends digits.
    pub fn digits(&self, digits: &str) -> Result<()> {
        self.order(Order::Digits(digits.to_owned()))
    }

    /// Sends an instant message.
    pub fn message(&self, uri: &str, text: &str) -> Result<()> {
        self.order(Order::Message(uri.to_owned(), text.to_owned()))
    }

    /// Publishes a state: package, content type, document.
    pub fn publish(&self, package: &'static str, kind: &'static str, body: String) -> Result<()> {
        self.order(Order::Publish(package, kind, body))
    }

    /// Publishes whether it is there.
    pub fn publish_presence(&self, open: bool) -> Result<()> {
        let basic = if open { "open" } else { "closed" };
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
             <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:bob@example.test\">\
             <tuple id=\"t1\"><status><basic>{basic}</basic></status></tuple></presence>"
        );
        // What is written here must be what the phone's own reader takes.
        let expected = if open { Basic::Open } else { Basic::Closed };
        let document = Pidf::parse(body.as_bytes()).context("the presence document")?;
        anyhow::ensure!(document.basic() == Some(expected), "the presence document is not well");
        self.publish("presence", "application/pidf+xml", body)
    }

    /// What was said and heard in the call until now; nothing without a call.
    pub fn report(&self) -> Result<Report> {
        let (answer, report) = channel();
        self.order(Order::Report(answer))?;
        let report = report.recv_timeout(Duration::from_secs(2)).context("the far end is gone")?;
        report.context("the far end has no call")
    }

    fn order(&self, order: Order) -> Result<()> {
        self.orders.send(order).ok().context("the far end is gone")
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Call {
    id: CallId,
    began: Instant,
    version: u64,
    ours: bool,
}

struct Worker {
    identity: Identity,
    own: Ipv4Addr,
    epoch: Instant,
    sip: UdpSocket,
    agent: Agent<'static>,
    account: AccountId,
    call: Option<Call>,
    media: Media,
    keys: Keys,
    teller: Sender<(Instant, News)>,
}

impl Worker {
    fn new(
        identity: Identity,
        own: Ipv4Addr,
        server: SocketAddr,
        teller: Sender<(Instant, News)>,
    ) -> Result<Self> {
        let address = SocketAddr::from((own, identity.port));
        let sip = UdpSocket::bind(address).with_context(|| format!("{address} is taken"))?;
        sip.set_nonblocking(true)?;
        let seed = crate::keys::random()?;
        let mut agent = Agent::growing(Config::new(SentBy::all(address)), seed)?;
        let aor = format!("sip:{}@example.test", identity.user);
        let mut account = Account::new(aor.as_bytes()).over(Path::udp(server), b"secret");
        account.expires_s = 600;
        let account = agent.add_account(&account)?;
        if identity.registers {
            agent.register(Duration::ZERO, account)?;
        }
        let media = Media::open(own, identity.port + 1000)?;
        let keys = Keys::new()?;
        let epoch = Instant::now();
        Ok(Self { identity, own, epoch, sip, agent, account, call: None, media, keys, teller })
    }

    fn work(&mut self, mailbox: &Receiver<Order>) {
        let mut datagram = vec![0; 65536];
        loop {
            loop {
                match mailbox.try_recv() {
                    Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return,
                    Ok(order) => {
                        if let Err(error) = self.obey(order) {
                            self.tell(News::Failed(format!("{error:#}")));
                        }
                    }
                    Err(TryRecvError::Empty) => break,
                }
            }
            while let Ok((len, from)) = self.sip.recv_from(&mut datagram) {
                let input = datagram.get(..len).unwrap_or_default();
                let event = self.agent.handle_datagram(self.now(), Path::udp(from), input);
                if let Ok(Some(event)) = event {
                    self.react(event);
                }
                self.drain();
            }
            if self.agent.poll_timeout().is_some_and(|due| due <= self.now()) {
                self.agent.handle_timeout(self.now());
            }
            self.drain();
            for digit in self.media.work() {
                self.tell(News::Digit(digit));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn tell(&self, news: News) {
        let _ = self.teller.send((Instant::now(), news));
    }

    fn drain(&mut self) {
        let mut buffer = vec![0; Agent::BUFFER];
        loop {
            while let Some(transmit) = self.agent.poll_transmit(self.now(), &mut buffer) {
                let octets = buffer.get(..transmit.len).unwrap_or_default();
                // A datagram that cannot be sent is one lost.
                let _ = self.sip.send_to(octets, transmit.path.remote);
            }
            match self.agent.poll_event() {
                Some(event) => self.react(event),
                None => return,
            }
        }
    }

    fn obey(&mut self, order: Order) -> Result<()> {
        let now = self.now();
        match order {
            Order::Call(uri) => {
                let offer = self.offer(1, Direction::SendRecv)?;
                let body = Some((SDP, offer.as_slice()));
                let id = self.agent.invite(now, self.account, uri.as_bytes(), body)?;
                self.call = Some(Call { id, began: Instant::now(), version: 1, ours: true });
            }
            Order::HangUp => {
                let id = self.call.as_ref().context("there is no call")?.id;
                self.agent.hang_up(now, id)?;
            }
            Order::Hold(held) => {
                let direction = if held { Direction::SendOnly } else { Direction::SendRecv };
                let call = self.call.as_mut().context("there is no call")?;
                call.version += 1;
                let (id, version) = (call.id, call.version);
                let offer = self.offer(version, direction)?;
                self.agent.reinvite(now, id, Some((SDP, &offer)))?;
            }
            Order::Digits(digits) => self.media.dial(&digits),
            Order::Message(uri, text) => {
                let body = text.as_bytes();
                self.agent.message(now, self.account, uri.as_bytes(), b"text/plain", body)?;
            }
            Order::Publish(package, kind, body) => {
                let (package, kind) = (package.as_bytes(), kind.as_bytes());
                self.agent.publish(now, self.account, package, kind, body.as_bytes())?;
            }
            Order::Report(answer) => {
                let _ = answer.send(self.media.report());
            }
            Order::Stop => {}
        }
        self.drain();
        Ok(())
    }

    fn react(&mut self, event: Event<'_>) {
        let result = match event {
            Event::Registered { .. } => {
                self.tell(News::Registered);
                Ok(())
            }
            Event::Published { .. } => {
                self.tell(News::Published);
                Ok(())
            }
            Event::RegistrationFailed { failure, .. }
            | Event::PublicationFailed { failure, .. }
            | Event::RequestFailed { failure, .. }
            | Event::ChangeFailed { failure, .. } => {
                self.tell(News::Failed(failure.to_string()));
                Ok(())
            }
            Event::Incoming { call, message, .. } => self.incoming(call, message.body()),
            Event::Progress { message, .. } => {
                if message.code() == Some(StatusCode::RINGING) {
                    self.tell(News::Ringing);
                }
                Ok(())
            }
            Event::Answered { message, .. } => self.answered(message.body()),
            Event::Confirmed { .. } => {
                if let Some(call) = self.call.as_ref().filter(|call| !call.ours) {
                    self.tell(News::Up(call.began.elapsed()));
                }
                Ok(())
            }
            Event::Reinvited { call, message } => self.reinvited(call, message.body()),
            Event::Changed { message, .. } => {
                let result = self.accept(message.body()).map(|agreed| self.redirect(&agreed));
                self.tell(News::ChangeTaken);
                result
            }
            Event::Ended { call, end, .. } => {
                if self.call.as_ref().is_some_and(|known| known.id == call) {
                    self.call = None;
                    self.media.stop();
                }
                self.tell(News::Ended(match end {
                    End::Local => "hung up here".to_owned(),
                    End::Remote => "hung up there".to_owned(),
                    End::Cancelled => "cancelled".to_owned(),
                    other => format!("{other:?}"),
                }));
                Ok(())
            }
            Event::Message { message, .. } => {
                let text = String::from_utf8_lossy(message.body()).into_owned();
                self.tell(News::Message(text));
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(error) = result {
            self.tell(News::Failed(format!("{error:#}")));
        }
    }

    fn incoming(&mut self, id: CallId, offer: &[u8]) -> Result<()> {
        let now = self.now();
        if self.call.is_some() {
            self.agent.reject(now, id, StatusCode::BUSY_HERE)?;
            return Ok(());
        }
        let Ok((answer, agreed)) = self.answer(1, offer) else {
            self.agent.reject(now, id, StatusCode::NOT_ACCEPTABLE_HERE)?;
            bail!("the offer cannot be used: {}", String::from_utf8_lossy(offer));
        };
        self.agent.answer(now, id, Some((SDP, &answer)))?;
        self.call = Some(Call { id, began: Instant::now(), version: 1, ours: false });
        self.start_media(&agreed, offer)
    }

    fn answered(&mut self, answer: &[u8]) -> Result<()> {
        let agreed = match self.accept(answer) {
            Ok(agreed) => agreed,
            Err(error) => {
                if let Some(call) = &self.call {
                    let _ = self.agent.hang_up(self.epoch.elapsed(), call.id);
                }
                return Err(error);
            }
        };
        self.start_media(&agreed, answer)?;
        if let Some(call) = &self.call {
            self.tell(News::Up(call.began.elapsed()));
        }
        Ok(())
    }

    fn reinvited(&mut self, id: CallId, offer: &[u8]) -> Result<()> {
        let now = self.now();
        let call = self.call.as_mut().context("there is no call")?;
        call.version += 1;
        let version = call.version;
        let (answer, agreed) = self.answer(version, offer)?;
        self.agent.answer(now, id, Some((SDP, &answer)))?;
        self.redirect(&agreed);
        self.tell(News::Changed { sends: agreed.direction.sends() });
        Ok(())
    }

    fn start_media(&mut self, agreed: &Agreed<'_>, description: &[u8]) -> Result<()> {
        let secure = match &agreed.crypto {
            None => None,
            Some(choice) => {
                let session = sdp::Session::parse(description)?;
                let theirs = session.crypto(choice).context("their key is missing")?;
                let theirs = theirs.inline_keys().next().context("their key is missing")?;
                Some(self.keys.contexts(theirs)?)
            }
        };
        self.media.start(agreed, secure)
    }

    fn redirect(&mut self, agreed: &Agreed<'_>) {
        self.media.redirect(agreed);
    }

    fn offer(&self, version: u64, direction: Direction) -> Result<Vec<u8>> {
        let mut buffer = vec![0; 1024];
        let local = self.local(version, direction);
        let len = sdp::secure_offer(&local, &self.crypto(), &mut buffer)?;
        buffer.truncate(len);
        Ok(buffer)
    }

    fn answer(&self, version: u64, offer: &[u8]) -> Result<(Vec<u8>, Agreed<'static>)> {
        let offer = sdp::Session::parse(offer)?;
        let mut buffer = vec![0; 1024];
        let local = self.local(version, Direction::SendRecv);
        let (len, agreed) = sdp::secure_answer(&local, &self.crypto(), &offer, &mut buffer)?;
        buffer.truncate(len);
        Ok((buffer, agreed))
    }

    fn accept(&self, answer: &[u8]) -> Result<Agreed<'static>> {
        let answer = sdp::Session::parse(answer)?;
        let local = self.local(1, Direction::SendRecv);
        Ok(sdp::secure_accept(&local, &self.crypto(), &answer)?)
    }

    fn crypto(&self) -> Vec<Crypto<'_>> {
        let crypto = Crypto {
            tag: 1,
            suite: SUITE.name().as_bytes(),
            key_params: self.keys.key_params(),
            session_params: b"",
        };
        if self.identity.srtp { vec![crypto] } else { Vec::new() }
    }

    fn local(&self, version: u64, direction: Direction) -> Local<'static> {
        Local {
            session: 1,
            version,
            address: self.own.into(),
            rtp_port: self.identity.port + 1000,
            rtcp_port: self.identity.port + 1001,
            codecs: CODECS,
            direction,
            ptime_ms: 20,
        }
    }
}
