//! The sound of a call: speech in real time over RTP, what comes back through a jitter buffer, and RTCP beside.
//!
//! ```text
//!  speech ── 20 ms ──▶ G.711 ──▶ Session::packetize ──▶ RTP socket
//!  RTP socket ──▶ Session ──▶ jitter::Buffer ── 20 ms ──▶ G.711 ──▶ recording
//!  RTCP socket ◀──▶ Session
//! ```

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use rtp_core::NtpTime;
use rtp_core::codec::g711::Law;
use rtp_core::jitter::{Buffer, Config as BufferConfig, Delay, Frame, Playout, Storage};
use rtp_core::payload::{PCMA, PCMU};
use rtp_core::session::{
    Cname, Config, Event, Outgoing, Path, RemoteView, Session, SourceStatistics,
};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use crate::audio::SAMPLE_RATE;
use crate::random;

/// Samples in a packet, and in a turn of the player: 20 ms.
pub const PACKET: usize = (SAMPLE_RATE / 50) as usize;

/// How long a packet may take longer than the fastest one before its time is over.
const PLAYOUT_DELAY: Duration = Duration::from_millis(80);

/// How often reports go out, before it is varied: a short call needs more of them than RFC 3550's 5 s give.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The sound of one side of a call.
#[derive(Debug)]
pub struct Leg {
    /// The socket of RTP.
    pub rtp: UdpSocket,
    /// The socket of RTCP.
    pub rtcp: UdpSocket,
    /// Where the other side takes RTP.
    pub remote_rtp: SocketAddr,
    /// Where the other side takes RTCP.
    pub remote_rtcp: SocketAddr,
    /// What both have agreed on: [`PCMU`] or [`PCMA`].
    pub payload_type: u8,
    /// Our canonical name (RFC 3550 section 6.5.1).
    pub name: String,
}

/// What one side has heard, and what it was told of its own packets.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// What was played, from the beginning of the call.
    pub samples: Vec<i16>,
    /// Packets sent.
    pub sent: u32,
    /// Packets that should have come.
    pub expected: u32,
    /// Packets that did not.
    pub lost: i32,
    /// Interarrival jitter, averaged over all packets.
    pub mean_jitter: Duration,
    /// The other side's sender reports and receiver reports that came.
    pub reports: u32,
    /// The way there and back, by the last report about our packets.
    pub round_trip: Option<Duration>,
    /// Of our packets, how many the other side says are lost.
    pub remote_lost: Option<i32>,
    /// Packets of sound that the player had to invent.
    pub concealed: u64,
    /// Whether the other side has said goodbye.
    pub goodbye: bool,
}

impl Heard {
    /// The share of packets that did not come, in percent.
    pub fn loss_percent(&self) -> f64 {
        if self.expected == 0 {
            100.0
        } else {
            100.0 * f64::from(self.lost.max(0)) / f64::from(self.expected)
        }
    }
}

/// Says `speech`, then nothing, until it is time to hang up.
pub async fn talk(leg: Leg, speech: &[i16], mut hang_up: oneshot::Receiver<()>) -> Result<Heard> {
    let law = match leg.payload_type {
        PCMU => Law::Mu,
        PCMA => Law::A,
        other => anyhow::bail!("payload type {other} is no G.711"),
    };
    let mut room = Storage::<64, 480>::new();
    let mut config = BufferConfig::new(SAMPLE_RATE);
    config.delay = Delay::Fixed(PLAYOUT_DELAY);
    let buffer = Buffer::new(config, &mut room)?;
    let mut talk = Talk::new(&leg, law, buffer)?;

    let mut ticks = interval(Duration::from_millis(20));
    // A late turn of this task makes up for the turns that it has missed, as a sound card's queue does.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut rtp, mut rtcp) = ([0; 2048], [0; 2048]);
    let mut chunks = speech.chunks(PACKET);
    loop {
        talk.drain(&leg).await;
        let timeout = talk.epoch + talk.session.poll_timeout().unwrap_or(Duration::from_secs(3600));
        tokio::select! {
            // What has come is taken before the player looks for it.
            biased;
            received = leg.rtp.recv_from(&mut rtp) => {
                let (len, from) = received.context("RTP cannot be received")?;
                talk.take(Path::rtp(from), rtp.get(..len).unwrap_or_default());
            }
            received = leg.rtcp.recv_from(&mut rtcp) => {
                let (len, from) = received.context("RTCP cannot be received")?;
                talk.take(Path::rtcp(from), rtcp.get(..len).unwrap_or_default());
            }
            due = ticks.tick() => {
                talk.say(&leg, chunks.next().unwrap_or_default()).await?;
                talk.play(due.into_std());
            }
            // Whoever waits for this call to end may be gone: then it ends too.
            _ = &mut hang_up => break,
            () = sleep_until(timeout.into()) => {
                let now = talk.now();
                talk.session.handle_timeout(now);
            }
        }
    }
    talk.session.leave(talk.now());
    talk.drain(&leg).await;
    talk.listen_for_goodbye(&leg).await;
    talk.end()
}

/// The machines of a call and what they have brought so far.
struct Talk<'s> {
    epoch: Instant,
    session: Session<'static>,
    buffer: Buffer<'s>,
    law: Law,
    payload_type: u8,
    /// Units of the media clock that were said.
    said: u32,
    /// Sound that is decoded and not played yet, and the last packet of it.
    playing: VecDeque<i16>,
    last: Vec<i16>,
    heard: Heard,
    source: Option<SourceStatistics>,
    view: Option<RemoteView>,
    jitter_sum: Duration,
    packets: u32,
}

impl<'s> Talk<'s> {
    fn new(leg: &Leg, law: Law, buffer: Buffer<'s>) -> Result<Self> {
        let mut config = Config::new(Cname::new(&leg.name)?);
        config.rtp = Some(Path::rtp(leg.remote_rtp));
        config.rtcp = Some(Path::rtcp(leg.remote_rtcp));
        config.clock_rate = SAMPLE_RATE;
        config.minimum_interval = REPORT_INTERVAL;
        let mut session = Session::growing(config, random::seed()?)?;
        session.set_wall_clock(Duration::ZERO, NtpTime::from(SystemTime::now()));
        Ok(Self {
            epoch: Instant::now(),
            session,
            buffer,
            law,
            payload_type: leg.payload_type,
            said: 0,
            playing: VecDeque::new(),
            last: Vec::new(),
            heard: Heard::default(),
            source: None,
            view: None,
            jitter_sum: Duration::ZERO,
            packets: 0,
        })
    }

    /// Sends 20 ms of sound, filled up with silence.
    async fn say(&mut self, leg: &Leg, samples: &[i16]) -> Result<()> {
        let mut payload = [self.law.silence(); PACKET];
        self.law.encode(samples, &mut payload);
        let mut outgoing = Outgoing::new(self.payload_type);
        outgoing.marker = self.said == 0;
        outgoing.timestamp = self.said;
        self.said = self.said.wrapping_add(PACKET as u32);
        let mut buffer = [0; 512];
        let transmit = self.session.packetize(self.now(), &outgoing, &payload, &mut buffer)?;
        let octets = buffer.get(..transmit.len).unwrap_or_default();
        // A datagram that cannot be sent is one lost: the other side counts it.
        let _ = leg.rtp.send_to(octets, transmit.path.remote).await;
        self.heard.sent += 1;
        Ok(())
    }

    /// Takes what came on one of the two sockets.
    fn take(&mut self, path: Path, datagram: &[u8]) {
        let now = self.now();
        match self.session.handle_datagram(now, path, datagram) {
            Ok(Some(Event::Packet { sequence, packet })) => {
                let frame = Frame {
                    sequence,
                    timestamp: packet.timestamp,
                    payload_type: packet.payload_type,
                    marker: packet.marker,
                    payload: packet.payload,
                };
                // What is refused is counted by the buffer.
                let _ = self.buffer.push(now, frame);
                self.source = self.session.source(packet.ssrc);
                if let Some(source) = &self.source {
                    self.jitter_sum += source.jitter_time;
                    self.packets += 1;
                }
            }
            Ok(Some(Event::Rtcp { .. })) => {
                self.heard.reports += 1;
                let ssrc = self.source.as_ref().map(|source| source.ssrc);
                let view = ssrc
                    .and_then(|ssrc| self.session.source(ssrc))
                    .and_then(|source| source.remote);
                self.view = view.or(self.view);
            }
            // What is no RTP at all is counted by the session.
            _ => {}
        }
    }

    /// Plays 20 ms, which were due at `due`.
    fn play(&mut self, due: Instant) {
        let due = due.saturating_duration_since(self.epoch);
        while self.playing.len() < PACKET {
            match self.buffer.pop(due) {
                Playout::Packet(frame) => {
                    self.last.resize(frame.payload.len(), 0);
                    self.law.decode(frame.payload, &mut self.last);
                }
                // A gap is covered by what was before it, fading away.
                Playout::Conceal(_) => self.last.iter_mut().for_each(|sample| *sample /= 2),
                Playout::Silence => self.last.fill(0),
            }
            if self.last.is_empty() {
                self.last.resize(PACKET, 0);
            }
            self.playing.extend(&self.last);
        }
        self.heard.samples.extend(self.playing.drain(..PACKET));
    }

    /// Sends and notes whatever the session has.
    async fn drain(&mut self, leg: &Leg) {
        let mut buffer = [0; Session::BUFFER_LEN];
        loop {
            let now = self.now();
            let Some(transmit) = self.session.poll_transmit(now, &mut buffer) else { break };
            let octets = buffer.get(..transmit.len).unwrap_or_default();
            if leg.rtcp.send_to(octets, transmit.path.remote).await.is_err() {
                self.session.handle_closed(now, transmit.path);
            }
        }
        while let Some(event) = self.session.poll_event() {
            self.heard.goodbye |= matches!(event, Event::Goodbye { .. });
        }
    }

    /// The other side hangs up at about the same time: what it says last is still heard.
    async fn listen_for_goodbye(&mut self, leg: &Leg) {
        let mut rtcp = [0; 2048];
        let until = Instant::now() + Duration::from_millis(300);
        while !self.heard.goodbye {
            let received =
                tokio::time::timeout_at(until.into(), leg.rtcp.recv_from(&mut rtcp)).await;
            let Ok(Ok((len, from))) = received else { return };
            self.take(Path::rtcp(from), rtcp.get(..len).unwrap_or_default());
            self.drain(leg).await;
        }
    }

    fn end(mut self) -> Result<Heard> {
        let source = self.source.context("no sound has come from the other side")?;
        ensure!(self.packets > 0, "no sound has come from the other side");
        self.heard.expected = source.expected;
        self.heard.lost = source.lost;
        self.heard.mean_jitter = self.jitter_sum / self.packets;
        self.heard.round_trip = self.view.and_then(|view| view.round_trip);
        self.heard.remote_lost = self.view.map(|view| view.lost);
        self.heard.concealed = self.buffer.statistics().concealed;
        Ok(self.heard)
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::likeness;
    use crate::bind::{Otherwise, pair};
    use std::net::{IpAddr, Ipv4Addr};

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn tone(period: usize) -> Vec<i16> {
        let at = |i: usize| (i as f64 / period as f64 * std::f64::consts::TAU).sin();
        // It swells, so that one moment is not like another.
        (0..12_000).map(|i| (at(i) * (i as f64)) as i16).collect()
    }

    #[tokio::test]
    async fn two_people_hear_each_other() {
        let (a, b) = (pair(LOCAL, [], Otherwise::AnyFree), pair(LOCAL, [], Otherwise::AnyFree));
        let ((a_rtp, a_rtcp), (b_rtp, b_rtcp)) = (a.await.expect("ports"), b.await.expect("ports"));
        let address = |socket: &UdpSocket| socket.local_addr().expect("an address");
        let (to_a, to_b) =
            ((address(&a_rtp), address(&a_rtcp)), (address(&b_rtp), address(&b_rtcp)));
        let leg = |rtp, rtcp, (remote_rtp, remote_rtcp), payload_type, name: &str| Leg {
            rtp,
            rtcp,
            remote_rtp,
            remote_rtcp,
            payload_type,
            name: name.into(),
        };
        let (a, b) =
            (leg(a_rtp, a_rtcp, to_b, PCMA, "a@test"), leg(b_rtp, b_rtcp, to_a, PCMA, "b@test"));
        let (says_a, says_b) = (tone(20), tone(33));
        let (a_ends, a_hang_up) = oneshot::channel();
        let (b_ends, b_hang_up) = oneshot::channel();
        let after = async {
            tokio::time::sleep(Duration::from_millis(2200)).await;
            (a_ends.send(()), b_ends.send(()))
        };
        let (a, b, _) =
            tokio::join!(talk(a, &says_a, a_hang_up), talk(b, &says_b, b_hang_up), after);
        let (a, b) = (a.expect("a call"), b.expect("a call"));
        for (heard, said) in [(&b, &says_a), (&a, &says_b)] {
            let found = likeness(said, &heard.samples, 4000);
            assert!(found.correlation > 0.98, "{found:?}");
            assert_eq!(heard.loss_percent(), 0.0);
            assert!(
                heard.goodbye && heard.reports >= 2 && heard.round_trip.is_some(),
                "{}",
                heard.reports
            );
        }
    }

    #[tokio::test]
    async fn a_call_that_nobody_answers_with_sound_says_so() {
        let (rtp, rtcp) = pair(LOCAL, [], Otherwise::AnyFree).await.expect("ports");
        let nobody = SocketAddr::new(LOCAL, 9);
        let (remote_rtp, remote_rtcp, name) = (nobody, nobody, "a@test".to_owned());
        let leg = Leg { rtp, rtcp, remote_rtp, remote_rtcp, payload_type: PCMU, name };
        let (ends, hang_up) = oneshot::channel();
        drop(ends);
        let error = talk(leg, &[], hang_up).await.expect_err("nobody is there");
        assert!(error.to_string().contains("no sound"), "{error}");
    }
}
