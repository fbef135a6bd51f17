//! Files: the invitation's bodies, and the transfer over one TCP connection.

use std::io::SeekFrom;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand_core::Rng;
use sha2::{Digest, Sha256};
use tftp_core::messenger::{
    Accept, Address, Config, Event, Invitation, Invite, Keys, Receiver, Sender, TRANSMIT_LEN,
};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use crate::random;

/// How much is read from the file or the connection at once.
const BUFFER: usize = 64 * 1024;

/// An offer of a file, as its sender keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Ties the bodies of the invitation together.
    pub cookie: u32,
    /// The file's name without its folders.
    pub name: String,
    /// In octets.
    pub size: u64,
}

impl Offer {
    /// An offer of this file with a cookie that nobody can foresee.
    pub fn new(name: &str, size: u64) -> Result<Self> {
        Ok(Self { cookie: cookie()?, name: name.to_owned(), size })
    }

    /// What a received body offers.
    pub fn parse(body: &[u8]) -> Result<Self> {
        match Invitation::parse(body)? {
            Invitation::Invite(invite) => {
                ensure!(invite.encrypted, "the file is offered without encryption");
                ensure!(invite.can_listen, "the sender cannot be connected to");
                // The name is the other side's: no part of it may lead out of the folder.
                let name = invite.file.rsplit(['/', '\\']).next().unwrap_or_default();
                ensure!(!matches!(name, "" | "." | ".."), "the file has no name");
                Ok(Self { cookie: invite.cookie, name: name.to_owned(), size: invite.size })
            }
            other => bail!("an offer of a file was expected, not {other:?}"),
        }
    }

    /// The body that offers it.
    pub fn body(&self) -> Result<Vec<u8>> {
        body(&Invitation::Invite(Invite::new(self.cookie, &self.name, self.size)))
    }

    /// The body that takes it, with the keys that the receiver makes.
    pub fn accept(&self) -> Result<(Keys, Vec<u8>)> {
        let keys = Keys::generate(&mut random::generator()?);
        let accept = Accept::by_receiver(self.cookie, Some(keys.clone()));
        Ok((keys, body(&Invitation::Accept(accept))?))
    }

    /// The keys in the receiver's answer.
    pub fn accepted(&self, body: &[u8]) -> Result<Keys> {
        self.answer(body)?.keys.context("the receiver has sent no keys")
    }

    /// The body that says where the sender listens, and the cookie that it asks for there.
    pub fn listening(&self, host: &str, port: u16) -> Result<(u32, Vec<u8>)> {
        let auth_cookie = cookie()?;
        let accept = Accept::by_sender(self.cookie, Address::new(host, port, auth_cookie));
        Ok((auth_cookie, body(&Invitation::Accept(accept))?))
    }

    /// Where the sender listens, and the cookie that it asks for: host, port, cookie.
    pub fn address(&self, body: &[u8]) -> Result<(String, u16, u32)> {
        let address =
            self.answer(body)?.address.context("the sender does not say where it listens")?;
        Ok((address.host.to_owned(), address.port, address.auth_cookie))
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
/// The file is there only if all of it came, and was not changed under way.
pub async fn receive(
    stream: TcpStream,
    config: &Config<'_>,
    file: &Path,
    progress: impl FnMut(u64),
) -> Result<()> {
    let received = receive_into(stream, config, file, progress).await;
    if received.is_err() {
        // Half a file is of no use; where there is none there is none to remove.
        let _ = tokio::fs::remove_file(file).await;
    }
    received
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
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
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
    use tokio::net::TcpListener;

    /// Sends `octets` announced as `size` from one task to another, and says how both ended.
    async fn transfer(
        octets: Vec<u8>,
        size: u64,
        cookies: (u32, u32),
    ) -> (Result<()>, Result<Vec<u8>>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (source, target) = (folder.path().join("source"), folder.path().join("target"));
        std::fs::write(&source, octets).expect("it can be written");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let keys = Keys::generate(&mut random::generator().expect("random numbers"));

        let config = Config::new("bob@example.test", cookies.0, size, keys.clone());
        let sending = async {
            let (stream, _) = listener.accept().await.expect("the receiver connects");
            send(stream, &config, &source, |_| {}).await
        };
        let config = Config::new("bob@example.test", cookies.1, size, keys);
        let receiving = async {
            let stream = TcpStream::connect(address).await.expect("the sender listens");
            let mut last = 0;
            receive(stream, &config, &target, |octets| {
                assert!(octets >= last);
                last = octets;
            })
            .await
        };
        let (sent, received) = tokio::join!(sending, receiving);
        assert_eq!(received.is_ok(), target.exists(), "half a file is removed");
        (sent, received.map(|()| std::fs::read(&target).expect("the file")))
    }

    fn octets(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i % 251) as u8).collect()
    }

    #[tokio::test]
    async fn files_of_all_sizes_arrive_whole() {
        for len in [0, 1, 2045, 2046, 1_000_003] {
            let (sent, received) = transfer(octets(len), len as u64, (5, 5)).await;
            sent.expect("it was sent");
            assert!(received.expect("it was received") == octets(len), "{len}");
        }
    }

    #[tokio::test]
    async fn a_stranger_gets_nothing() {
        let (sent, received) = transfer(octets(100), 100, (5, 6)).await;
        assert!(sent.expect_err("the cookie is wrong").to_string().contains("cookie"));
        assert!(received.is_err());
    }

    #[tokio::test]
    async fn a_file_shorter_than_announced_is_given_up() {
        let (sent, received) = transfer(octets(5000), 6000, (5, 5)).await;
        assert!(sent.is_err() && received.is_err());
    }

    #[test]
    fn the_bodies_agree_on_name_keys_and_address() {
        let offer = Offer::new("Grüße.bin", 5000).expect("an offer");
        let seen = Offer::parse(&offer.body().expect("a body")).expect("it reads");
        assert_eq!(seen, offer);
        let (keys, body) = seen.accept().expect("a body");
        assert!(offer.accepted(&body).expect("keys") == keys);
        let (cookie, body) = offer.listening("127.0.0.1", 6891).expect("a body");
        assert_eq!(seen.address(&body).expect("an address"), ("127.0.0.1".into(), 6891, cookie));
        assert!(offer.accepted(&body).is_err(), "the sender has no keys to give");
        let other = Offer::new("other", 1).expect("an offer");
        assert!(other.accepted(&body).is_err(), "the cookie is another offer's");
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        for (name, plain) in [("../../etc/passwd", "passwd"), ("C:\\boot.ini", "boot.ini")] {
            let offer = Offer { cookie: 1, name: name.into(), size: 1 };
            assert_eq!(Offer::parse(&offer.body().expect("a body")).expect("it reads").name, plain);
        }
        let offer = Offer { cookie: 1, name: "folder/..".into(), size: 1 };
        assert!(Offer::parse(&offer.body().expect("a body")).is_err());
    }
}
