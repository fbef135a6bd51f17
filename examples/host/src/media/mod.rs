//! The sound of a call: speech in real time over RTP, what comes back through a jitter buffer, RTCP
//! beside, and SRTP around both where that is agreed on.
//!
//! ```text
//!  speech ── 20 ms ──▶ encoder ──▶ Session ──▶ [SRTP] ──▶ RTP socket
//!  RTP socket ──▶ [SRTP] ──▶ Session ──▶ jitter::Buffer ── 20 ms ──▶ decoder ──▶ recording
//!  RTCP socket ◀──▶ [SRTCP] ◀──▶ Session
//! ```
//!
//! [`Media::start`] opens it in a task of its own, which begins with the first [`Agreement`].

mod talk;
#[cfg(test)]
mod tests;
mod voice;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use rtp_core::jitter;
use rtp_core::session::Path;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use crate::audio::Sound;
use crate::negotiation::Agreement;
use crate::quality::Report;
use talk::Talk;
use voice::Voice;

/// What becomes of what is heard.
#[derive(Clone, Debug, Default)]
pub enum Ear {
    /// Nothing.
    #[default]
    Deaf,
    /// It is kept, for [`Outcome::samples`].
    Keep,
    /// It is written to this WAV file.
    Record(PathBuf),
}

/// What the sound of a call is made of.
#[derive(Debug)]
pub struct Setup {
    /// The sockets of RTP and RTCP.
    pub sockets: (UdpSocket, UdpSocket),
    /// Our canonical name (RFC 3550 section 6.5.1).
    pub name: String,
    /// What is said; silence where there is nothing, and behind its end.
    pub speech: Option<Sound>,
    /// Whether it is said again and again.
    pub repeats: bool,
    /// What becomes of what is heard.
    pub ear: Ear,
    /// How long packets wait to be played, where that does not follow the network.
    pub delay: Option<Duration>,
}

/// What there is to tell of the sound of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The first sound of the other side has come.
    Sound,
    /// The other side has pressed a key.
    Digit(char),
    /// All digits were sent.
    DigitsSent,
    /// All of the speech was said.
    Said,
}

/// What has come of the sound of a call.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What was measured, in the end.
    pub report: Report,
    /// What was heard, where it is kept.
    pub samples: Vec<i16>,
    /// The rate of those samples, and of the recording.
    pub rate: u32,
    /// Whether the other side has said goodbye by RTCP.
    pub goodbye: bool,
}

enum Order {
    Agree(Box<Agreement>),
    Dial(String),
    Mute(bool),
}

/// The sound of a call, in its task.
#[derive(Debug)]
pub struct Media {
    orders: mpsc::UnboundedSender<Order>,
    reports: watch::Receiver<Report>,
    task: JoinHandle<Result<Outcome>>,
}

impl Media {
    /// Starts the task; `tell` is called with what happens there.
    pub fn start(setup: Setup, tell: impl Fn(News) + Send + 'static) -> Self {
        let (orders, asked) = mpsc::unbounded_channel();
        let (report, reports) = watch::channel(Report::default());
        let task = tokio::spawn(run(setup, asked, tell, report));
        Self { orders, reports, task }
    }

    /// Sound begins, or goes on, as was agreed.
    pub fn agree(&self, agreement: Agreement) {
        // A task that has failed says so at its end.
        let _ = self.orders.send(Order::Agree(Box::new(agreement)));
    }

    /// Sends digits, one after another.
    pub fn dial(&self, digits: &str) {
        let _ = self.orders.send(Order::Dial(digits.to_owned()));
    }

    /// Says nothing, as on hold, or goes on where it has stopped.
    pub fn mute(&self, muted: bool) {
        let _ = self.orders.send(Order::Mute(muted));
    }

    /// What was measured until now.
    pub fn report(&self) -> Report {
        self.reports.borrow().clone()
    }

    /// Ends it.
    ///
    /// # Errors
    /// A recording could not be written, or a socket has failed.
    pub async fn end(self) -> Result<Outcome> {
        drop(self.orders);
        self.task.await.context("the task of the sound broke")?
    }
}

/// The task: orders until there is nobody to give any more.
async fn run(
    setup: Setup,
    mut orders: mpsc::UnboundedReceiver<Order>,
    tell: impl Fn(News) + Send + 'static,
    reports: watch::Sender<Report>,
) -> Result<Outcome> {
    let mut early = Vec::new();
    let agreement = loop {
        match orders.recv().await {
            Some(Order::Agree(agreement)) => break agreement,
            Some(order) => early.push(order),
            None => return Ok(Outcome::default()),
        }
    };
    let mut room = Box::new(jitter::Storage::<64, 480>::new());
    let mut config = jitter::Config::new(8000);
    if let Some(delay) = setup.delay {
        config.delay = jitter::Delay::Fixed(delay);
    }
    let buffer = jitter::Buffer::new(config, &mut *room)?;
    let (rtp_socket, rtcp_socket) = setup.sockets;
    let sockets = Sockets { rtp: rtp_socket, rtcp: rtcp_socket };
    let voice = Voice::new(setup.speech, setup.repeats);
    let mut talk = Talk::new(&setup.name, &agreement, setup.ear, buffer, voice)?;
    for order in early {
        talk.obey(order)?;
    }

    let mut ticks = interval(Duration::from_millis(20));
    // A late turn of this task makes up for the turns that it has missed, as a sound card's queue does.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut rtp, mut rtcp) = ([0; 2048], [0; 2048]);
    loop {
        talk.drain(&sockets).await;
        talk.news.drain(..).for_each(&tell);
        let timeout = talk.epoch + talk.session.poll_timeout().unwrap_or(Duration::from_secs(3600));
        tokio::select! {
            // What has come is taken before the player looks for it.
            biased;
            received = sockets.rtp.recv_from(&mut rtp) => {
                // An ICMP answer to something sent earlier is no end.
                let Ok((len, from)) = received else { continue };
                talk.take(Path::rtp(from), rtp.get_mut(..len).unwrap_or_default());
            }
            received = sockets.rtcp.recv_from(&mut rtcp) => {
                let Ok((len, from)) = received else { continue };
                talk.take(Path::rtcp(from), rtcp.get_mut(..len).unwrap_or_default());
            }
            due = ticks.tick() => {
                talk.say(&sockets).await;
                talk.play(due.into_std())?;
                // Nobody may be looking.
                let _ = reports.send(talk.report());
            }
            order = orders.recv() => match order {
                Some(order) => talk.obey(order)?,
                None => break,
            },
            () = sleep_until(timeout.into()) => {
                let now = talk.now();
                talk.session.handle_timeout(now);
            }
        }
    }
    talk.session.leave(talk.now());
    talk.drain(&sockets).await;
    talk.listen_for_goodbye(&sockets).await;
    talk.news.drain(..).for_each(&tell);
    talk.end()
}

struct Sockets {
    rtp: UdpSocket,
    rtcp: UdpSocket,
}
