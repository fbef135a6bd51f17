//! Targets of rtp-core.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use rtp_core::Ssrc;
use rtp_core::e_model::Impairment;
use rtp_core::jitter;
use rtp_core::packet::Packet;
use rtp_core::quality::{Monitor, Setting};
use rtp_core::rtcp::{Application, Compound, Packet as Rtcp, Raw};
use rtp_core::session::{
    Cname, Component, Compounding, Config, Event, Outgoing, Path, Session, Storage,
};

use crate::drive::{Machine, Script, drive};
use crate::exactly;

/// An RTP packet with its extension.
pub fn packet(octets: &[u8]) {
    let Ok(packet) = Packet::parse(octets) else { return };
    if let Some(extension) = packet.extension {
        for element in extension.elements() {
            assert!(element.data.len() <= octets.len());
        }
    }
    let written = exactly(packet.encoded_len(), |buffer| packet.write(buffer));
    assert_eq!(written.len(), octets.len());
    assert_eq!(Packet::parse(&written), Ok(packet));
    assert!(packet.write(&mut vec![0; written.len() - 1]).is_err());
}

/// The RTCP packets of a datagram.
pub fn rtcp_packet(octets: &[u8]) {
    let Ok(compound) = Compound::parse(octets) else { return };
    let _ = compound.check();
    for packet in compound.packets() {
        let Ok(packet) = packet else { continue };
        let written = exactly(packet.encoded_len(), |buffer| packet.write(buffer));
        let (raw, rest) = Raw::parse_prefix(&written).expect("what is written is a packet");
        assert!(rest.is_empty());
        let again = Rtcp::parse(raw).expect("what is written can be read");
        match (packet, again) {
            // Zeros fill up to whole words, and belong to the body then.
            (Rtcp::Unknown(a), Rtcp::Unknown(b)) => assert!(b.body.starts_with(a.body)),
            (Rtcp::Application(a), Rtcp::Application(b)) => assert!(b.data.starts_with(a.data)),
            (Rtcp::SenderReport(a), Rtcp::SenderReport(b)) => {
                assert_eq!((a.ssrc, a.info, a.blocks), (b.ssrc, b.info, b.blocks));
            }
            (Rtcp::ReceiverReport(a), Rtcp::ReceiverReport(b)) => {
                assert_eq!((a.ssrc, a.blocks), (b.ssrc, b.blocks));
            }
            (a, b) => assert_eq!(a, b),
        }
    }
}

/// A session, and a second one that it talks to.
pub fn session(octets: &[u8]) {
    let mut storages = [const { Storage::<4>::new() }; 2];
    let [one, two] = &mut storages;
    let mut sessions = [(one, 1u8), (two, 2u8)].map(|(storage, number)| {
        let mut config = Config::new(Cname::new("fuzz@example").expect("a short name"));
        config.rtp = Some(path(Component::Rtp, 0));
        config.rtcp = Some(path(Component::Rtcp, 0));
        // One of few, so that both take the same now and then.
        config.ssrc = Some(Ssrc(u32::from(octets.first().copied().unwrap_or(0) & number)));
        config.sampling = octets.len() % 2 == 1;
        Rtp(Session::new(config, storage, [number; 32]).expect("the configuration is good"))
    });
    let [a, b] = &mut sessions;
    // Peers 0 and 1 are the RTP and RTCP paths to the other; 2 is a stranger's.
    let wires: &[&[_]] = &[&[Some((1, 0)), Some((1, 1))], &[Some((0, 0)), Some((0, 1))]];
    drive(&mut [a, b], wires, octets);
}

fn path(component: Component, peer: usize) -> Path {
    let port = 5350 + u16::from(component == Component::Rtcp) + if peer > 1 { 1000 } else { 0 };
    let remote = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Path { component, local: 0, remote }
}

struct Rtp<'s>(Session<'s>);

impl Machine for Rtp<'_> {
    fn handle(&mut self, now: Duration, peer: usize, octets: &[u8]) {
        let component = if peer == 1 { Component::Rtcp } else { Component::Rtp };
        match self.0.handle_datagram(now, path(component, peer), octets) {
            Ok(Some(Event::Packet { packet, .. })) => assert!(packet.payload.len() <= octets.len()),
            Ok(Some(Event::Rtcp { compound })) => assert!(compound.packets().count() > 0),
            _ => {}
        }
    }

    fn closed(&mut self, now: Duration, peer: usize) {
        self.0.handle_closed(now, path(Component::Rtp, peer));
    }

    fn timeout(&mut self, now: Duration) {
        self.0.handle_timeout(now);
    }

    fn transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<(usize, usize)> {
        let sent = self.0.poll_transmit(now, buffer)?;
        assert!(sent.len <= Session::BUFFER_LEN, "longer than the named limit");
        Some((usize::from(sent.path.component == Component::Rtcp), sent.len))
    }

    fn event(&mut self) -> bool {
        self.0.poll_event().is_some()
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.0.poll_timeout()
    }

    fn beats(&self) -> bool {
        true
    }

    fn call(&mut self, now: Duration, script: &mut Script<'_>) -> Vec<(usize, Vec<u8>)> {
        match script.octet() % 8 {
            0 => self.0.leave(now),
            1 => self.0.set_remote(now, None, None),
            2 => {
                let (rtp, rtcp) = (path(Component::Rtp, 0), path(Component::Rtcp, 0));
                self.0.set_remote(now, Some(rtp), Some(rtcp));
            }
            3 => {
                let packet = Rtcp::Application(Application {
                    ssrc: self.0.ssrc(),
                    subtype: script.octet() & 31,
                    name: *b"fuzz",
                    data: &[0; 12],
                });
                let compounding = script.one_of(&[Compounding::Minimal, Compounding::ReducedSize]);
                let mut buffer = [0; 128];
                let room = script.below(buffer.len() + 1);
                let room = &mut buffer[..room];
                if let Ok(sent) = self.0.feedback(now, compounding, &[packet], room) {
                    let read = Compound::parse(&room[..sent.len]).expect("it is whole");
                    assert_eq!(read.packets().last(), Some(Ok(packet)));
                    return vec![(1, room[..sent.len].to_vec())];
                }
            }
            _ => {
                let mut outgoing = Outgoing::new(script.octet() & 127);
                outgoing.timestamp = script.long();
                let mut buffer = [0; 512];
                let payload = script.octets();
                if let Ok(sent) = self.0.packetize(now, &outgoing, payload, &mut buffer) {
                    return vec![(0, buffer[..sent.len].to_vec())];
                }
            }
        }
        Vec::new()
    }
}

/// What is reported of a stream whose packets are played in whatever order.
pub fn quality(octets: &[u8]) {
    let mut script = Script::new(octets);
    let impairment = Impairment { ie: script.octet(), bpl_x10: script.short() };
    let mut setting = Setting::new(impairment, script.time());
    (setting.fixed_delay, setting.greatest_delay) = (script.time(), script.time());
    setting.advantage = script.octet();
    let mut statistics = jitter::Statistics::default();
    (statistics.late, statistics.mean_delay) = (script.long().into(), script.time());
    statistics.target_delay = script.time();
    let (mut monitor, mut sequence, mut told) = (Monitor::new(), script.long(), 0u32);
    while script.more() {
        match script.octet() % 8 {
            0 => sequence = script.long(),
            1 => monitor.restart(),
            2 => sequence = sequence.wrapping_add(u32::from(script.octet())),
            _ => sequence = sequence.wrapping_add(1),
        }
        monitor.played(sequence);
        told += 1;
    }
    let report = monitor.report(None, &statistics, &setting);
    assert!(report.played <= told, "more than was told of");
    let metrics = report.voip_metrics(Ssrc(1));
    assert!(metrics.r_factor <= 100 && (10..=45).contains(&metrics.mos_conversation));
    assert!(metrics.mos_conversation <= metrics.mos_listening);
    assert!(report.missing > 0 || (report.burst_density, report.gap_density) == (0, 0));
}

/// A jitter buffer.
pub fn jitter(octets: &[u8]) {
    let mut storage = jitter::Storage::<8, 32>::new();
    let mut script = Script::new(octets);
    let mut config = jitter::Config::new(script.one_of(&[8000, 16000, 48000, 1]));
    config.packet_units = config.packet_units.max(1);
    if script.octet() & 1 == 1 {
        let delay = script.time().min(Duration::from_millis(500));
        config.delay = jitter::Delay::Fixed(delay);
    }
    let Ok(mut buffer) = jitter::Buffer::new(config, &mut storage) else { return };
    let (mut now, mut sequence, mut timestamp) = (Duration::ZERO, 0u32, 0u32);
    while script.more() {
        match script.octet() % 8 {
            0 => now += script.time(),
            1 => (sequence, timestamp) = (script.long(), script.long()),
            2 => sequence = sequence.wrapping_add(u32::from(script.octet())),
            3 => {
                let frame = buffer.pop(now);
                if let jitter::Playout::Packet(frame) = frame {
                    assert!(frame.payload.len() <= 32);
                }
            }
            4 => buffer.reset(),
            5 => timestamp = timestamp.wrapping_sub(u32::from(script.short())),
            _ => {
                let payload = script.octets();
                let frame = jitter::Frame {
                    sequence,
                    timestamp,
                    payload_type: 0,
                    marker: script.octet() & 1 == 1,
                    payload,
                };
                let taken = buffer.push(now, frame);
                assert!(taken.is_err() || payload.len() <= 32);
                sequence = sequence.wrapping_add(1);
                timestamp = timestamp.wrapping_add(config.packet_units);
            }
        }
        assert!(buffer.depth() <= 8, "deeper than its storage");
    }
    // With nobody talking any more it comes to silence.
    for _ in 0..64 {
        now += Duration::from_secs(1);
        let _ = buffer.pop(now);
    }
    assert!(matches!(buffer.pop(now), jitter::Playout::Silence), "sound out of nothing");
    let statistics = buffer.statistics();
    assert!(statistics.mean_delay <= now);
}
