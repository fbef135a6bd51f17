//! Targets of rtp-core's payload formats and codecs.

use rtp_core::codec::comfort_noise::{Analyzer, Generator, Suppressor, Transmission};
use rtp_core::codec::concealment::{Narrowband, Wideband};
use rtp_core::codec::{g711, g722};
use rtp_core::payload::comfort_noise::{ComfortNoise, Noise};
use rtp_core::payload::telephone_event::{Heard, Receiver, Sender, TelephoneEvent};
use rtp_core::payload::{
    Depacketizer, Encoded, Error, Packetizer, Received, audio, dvi4, h261, h263, h263_1998, h264,
    h265, jpeg, opus, redundancy, vp8, vp9,
};

use crate::drive::Script;
use crate::exactly;

/// A payload, read as one of each format: written again it is the same, but for reserved bits.
pub fn payload(octets: &[u8]) {
    let Some((format, octets)) = octets.split_first() else { return };
    match format % 15 {
        0 => {
            let Ok(noise) = ComfortNoise::parse(octets) else { return };
            assert_eq!(exactly(noise.encoded_len(), |buffer| noise.write(buffer)), octets);
            assert_eq!(noise.coefficients().len(), octets.len() - 1);
        }
        1 => {
            let Ok(blocks) = redundancy::Blocks::parse(octets) else { return };
            let redundant: Vec<_> = blocks.redundant().collect();
            let primary = blocks.primary();
            let len = redundancy::Blocks::encoded_len(&redundant, &primary);
            let write = |buffer: &mut [u8]| redundancy::Blocks::write(&redundant, &primary, buffer);
            assert_eq!(exactly(len, write), octets);
        }
        2 => {
            let Ok(packet) = opus::OpusPacket::parse(octets) else { return };
            assert_eq!(packet.frames().count(), usize::from(packet.frame_count()));
            assert!(packet.frames().map(<[u8]>::len).sum::<usize>() < octets.len());
            assert!((120..=5760).contains(&packet.units()));
            let _ = (packet.is_dtx(), packet.has_fec());
        }
        3 => {
            let Ok(block) = dvi4::Block::parse(octets) else { return };
            let written = exactly(block.encoded_len(), |buffer| block.write(buffer));
            assert_eq!(dvi4::Block::parse(&written), Ok(block));
            assert_eq!(block.samples().count(), block.sample_count() as usize);
        }
        4 => {
            let Ok(frames) = audio::Gsm::frames(octets) else { return };
            assert_eq!(frames.concat(), octets);
        }
        5 => {
            let Ok(payload) = h264::Payload::parse(octets) else { return };
            let written = exactly(payload.encoded_len(), |buffer| payload.write(buffer));
            assert_eq!(h264::Payload::parse(&written), Ok(payload));
        }
        6 | 7 => {
            let donl = format % 15 == 7;
            let Ok(payload) = h265::Payload::parse(octets, donl) else { return };
            assert_eq!(exactly(payload.encoded_len(), |buffer| payload.write(buffer)), octets);
        }
        8 => {
            let Ok((descriptor, rest)) = vp8::Descriptor::parse(octets) else { return };
            let mut written = exactly(descriptor.encoded_len(), |buffer| descriptor.write(buffer));
            written.extend(rest);
            assert_eq!(vp8::Descriptor::parse(&written), Ok((descriptor, rest)));
        }
        9 => {
            let Ok((descriptor, rest)) = vp9::Descriptor::parse(octets) else { return };
            let mut written = exactly(descriptor.encoded_len(), |buffer| descriptor.write(buffer));
            written.extend(rest);
            assert_eq!(vp9::Descriptor::parse(&written), Ok((descriptor, rest)));
            if let Some(structure) = descriptor.scalability {
                assert!(structure.sizes().count() <= 8);
            }
        }
        10 => {
            let Ok(payload) = jpeg::Payload::parse(octets) else { return };
            let written = exactly(payload.encoded_len(), |buffer| payload.write(buffer));
            assert_eq!(jpeg::Payload::parse(&written), Ok(payload));
        }
        11 => {
            let Ok((header, rest)) = h261::Header::parse(octets) else { return };
            assert_eq!([&header.to_octets()[..], rest].concat(), octets);
        }
        12 => {
            let Ok((header, rest)) = h263::Header::parse(octets) else { return };
            let mut written = exactly(header.encoded_len(), |buffer| header.write(buffer));
            written.extend(rest);
            assert_eq!(h263::Header::parse(&written), Ok((header, rest)));
        }
        13 => {
            let Ok(payload) = h263_1998::Payload::parse(octets) else { return };
            let written = exactly(payload.encoded_len(), |buffer| payload.write(buffer));
            assert_eq!(h263_1998::Payload::parse(&written), Ok(payload));
        }
        _ => {
            let Ok(text) = core::str::from_utf8(octets) else { return };
            let parameters = opus::Parameters::parse(text);
            let mut written = String::new();
            parameters.write(&mut written).expect("a string takes all");
            assert_eq!(opus::Parameters::parse(&written), parameters);
        }
    }
}

/// A frame that an encoder may have given: cut and put together again it is the same.
pub fn frame(octets: &[u8]) {
    let mut script = Script::new(octets);
    let format = script.octet() % 12;
    let limit = 1 + usize::from(script.short() % 1500);
    let flags = script.octet();
    let rest = script.rest();
    let flag = |bit: u8| flags & (1 << bit) != 0;
    match format {
        0 => same(
            audio::Packetizer::<audio::G711>::new(),
            audio::Depacketizer::<audio::G711>::new(),
            rest,
            limit,
        ),
        1 => {
            let depacketizer = audio::Depacketizer::<audio::L16<2>>::new();
            same(audio::Packetizer::<audio::L16<2>>::new(), depacketizer, rest, limit);
        }
        2 => same(opus::Packetizer::new(), opus::Depacketizer::new(), rest, limit),
        3 => {
            let mode = if flag(0) { h264::Mode::SingleNal } else { h264::Mode::NonInterleaved };
            let mut packetizer = h264::Packetizer::new(mode);
            packetizer.aggregate = flag(1);
            // Start codes become long ones, and zeros behind units are not sent.
            let Some(frame) = carried(packetizer, h264::Depacketizer::new(), rest, limit) else {
                return;
            };
            same(packetizer, h264::Depacketizer::new(), &frame, limit);
        }
        4 => {
            let donl = flag(0);
            let mut packetizer = h265::Packetizer::new();
            (packetizer.donl, packetizer.aggregate) = (donl, flag(1));
            let mut depacketizer = h265::Depacketizer::new();
            depacketizer.donl = donl;
            let Some(frame) = carried(packetizer, depacketizer, rest, limit) else { return };
            same(packetizer, depacketizer, &frame, limit);
        }
        5 => {
            let packetizer = vp8::Packetizer::new(vp8::PictureId::Long(7));
            same(packetizer, vp8::Depacketizer::new(), rest, limit);
        }
        6 => {
            let mut packetizer = vp9::Packetizer::new(vp9::PictureId::Short(7));
            packetizer.size = flag(0).then_some((320, 240));
            same(packetizer, vp9::Depacketizer::new(), rest, limit);
        }
        7 => {
            let depacketizer = jpeg::Depacketizer::new();
            // Headers are made anew.
            let Some(frame) = carried(jpeg::Packetizer::new(), depacketizer, rest, limit) else {
                return;
            };
            same(jpeg::Packetizer::new(), depacketizer, &frame, limit);
        }
        8 => same(h261::Packetizer::new(), h261::Depacketizer::new(), rest, limit),
        9 => same(h263::Packetizer::new(), h263::Depacketizer::new(), rest, limit),
        10 => same(h263_1998::Packetizer::new(), h263_1998::Depacketizer::new(), rest, limit),
        _ => same(
            audio::Packetizer::<Noise>::new(),
            audio::Depacketizer::<Noise>::new(),
            rest,
            limit,
        ),
    }
}

/// The frame that arrives, where it can be sent at all.
fn carried(
    mut packetizer: impl Packetizer,
    mut depacketizer: impl Depacketizer,
    octets: &[u8],
    limit: usize,
) -> Option<Vec<u8>> {
    let mut buffer = vec![0; limit];
    let mut frame = vec![0; octets.len() * 3 + 1000];
    let (mut whole, mut sequence, mut payloads) = (Vec::new(), 0u16, 0);
    loop {
        let encoded = Encoded { timestamp: 160, octets };
        let payload = match packetizer.poll_payload(&encoded, &mut buffer) {
            Ok(Some(payload)) => payload,
            Ok(None) => break,
            Err(_) => return None,
        };
        payloads += 1;
        assert!(payload.len <= limit && payload.len > 0);
        assert!(payloads <= octets.len() * 8, "payloads without an end");
        let packet = Received {
            payload_type: 96,
            sequence,
            timestamp: payload.timestamp,
            marker: payload.marker,
            payload: &buffer[..payload.len],
        };
        sequence = sequence.wrapping_add(1);
        match depacketizer.push(&packet, &mut frame) {
            Ok(Some(arrived)) => {
                assert!(arrived.whole && arrived.consumed && arrived.lost == 0);
                whole.extend(&frame[..arrived.len]);
            }
            Ok(None) => {}
            Err(error) => panic!("{error} in what was sent"),
        }
    }
    (payloads > 0).then_some(whole)
}

fn same(packetizer: impl Packetizer, depacketizer: impl Depacketizer, octets: &[u8], limit: usize) {
    if let Some(arrived) = carried(packetizer, depacketizer, octets, limit) {
        assert!(arrived == octets, "another frame arrives");
    }
}

/// Packets that anybody may send, to a depacketizer of each format.
pub fn reassembly(octets: &[u8]) {
    let mut script = Script::new(octets);
    match script.octet() % 17 {
        0 => hostile(audio::Depacketizer::<audio::G711>::new(), script),
        1 => hostile(redundancy::Depacketizer::new(), script),
        2 => hostile(opus::Depacketizer::new(), script),
        3 => hostile(h264::Depacketizer::new(), script),
        4 => hostile(h265::Depacketizer::new(), script),
        5 => {
            let mut depacketizer = h265::Depacketizer::new();
            depacketizer.donl = true;
            hostile(depacketizer, script);
        }
        6 => hostile(vp8::Depacketizer::new(), script),
        7 => hostile(vp9::Depacketizer::new(), script),
        8 => hostile(jpeg::Depacketizer::new(), script),
        9 => hostile(h261::Depacketizer::new(), script),
        10 => hostile(h263::Depacketizer::new(), script),
        11 => hostile(h263_1998::Depacketizer::new(), script),
        12 => hostile(audio::Depacketizer::<audio::G722>::new(), script),
        13 => hostile(audio::Depacketizer::<audio::L16<2>>::new(), script),
        14 => hostile(audio::Depacketizer::<audio::Gsm>::new(), script),
        15 => hostile(audio::Depacketizer::<dvi4::Dvi4>::new(), script),
        _ => hostile(audio::Depacketizer::<Noise>::new(), script),
    }
}

fn hostile(mut depacketizer: impl Depacketizer, mut script: Script<'_>) {
    // Some frames do not fit.
    let room = [200, 1000, 4000][script.below(3)];
    let mut frame = vec![0; room];
    let (mut sequence, mut timestamp) = (0u16, 0u32);
    while script.more() {
        let what = script.octet();
        sequence = sequence.wrapping_add(if what & 7 == 7 { script.short() } else { 1 });
        if what & 8 != 0 {
            timestamp = timestamp.wrapping_add(160);
        }
        if what & 0x70 == 0x70 {
            depacketizer.reset();
        }
        let packet = Received {
            payload_type: 96,
            sequence,
            timestamp,
            marker: what & 0x80 != 0,
            payload: script.octets(),
        };
        for again in 0.. {
            assert!(again <= packet.payload.len() + 1, "a packet that is never used up");
            match depacketizer.push(&packet, &mut frame) {
                Ok(Some(arrived)) => {
                    assert!(arrived.len <= room && arrived.len > 0);
                    if arrived.consumed {
                        break;
                    }
                }
                Ok(None) => break,
                Err(Error::BufferTooSmall(error)) => {
                    assert!(error.needed > 0);
                    break;
                }
                Err(_) => break,
            }
        }
    }
}

/// Telephone events: what is sent is heard once, whatever else comes between.
pub fn telephone_event(octets: &[u8]) {
    let mut script = Script::new(octets);
    let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
    let (mut timestamp, mut open) = (0u32, 0i32);
    let mut heard = |heard: Option<Heard>| {
        match heard {
            Some(Heard::Started { .. }) => open = 1,
            Some(Heard::Ended { started, .. }) => {
                assert!(!started || open == 1, "an end without a beginning");
                open = 0;
            }
            None => {}
        };
    };
    while script.more() {
        match script.octet() % 8 {
            0 => {
                let duration = (script.octet() & 1 == 1).then(|| script.long() % 200_000);
                sender.start(script.octet(), script.octet(), timestamp, duration);
            }
            1 => sender.stop(timestamp),
            2 => timestamp = timestamp.wrapping_add(script.long()),
            3 => {
                let mut payload = [script.octet(), script.octet(), script.octet(), script.octet()];
                payload[1] &= 0xbf;
                let event = TelephoneEvent::parse(&payload).expect("four octets");
                assert_eq!(event.to_octets(), payload);
                heard(receiver.receive(script.long(), event));
            }
            4 => heard(receiver.give_up()),
            _ => {
                timestamp = timestamp.wrapping_add(160);
                let lost = script.octet() & 3 == 3;
                if let Some(packet) = sender.next_packet(timestamp).filter(|_| !lost) {
                    assert!(packet.event.duration > 0);
                    heard(receiver.receive(packet.timestamp, packet.event));
                }
            }
        }
    }
}

/// Any samples and any codes, in frames of any length.
pub fn codec(octets: &[u8]) {
    let mut script = Script::new(octets);
    let order = usize::from(script.octet() % 16);
    let mut hidden = (Narrowband::new(), Wideband::new());
    let (mut encoder, mut decoder) = (g722::Encoder::new(), g722::Decoder::default());
    let (mut suppressor, mut analyzer) = (Suppressor::new(8000, order), Analyzer::new(order));
    let mut generator = Generator::new(script.long());
    while script.more() {
        let what = script.octet();
        let codes = script.octets();
        let mut samples = vec![0i16; codes.len() * 2];
        match what % 4 {
            0 => decoder.decode(codes, &mut samples),
            1 => g711::Law::Mu.decode(codes, &mut samples),
            2 => g711::Law::A.decode(codes, &mut samples),
            _ => audio::L16::<1>::decode(codes, &mut samples),
        };
        let mut again = vec![0; codes.len() * 2];
        encoder.encode(&samples, &mut again);
        let mut payload = [0; 32];
        if suppressor.decide(&samples) == Transmission::Noise {
            let len = suppressor.write(&mut payload).expect("it fits");
            assert!(ComfortNoise::parse(&payload[..len]).is_ok());
        }
        analyzer.analyze(&samples);
        if let Ok(noise) = ComfortNoise::parse(codes) {
            generator.update(&noise);
        }
        if what & 0x80 == 0 {
            hidden.0.receive(&mut samples);
            hidden.1.receive(&mut samples);
        } else {
            hidden.0.conceal(&mut samples);
            hidden.1.conceal(&mut samples);
            generator.generate(&mut samples);
        }
    }
}
