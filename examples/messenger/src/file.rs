//! Files: the messages that agree on one, and the transfer over one TCP connection.

use std::io::{BufRead, ErrorKind, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use tftp_core::messenger::{ByeCode, Config, Event, Receiver, Sender, TRANSMIT_LEN};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, sleep_until, timeout};

use crate::stop::Stop;

mod offer;

use offer::cookie;
pub use offer::{Declined, Listening, Offer};

/// How much is read from the file or the connection at once.
const BUFFER: usize = 64 * 1024;

/// How long the other side may take to read why this side ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// A transfer was given up by one of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled(pub ByeCode);

impl std::fmt::Display for Cancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Cancelled {}

/// Where a received file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    file: PathBuf,
    /// What it is called while it is not whole.
    part: PathBuf,
    replace: bool,
}

impl Target {
    /// This file; where there is one already, `may_replace` is asked. Nothing where it says no.
    pub fn choose(file: &Path, may_replace: impl FnOnce(&Path) -> bool) -> Option<Self> {
        let replace = file.symlink_metadata().is_ok();
        if replace && !may_replace(file) {
            return None;
        }
        // A name that is nobody else's.
        let mut part = file.to_owned().into_os_string();
        part.push(format!(".{:08x}.part", cookie().ok()?));
        Some(Self { file: file.to_owned(), part: part.into(), replace })
    }

    /// Makes the file that it is while it is not whole.
    async fn begin(&self) -> Result<File> {
        let file = File::options().write(true).create_new(true).open(&self.part).await;
        file.with_context(|| format!("{} cannot be written", self.part.display()))
    }

    /// It is whole: it gets its name.
    async fn finish(&self) -> Result<()> {
        let part = &self.part;
        let finished = if self.replace {
            tokio::fs::rename(part, &self.file).await
        } else {
            // A rename would replace what has come to be there meanwhile; a link does not.
            let linked = tokio::fs::hard_link(part, &self.file).await;
            tokio::fs::remove_file(part).await.and(linked)
        };
        finished.with_context(|| format!("{} cannot be written", self.file.display()))
    }
}

/// Asks a person whether a file may be replaced; only a yes is a yes.
pub fn ask(file: &Path, mut input: impl BufRead, mut output: impl Write) -> bool {
    let mut answer = String::new();
    write!(output, "{} is there already. Replace it? [y/N] ", file.display()).is_ok()
        && output.flush().is_ok()
        && input.read_line(&mut answer).is_ok()
        && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// Sends the file over a connection; `progress` is told how many octets are on their way.
pub async fn send(
    stream: TcpStream,
    config: &Config<'_>,
    file: &Path,
    progress: impl FnMut(u64),
) -> Result<()> {
    send_until(stream, config, file, progress, Stop::never()).await
}

/// Sends the file over a connection, unless it is stopped: then the other side is told.
///
/// The error is [`Cancelled`] where one side has given up, and
/// [`messenger::Error`](tftp_core::messenger::Error) where the protocol was broken.
pub async fn send_until(
    mut stream: TcpStream,
    config: &Config<'_>,
    file: &Path,
    progress: impl FnMut(u64),
    stop: Stop,
) -> Result<()> {
    let sent = send_over(&mut stream, config, file, progress, stop).await;
    farewell(&mut stream).await;
    sent
}

async fn send_over(
    stream: &mut TcpStream,
    config: &Config<'_>,
    file: &Path,
    mut progress: impl FnMut(u64),
    mut stop: Stop,
) -> Result<()> {
    let epoch = Instant::now();
    let mut file =
        File::open(file).await.with_context(|| format!("{} cannot be read", file.display()))?;
    let mut sender = Sender::new(epoch.elapsed(), config)?;
    let (mut line, mut data, mut chunks) = ([0; TRANSMIT_LEN], vec![0; BUFFER], vec![0; BUFFER]);
    let mut inbox = Inbox::default();
    let mut complete = false;
    loop {
        if stop.is_asked() {
            sender.cancel(epoch.elapsed());
        }
        while let Some(transmit) = sender.poll_transmit(epoch.elapsed(), &mut line) {
            write(stream, line.get(..transmit.len), config.silence, &mut stop).await?;
        }
        while let Some(event) = sender.poll_event() {
            complete |= is_complete(event)?;
        }
        if complete {
            return Ok(());
        }
        if let Some(read) = sender.poll_read() {
            file.seek(SeekFrom::Start(read.offset)).await?;
            let len = file.read(&mut data).await?;
            if len == 0 {
                sender.cancel(epoch.elapsed());
                continue;
            }
            let mut data = data.get(..len).unwrap_or_default();
            while !data.is_empty() && sender.poll_read().is_some() {
                let (taken, transmit) = sender.supply(epoch.elapsed(), data, &mut chunks)?;
                data = data.get(taken..).unwrap_or_default();
                write(stream, chunks.get(..transmit.len), config.silence, &mut stop).await?;
                progress(sender.transferred());
            }
            // The receiver may have had enough of it.
            inbox.try_read(stream)?;
        } else if !inbox.read(stream, epoch, sender.poll_timeout(), &mut stop).await? {
            sender.handle_timeout(epoch.elapsed());
        }
        loop {
            let (used, event) = sender.handle_stream(epoch.elapsed(), &inbox.octets)?;
            if let Some(event) = event {
                complete |= is_complete(event)?;
            }
            inbox.octets.drain(..used);
            if used == 0 {
                break;
            }
            while let Some(transmit) = sender.poll_transmit(epoch.elapsed(), &mut line) {
                write(stream, line.get(..transmit.len), config.silence, &mut stop).await?;
            }
        }
        if inbox.ended {
            sender.handle_closed(epoch.elapsed());
        }
    }
}

/// Receives a file over a connection; `progress` is told how many octets have come.
///
/// The file is there only if all of it came, and was not changed under way; until then it is called
/// `<name>.<number>.part`.
pub async fn receive(
    stream: TcpStream,
    config: &Config<'_>,
    target: &Target,
    progress: impl FnMut(u64),
) -> Result<()> {
    receive_until(stream, config, target, progress, Stop::never()).await
}

/// Receives a file over a connection, unless it is stopped: then the other side is told. Errors are
/// those of [`send_until`].
pub async fn receive_until(
    mut stream: TcpStream,
    config: &Config<'_>,
    target: &Target,
    progress: impl FnMut(u64),
    stop: Stop,
) -> Result<()> {
    let output = target.begin().await?;
    let received = receive_into(&mut stream, config, output, progress, stop).await;
    farewell(&mut stream).await;
    match received {
        Ok(()) => target.finish().await,
        Err(error) => {
            // Half a file is of no use; where there is none there is none to remove.
            let _ = tokio::fs::remove_file(&target.part).await;
            Err(error)
        }
    }
}

async fn receive_into(
    stream: &mut TcpStream,
    config: &Config<'_>,
    mut output: File,
    mut progress: impl FnMut(u64),
    mut stop: Stop,
) -> Result<()> {
    stream.set_nodelay(true)?;
    let epoch = Instant::now();
    let mut receiver = Receiver::new(epoch.elapsed(), config)?;
    let mut line = [0; TRANSMIT_LEN];
    let mut inbox = Inbox::default();
    let (mut complete, mut unwritable) = (false, None);
    loop {
        if stop.is_asked() {
            receiver.cancel(epoch.elapsed(), ByeCode::ReceiverCancelled);
        }
        let mut at = 0;
        loop {
            while let Some(transmit) = receiver.poll_transmit(epoch.elapsed(), &mut line) {
                write(stream, line.get(..transmit.len), config.silence, &mut stop).await?;
            }
            if let Some(error) = unwritable {
                return Err(error).context("the file cannot be written");
            }
            while let Some(event) = receiver.poll_event() {
                complete |= is_complete(event)?;
            }
            let octets = inbox.octets.get_mut(at..).unwrap_or_default();
            let (used, event) = receiver.handle_stream(epoch.elapsed(), octets)?;
            match event {
                Some(Event::Data { data, .. }) => {
                    let last = receiver.transferred() == config.size;
                    if let Err(error) = keep(&mut output, data, last).await {
                        receiver.cancel(epoch.elapsed(), reason(&error));
                        unwritable = Some(error);
                    }
                }
                Some(event) => complete |= is_complete(event)?,
                None => {}
            }
            if used == 0 && unwritable.is_none() {
                break;
            }
            at += used;
        }
        inbox.octets.drain(..at);
        progress(receiver.transferred());
        if complete {
            return Ok(());
        }
        if inbox.ended {
            receiver.handle_closed(epoch.elapsed());
        } else if !inbox.read(stream, epoch, receiver.poll_timeout(), &mut stop).await? {
            receiver.handle_timeout(epoch.elapsed());
        }
    }
}

/// Writes octets of the file; behind the last ones it is on the disk.
async fn keep(output: &mut File, data: &[u8], last: bool) -> std::io::Result<()> {
    output.write_all(data).await?;
    if last {
        output.flush().await?;
        output.sync_all().await?;
    }
    Ok(())
}

/// What the other side is told where its file cannot be kept.
fn reason(error: &std::io::Error) -> ByeCode {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            ByeCode::DiskFull
        }
        _ => ByeCode::ReceiverCancelled,
    }
}

/// The SHA-256 of a file, in hexadecimal digits.
pub fn sha256(file: &Path) -> Result<String> {
    let mut input =
        std::fs::File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match std::io::Read::read(&mut input, &mut buffer)? {
            0 => break,
            len => digest.update(buffer.get(..len).unwrap_or_default()),
        }
    }
    Ok(digest.finalize().iter().map(|octet| format!("{octet:02x}")).collect())
}

/// Whether the transfer has come to its end; an error where it was not a good one.
fn is_complete(event: Event<'_>) -> Result<bool> {
    match event {
        Event::Complete => Ok(true),
        Event::Cancelled { code } => Err(Cancelled(code).into()),
        Event::Failed(error) => Err(error.into()),
        _ => Ok(false),
    }
}

/// What has come on a connection and was not used yet.
#[derive(Default)]
struct Inbox {
    octets: Vec<u8>,
    ended: bool,
}

impl Inbox {
    /// Waits for more, no longer than until `deadline` or a stop; says whether something came, if
    /// only the end.
    async fn read(
        &mut self,
        stream: &mut TcpStream,
        epoch: Instant,
        deadline: Option<Duration>,
        stop: &mut Stop,
    ) -> Result<bool> {
        let deadline = epoch + deadline.unwrap_or_else(|| epoch.elapsed());
        self.octets.reserve(BUFFER);
        tokio::select! {
            read = stream.read_buf(&mut self.octets) => {
                self.ended = read.context("the connection broke")? == 0;
                Ok(true)
            }
            () = sleep_until(deadline.into()) => Ok(false),
            () = stop.asked() => Ok(false),
        }
    }

    /// Takes what is there already.
    fn try_read(&mut self, stream: &TcpStream) -> Result<()> {
        match stream.try_read_buf(&mut self.octets) {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("the connection broke"),
        }
        Ok(())
    }
}

/// Writes within `limit`, and sooner once it was stopped: half a chunk is of no use to anybody.
async fn write(
    stream: &mut TcpStream,
    octets: Option<&[u8]>,
    limit: Duration,
    stop: &mut Stop,
) -> Result<()> {
    let late = async {
        tokio::select! {
            () = sleep(limit) => {}
            () = async { stop.asked().await; sleep(FAREWELL).await } => {}
        }
    };
    tokio::select! {
        written = stream.write_all(octets.unwrap_or_default()) => {
            written.context("the connection broke")
        }
        () = late => bail!("the other side takes nothing of what it is sent"),
    }
}

/// Closes this side of the connection, and waits for the other side to read what was sent: closed
/// with something unread, the connection would be reset and the last line might be lost.
async fn farewell(stream: &mut TcpStream) {
    let mut unread = vec![0; BUFFER];
    let rest = async {
        // How the transfer has ended is settled: a connection that breaks now changes nothing.
        let _ = stream.shutdown().await;
        while matches!(stream.read(&mut unread).await, Ok(1..)) {}
    };
    // Who does not close in this time is not waited for.
    let _ = timeout(FAREWELL, rest).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::{Otherwise, listener};
    use tokio::net::TcpListener;

    const BOB: &str = "bob@example.test";

    /// Sends `octets` announced as `size` from one task to another, and says how both ended. What
    /// the receiver shows as a cookie is off by `guess`.
    async fn transfer(octets: Vec<u8>, offer: Offer, guess: u32) -> (Result<()>, Result<Vec<u8>>) {
        transfer_until(octets, offer, guess, [u64::MAX; 2]).await
    }

    /// The same, and sender and receiver give up after so many octets.
    async fn transfer_until(
        octets: Vec<u8>,
        offer: Offer,
        guess: u32,
        patience: [u64; 2],
    ) -> (Result<()>, Result<Vec<u8>>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (source, target) = (folder.path().join("source"), folder.path().join("target"));
        std::fs::write(&source, octets).expect("it can be written");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (host, port) = (address.ip().to_string(), address.port());

        // The bodies go from one to the other; each knows only what it has read.
        let offered = Offer::parse(&offer.body().expect("a body")).expect("an offer");
        let (of_sender, of_receiver) = if offer.can_listen {
            let (keys, body) = offered.accept().expect("a body");
            let (seen, nowhere) = offer.accepted(&body).expect("keys");
            assert_eq!(nowhere, None);
            let (cookie, body) = offer.listening(&host, port).expect("a body");
            let there = offered.address(&body).expect("an address");
            assert_eq!(there.port, port);
            ((cookie, seen), (there.auth_cookie, keys))
        } else {
            let (keys, cookie, body) = offered.accept_listening(&host, port).expect("a body");
            let (seen, there) = offer.accepted(&body).expect("keys");
            ((there.expect("an address").auth_cookie, seen), (cookie, keys))
        };
        let of_sender = offer.config(BOB, of_sender.0, of_sender.1);
        let of_receiver = offered.config(BOB, of_receiver.0.wrapping_add(guess), of_receiver.1);
        let (one, other) = tokio::join!(listener.accept(), TcpStream::connect(address));
        let (one, other) = (one.expect("a connection").0, other.expect("a connection"));
        let (sends, receives) = if offer.can_listen { (one, other) } else { (other, one) };
        let mut last = 0;
        let chosen = Target::choose(&target, |_| false).expect("there is none");
        let [(ask_sender, sender), (ask_receiver, receiver)] = [Stop::new(), Stop::new()];
        let sending = |octets| {
            if octets >= patience[0] {
                ask_sender.send_replace(true);
            }
        };
        let receiving = |octets| {
            assert!(octets >= last);
            assert!(!target.exists(), "it is not whole yet");
            last = octets;
            if octets >= patience[1] {
                ask_receiver.send_replace(true);
            }
        };
        let (sent, received) = tokio::join!(
            send_until(sends, &of_sender, &source, sending, sender),
            receive_until(receives, &of_receiver, &chosen, receiving, receiver)
        );
        assert_eq!(received.is_ok(), target.exists(), "half a file is removed");
        let left = std::fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(left, 1 + usize::from(received.is_ok()), "nothing else is left");
        (sent, received.map(|()| std::fs::read(&target).expect("the file")))
    }

    fn offer(size: usize) -> Offer {
        Offer::new("file", size as u64).expect("an offer")
    }

    fn octets(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i % 251) as u8).collect()
    }

    #[tokio::test]
    async fn files_of_all_sizes_arrive_whole() {
        for len in [0, 1, 2045, 2046, 1_000_003] {
            let (sent, received) = transfer(octets(len), offer(len), 0).await;
            sent.expect("it was sent");
            assert!(received.expect("it was received") == octets(len), "{len}");
        }
    }

    #[tokio::test]
    async fn either_side_may_listen_in_both_dialects() {
        for (encrypted, can_listen) in [(true, false), (false, true), (false, false)] {
            let offer = Offer { encrypted, can_listen, ..offer(100_000) };
            let (sent, received) = transfer(octets(100_000), offer, 0).await;
            sent.expect("it was sent");
            let received = received.expect("it was received");
            assert!(received == octets(100_000), "{encrypted} {can_listen}");
        }
    }

    #[tokio::test]
    async fn ten_transfers_at_a_time_have_ports() {
        // An address of its own: other tests take these ports of the usual one.
        let here = std::net::IpAddr::from([127, 0, 0, 91]);
        let policy = crate::ports::Policy::default();
        let mut listeners = Vec::new();
        for port in 6891..=6900 {
            let listener = listener(here, policy.files.ports(), Otherwise::Refuse).await;
            let listener = listener.expect("a port of the policy");
            assert_eq!(listener.local_addr().expect("an address").port(), port);
            listeners.push(listener);
        }
        assert!(listener(here, policy.files.ports(), Otherwise::Refuse).await.is_err());
    }

    #[tokio::test]
    async fn a_stranger_gets_nothing() {
        let (sent, received) = transfer(octets(100), offer(100), 1).await;
        let error = sent.expect_err("the cookie is wrong");
        let why = error.downcast_ref::<tftp_core::messenger::Error>();
        assert_eq!(why, Some(&tftp_core::messenger::Error::WrongCookie), "{error:#}");
        assert!(received.is_err());
    }

    #[tokio::test]
    async fn a_file_shorter_than_announced_is_given_up() {
        let (sent, received) = transfer(octets(5000), offer(6000), 0).await;
        assert!(sent.is_err() && received.is_err());
    }

    /// Receives of a sender what `between` makes of its octets, and says how both ended.
    async fn receive_through(
        of_sender: &Config<'_>,
        of_receiver: &Config<'_>,
        octets: Vec<u8>,
        mut between: impl FnMut(usize, &mut u8),
    ) -> (Result<()>, Result<()>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (source, target) = (folder.path().join("source"), folder.path().join("target"));
        std::fs::write(&source, octets).expect("it can be written");
        let pair = async || {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("an address");
            let (one, other) = tokio::join!(listener.accept(), TcpStream::connect(address));
            (one.expect("a connection").0, other.expect("a connection"))
        };
        let ((sends, far), (near, receives)) = (pair().await, pair().await);
        let (mut from_sender, mut to_sender) = far.into_split();
        let (mut from_receiver, mut to_receiver) = near.into_split();
        let there = async {
            let (mut at, mut buffer) = (0, [0; 1000]);
            while let Ok(len @ 1..) = from_sender.read(&mut buffer).await {
                for octet in &mut buffer[..len] {
                    between(at, octet);
                    at += 1;
                }
                if to_receiver.write_all(&buffer[..len]).await.is_err() {
                    break;
                }
            }
            let _ = to_receiver.shutdown().await;
        };
        let back = async {
            let _ = tokio::io::copy(&mut from_receiver, &mut to_sender).await;
            let _ = to_sender.shutdown().await;
        };
        let chosen = Target::choose(&target, |_| false).expect("there is none");
        let (sent, received, (), ()) = tokio::join!(
            send(sends, of_sender, &source, |_| {}),
            receive(receives, of_receiver, &chosen, |_| {}),
            there,
            back
        );
        assert_eq!(received.is_ok(), target.exists());
        let left = std::fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(left, 1 + usize::from(received.is_ok()), "nothing else is left");
        (sent, received)
    }

    #[tokio::test]
    async fn what_was_changed_under_way_or_has_another_size_is_no_file() {
        use tftp_core::messenger::Error;
        let offer = offer(5000);
        let secure = offer.config(BOB, 7, offer.keys().expect("keys"));
        let unchanged = |_, _: &mut u8| {};
        let (sent, received) = receive_through(&secure, &secure, octets(5000), unchanged).await;
        sent.and(received).expect("nothing is wrong yet");

        // Behind VER and FIL, in the middle of a chunk.
        let flip = |at, octet: &mut u8| *octet ^= u8::from(at == 700);
        let (_, received) = receive_through(&secure, &secure, octets(5000), flip).await;
        assert_eq!(received.expect_err("it was changed").downcast_ref(), Some(&Error::WrongMac));

        for config in [secure, offer.config(BOB, 7, None)] {
            let longer = Config { size: 6000, ..config.clone() };
            let (sent, received) = receive_through(&config, &longer, octets(5000), unchanged).await;
            let wrong_size = Error::WrongSize { announced: 6000, said: 5000 };
            assert_eq!(received.expect_err("too short").downcast_ref(), Some(&wrong_size));
            assert_eq!(sent.expect_err("refused").downcast_ref(), Some(&Error::Closed));
        }
    }

    #[tokio::test]
    async fn either_side_may_give_up_in_the_middle_and_the_other_knows_why() {
        const SIZE: usize = 20_000_000;
        for encrypted in [true, false] {
            for (patience, code) in [
                ([1_000_000, u64::MAX], ByeCode::SenderCancelled),
                ([u64::MAX, 1_000_000], ByeCode::ReceiverCancelled),
                ([u64::MAX, 0], ByeCode::ReceiverCancelled),
            ] {
                let offer = Offer { encrypted, ..offer(SIZE) };
                let (sent, received) = transfer_until(octets(SIZE), offer, 0, patience).await;
                for error in [sent.expect_err("given up"), received.expect_err("given up")] {
                    let why = error.downcast_ref::<Cancelled>();
                    assert_eq!(why, Some(&Cancelled(code)), "{error:#}");
                }
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_disk_that_is_full_is_said_to_the_sender() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = folder.path().join("source");
        for (encrypted, len) in [(true, 500_000), (false, 500_000), (true, 1), (false, 1)] {
            std::fs::write(&source, octets(len)).expect("it can be written");
            let offer = Offer { encrypted, ..offer(len) };
            let keys = offer.keys().expect("keys");
            let config = offer.config(BOB, 7, keys);
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("an address");
            let (one, other) = tokio::join!(listener.accept(), TcpStream::connect(address));
            let (one, mut other) = (one.expect("a connection").0, other.expect("a connection"));
            let full = File::options().write(true).open("/dev/full").await.expect("it is there");
            let receiving = async {
                let received = receive_into(&mut other, &config, full, |_| {}, Stop::never()).await;
                farewell(&mut other).await;
                received
            };
            let (sent, received) = tokio::join!(send(one, &config, &source, |_| {}), receiving);
            let received = received.expect_err("there is no room");
            assert!(received.to_string().contains("cannot be written"), "{received:#}");
            let error = sent.expect_err("there is no room");
            let why = error.downcast_ref::<Cancelled>();
            assert_eq!(why, Some(&Cancelled(ByeCode::DiskFull)), "{encrypted} {len}: {error:#}");
        }
    }

    #[tokio::test]
    async fn a_file_is_replaced_only_by_somebodys_leave() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "old").expect("it can be written");
        assert_eq!(Target::choose(&file, |_| false), None);
        let target = Target::choose(&file, |_| true).expect("leave was given");
        std::fs::write(&target.part, "new").expect("it can be written");
        assert_eq!(std::fs::read(&file).expect("the file"), b"old");
        target.finish().await.expect("it has its name");
        assert_eq!(std::fs::read(&file).expect("the file"), b"new");
        // One that comes to be there meanwhile is not replaced: nobody was asked.
        let file = folder.path().join("other");
        let target = Target::choose(&file, |_| true).expect("there is none");
        std::fs::write(&target.part, "new").expect("it can be written");
        std::fs::write(&file, "meanwhile").expect("it can be written");
        assert!(target.finish().await.is_err());
        assert_eq!(std::fs::read(&file).expect("the file"), b"meanwhile");
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        for (answer, expected) in [("y\n", true), ("Yes\n", true), ("\n", false), ("", false)] {
            let mut said = Vec::new();
            assert_eq!(ask(Path::new("f"), answer.as_bytes(), &mut said), expected, "{answer:?}");
            assert_eq!(said, b"f is there already. Replace it? [y/N] ");
        }
    }
}
