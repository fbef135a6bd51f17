//! A server of the test's own, and plain clients that say exactly what a test tells them to.

#![allow(dead_code, reason = "each test file uses its part")]

use core::fmt::Write as _;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Instant;

extern crate alloc;

use alloc::sync::Arc;

use live_server::{Config, Notice, Ready, Users};
use md5::{Digest, Md5};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio::sync::oneshot;

/// Longer than anything takes here that works.
const PATIENCE: Duration = Duration::from_secs(10);
/// Long enough for what must not come.
const MOMENT: Duration = Duration::from_millis(300);

/// A server with the users alice, bob and carol of example.test, on free ports of the loopback
/// address.
pub(crate) struct TestServer {
    pub(crate) ready: Ready,
    pub(crate) notices: mpsc::Receiver<Notice>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    pub(crate) fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let mut users = Users::new("example.test").unwrap();
        for user in ["alice", "bob", "carol"] {
            users.add(user, &format!("{user}'s secret")).unwrap();
        }
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut config = Config::new(users);
        (config.udp, config.tcp, config.tls) = (vec![free], vec![free], vec![free]);
        let (tell, notices) = mpsc::channel();
        config.on_notice(move |notice| {
            println!("server: {notice}");
            let _ = tell.send(notice.clone());
        });
        change(&mut config);
        let (ready, is_ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?;
            runtime.block_on(live_server::run(config, ready, stopped))
        });
        let ready = is_ready.blocking_recv().expect("the server starts");
        Self { ready, notices, stop: Some(stop), thread: Some(thread) }
    }

    /// Waits for something that the server tells.
    pub(crate) fn notice(&self, mut is_it: impl FnMut(&Notice) -> bool) -> Notice {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let notice = self.notices.recv_timeout(left).expect("the notice comes");
            if is_it(&notice) {
                return notice;
            }
        }
    }

    /// Stops the server, and gives what it told at the end.
    pub(crate) fn stop(mut self) -> Vec<Notice> {
        self.end();
        self.notices.try_iter().collect()
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let result = thread.join().expect("the server does not panic");
            if !std::thread::panicking() {
                result.expect("the server ends well");
            }
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.end();
    }
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Text(pub(crate) String);

impl Text {
    pub(crate) fn first_line(&self) -> &str {
        self.0.lines().next().unwrap_or_default()
    }

    pub(crate) fn code(&self) -> u16 {
        self.0.get(8..11).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn is_request(&self) -> bool {
        !self.0.starts_with("SIP/2.0 ")
    }

    /// All values of a header, in their order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap_or_default();
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(found, _)| found.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    pub(crate) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

enum Wire {
    Udp(UdpSocket, SocketAddr),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A client of one user over one transport.
pub(crate) struct Client {
    wire: Wire,
    pub(crate) name: String,
    pub(crate) transport: &'static str,
    /// The URI of its Contact.
    pub(crate) contact: String,
    /// In TCP: where the client listens for connections of the server's.
    pub(crate) listener: Option<TcpListener>,
    pending: Vec<u8>,
    waiting: Vec<Text>,
    cseq: u32,
    call: String,
}

static CALLS: AtomicU32 = AtomicU32::new(1);

impl Client {
    pub(crate) fn udp(name: &str, server: &Ready) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let local = socket.local_addr().unwrap();
        Self::new(name, "udp", local, Wire::Udp(socket, server.udp[0]))
    }

    /// A client that listens on a port of its own, and says so in its Contact.
    pub(crate) fn tcp(name: &str, server: &Ready) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let stream = TcpStream::connect(server.tcp[0]).unwrap();
        let local = listener.local_addr().unwrap();
        Self { listener: Some(listener), ..Self::new(name, "tcp", local, Wire::Tcp(stream)) }
    }

    pub(crate) fn tls(name: &str, server: &Ready) -> Self {
        let stream = TcpStream::connect(server.tls[0]).unwrap();
        let local = stream.local_addr().unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(server.certificate.clone().unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let server = ServerName::try_from("example.test").unwrap();
        let session = ClientConnection::new(Arc::new(config), server).unwrap();
        let wire = Wire::Tls(Box::new(StreamOwned::new(session, stream)));
        Self::new(name, "tls", local, wire)
    }

    fn new(name: &str, transport: &'static str, local: SocketAddr, wire: Wire) -> Self {
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        Self {
            wire,
            name: name.to_owned(),
            transport,
            contact: format!("sip:{name}@{local};transport={transport}"),
            listener: None,
            pending: Vec::new(),
            waiting: Vec::new(),
            cseq: 0,
            call: format!("{number}-{name}@test"),
        }
    }

    /// Goes on over a connection that the server has opened to this client's own port.
    pub(crate) fn accept(&mut self) {
        let listener = self.listener.as_ref().expect("a TCP client listens");
        listener.set_nonblocking(true).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(Instant::now() < deadline, "the server opens no connection");
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(error) => panic!("{error}"),
            }
        };
        stream.set_nonblocking(false).unwrap();
        self.pending.clear();
        self.wire = Wire::Tcp(stream);
    }

    /// Closes the connection, and forgets it.
    pub(crate) fn hang_up(&mut self) {
        match &mut self.wire {
            Wire::Udp(..) => {}
            Wire::Tcp(stream) => stream.shutdown(std::net::Shutdown::Both).unwrap(),
            Wire::Tls(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.flush();
                stream.sock.shutdown(std::net::Shutdown::Both).unwrap();
            }
        }
    }

    pub(crate) fn send(&mut self, text: &str) {
        match &mut self.wire {
            Wire::Udp(socket, server) => {
                socket.send_to(text.as_bytes(), *server).unwrap();
            }
            Wire::Tcp(stream) => stream.write_all(text.as_bytes()).unwrap(),
            Wire::Tls(stream) => {
                stream.write_all(text.as_bytes()).unwrap();
                stream.flush().unwrap();
            }
        }
    }

    /// The next message of any kind.
    pub(crate) fn receive(&mut self) -> Text {
        if self.waiting.is_empty() {
            self.read(PATIENCE).expect("a message comes")
        } else {
            self.waiting.remove(0)
        }
    }

    /// The next request; other messages wait.
    pub(crate) fn request(&mut self, method: &str) -> Text {
        self.wait_for(|text| text.first_line().starts_with(&format!("{method} ")))
    }

    /// The next response that ends something.
    pub(crate) fn answer(&mut self) -> Text {
        self.wait_for(|text| !text.is_request() && text.code() >= 200)
    }

    /// Whether nothing comes for a moment.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.waiting.is_empty() && self.read(MOMENT).is_none()
    }

    pub(crate) fn wait_for(&mut self, is_it: impl Fn(&Text) -> bool) -> Text {
        if let Some(at) = self.waiting.iter().position(&is_it) {
            return self.waiting.remove(at);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(text) = self.read(left) else {
                panic!("{} waits in vain; others came: {:#?}", self.name, self.waiting);
            };
            if is_it(&text) {
                return text;
            }
            self.waiting.push(text);
        }
    }

    /// Whether the server has closed the connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        let stream = match &mut self.wire {
            Wire::Udp(..) => return false,
            Wire::Tcp(stream) => stream,
            Wire::Tls(stream) => &mut stream.sock,
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }

    fn read(&mut self, patience: Duration) -> Option<Text> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(text) = self.cut() {
                println!("{} got:\n{}\n", self.name, text.0);
                return Some(text);
            }
            let left =
                deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let mut buffer = [0; 65536];
            let result = match &mut self.wire {
                Wire::Udp(socket, _) => {
                    socket.set_read_timeout(Some(left)).unwrap();
                    socket.recv(&mut buffer)
                }
                Wire::Tcp(stream) => {
                    stream.set_read_timeout(Some(left)).unwrap();
                    stream.read(&mut buffer)
                }
                Wire::Tls(stream) => {
                    stream.sock.set_read_timeout(Some(left)).unwrap();
                    stream.read(&mut buffer)
                }
            };
            match result {
                Ok(0) => return None,
                Ok(len) => self.pending.extend_from_slice(&buffer[..len]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    if Instant::now() >= deadline {
                        return None;
                    }
                }
                Err(_) => return None,
            }
        }
    }

    /// Takes the first whole message off what was read.
    fn cut(&mut self) -> Option<Text> {
        while self.pending.starts_with(b"\r\n") {
            self.pending.drain(..2);
        }
        let head = self.pending.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let text = Text(String::from_utf8_lossy(&self.pending[..head]).into_owned());
        let body: usize = text.header("Content-Length").parse().expect("Content-Length");
        if self.pending.len() < head + body {
            return None;
        }
        let message: Vec<u8> = self.pending.drain(..head + body).collect();
        Some(Text(String::from_utf8(message).unwrap()))
    }

    /// Sends a request of this user's, answers the challenge, and gives the final response.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        uri: &str,
        to: &str,
        more: &str,
        body: &str,
    ) -> Text {
        self.start(method, uri, to, more, body);
        let answer = self.answer();
        if !matches!(answer.code(), 401 | 407) {
            return answer;
        }
        let more = format!("{more}{}", self.credentials(&answer, method, uri, "MD5"));
        self.start(method, uri, to, &more, body);
        self.answer()
    }

    /// Sends a request of this user's, and gives it back.
    pub(crate) fn start(
        &mut self,
        method: &str,
        uri: &str,
        to: &str,
        more: &str,
        body: &str,
    ) -> Text {
        self.cseq += 1;
        let (name, cseq, call) = (&self.name, self.cseq, &self.call);
        let mut text = format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/{} {};branch=z9hG4bK-{call}-{cseq}\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:{name}@example.test>;tag={name}-tag\r\n\
             To: {to}\r\n\
             Call-ID: {call}\r\n\
             CSeq: {cseq} {method}\r\n",
            self.transport.to_uppercase(),
            self.hostport(),
        );
        text.push_str(more);
        let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
        self.send(&text);
        Text(text)
    }

    /// Signs in or renews it; zero signs out.
    pub(crate) fn register(&mut self, expires_s: u32) -> Text {
        let to = format!("<sip:{}@example.test>", self.name);
        let more = format!("Contact: <{}>\r\nExpires: {expires_s}\r\n", self.contact);
        self.ask("REGISTER", "sip:example.test", &to, &more, "")
    }

    /// The header that answers a challenge.
    pub(crate) fn credentials(
        &self,
        challenge: &Text,
        method: &str,
        uri: &str,
        algorithm: &str,
    ) -> String {
        let (asks, answers) = match challenge.code() {
            401 => ("WWW-Authenticate", "Authorization"),
            _ => ("Proxy-Authenticate", "Proxy-Authorization"),
        };
        let wanted = format!("algorithm={algorithm},");
        let value = challenge
            .all(asks)
            .into_iter()
            .find(|value| format!("{value},").contains(&wanted))
            .expect("a challenge for the algorithm");
        let part = |name: &str| {
            let at = value.find(&format!("{name}=\"")).map(|at| at + name.len() + 2);
            let rest = at.map_or("", |at| &value[at..]);
            rest.split('"').next().unwrap_or_default().to_owned()
        };
        let (realm, nonce, opaque) = (part("realm"), part("nonce"), part("opaque"));
        let hash = |text: String| match algorithm {
            "MD5" => hex::encode(Md5::digest(text.as_bytes())),
            _ => hex::encode(sha2::Sha256::digest(text.as_bytes())),
        };
        let name = &self.name;
        let a1 = hash(format!("{name}:{realm}:{name}'s secret"));
        let a2 = hash(format!("{method}:{uri}"));
        let response = hash(format!("{a1}:{nonce}:00000001:0a4f113b:auth:{a2}"));
        let opaque =
            if opaque.is_empty() { String::new() } else { format!(", opaque=\"{opaque}\"") };
        format!(
            "{answers}: Digest username=\"{name}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={algorithm}, cnonce=\"0a4f113b\", qop=auth, nc=00000001{opaque}\r\n"
        )
    }

    /// Answers a request.
    pub(crate) fn reply(&mut self, request: &Text, status: &str, more: &str) {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "Record-Route", "From", "Call-ID", "CSeq"] {
            for value in request.all(name) {
                let _ = write!(text, "{name}: {value}\r\n");
            }
        }
        let to = request.header("To");
        let tag =
            if to.contains(";tag=") { String::new() } else { format!(";tag={}-here", self.name) };
        let _ = write!(text, "To: {to}{tag}\r\n{more}Content-Length: 0\r\n\r\n");
        self.send(&text);
    }

    /// Another dialog from here on.
    pub(crate) fn next_call(&mut self) {
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        self.call = format!("{number}-{}@test", self.name);
    }

    fn hostport(&self) -> &str {
        let address = self.contact.split('@').nth(1).unwrap_or_default();
        address.split(';').next().unwrap_or_default()
    }
}
