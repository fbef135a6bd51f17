//! Files: the invitation's bodies, and the transfer over one TCP connection.

use std::io::{BufRead, ErrorKind, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand_core::Rng;
use sha2::{Digest, Sha256};
use tftp_core::messenger::{
    Accept, Address, Cancel, Config, Event, Invitation, Invite, Keys, Receiver, Sender,
    TRANSMIT_LEN,
};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use crate::random;

/// How much is read from the file or the connection at once.
const BUFFER: usize = 64 * 1024;

/// An offer of a file, as both sides keep it.
///
/// Where the sender can listen, the receiver accepts, and the sender says where it listens. Where it
/// cannot (it is behind a NAT), the receiver listens, and says so as it accepts. Either way it is
/// the side that listens whose cookie the receiver shows on the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Ties the bodies of the invitation together.
    pub cookie: u32,
    /// The file's name without its folders.
    pub name: String,
    /// In octets.
    pub size: u64,
    /// Encrypted and checked; without it the plain protocol of old clients runs.
    pub encrypted: bool,
    /// The sender can be connected to.
    pub can_listen: bool,
}

/// Where the other side listens, and the cookie that is shown there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Its address or name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The cookie.
    pub auth_cookie: u32,
}

impl Offer {
    /// An encrypted offer of this file, by a sender that listens, with a cookie that nobody can
    /// foresee.
    pub fn new(name: &str, size: u64) -> Result<Self> {
        let (encrypted, can_listen) = (true, true);
        Ok(Self { cookie: cookie()?, name: name.to_owned(), size, encrypted, can_listen })
    }

    /// What a received body offers.
    pub fn parse(body: &[u8]) -> Result<Self> {
        match Invitation::parse(body)? {
            Invitation::Invite(invite) => {
                // The name is the other side's: no part of it may lead out of the folder.
                let name = invite.file.rsplit(['/', '\\']).next().unwrap_or_default();
                ensure!(!matches!(name, "" | "." | ".."), "the file has no name");
                let Invite { cookie, size, encrypted, can_listen, .. } = invite;
                Ok(Self { cookie, name: name.to_owned(), size, encrypted, can_listen })
            }
            other => bail!("an offer of a file was expected, not {other:?}"),
        }
    }

    /// The body that offers it.
    pub fn body(&self) -> Result<Vec<u8>> {
        let invite = Invite::new(self.cookie, &self.name, self.size);
        let Self { encrypted, can_listen, .. } = *self;
        body(&Invitation::Invite(Invite { encrypted, can_listen, ..invite }))
    }

    /// The body that takes it, with the keys that the receiver makes.
    pub fn accept(&self) -> Result<(Option<Keys>, Vec<u8>)> {
        ensure!(self.can_listen, "the sender cannot listen: the receiver has to");
        let keys = self.keys()?;
        let accept = Accept::by_receiver(self.cookie, keys.clone());
        Ok((keys, body(&Invitation::Accept(accept))?))
    }

    /// The body that takes it and says where the receiver listens, for a sender that cannot; and
    /// the cookie that is shown there.
    pub fn accept_listening(&self, host: &str, port: u16) -> Result<(Option<Keys>, u32, Vec<u8>)> {
        let (keys, auth_cookie) = (self.keys()?, cookie()?);
        let address = Address::new(host, port, auth_cookie);
        let accept = Accept::by_listening_receiver(self.cookie, keys.clone(), address);
        Ok((keys, auth_cookie, body(&Invitation::Accept(accept))?))
    }

    /// The body that says no.
    pub fn decline(&self) -> Result<Vec<u8>> {
        body(&Invitation::Cancel(Cancel { cookie: self.cookie, code: Cancel::REJECT }))
    }

    /// What the receiver's answer says: its keys, and where it listens if it does.
    pub fn accepted(&self, body: &[u8]) -> Result<(Option<Keys>, Option<Listening>)> {
        let answer = self.answer(body)?;
        ensure!(!self.encrypted || answer.keys.is_some(), "the receiver has sent no keys");
        let keys = answer.keys.filter(|_| self.encrypted);
        let listening = answer.address.map(listening);
        ensure!(self.can_listen || listening.is_some(), "the receiver does not listen either");
        Ok((keys, listening))
    }

    /// The body that says where the sender listens, and the cookie that it asks for there.
    pub fn listening(&self, host: &str, port: u16) -> Result<(u32, Vec<u8>)> {
        let auth_cookie = cookie()?;
        let accept = Accept::by_sender(self.cookie, Address::new(host, port, auth_cookie));
        Ok((auth_cookie, body(&Invitation::Accept(accept))?))
    }

    /// Where the sender listens.
    pub fn address(&self, body: &[u8]) -> Result<Listening> {
        let address = self.answer(body)?.address;
        address.map(listening).context("the sender does not say where it listens")
    }

    /// What the connection is to be like; `receiver` is who the file is for.
    pub fn config<'a>(
        &self,
        receiver: &'a str,
        auth_cookie: u32,
        keys: Option<Keys>,
    ) -> Config<'a> {
        match keys {
            Some(keys) => Config::new(receiver, auth_cookie, self.size, keys),
            None => Config::plain(receiver, auth_cookie, self.size),
        }
    }

    fn keys(&self) -> Result<Option<Keys>> {
        let mut generator = random::generator()?;
        Ok(self.encrypted.then(|| Keys::generate(&mut generator)))
    }

    fn answer<'b>(&self, body: &'b [u8]) -> Result<Accept<'b>> {
        match Invitation::parse(body)? {
            Invitation::Accept(accept) if accept.cookie == self.cookie => Ok(accept),
            Invitation::Cancel(cancel) if cancel.cookie == self.cookie => {
                bail!("the other side declined the file ({})", cancel.code)
            }
            other => bail!("an answer to the offer was expected, not {other:?}"),
        }
    }
}

fn listening(address: Address<'_>) -> Listening {
    let Address { host, port, auth_cookie, .. } = address;
    Listening { host: host.to_owned(), port, auth_cookie }
}

/// Where a received file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    file: PathBuf,
    replace: bool,
}

impl Target {
    /// This file; where there is one already, `may_replace` is asked. Nothing where it says no.
    pub fn choose(file: &Path, may_replace: impl FnOnce(&Path) -> bool) -> Option<Self> {
        let replace = file.symlink_metadata().is_ok();
        if replace && !may_replace(file) {
            return None;
        }
        Some(Self { file: file.to_owned(), replace })
    }

    /// Where it is while it is not whole.
    fn part(&self) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(".part");
        name.into()
    }

    /// It is whole: it gets its name.
    async fn finish(&self) -> Result<()> {
        let part = self.part();
        let finished = if self.replace {
            tokio::fs::rename(&part, &self.file).await
        } else {
            // A rename would replace what has come to be there meanwhile; a link does not.
            let linked = tokio::fs::hard_link(&part, &self.file).await;
            tokio::fs::remove_file(&part).await.and(linked)
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
    mut stream: TcpStream,
    config: &Config<'_>,
    file: &Path,
    mut progress: impl FnMut(u64),
) -> Result<()> {
    let epoch = Instant::now();
    let mut file =
        File::open(file).await.with_context(|| format!("{} cannot be read", file.display()))?;
    let mut sender = Sender::new(epoch.elapsed(), config)?;
    let (mut line, mut data, mut chunks) = ([0; TRANSMIT_LEN], vec![0; BUFFER], vec![0; BUFFER]);
    let mut inbox = Inbox::default();
    let mut complete = false;
    loop {
        while let Some(transmit) = sender.poll_transmit(epoch.elapsed(), &mut line) {
            write(&mut stream, line.get(..transmit.len), config.silence).await?;
        }
        while let Some(event) = sender.poll_event() {
            complete |= is_complete(event)?;
        }
        if complete {
            break;
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
                write(&mut stream, chunks.get(..transmit.len), config.silence).await?;
                progress(sender.transferred());
            }
            // The receiver may have had enough of it.
            inbox.try_read(&stream)?;
        } else if !inbox.read(&mut stream, epoch, sender.poll_timeout()).await? {
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
                write(&mut stream, line.get(..transmit.len), config.silence).await?;
            }
        }
        if inbox.ended {
            sender.handle_closed(epoch.elapsed());
        }
    }
    stream.shutdown().await.context("the connection cannot be closed")
}

/// Receives a file over a connection; `progress` is told how many octets have come.
///
/// The file is there only if all of it came, and was not changed under way; until then it is called
/// `<name>.part`.
pub async fn receive(
    stream: TcpStream,
    config: &Config<'_>,
    target: &Target,
    progress: impl FnMut(u64),
) -> Result<()> {
    let part = target.part();
    let received = receive_into(stream, config, &part, progress).await;
    if received.is_err() {
        // Half a file is of no use; where there is none there is none to remove.
        let _ = tokio::fs::remove_file(part).await;
        return received;
    }
    target.finish().await
}

async fn receive_into(
    mut stream: TcpStream,
    config: &Config<'_>,
    file: &Path,
    mut progress: impl FnMut(u64),
) -> Result<()> {
    stream.set_nodelay(true)?;
    let epoch = Instant::now();
    let mut output = File::create(file)
        .await
        .with_context(|| format!("{} cannot be written", file.display()))?;
    let mut receiver = Receiver::new(epoch.elapsed(), config)?;
    let mut line = [0; TRANSMIT_LEN];
    let mut inbox = Inbox::default();
    let mut complete = false;
    loop {
        let mut at = 0;
        loop {
            while let Some(transmit) = receiver.poll_transmit(epoch.elapsed(), &mut line) {
                write(&mut stream, line.get(..transmit.len), config.silence).await?;
            }
            while let Some(event) = receiver.poll_event() {
                complete |= is_complete(event)?;
            }
            let octets = inbox.octets.get_mut(at..).unwrap_or_default();
            let (used, event) = receiver.handle_stream(epoch.elapsed(), octets)?;
            match event {
                Some(Event::Data { data, .. }) => output.write_all(data).await?,
                Some(event) => complete |= is_complete(event)?,
                None => {}
            }
            if used == 0 {
                break;
            }
            at += used;
        }
        inbox.octets.drain(..at);
        progress(receiver.transferred());
        if complete {
            break;
        }
        if inbox.ended {
            receiver.handle_closed(epoch.elapsed());
        } else if !inbox.read(&mut stream, epoch, receiver.poll_timeout()).await? {
            receiver.handle_timeout(epoch.elapsed());
        }
    }
    output.flush().await?;
    output.sync_all().await.with_context(|| format!("{} cannot be written", file.display()))
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
        Event::Cancelled { code } => bail!("{code}"),
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
    /// Waits for more, no longer than until `deadline`; says whether something came, if only the end.
    async fn read(
        &mut self,
        stream: &mut TcpStream,
        epoch: Instant,
        deadline: Option<Duration>,
    ) -> Result<bool> {
        let deadline = epoch + deadline.unwrap_or_else(|| epoch.elapsed());
        self.octets.reserve(BUFFER);
        tokio::select! {
            read = stream.read_buf(&mut self.octets) => {
                self.ended = read.context("the connection broke")? == 0;
                Ok(true)
            }
            () = sleep_until(deadline.into()) => Ok(false),
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

async fn write(stream: &mut TcpStream, octets: Option<&[u8]>, limit: Duration) -> Result<()> {
    timeout(limit, stream.write_all(octets.unwrap_or_default()))
        .await
        .context("the other side takes nothing of what it is sent")?
        .context("the connection broke")
}

fn body(invitation: &Invitation<'_>) -> Result<Vec<u8>> {
    let mut body = vec![0; invitation.encoded_len()];
    let len = invitation.write(&mut body)?;
    body.truncate(len);
    Ok(body)
}

/// Known clients stay below 10^9.
fn cookie() -> Result<u32> {
    Ok(random::generator()?.next_u32() % 1_000_000_000)
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
        let (sent, received) = tokio::join!(
            send(sends, &of_sender, &source, |_| {}),
            receive(receives, &of_receiver, &chosen, |octets| {
                assert!(octets >= last);
                assert!(!target.exists(), "it is not whole yet");
                last = octets;
            })
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
        assert!(sent.expect_err("the cookie is wrong").to_string().contains("cookie"));
        assert!(received.is_err());
    }

    #[tokio::test]
    async fn a_file_shorter_than_announced_is_given_up() {
        let (sent, received) = transfer(octets(5000), offer(6000), 0).await;
        assert!(sent.is_err() && received.is_err());
    }

    #[tokio::test]
    async fn a_file_is_replaced_only_by_somebodys_leave() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "old").expect("it can be written");
        assert_eq!(Target::choose(&file, |_| false), None);
        let target = Target::choose(&file, |_| true).expect("leave was given");
        std::fs::write(target.part(), "new").expect("it can be written");
        assert_eq!(std::fs::read(&file).expect("the file"), b"old");
        target.finish().await.expect("it has its name");
        assert_eq!(std::fs::read(&file).expect("the file"), b"new");
        // One that comes to be there meanwhile is not replaced: nobody was asked.
        let file = folder.path().join("other");
        let target = Target::choose(&file, |_| true).expect("there is none");
        std::fs::write(target.part(), "new").expect("it can be written");
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

    #[test]
    fn the_bodies_agree_on_name_keys_and_address() {
        let offer = Offer::new("Grüße.bin", 5000).expect("an offer");
        let seen = Offer::parse(&offer.body().expect("a body")).expect("it reads");
        assert_eq!(seen, offer);
        let (keys, body) = seen.accept().expect("a body");
        assert!(offer.accepted(&body).expect("keys").0 == keys && keys.is_some());
        let (auth_cookie, body) = offer.listening("127.0.0.1", 6891).expect("a body");
        let there = Listening { host: "127.0.0.1".into(), port: 6891, auth_cookie };
        assert_eq!(seen.address(&body).expect("an address"), there);
        assert!(offer.accepted(&body).is_err(), "the sender has no keys to give");
        let other = Offer::new("other", 1).expect("an offer");
        assert!(other.accepted(&body).is_err(), "the cookie is another offer's");
        let behind = Offer { can_listen: false, ..offer.clone() };
        assert!(behind.accept().is_err(), "somebody has to listen");
        let declined = offer.accepted(&seen.decline().expect("a body"));
        assert!(declined.expect_err("it was declined").to_string().contains("REJECT"));
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        for (name, plain) in [("../../etc/passwd", "passwd"), ("C:\\boot.ini", "boot.ini")] {
            let offer = Offer { name: name.into(), ..offer(1) };
            assert_eq!(Offer::parse(&offer.body().expect("a body")).expect("it reads").name, plain);
        }
        let offer = Offer { name: "folder/..".into(), ..offer(1) };
        assert!(Offer::parse(&offer.body().expect("a body")).is_err());
    }
}
