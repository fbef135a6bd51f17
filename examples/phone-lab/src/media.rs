//! The far end's sound: a speech that it says again and again, and what it hears.

use core::net::{Ipv4Addr, SocketAddr};
use std::collections::VecDeque;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rtp_core::codec::g711::Law;
use rtp_core::payload::telephone_event::{self, Heard, TelephoneEvent};
use rtp_core::session::{Cname, Component, Config, Event, Outgoing, Path, Session, Transmit};
use rtp_core::srtp::MAXIMUM_OVERHEAD;
use sip_core::sdp::Agreed;

use crate::keys::{Contexts, random};
use crate::sound;

/// Samples, and octets of G.711, in twenty milliseconds.
const FRAME: usize = 160;
const FRAME_TIME: Duration = Duration::from_millis(20);
/// A digit lasts 100 ms, and a pause as long follows it.
const DIGIT_UNITS: u32 = 800;
/// What is heard is kept for five minutes.
const HEARD_MAX: usize = 300 * sound::RATE;

/// What was said and heard in a call.
#[derive(Clone, Debug)]
pub struct Report {
    /// The samples said.
    pub said: Vec<i16>,
    /// The samples heard, each at the place that its timestamp gives it.
    pub heard: Vec<i16>,
    /// Packets sent.
    pub sent: u32,
    /// Packets received.
    pub received: u32,
    /// Packets that should have come and have not.
    pub lost: i32,
    /// Interarrival jitter.
    pub jitter: Duration,
    /// What the other side's reports say that it has lost.
    pub lost_there: Option<i32>,
    /// RTCP datagrams received.
    pub reports: u64,
    /// Why a datagram was refused, the last one that was: no RTP, or not authentic.
    pub refused: Option<String>,
}

/// Two sockets, and a call's sound when there is one.
pub struct Media {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    speech: Vec<i16>,
    talk: Option<Talk>,
}

struct Talk {
    epoch: Instant,
    session: Session<'static>,
    secure: Option<Contexts>,
    law: Law,
    payload_type: u8,
    events: Option<(u8, u8)>,
    sends: bool,
    due: Instant,
    timestamp: u32,
    said: Vec<i16>,
    heard: Vec<i16>,
    first: Option<u32>,
    sending: telephone_event::Sender,
    waiting: VecDeque<u8>,
    pause_until: u32,
    hearing: telephone_event::Receiver,
    refused: Option<String>,
}

impl Media {
    /// Opens the sockets: RTP on this port, RTCP on the next.
    pub fn open(own: Ipv4Addr, port: u16) -> Result<Self> {
        let open = |port| -> Result<UdpSocket> {
            let socket =
                UdpSocket::bind((own, port)).with_context(|| format!("{own}:{port} is taken"))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        Ok(Self { rtp: open(port)?, rtcp: open(port + 1)?, speech: sound::speech()?, talk: None })
    }

    /// A call begins.
    pub fn start(&mut self, agreed: &Agreed<'_>, secure: Option<Contexts>) -> Result<()> {
        let mut rest = [0; 2048];
        while self.rtp.recv(&mut rest).is_ok() || self.rtcp.recv(&mut rest).is_ok() {}
        let mut config = Config::new(Cname::new("bob@phone-lab")?);
        config.rtp = Some(Path::rtp(agreed.rtp));
        config.rtcp = Some(Path::rtcp(agreed.rtcp));
        // The other side is known: its first packet counts as well.
        config.min_sequential = 0;
        // Often, so that a short call has reports both ways.
        config.minimum_interval = Duration::from_secs(1);
        let session = Session::growing(config, random()?)?;
        self.talk = Some(Talk {
            epoch: Instant::now(),
            session,
            secure,
            law: if agreed.codec.name == b"PCMA" { Law::A } else { Law::Mu },
            payload_type: agreed.send_payload_type,
            events: agreed.telephone_event,
            sends: agreed.direction.sends(),
            due: Instant::now(),
            timestamp: 0,
            said: Vec::new(),
            heard: Vec::new(),
            first: None,
            sending: telephone_event::Sender::new(),
            waiting: VecDeque::new(),
            pause_until: 0,
            hearing: telephone_event::Receiver::new(),
            refused: None,
        });
        Ok(())
    }

    /// The call has changed.
    pub fn redirect(&mut self, agreed: &Agreed<'_>) {
        if let Some(talk) = &mut self.talk {
            talk.sends = agreed.direction.sends();
            let (rtp, rtcp) = (Path::rtp(agreed.rtp), Path::rtcp(agreed.rtcp));
            talk.session.set_remote(talk.epoch.elapsed(), Some(rtp), Some(rtcp));
        }
    }

    /// The call is over.
    pub fn stop(&mut self) {
        self.talk = None;
    }

    /// Sends digits, one after another.
    pub fn dial(&mut self, digits: &str) {
        if let Some(talk) = &mut self.talk {
            talk.waiting.extend(digits.chars().filter_map(telephone_event::event_of));
        }
    }

    /// What was said and heard until now.
    pub fn report(&self) -> Option<Report> {
        let talk = self.talk.as_ref()?;
        let totals = talk.session.statistics();
        let source = talk.session.sources().find(|source| source.received > 0);
        Some(Report {
            said: talk.said.clone(),
            heard: talk.heard.clone(),
            sent: totals.packets_sent,
            received: source.map_or(0, |source| source.received),
            lost: source.map_or(0, |source| source.lost),
            jitter: source.map_or(Duration::ZERO, |source| source.jitter_time),
            lost_there: source.and_then(|source| source.remote).map(|remote| remote.lost),
            reports: totals.rtcp_received,
            refused: talk.refused.clone(),
        })
    }

    /// Sends and receives what is due; the digits heard.
    pub fn work(&mut self) -> Vec<char> {
        let mut digits = Vec::new();
        let Some(talk) = &mut self.talk else { return digits };
        let mut datagram = [0; 2048];
        for (component, socket) in [(Component::Rtp, &self.rtp), (Component::Rtcp, &self.rtcp)] {
            while let Ok((len, remote)) = socket.recv_from(&mut datagram) {
                let input = datagram.get_mut(..len).unwrap_or_default();
                digits.extend(talk.take(component, remote, input));
            }
        }
        if talk.session.poll_timeout().is_some_and(|due| due <= talk.epoch.elapsed()) {
            talk.session.handle_timeout(talk.epoch.elapsed());
        }
        let mut buffer = [0; Session::BUFFER_LEN + MAXIMUM_OVERHEAD];
        loop {
            let room = buffer.get_mut(..Session::BUFFER_LEN).unwrap_or_default();
            let Some(transmit) = talk.session.poll_transmit(talk.epoch.elapsed(), room) else {
                break;
            };
            talk.send(&self.rtp, &self.rtcp, transmit, &mut buffer);
        }
        while talk.session.poll_event().is_some() {}
        while talk.due <= Instant::now() {
            talk.due += FRAME_TIME;
            if let Some(transmit) = talk.frame(&self.speech, &mut buffer) {
                talk.send(&self.rtp, &self.rtcp, transmit, &mut buffer);
            }
        }
        digits
    }
}

impl Talk {
    /// Twenty milliseconds to send.
    fn frame(&mut self, speech: &[i16], buffer: &mut [u8]) -> Option<Transmit> {
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        let now = self.epoch.elapsed();
        if !self.sends {
            self.said.resize(self.said.len() + FRAME, 0);
            return None;
        }
        // The sign tells whether the pause is over.
        let paused = (self.timestamp.wrapping_sub(self.pause_until) as i32) < 0;
        if !self.sending.is_sending()
            && !paused
            && let Some(event) = self.waiting.pop_front()
        {
            self.sending.start(event, 10, self.timestamp, Some(DIGIT_UNITS));
        }
        if let Some((ours, _)) = self.events
            && let Some(packet) = self.sending.next_packet(self.timestamp)
        {
            if !self.sending.is_sending() {
                self.pause_until = self.timestamp.wrapping_add(DIGIT_UNITS);
            }
            self.said.resize(self.said.len() + FRAME, 0);
            let outgoing = Outgoing {
                marker: packet.marker,
                timestamp: packet.timestamp,
                ..Outgoing::new(ours)
            };
            let payload = packet.event.to_octets();
            return self.session.packetize(now, &outgoing, &payload, buffer).ok();
        }
        let from = self.said.len();
        let samples: Vec<i16> =
            speech.iter().cycle().skip(from % speech.len().max(1)).take(FRAME).copied().collect();
        self.said.extend(&samples);
        let mut codes = [0; FRAME];
        self.law.encode(&samples, &mut codes);
        let outgoing = Outgoing {
            marker: from == 0,
            timestamp: self.timestamp,
            ..Outgoing::new(self.payload_type)
        };
        self.session.packetize(now, &outgoing, &codes, buffer).ok()
    }

    /// Sends what stands in the buffer, protected where the call is.
    fn send(&mut self, rtp: &UdpSocket, rtcp: &UdpSocket, transmit: Transmit, buffer: &mut [u8]) {
        let is_rtcp = transmit.path.component == Component::Rtcp;
        let len = match &mut self.secure {
            None => Ok(transmit.len),
            Some((sender, _)) if is_rtcp => sender.protect_rtcp(buffer, transmit.len),
            Some((sender, _)) => sender.protect_rtp(buffer, transmit.len),
        };
        let socket = if is_rtcp { rtcp } else { rtp };
        let octets = len.ok().and_then(|len| buffer.get(..len)).unwrap_or_default();
        // A datagram that cannot be sent is one lost: the other side counts it.
        let _ = socket.send_to(octets, transmit.path.remote);
    }

    fn take(
        &mut self,
        component: Component,
        remote: SocketAddr,
        datagram: &mut [u8],
    ) -> Option<char> {
        let len = match (&mut self.secure, component) {
            (None, _) => Ok(datagram.len()),
            (Some((_, receiver)), Component::Rtcp) => receiver.unprotect_rtcp(datagram),
            (Some((_, receiver)), _) => receiver.unprotect_rtp(datagram),
        };
        let len = match len {
            Ok(len) => len,
            Err(error) => {
                self.refused = Some(format!("{component:?}: {error}"));
                return None;
            }
        };
        let datagram = datagram.get(..len).unwrap_or_default();
        let path = Path { component, local: 0, remote };
        let event = self.session.handle_datagram(self.epoch.elapsed(), path, datagram);
        let packet = match event {
            Ok(Some(Event::Packet { packet, .. })) => packet,
            Ok(_) => return None,
            Err(error) => {
                self.refused = Some(format!("{component:?}: {error}"));
                return None;
            }
        };
        if self.events.is_some_and(|(_, theirs)| theirs == packet.payload_type) {
            let event = TelephoneEvent::parse(packet.payload).ok()?;
            return match self.hearing.receive(packet.timestamp, event)? {
                Heard::Started { event } | Heard::Ended { event, started: false, .. } => {
                    telephone_event::key_of(event)
                }
                _ => None,
            };
        }
        let first = *self.first.get_or_insert(packet.timestamp);
        let at = packet.timestamp.wrapping_sub(first) as usize;
        let end = at.saturating_add(packet.payload.len());
        if end <= HEARD_MAX {
            if self.heard.len() < end {
                self.heard.resize(end, 0);
            }
            if let Some(place) = self.heard.get_mut(at..end) {
                self.law.decode(packet.payload, place);
            }
        }
        None
    }
}
