//! Sound in other formats than PCMU: what ffmpeg or GStreamer sends is taken apart here, cut anew, and
//! sent on to GStreamer, which decodes it. The tone that went in comes out.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use handset_testkit::{Peer, peer};
use rtp_core::Ssrc;
use rtp_core::codec::g722;
use rtp_core::packet::Packet;
use rtp_core::payload::{Depacketizer, Encoded, Packetizer, Received, audio, opus, redundancy};

use crate::phone::{free_pair, purity};
use crate::{gstreamer, said, start};

/// Packets that are passed on: with 20 ms of sound each, three seconds.
const PACKETS: u32 = 150;

struct Format {
    source: Source,
    payload_type: u8,
    /// How GStreamer names it, and what decodes it.
    caps: &'static str,
    decoder: &'static str,
    clock: u32,
    /// How long payloads may be when they are cut anew.
    limit: usize,
}

/// Who encodes the tone.
enum Source {
    /// ffmpeg: with what, how many samples a second, and how long its packets may be.
    Ffmpeg { encoder: &'static str, rate: &'static str, packet: usize },
    /// GStreamer, by these elements behind 8000 samples a second.
    GStreamer(&'static str),
}

/// What came out of the decoder, at 8000 samples a second.
fn relay(
    format: &Format,
    depacketizer: &mut dyn Depacketizer,
    packetizer: &mut dyn Packetizer,
) -> Option<Vec<i16>> {
    let gstreamer = gstreamer()?;
    let folder = tempfile::tempdir().expect("a folder");
    let [sent, heard, samples] = ["sent", "heard", "samples"].map(|name| folder.path().join(name));
    let theirs = free_pair();
    let pipeline = format!(
        "-q udpsrc address=127.0.0.1 port={theirs} \
         caps=application/x-rtp,media=(string)audio,{},payload=(int){} ! rtpjitterbuffer ! {} ! \
         audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=8000,channels=1 ! \
         filesink location={} buffer-mode=unbuffered sync=false async=false",
        format.caps,
        format.payload_type,
        format.decoder,
        samples.display()
    );
    let arguments: Vec<&str> = pipeline.split_whitespace().collect();
    let _sink = start(&gstreamer, &arguments, &heard);
    until(&heard, "the sink listens", || UdpSocket::bind(("127.0.0.1", theirs)).is_err());

    let (_source, socket) = sends(format, &sent)?;
    let remote = SocketAddr::from((Ipv4Addr::LOCALHOST, theirs));
    let (mut datagram, mut frame, mut out) = ([0; 2000], [0; 4000], [0; 2000]);
    let (mut sequence_number, mut units) = (65_400u16, 0u32);
    while units < PACKETS * (format.clock / 50) {
        let Ok(len) = socket.recv(&mut datagram) else { panic!("nothing came: {}", said(&sent)) };
        let packet = Packet::parse(&datagram[..len]).expect("it is RTP");
        assert_eq!(packet.payload_type, format.payload_type);
        let whole =
            depacketizer.push(&Received::from(&packet), &mut frame).expect("it can be read");
        let Some(whole) = whole else { continue };
        assert!(whole.whole && whole.consumed && whole.lost == 0, "{whole:?}");
        let encoded = Encoded { timestamp: whole.timestamp, octets: &frame[..whole.len] };
        units += format.clock / 50;
        let payload = &mut out[12..12 + format.limit];
        while let Some(cut) = packetizer.poll_payload(&encoded, payload).expect("it can be cut") {
            let packet = Packet {
                payload_type: format.payload_type,
                marker: cut.marker,
                sequence_number,
                timestamp: cut.timestamp,
                ssrc: Ssrc(7),
                payload: &payload[..cut.len],
                ..Packet::default()
            };
            let mut datagram = vec![0; packet.encoded_len()];
            packet.write(&mut datagram).expect("it fits");
            socket.send_to(&datagram, remote).expect("loopback takes it");
            sequence_number = sequence_number.wrapping_add(1);
        }
    }
    let decoded = || fs::read(&samples).unwrap_or_default();
    // Two octets a sample; what waits in the peer's buffers is never written.
    let enough = PACKETS as usize * 160 * 2 * 3 / 4;
    until(&heard, "the sound is decoded", || decoded().len() >= enough);
    Some(decoded().as_chunks().0.iter().map(|octets| i16::from_le_bytes(*octets)).collect())
}

/// A tone that a peer sends for eight seconds, and the socket it comes to.
fn sends(format: &Format, log: &Path) -> Option<(Peer, UdpSocket)> {
    let port = free_pair();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect("it was free");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("it can be told");
    let source = match format.source {
        Source::Ffmpeg { encoder, rate, packet } => {
            let tone = format!("sine=frequency=440:sample_rate={rate}:duration=8");
            let payload_type = format.payload_type.to_string();
            let to = format!("rtp://127.0.0.1:{port}?pkt_size={packet}");
            let arguments = [
                &["-nostdin", "-re", "-f", "lavfi", "-i", &tone, "-af", "volume=12dB"][..],
                &["-c:a", encoder, "-ar", rate, "-ac", "1"],
                &["-payload_type", &payload_type, "-f", "rtp", &to],
            ]
            .concat();
            start(&peer("ffmpeg", "ffmpeg")?, &arguments, log)
        }
        Source::GStreamer(elements) => {
            let pipeline = format!(
                "-q audiotestsrc is-live=true freq=440 samplesperbuffer=160 num-buffers=400 ! \
                 audio/x-raw,rate=8000,channels=1 ! {elements} ! \
                 udpsink host=127.0.0.1 port={port}"
            );
            start(&gstreamer()?, &pipeline.split_whitespace().collect::<Vec<_>>(), log)
        }
    };
    Some((source, socket))
}

/// Waits for something that a peer does.
fn until(log: &Path, what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}: {}", said(log));
        sleep(Duration::from_millis(20));
    }
}

/// The tone came through, but for what a codec does at its beginning.
fn is_the_tone(samples: Option<Vec<i16>>) {
    let Some(samples) = samples else { return };
    let settled = &samples[4000..];
    let power = settled.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    assert!((power / settled.len() as f64).sqrt() > 3000.0, "it is silent");
    let purity = purity(settled);
    assert!(purity > 0.9, "{purity}");
}

#[test]
fn pcma_goes_from_ffmpeg_through_us_to_gstreamer() {
    let format = Format {
        source: Source::Ffmpeg { encoder: "pcm_alaw", rate: "8000", packet: 172 },
        payload_type: 8,
        caps: "clock-rate=(int)8000,encoding-name=(string)PCMA",
        decoder: "rtppcmadepay ! alawdec",
        clock: 8000,
        limit: 160,
    };
    let depacketizer = &mut audio::Depacketizer::<audio::G711>::new();
    is_the_tone(relay(&format, depacketizer, &mut audio::Packetizer::<audio::G711>::new()));
}

#[test]
fn l16_goes_from_ffmpeg_through_us_to_gstreamer() {
    let format = Format {
        source: Source::Ffmpeg { encoder: "pcm_s16be", rate: "16000", packet: 652 },
        payload_type: 96,
        caps: "clock-rate=(int)16000,encoding-name=(string)L16,channels=(int)1",
        decoder: "rtpL16depay",
        clock: 16_000,
        limit: 640,
    };
    let depacketizer = &mut audio::Depacketizer::<audio::L16>::new();
    is_the_tone(relay(&format, depacketizer, &mut audio::Packetizer::<audio::L16>::new()));
}

#[test]
fn gsm_goes_from_gstreamer_through_us_to_gstreamer() {
    let format = Format {
        source: Source::GStreamer("gsmenc ! rtpgsmpay"),
        payload_type: 3,
        caps: "clock-rate=(int)8000,encoding-name=(string)GSM",
        decoder: "rtpgsmdepay ! gsmdec",
        clock: 8000,
        limit: 33,
    };
    let depacketizer = &mut audio::Depacketizer::<audio::Gsm>::new();
    is_the_tone(relay(&format, depacketizer, &mut audio::Packetizer::<audio::Gsm>::new()));
}

#[test]
fn g722_of_ffmpeg_is_heard() {
    let format = Format {
        source: Source::Ffmpeg { encoder: "g722", rate: "16000", packet: 172 },
        payload_type: 9,
        caps: "",
        decoder: "",
        clock: 8000,
        limit: 160,
    };
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let Some((_source, socket)) = sends(&format, &log) else { return };
    let mut depacketizer = audio::Depacketizer::<audio::G722>::new();
    let mut decoder = g722::Decoder::default();
    let (mut datagram, mut frame, mut samples) = ([0; 2000], [0; 400], Vec::new());
    while samples.len() < PACKETS as usize * 320 {
        let Ok(len) = socket.recv(&mut datagram) else { panic!("nothing came: {}", said(&log)) };
        let packet = Packet::parse(&datagram[..len]).expect("it is RTP");
        let whole =
            depacketizer.push(&Received::from(&packet), &mut frame).expect("it can be read");
        let whole = whole.expect("each packet is a frame");
        assert!(whole.whole && whole.lost == 0, "{whole:?}");
        let begin = samples.len();
        samples.resize(begin + whole.len * 2, 0);
        decoder.decode(&frame[..whole.len], &mut samples[begin..]);
    }
    // Every second sample: 8000 a second.
    is_the_tone(Some(samples.into_iter().step_by(2).collect()));
}

#[test]
fn redundant_sound_goes_from_gstreamer_through_us_to_gstreamer() {
    let format = Format {
        source: Source::GStreamer(
            "mulawenc ! rtppcmupay min-ptime=20000000 max-ptime=20000000 ! \
             rtpredenc pt=100 distance=1",
        ),
        payload_type: 100,
        caps: "clock-rate=(int)8000,encoding-name=(string)PCMU",
        decoder: "rtpreddec pt=100 ! rtppcmudepay ! mulawdec",
        clock: 8000,
        limit: 400,
    };
    let depacketizer = &mut redundancy::Depacketizer::new();
    is_the_tone(relay(&format, depacketizer, &mut redundancy::Packetizer::<1, 160>::new(0)));
}

#[test]
fn opus_goes_from_ffmpeg_through_us_to_gstreamer() {
    let format = Format {
        source: Source::Ffmpeg { encoder: "libopus", rate: "48000", packet: 1200 },
        payload_type: 97,
        caps: "clock-rate=(int)48000,encoding-name=(string)OPUS",
        decoder: "rtpopusdepay ! opusdec",
        clock: 48_000,
        limit: 1200,
    };
    let depacketizer = &mut opus::Depacketizer::new();
    is_the_tone(relay(&format, depacketizer, &mut opus::Packetizer::new()));
}
