//! The machines of a call's sound, and what they have brought.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use rtp_core::payload::telephone_event::{self, Heard, TelephoneEvent};
use rtp_core::session::{Cname, Component, Config, Event, Outgoing, Path, RemoteView, Session};
use rtp_core::srtp::{self, MAXIMUM_OVERHEAD};
use rtp_core::{NtpTime, Ssrc, jitter};

use super::voice::Voice;
use super::{Ear, News, Order, Outcome, Sockets};
use crate::audio::Recorder;
use crate::codec::{Codec, Decoder, Encoder, FRAME_OCTETS};
use crate::keys;
use crate::negotiation::Agreement;
use crate::quality::{Report, milliseconds, rate, rounded};
use crate::random;

/// A digit lasts 100 ms, and a pause as long follows it, in units of the media clock.
const DIGIT_UNITS: u32 = 800;
/// How often reports go out, before it is varied: a short call needs more of them than RFC 3550's 5 s give.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How long to listen for the other side's goodbye after the end.
const FAREWELL: Duration = Duration::from_millis(300);

/// Where what is heard goes.
enum Sink {
    Deaf,
    Keep(Vec<i16>),
    Record(PathBuf, Option<Recorder>),
}

/// The machines of a call and what they have brought so far.
pub(super) struct Talk<'s> {
    pub(super) epoch: Instant,
    pub(super) session: Session<'static>,
    srtp: Option<Protection>,
    buffer: jitter::Buffer<'s>,
    agreement: Agreement,
    remote: IpAddr,
    encoder: Encoder,
    decoder: (Codec, Decoder),
    voice: Voice,
    muted: bool,
    /// Units of the media clock since the beginning.
    clock: u32,
    /// Whether the last packet was sound: the first one after a pause is marked.
    talks: bool,
    digits: telephone_event::Sender,
    waiting: VecDeque<u8>,
    pause_until: u32,
    dialled: bool,
    hearing: telephone_event::Receiver,
    /// Sound that is decoded and not played yet, and how long the last packet was.
    playing: VecDeque<i16>,
    payload_len: usize,
    /// Whether the last turn of the player was a loss, and how many stretches of them there were.
    losing: bool,
    runs: u64,
    /// The last moment that the jitter buffer was told.
    turn: Duration,
    sink: Sink,
    rate: Option<u32>,
    ticks: u64,
    source: Option<Ssrc>,
    view: Option<RemoteView>,
    jitter_sum: Duration,
    packets: u32,
    reports: u32,
    refused: u64,
    refusal: Option<String>,
    goodbye: bool,
    pub(super) news: Vec<News>,
}

struct Protection {
    keys: keys::Agreement,
    sender: srtp::Sender<2>,
    receiver: srtp::Receiver<8>,
}

impl Protection {
    fn new(keys: keys::Agreement) -> Self {
        let (sender, receiver) = (srtp::Sender::new(&keys.ours), srtp::Receiver::new(&keys.theirs));
        Self { keys, sender, receiver }
    }
}

impl<'s> Talk<'s> {
    pub(super) fn new(
        name: &str,
        agreement: &Agreement,
        ear: Ear,
        buffer: jitter::Buffer<'s>,
        voice: Voice,
    ) -> Result<Self> {
        let mut config = Config::new(Cname::new(name)?);
        config.rtp = Some(Path::rtp(agreement.rtp));
        config.rtcp = Some(Path::rtcp(agreement.rtcp));
        config.minimum_interval = REPORT_INTERVAL;
        // Who sends is known: the first packet counts as well.
        config.min_sequential = 0;
        let mut session = Session::growing(config, random::seed()?)?;
        session.set_wall_clock(Duration::ZERO, NtpTime::from(SystemTime::now()));
        let sink = match ear {
            Ear::Deaf => Sink::Deaf,
            Ear::Keep => Sink::Keep(Vec::new()),
            Ear::Record(file) => Sink::Record(file, None),
        };
        Ok(Self {
            epoch: Instant::now(),
            session,
            srtp: agreement.keys.clone().map(Protection::new),
            buffer,
            agreement: agreement.clone(),
            remote: agreement.rtp.ip(),
            encoder: Encoder::new(agreement.codec),
            decoder: (agreement.codec, Decoder::new(agreement.codec)),
            voice,
            muted: false,
            clock: 0,
            talks: false,
            digits: telephone_event::Sender::new(),
            waiting: VecDeque::new(),
            pause_until: 0,
            dialled: false,
            hearing: telephone_event::Receiver::new(),
            playing: VecDeque::new(),
            payload_len: FRAME_OCTETS,
            losing: false,
            runs: 0,
            turn: Duration::ZERO,
            sink,
            rate: None,
            ticks: 0,
            source: None,
            view: None,
            jitter_sum: Duration::ZERO,
            packets: 0,
            reports: 0,
            refused: 0,
            refusal: None,
            goodbye: false,
            news: Vec::new(),
        })
    }

    pub(super) fn obey(&mut self, order: Order) -> Result<()> {
        match order {
            Order::Agree(agreement) => self.agree(*agreement),
            Order::Dial(digits) => {
                self.waiting.extend(digits.chars().filter_map(telephone_event::event_of));
                self.dialled = true;
            }
            Order::Mute(muted) => self.muted = muted,
        }
        Ok(())
    }

    /// The call has changed.
    fn agree(&mut self, agreement: Agreement) {
        if agreement.codec != self.agreement.codec {
            self.encoder = Encoder::new(agreement.codec);
        }
        self.srtp = match (self.srtp.take(), &agreement.keys) {
            (_, None) => None,
            // The same keys once more are no news: what is known of the streams goes on.
            (Some(same), Some(keys)) if same.keys == *keys => Some(same),
            (_, Some(keys)) => Some(Protection::new(keys.clone())),
        };
        // An unspecified address is hold in the manner of RFC 2543: reports still go where they went.
        if !agreement.rtp.ip().is_unspecified() {
            self.remote = agreement.rtp.ip();
            let (rtp, rtcp) = (Path::rtp(agreement.rtp), Path::rtcp(agreement.rtcp));
            self.session.set_remote(self.now(), Some(rtp), Some(rtcp));
        }
        self.agreement = agreement;
    }

    /// Sends 20 ms of sound, or of a digit.
    pub(super) async fn say(&mut self, sockets: &Sockets) {
        self.clock = self.clock.wrapping_add(FRAME_OCTETS as u32);
        let sends = self.agreement.direction.sends() && !self.agreement.rtp.ip().is_unspecified();
        if !sends {
            self.talks = false;
            return;
        }
        self.start_digit();
        let mut buffer = [0; 512];
        let event = match self.agreement.events {
            Some((ours, _)) => self.digits.next_packet(self.clock).map(|packet| (ours, packet)),
            None => None,
        };
        let now = self.now();
        let made = if let Some((payload_type, packet)) = event {
            if !self.digits.is_sending() {
                self.pause_until = self.clock.wrapping_add(DIGIT_UNITS);
            }
            self.talks = false;
            let mut outgoing = Outgoing::new(payload_type);
            (outgoing.marker, outgoing.timestamp) = (packet.marker, packet.timestamp);
            self.session.packetize(now, &outgoing, &packet.event.to_octets(), &mut buffer)
        } else {
            let codec = self.agreement.codec;
            let mut samples = vec![0; codec.frame()];
            if !self.muted && self.voice.next(codec.rate(), &mut samples) {
                self.news.push(News::Said);
            }
            let mut payload = [0; FRAME_OCTETS];
            self.encoder.encode(&samples, &mut payload);
            let mut outgoing = Outgoing::new(self.agreement.payload_type);
            (outgoing.marker, outgoing.timestamp) = (!self.talks, self.clock);
            self.talks = true;
            self.session.packetize(now, &outgoing, &payload, &mut buffer)
        };
        let Ok(transmit) = made else { return };
        let len = match &mut self.srtp {
            Some(srtp) => srtp.sender.protect_rtp(&mut buffer, transmit.len).ok(),
            None => Some(transmit.len),
        };
        if let Some(octets) = len.and_then(|len| buffer.get(..len)) {
            // A datagram that cannot be sent is one lost: the other side counts it.
            let _ = sockets.rtp.send_to(octets, transmit.path.remote).await;
        }
    }

    fn start_digit(&mut self) {
        // The sign tells whether the pause is over.
        let paused = (self.clock.wrapping_sub(self.pause_until) as i32) < 0;
        if self.digits.is_sending() || paused || self.agreement.events.is_none() {
            return;
        }
        match self.waiting.pop_front() {
            Some(event) => self.digits.start(event, 10, self.clock, Some(DIGIT_UNITS)),
            None if self.dialled => {
                self.dialled = false;
                self.news.push(News::DigitsSent);
            }
            None => {}
        }
    }

    /// Takes what came on one of the two sockets.
    pub(super) fn take(&mut self, path: Path, datagram: &mut [u8]) {
        // Sound from elsewhere is not part of the call.
        if path.remote.ip() != self.remote {
            self.refuse(format!("it came from {}", path.remote));
            return;
        }
        let is_rtcp = path.component == Component::Rtcp;
        let len = match &mut self.srtp {
            None => Ok(datagram.len()),
            Some(srtp) if is_rtcp => srtp.receiver.unprotect_rtcp(datagram),
            Some(srtp) => srtp.receiver.unprotect_rtp(datagram),
        };
        let len = match len {
            Ok(len) => len,
            Err(error) => {
                self.refuse(format!("{:?}: {error}", path.component));
                return;
            }
        };
        let now = self.now();
        let datagram = datagram.get(..len).unwrap_or_default();
        match self.session.handle_datagram(now, path, datagram) {
            Ok(Some(Event::Packet { sequence, packet })) => {
                if self.agreement.events.is_some_and(|(_, theirs)| theirs == packet.payload_type) {
                    let Ok(event) = TelephoneEvent::parse(packet.payload) else { return };
                    let heard = self.hearing.receive(packet.timestamp, event);
                    if let Some(
                        Heard::Started { event } | Heard::Ended { event, started: false, .. },
                    ) = heard
                        && let Some(key) = telephone_event::key_of(event)
                    {
                        self.news.push(News::Digit(key));
                    }
                    return;
                }
                if self.source.is_some_and(|ssrc| ssrc != packet.ssrc) {
                    // Somebody else talks on, as after a transfer.
                    self.buffer.reset();
                }
                if self.source.is_none() {
                    self.news.push(News::Sound);
                }
                self.source = Some(packet.ssrc);
                let frame = jitter::Frame {
                    sequence,
                    timestamp: packet.timestamp,
                    payload_type: packet.payload_type,
                    marker: packet.marker,
                    payload: packet.payload,
                };
                // What is refused is counted by the buffer.
                self.turn = self.turn.max(now);
                let _ = self.buffer.push(now, frame);
                if let Some(source) = self.session.source(packet.ssrc) {
                    self.jitter_sum += source.jitter_time;
                    self.packets += 1;
                }
            }
            Ok(Some(Event::Rtcp { .. })) => {
                self.reports += 1;
                let view = self.session.sources().find_map(|source| source.remote);
                self.view = view.or(self.view);
            }
            // It is counted by the session.
            Err(error) => self.refusal = Some(format!("{:?}: {error}", path.component)),
            Ok(_) => {}
        }
    }

    fn refuse(&mut self, why: String) {
        self.refused += 1;
        self.refusal = Some(why);
    }

    /// Plays 20 ms, which were due at `due`.
    pub(super) fn play(&mut self, due: Instant) -> Result<()> {
        // What has come is known at the time it came: time does not go back behind that.
        self.turn = self.turn.max(due.saturating_duration_since(self.epoch));
        let due = self.turn;
        let rate = *self.rate.get_or_insert(self.agreement.codec.rate());
        let frame = rate as usize / 50;
        while self.playing.len() < frame {
            let (codec, decoder) = &mut self.decoder;
            let mut losing = false;
            let samples = match self.buffer.pop(due) {
                jitter::Playout::Packet(packet) => {
                    let comes = if packet.payload_type == self.agreement.comes_as {
                        Some(self.agreement.codec)
                    } else {
                        Codec::from_payload_type(packet.payload_type)
                    };
                    match comes {
                        Some(comes) => {
                            if comes != *codec {
                                (*codec, *decoder) = (comes, Decoder::new(comes));
                            }
                            self.payload_len = packet.payload.len().max(1);
                            decoder.decode(packet.payload)
                        }
                        None => decoder.silence(self.payload_len),
                    }
                }
                jitter::Playout::Conceal(_) => {
                    losing = true;
                    decoder.conceal(self.payload_len)
                }
                jitter::Playout::Silence => decoder.silence(self.payload_len),
            };
            self.runs += u64::from(losing && !self.losing);
            self.losing = losing;
            // The codec may have changed behind the beginning of the recording.
            self.playing.extend(crate::audio::resample(&samples, codec.rate(), rate));
        }
        let heard: Vec<i16> = self.playing.drain(..frame).collect();
        self.ticks += 1;
        match &mut self.sink {
            Sink::Deaf => {}
            Sink::Keep(samples) => samples.extend(heard),
            Sink::Record(file, recorder) => {
                let recorder = match recorder {
                    Some(recorder) => recorder,
                    None => recorder.insert(Recorder::create(file, rate)?),
                };
                recorder.write(&heard)?;
                // A file that is cut off by a crash holds all but the last second.
                if self.ticks.is_multiple_of(50) {
                    recorder.flush()?;
                }
            }
        }
        Ok(())
    }

    /// Sends and notes whatever the session has.
    pub(super) async fn drain(&mut self, sockets: &Sockets) {
        let mut buffer = [0; Session::BUFFER_LEN + MAXIMUM_OVERHEAD];
        loop {
            let now = self.now();
            let room = buffer.get_mut(..Session::BUFFER_LEN).unwrap_or_default();
            let Some(transmit) = self.session.poll_transmit(now, room) else { break };
            let len = match &mut self.srtp {
                Some(srtp) => srtp.sender.protect_rtcp(&mut buffer, transmit.len).ok(),
                None => Some(transmit.len),
            };
            let Some(octets) = len.and_then(|len| buffer.get(..len)) else { continue };
            if sockets.rtcp.send_to(octets, transmit.path.remote).await.is_err() {
                self.session.handle_closed(now, transmit.path);
            }
        }
        while let Some(event) = self.session.poll_event() {
            self.goodbye |= matches!(event, Event::Goodbye { .. });
        }
    }

    /// The other side hangs up at about the same time: what it says last is still heard.
    pub(super) async fn listen_for_goodbye(&mut self, sockets: &Sockets) {
        let mut rtcp = [0; 2048];
        let until = Instant::now() + FAREWELL;
        while !self.goodbye {
            let received =
                tokio::time::timeout_at(until.into(), sockets.rtcp.recv_from(&mut rtcp)).await;
            let Ok(Ok((len, from))) = received else { return };
            self.take(Path::rtcp(from), rtcp.get_mut(..len).unwrap_or_default());
            self.drain(sockets).await;
        }
    }

    pub(super) fn end(self) -> Result<Outcome> {
        let report = self.report();
        let rate = self.rate.unwrap_or_default();
        let samples = match self.sink {
            Sink::Deaf => Vec::new(),
            Sink::Keep(samples) => samples,
            Sink::Record(_, recorder) => {
                if let Some(recorder) = recorder {
                    recorder.finish()?;
                }
                Vec::new()
            }
        };
        Ok(Outcome { report, samples, rate, goodbye: self.goodbye })
    }

    pub(super) fn report(&self) -> Report {
        let played = self.buffer.statistics();
        let round_trip = self.view.and_then(|view| view.round_trip);
        let rated = rate(&played, self.runs, round_trip);
        let totals = self.session.statistics();
        let mut report = Report {
            seconds: rounded(self.now().as_secs_f64()),
            codec: self.agreement.codec.name(),
            srtp: self.srtp.as_ref().map(|srtp| srtp.keys.ours.profile().name()),
            sent: totals.packets_sent,
            late: played.late,
            concealed: played.concealed,
            mean_jitter_ms: milliseconds(
                self.jitter_sum.checked_div(self.packets).unwrap_or_default(),
            ),
            buffer_ms: milliseconds(played.mean_delay),
            round_trip_ms: round_trip.map(milliseconds),
            remote_loss_percent: self
                .view
                .map(|view| rounded(f64::from(view.fraction_lost) / 2.56)),
            remote_lost: self.view.map(|view| view.lost),
            remote_jitter_ms: self.view.map(|view| rounded(f64::from(view.jitter) / 8.0)),
            reports: self.reports,
            refused: self.refused + totals.refused,
            refusal: self.refusal.clone(),
            mos: rated.map(|(mos, _)| mos),
            r_factor: rated.map(|(_, r)| r),
            ..Report::default()
        };
        if let Some(source) = self.source.and_then(|ssrc| self.session.source(ssrc)) {
            report.of_source(&source);
        }
        report
    }

    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }
}
