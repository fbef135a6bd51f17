//! Pictures to and from ffmpeg and GStreamer: what they cut is put together here, what is cut here is
//! put together there, and the decoded pictures are the same, each of them.

use core::time::Duration;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Instant;

use handset_testkit::{Peer, peer};
use rtp_core::Ssrc;
use rtp_core::packet::Packet;
use rtp_core::payload::{
    Depacketizer, Encoded, Error, Packetizer, Reassembled, Received, h261, h263, h263_1998, h264,
    h265, jpeg, vp8, vp9,
};

/// Pictures in a stream, and how fast they come.
const PICTURES: usize = 20;
const RATE: u32 = 25;
/// What a packet may have with its header.
const LIMIT: usize = 900;

struct Format {
    /// As `a=rtpmap` names it, with the payload type.
    name: &'static str,
    payload_type: u8,
    /// How ffmpeg encodes it, and what its files are.
    encode: &'static [&'static str],
    file: &'static str,
    /// How ffmpeg sends it.
    send: &'static [&'static str],
}

type Pictures = Vec<Vec<u8>>;

fn ffmpeg(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
    command.stdin(Stdio::null());
    command
}

/// The hashes of all pictures that ffmpeg decodes.
fn hashes(program: &Path, input: &[&str], output: &[&str]) -> Command {
    let mut command = ffmpeg(program);
    command.args(input).args(["-map", "0:v", "-fps_mode", "passthrough"]).args(output);
    command.args(["-pix_fmt", "yuv420p", "-f", "framemd5"]);
    command
}

fn hashes_of(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(',').next()).map(|hash| hash.trim().to_owned()).collect()
}

fn decoded(program: &Path, file: &Path) -> Vec<String> {
    let file = file.to_str().expect("a plain path");
    let output = hashes(program, &["-i", file], &[]).arg("-").output().expect("ffmpeg runs");
    hashes_of(&String::from_utf8_lossy(&output.stdout))
}

/// Two sockets on ports next to each other: RTP's, and one that takes what comes as RTCP.
fn sockets() -> (UdpSocket, UdpSocket) {
    loop {
        let rtp = UdpSocket::bind("127.0.0.1:0").expect("loopback has a port");
        let port = rtp.local_addr().expect("it is bound").port();
        if port.is_multiple_of(2)
            && let Ok(rtcp) = UdpSocket::bind(("127.0.0.1", port + 1))
        {
            rtp.set_read_timeout(Some(Duration::from_secs(2))).expect("a socket takes that");
            return (rtp, rtcp);
        }
    }
}

/// Takes packets until none comes for two seconds, and gives the pictures.
fn receive(rtp: &UdpSocket, depacketizer: &mut dyn Depacketizer) -> Pictures {
    let (mut datagram, mut picture) = ([0; 2048], vec![0; 1 << 20]);
    let mut pictures = Vec::new();
    while let Ok((len, _)) = rtp.recv_from(&mut datagram) {
        let packet = Packet::parse(&datagram[..len]).expect("the peer sends RTP");
        loop {
            match depacketizer.push(&Received::from(&packet), &mut picture) {
                Ok(Some(frame)) => {
                    assert!(frame.whole && frame.lost == 0, "loopback loses nothing");
                    pictures.push(picture[..frame.len].to_vec());
                    if frame.consumed {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    pictures
}

/// Sends pictures, twice, until the peer has had enough.
fn send(
    to: u16,
    format: &Format,
    packetizer: &mut dyn Packetizer,
    pictures: &Pictures,
    peer: &mut Peer,
) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has a port");
    let (mut sequence_number, mut datagram, mut payload) = (0u16, [0; 1500], [0; LIMIT - 12]);
    for (at, octets) in pictures.iter().chain(pictures).enumerate() {
        let timestamp = at as u32 * (90_000 / RATE);
        let frame = Encoded { timestamp, octets };
        while let Some(part) = packetizer.poll_payload(&frame, &mut payload).expect("it fits") {
            let packet = Packet {
                payload_type: format.payload_type,
                marker: part.marker,
                sequence_number,
                timestamp: part.timestamp,
                ssrc: Ssrc(0x1234_5678),
                payload: &payload[..part.len],
                ..Packet::default()
            };
            sequence_number = sequence_number.wrapping_add(1);
            let len = packet.write(&mut datagram).expect("it fits");
            // A peer that has had enough is not there any more.
            let _ = socket.send_to(&datagram[..len], ("127.0.0.1", to));
        }
        if at >= PICTURES && peer.child().try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        sleep(Duration::from_millis(1000 / u64::from(RATE)));
    }
}

/// Waits until somebody has the port.
fn until_bound(port: u16) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(20) {
        let table = fs::read_to_string("/proc/net/udp").unwrap_or_default();
        if table.contains(&format!(":{port:04X} ")) {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("nobody listens on port {port}");
}

/// A file of pictures as ffmpeg reads it.
fn write(format: &Format, pictures: &Pictures, file: &Path) {
    let mut octets = Vec::new();
    if format.file == "ivf" {
        let fourcc = if format.name == "VP8" { b"VP80" } else { b"VP90" };
        octets.extend(b"DKIF\0\0\x20\0");
        octets.extend(fourcc);
        octets.extend([96, 1, 32, 1]);
        for number in [RATE, 1, pictures.len() as u32, 0] {
            octets.extend(number.to_le_bytes());
        }
        for (at, picture) in pictures.iter().enumerate() {
            octets.extend((picture.len() as u32).to_le_bytes());
            octets.extend((at as u64).to_le_bytes());
            octets.extend(picture);
        }
    } else {
        octets = pictures.concat();
    }
    fs::write(file, octets).expect("the folder is there");
}

/// Both ways, with ffmpeg.
fn there_and_back(
    format: &Format,
    depacketizer: &mut dyn Depacketizer,
    packetizer: Option<&mut dyn Packetizer>,
) -> Option<()> {
    let program = peer("ffmpeg", "ffmpeg")?;
    let folder = tempfile::tempdir().expect("there is room");
    let path = |name: &str| -> PathBuf { folder.path().join(format!("{name}.{}", format.file)) };
    let original = path("original");
    let expected = encode(&program, format, &original);

    // From ffmpeg.
    let (rtp, _rtcp) = sockets();
    let port = rtp.local_addr().expect("it is bound").port();
    let mut command = ffmpeg(&program);
    command.args(["-re", "-f", format.file, "-i"]).arg(&original).args(["-c", "copy", "-an"]);
    command.args(format.send).args(["-payload_type", &format.payload_type.to_string()]);
    command.args(["-f", "rtp", &format!("rtp://127.0.0.1:{port}?pkt_size={LIMIT}")]);
    let sender = Peer::spawn(command.stdout(Stdio::null()));
    let pictures = receive(&rtp, depacketizer);
    drop(sender);
    assert_eq!(pictures.len(), PICTURES, "{}", format.name);
    let arrived = path("arrived");
    write(format, &pictures, &arrived);
    assert_eq!(decoded(&program, &arrived), expected, "{} from ffmpeg", format.name);

    let packetizer = packetizer?;
    // To ffmpeg.
    let (rtp, rtcp) = sockets();
    let port = rtp.local_addr().expect("it is bound").port();
    drop((rtp, rtcp));
    let sdp = folder.path().join("session.sdp");
    let name = format.name;
    let text = format!(
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=video {port} RTP/AVP {pt}\r\na=rtpmap:{pt} {name}/90000\r\n",
        pt = format.payload_type
    );
    fs::write(&sdp, text).expect("the folder is there");
    let input = ["-protocol_whitelist", "file,udp,rtp", "-i", sdp.to_str().expect("a plain path")];
    let seen = folder.path().join("seen.md5");
    let mut command = hashes(&program, &input, &["-frames:v", &PICTURES.to_string()]);
    let mut player = Peer::spawn(command.arg(&seen).stdout(Stdio::null()));
    until_bound(port);
    send(port, format, packetizer, &pictures, &mut player);
    wait(&mut player);
    let seen = hashes_of(&fs::read_to_string(&seen).unwrap_or_default());
    assert_eq!(seen, expected, "{} to ffmpeg", format.name);
    Some(())
}

/// Gives a peer some seconds to end by itself.
fn wait(peer: &mut Peer) {
    for _ in 0..100 {
        if peer.child().try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        sleep(Duration::from_millis(50));
    }
}

/// From GStreamer and to it: `source` reads ffmpeg's file and ends with a payloader, `sink` begins
/// with a depayloader and ends with what makes a file that ffmpeg reads.
fn with_gstreamer(
    format: &Format,
    (source, sink, file): (&str, &str, &str),
    depacketizer: &mut dyn Depacketizer,
    packetizer: &mut dyn Packetizer,
) -> Option<()> {
    let program = peer("ffmpeg", "ffmpeg")?;
    // This package brings the plugins.
    peer("gst-transcoder-1.0", "gstreamer1.0-plugins-bad-apps")?;
    let gstreamer = peer("gst-launch-1.0", "gstreamer1.0-tools")?;
    let folder = tempfile::tempdir().expect("there is room");
    let original = folder.path().join(format!("original.{}", format.file));
    let expected = encode(&program, format, &original);

    let (rtp, _rtcp) = sockets();
    let port = rtp.local_addr().expect("it is bound").port();
    let pipeline = format!(
        "filesrc location={} ! {source} mtu={LIMIT} pt={} ! udpsink host=127.0.0.1 port={port} sync=true",
        original.display(),
        format.payload_type
    );
    let mut command = Command::new(&gstreamer);
    command.arg("-q").args(pipeline.split(' ')).stdin(Stdio::null()).stdout(Stdio::null());
    let sender = Peer::spawn(&mut command);
    let pictures = receive(&rtp, depacketizer);
    drop(sender);
    let arrived = folder.path().join(format!("arrived.{}", format.file));
    write(format, &pictures, &arrived);
    assert_eq!(decoded(&program, &arrived), expected, "{} from GStreamer", format.name);

    let (rtp, rtcp) = sockets();
    let port = rtp.local_addr().expect("it is bound").port();
    drop((rtp, rtcp));
    let seen = folder.path().join(format!("seen.{file}"));
    let pipeline = format!(
        "udpsrc port={port} caps=application/x-rtp,media=video,clock-rate=90000,encoding-name={},payload={} \
         ! {sink} ! filesink location={}",
        format.name,
        format.payload_type,
        seen.display()
    );
    let mut command = Command::new(&gstreamer);
    command.arg("-q").args(pipeline.split_whitespace()).stdin(Stdio::null()).stdout(Stdio::null());
    let mut player = Peer::spawn(&mut command);
    until_bound(port);
    send(port, format, packetizer, &pictures, &mut player);
    wait(&mut player);
    assert_eq!(decoded(&program, &seen), expected, "{} to GStreamer", format.name);
    Some(())
}

/// Has ffmpeg encode pictures, and gives the hashes of what it decodes of them.
fn encode(program: &Path, format: &Format, file: &Path) -> Vec<String> {
    let source = format!("testsrc=size=352x288:rate={RATE}");
    let encoded = ffmpeg(program)
        .args(["-f", "lavfi", "-i", &source, "-frames:v", &PICTURES.to_string()])
        .args(format.encode)
        .args(["-f", format.file])
        .arg(file)
        .status();
    assert!(encoded.is_ok_and(|status| status.success()), "ffmpeg cannot encode {}", format.name);
    let expected = decoded(program, file);
    assert_eq!(expected.len(), PICTURES);
    expected
}

const H264: Format = Format {
    name: "H264",
    payload_type: 96,
    encode: &["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p"],
    file: "h264",
    send: &[],
};

const VP8: Format = Format {
    name: "VP8",
    payload_type: 96,
    encode: &[
        "-c:v",
        "libvpx",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-auto-alt-ref",
        "0",
        "-b:v",
        "1M",
    ],
    file: "ivf",
    send: &[],
};

const JPEG: Format = Format {
    name: "JPEG",
    payload_type: 26,
    encode: &["-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p", "-q:v", "5"],
    file: "mjpeg",
    send: &[],
};

#[test]
fn h264_with_gstreamer() {
    let pipelines = (
        "h264parse ! rtph264pay aggregate-mode=zero-latency",
        "rtph264depay ! video/x-h264,stream-format=byte-stream,alignment=au ! identity eos-after=21",
        "h264",
    );
    let mut packetizer = h264::Packetizer::new(h264::Mode::NonInterleaved);
    with_gstreamer(&H264, pipelines, &mut h264::Depacketizer::new(), &mut packetizer);
}

#[test]
fn vp8_with_gstreamer() {
    let pipelines = (
        "ivfparse ! rtpvp8pay picture-id-mode=15-bit",
        "rtpvp8depay ! identity eos-after=21 ! webmmux",
        "webm",
    );
    let mut packetizer = vp8::Packetizer::new(vp8::PictureId::Long(0x7ff0));
    with_gstreamer(&VP8, pipelines, &mut vp8::Depacketizer::new(), &mut packetizer);
}

#[test]
fn jpeg_with_gstreamer() {
    let pipelines = (
        "image/jpeg,framerate=25/1 ! jpegparse ! identity sleep-time=20000 ! rtpjpegpay",
        "rtpjpegdepay ! identity eos-after=21",
        "mjpeg",
    );
    with_gstreamer(&JPEG, pipelines, &mut jpeg::Depacketizer::new(), &mut jpeg::Packetizer::new());
}

#[test]
fn h264_both_ways() {
    let mut packetizer = h264::Packetizer::new(h264::Mode::NonInterleaved);
    there_and_back(&H264, &mut h264::Depacketizer::new(), Some(&mut packetizer));
}

#[test]
fn h264_mode_0_both_ways() {
    let format = Format {
        name: "H264",
        payload_type: 96,
        encode: &[
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            "-x264-params",
            "slice-max-size=700",
        ],
        file: "h264",
        send: &["-rtpflags", "h264_mode0"],
    };
    let mut packetizer = h264::Packetizer::new(h264::Mode::SingleNal);
    there_and_back(&format, &mut h264::Depacketizer::new(), Some(&mut packetizer));
}

#[test]
fn h265_both_ways() {
    let format = Format {
        name: "H265",
        payload_type: 96,
        encode: &[
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            "-x265-params",
            "bframes=0:log-level=none",
        ],
        file: "hevc",
        send: &[],
    };
    there_and_back(&format, &mut h265::Depacketizer::new(), Some(&mut h265::Packetizer::new()));
}

#[test]
fn vp8_both_ways() {
    let mut packetizer = vp8::Packetizer::new(vp8::PictureId::Long(0x7ff0));
    there_and_back(&VP8, &mut vp8::Depacketizer::new(), Some(&mut packetizer));
}

#[test]
fn vp9_both_ways() {
    let format = Format {
        name: "VP9",
        payload_type: 96,
        encode: &[
            "-c:v",
            "libvpx-vp9",
            "-deadline",
            "realtime",
            "-cpu-used",
            "8",
            "-lag-in-frames",
            "0",
            "-auto-alt-ref",
            "0",
            "-b:v",
            "1M",
        ],
        file: "ivf",
        send: &["-strict", "experimental"],
    };
    let mut packetizer = vp9::Packetizer::new(vp9::PictureId::Long(0x7ff0));
    packetizer.size = Some((352, 288));
    there_and_back(&format, &mut vp9::Depacketizer::new(), Some(&mut packetizer));
}

#[test]
fn jpeg_both_ways() {
    there_and_back(&JPEG, &mut jpeg::Depacketizer::new(), Some(&mut jpeg::Packetizer::new()));
}

#[test]
fn h263_1998_both_ways() {
    let format = Format {
        name: "H263-1998",
        payload_type: 96,
        encode: &["-c:v", "h263p", "-b:v", "600k"],
        file: "h263",
        send: &[],
    };
    there_and_back(
        &format,
        &mut h263_1998::Depacketizer::new(),
        Some(&mut h263_1998::Packetizer::new()),
    );
}

#[test]
fn h263_of_rfc_2190_both_ways() {
    let format = Format {
        name: "H263",
        payload_type: 34,
        // Each row of blocks is a group, and fits into a packet.
        encode: &["-c:v", "h263", "-q:v", "20", "-ps", "1"],
        file: "h263",
        send: &["-rtpflags", "rfc2190"],
    };
    there_and_back(&format, &mut h263::Depacketizer::new(), Some(&mut h263::Packetizer::new()));
}

#[test]
fn h263_of_rfc_2190_from_ffmpeg_cut_before_macroblocks() {
    // One process: what ffmpeg knows of macroblocks does not go into a file.
    let Some(program) = peer("ffmpeg", "ffmpeg") else { return };
    let (rtp, _rtcp) = sockets();
    let port = rtp.local_addr().expect("it is bound").port();
    let folder = tempfile::tempdir().expect("there is room");
    let original = folder.path().join("original.h263");
    let source = format!("testsrc=size=352x288:rate={RATE}");
    let mut command = ffmpeg(&program);
    command.args(["-re", "-f", "lavfi", "-i", &source, "-frames:v", &PICTURES.to_string()]);
    command.args(["-c:v", "h263", "-q:v", "4", "-mb_info", "400", "-flags", "+bitexact"]);
    command.args(["-rtpflags", "rfc2190", "-payload_type", "34"]);
    command.args(["-f", "rtp", &format!("rtp://127.0.0.1:{port}?pkt_size={LIMIT}")]);
    let sender = Peer::spawn(command.stdout(Stdio::null()));
    let mut depacketizer = Modes { depacketizer: h263::Depacketizer::new(), b: 0 };
    let pictures = receive(&rtp, &mut depacketizer);
    drop(sender);
    assert_eq!(pictures.len(), PICTURES);
    assert!(depacketizer.b > PICTURES, "{} payloads of mode B", depacketizer.b);
    // The same encoder once more, into a file.
    let encoded = ffmpeg(&program)
        .args(["-f", "lavfi", "-i", &source, "-frames:v", &PICTURES.to_string()])
        .args(["-c:v", "h263", "-q:v", "4", "-mb_info", "400", "-flags", "+bitexact"])
        .args(["-f", "h263"])
        .arg(&original)
        .status();
    assert!(encoded.is_ok_and(|status| status.success()));
    assert!(pictures.concat() == fs::read(&original).expect("it was written"));
}

/// Counts payloads of mode B.
struct Modes {
    depacketizer: h263::Depacketizer,
    b: usize,
}

impl Depacketizer for Modes {
    fn push(
        &mut self,
        packet: &Received<'_>,
        frame: &mut [u8],
    ) -> Result<Option<Reassembled>, Error> {
        let header = h263::Header::parse(packet.payload).map(|(header, _)| header.mode);
        self.b += usize::from(matches!(header, Ok(h263::Mode::B(_))));
        self.depacketizer.push(packet, frame)
    }

    fn reset(&mut self) {
        self.depacketizer.reset();
    }
}

#[test]
fn h261_both_ways() {
    let format = Format {
        name: "H261",
        payload_type: 31,
        encode: &["-c:v", "h261", "-q:v", "24"],
        file: "h261",
        send: &["-strict", "experimental"],
    };
    there_and_back(&format, &mut h261::Depacketizer::new(), Some(&mut h261::Packetizer::new()));
}
