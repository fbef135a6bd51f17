//! The server of the story, in the same process.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use live_server::{Config, Notice, Ready, Users};
use rand_core::Rng;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::{DOMAIN, Figures, HERE};
use crate::ports::{SERVER_CLEAR, SERVER_TLS};
use crate::random;
use crate::story::Story;

/// A server that runs.
pub(super) struct Server {
    /// Where it takes SIP in clear, over TCP.
    pub(super) tcp: SocketAddr,
    /// Where it takes SIP over TLS.
    pub(super) tls: SocketAddr,
    /// The certificate that it shows there.
    pub(super) certificate: CertificateDer<'static>,
    /// Alice's password and Bob's.
    pub(super) passwords: (String, String),
    devices: [Arc<AtomicUsize>; 2],
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<()>>,
}

/// Starts it on the standard ports where they are free, else on any.
pub(super) async fn start(story: Arc<Story>) -> Result<(Server, Figures)> {
    let passwords = (password()?, password()?);
    let mut users = Users::new(DOMAIN)?;
    users.add("alice", &passwords.0)?;
    users.add("bob", &passwords.1)?;

    let free = |is_free: bool, port: u16| SocketAddr::new(HERE, if is_free { port } else { 0 });
    let standard = [
        free(UdpSocket::bind((HERE, SERVER_CLEAR)).is_ok(), SERVER_CLEAR),
        free(TcpListener::bind((HERE, SERVER_CLEAR)).is_ok(), SERVER_CLEAR),
        free(TcpListener::bind((HERE, SERVER_TLS)).is_ok(), SERVER_TLS),
    ];
    let devices = [Arc::default(), Arc::default()];
    let opened = match open(&story, users.clone(), standard, &devices).await {
        Ok(opened) => opened,
        // Somebody else was faster to take one of them.
        Err(_) => open(&story, users, [SocketAddr::new(HERE, 0); 3], &devices).await?,
    };
    let (ready, stop, task) = opened;
    let (Some(&udp), Some(&tcp), Some(&tls)) =
        (ready.udp.first(), ready.tcp.first(), ready.tls.first())
    else {
        bail!("the server does not listen everywhere");
    };
    let certificate = ready.certificate.context("the server has no certificate")?;
    let figures = vec![
        ("UDP port", json!(udp.port())),
        ("TCP port", json!(tcp.port())),
        ("TLS port", json!(tls.port())),
    ];
    Ok((Server { tcp, tls, certificate, passwords, devices, stop, task }, figures))
}

type Opened = (Ready, oneshot::Sender<()>, JoinHandle<Result<()>>);

async fn open(
    story: &Arc<Story>,
    users: Users,
    [udp, tcp, tls]: [SocketAddr; 3],
    devices: &[Arc<AtomicUsize>; 2],
) -> Result<Opened> {
    let mut config = Config::new(users);
    config.udp = vec![udp];
    config.tcp = vec![tcp];
    config.tls = vec![tls];
    let (story, signed_in) = (story.clone(), devices.clone());
    config.on_notice(move |notice| note(&story, &signed_in, notice));
    let (tell_ready, ready) = oneshot::channel();
    let (stop, stopped) = oneshot::channel();
    let mut task = tokio::task::spawn_blocking(move || {
        // A thread of its own, as a server has a machine of its own.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(live_server::run(config, tell_ready, stopped))
    });
    tokio::select! {
        Ok(ready) = ready => Ok((ready, stop, task)),
        ended = &mut task => match ended.context("the server broke")? {
            Ok(()) => bail!("the server has ended"),
            Err(error) => Err(error),
        },
    }
}

/// Tells what belongs to the story, and counts who is signed in.
fn note(story: &Story, devices: &[Arc<AtomicUsize>; 2], notice: &Notice) {
    match notice {
        Notice::Registered { user, devices: count, .. }
        | Notice::Unregistered { user, devices: count, .. } => {
            let user = devices.get(usize::from(user.contains("bob")));
            user.into_iter().for_each(|user| user.store(*count, Ordering::SeqCst));
        }
        Notice::Listening { .. }
        | Notice::Certificate { .. }
        | Notice::Call { .. }
        | Notice::Malformed { .. } => {}
        _ => return,
    }
    story.tell("server", notice.to_string());
}

impl Server {
    /// How many devices are signed in, of both.
    pub(super) fn signed_in(&self) -> usize {
        self.devices.iter().map(|user| user.load(Ordering::SeqCst)).sum()
    }

    /// Ends it.
    pub(super) async fn stop(self) {
        // A server that has ended by itself needs no telling, and one that does not end goes with the process.
        let _ = self.stop.send(());
        let _ = timeout(Duration::from_secs(3), self.task).await;
    }
}

/// A password that nobody can guess.
fn password() -> Result<String> {
    let mut octets = [0; 16];
    random::generator()?.fill_bytes(&mut octets);
    Ok(octets.iter().map(|octet| format!("{octet:02x}")).collect())
}
