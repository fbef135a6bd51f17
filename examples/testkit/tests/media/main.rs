//! Sound to and from the media stacks of others on loopback, in clear and encrypted; and our figures
//! beside those of tshark.

#![expect(clippy::std_instead_of_core, reason = "it is for tests, which have std")]

mod figures;
mod formats;
mod phone;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use handset_testkit::{Peer, peer};
use phone::{Call, Heard, Ports, free_pair, purity};
use rtp_core::srtp::sdes::CryptoAttribute;
use rtp_core::srtp::{MasterKey, Profile};

/// How many packets are enough: two seconds.
const ENOUGH: u64 = 100;

/// Octets for a key and its salt.
fn octets(profile: Profile, first: u8) -> Vec<u8> {
    let len = profile.key_len() + profile.salt_len();
    (0..len).map(|n| first.wrapping_add((n * 7) as u8)).collect()
}

fn key(profile: Profile, first: u8) -> MasterKey {
    MasterKey::from_octets(profile, &octets(profile, first)).expect("the right length")
}

/// The value of `a=crypto` for a key.
fn crypto(key: &MasterKey) -> String {
    let attribute = CryptoAttribute::new(1, core::slice::from_ref(key));
    let mut octets = vec![0; attribute.encoded_len()];
    attribute.write(&mut octets).expect("it fits");
    String::from_utf8(octets).expect("text")
}

/// Starts a program that writes what it has to say to a file.
fn start(program: &Path, arguments: &[&str], log: &Path) -> Peer {
    let log = fs::File::create(log).expect("a file");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(log.try_clone().expect("the same file")).stderr(log);
    Peer::spawn(&mut command)
}

fn said(log: &Path) -> String {
    let mut text = String::new();
    fs::File::open(log).and_then(|mut file| file.read_to_string(&mut text)).expect("a log");
    text
}

/// Two seconds of the tone came, nothing was lost, and nothing but the tone is in it.
fn is_the_tone(heard: Option<Heard>, log: &Path) -> Heard {
    let heard = heard.unwrap_or_else(|| panic!("nothing came: {}", said(log)));
    assert!(heard.samples.len() as u64 >= ENOUGH * 160, "{} samples", heard.samples.len());
    assert_eq!((heard.source.lost, &heard.refused[..]), (0, &[][..]));
    // What was concealed is silence here, and the machine may have been busy.
    assert!(heard.concealed <= 25, "{} concealed", heard.concealed);
    let purity = purity(&heard.samples[800..]);
    assert!(purity > 0.8, "{purity}");
    heard
}

fn ffmpeg_to_us(profile: Option<Profile>) {
    let Some(ffmpeg) = peer("ffmpeg", "ffmpeg") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let ports = Ports::bind();
    let key = profile.map(|profile| key(profile, 3));
    let source = "sine=frequency=440:sample_rate=8000:duration=12";
    let mut arguments = vec!["-nostdin", "-re", "-f", "lavfi", "-i", source];
    arguments.extend(["-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1", "-f", "rtp"]);
    let line = key.as_ref().map(crypto).unwrap_or_default();
    let to = match line.split_once(" inline:") {
        Some((suite, inline)) => {
            let suite = match suite.split_once(' ').expect("a tag").1 {
                // By its name in SDP ffmpeg cuts the tag of SRTCP too, which stays at 80 bits (RFC
                // 4568 section 6.2.2); by its name in DTLS it does not.
                "AES_CM_128_HMAC_SHA1_32" => "SRTP_AES128_CM_HMAC_SHA1_32",
                suite => suite,
            };
            arguments.extend(["-srtp_out_suite", suite, "-srtp_out_params", inline]);
            format!("srtp://127.0.0.1:{}?pkt_size=186", ports.number)
        }
        None => format!("rtp://127.0.0.1:{}?pkt_size=172", ports.number),
    };
    arguments.push(&to);
    let _peer = start(&ffmpeg, &arguments, &log);
    let call = Call { receive_key: key.as_ref(), ..Call::NEW };
    let heard = is_the_tone(call.run(&ports, |packets| packets >= ENOUGH + 50), &log);
    assert!(heard.sender_reports > 0, "it reports at its beginning");
}

fn us_to_ffmpeg(profile: Option<Profile>) {
    let Some(ffmpeg) = peer("ffmpeg", "ffmpeg") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (log, sdp) = (folder.path().join("log"), folder.path().join("call.sdp"));
    let (ports, remote) = (Ports::bind(), free_pair());
    let key = profile.map(|profile| key(profile, 5));
    let (transport, line) = match &key {
        Some(key) => ("RTP/SAVP", format!("a=crypto:{}\r\n", crypto(key))),
        None => ("RTP/AVP", String::new()),
    };
    let text = format!(
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {remote} {transport} 0\r\n{line}"
    );
    fs::write(&sdp, text).expect("a file");
    let sdp = sdp.to_str().expect("UTF-8");
    let arguments = ["-nostdin", "-protocol_whitelist", "file,udp,rtp,srtp,crypto", "-i", sdp];
    let arguments =
        [&arguments[..], &["-t", "2", "-af", "volumedetect", "-f", "null", "-"]].concat();
    let mut peer = start(&ffmpeg, &arguments, &log);
    let call = Call { remote: Some(remote), send_key: key.as_ref(), ..Call::NEW };
    let _ = call.run(&ports, |_| peer.child().try_wait().expect("it can be asked").is_some());
    let text = said(&log);
    let (_, volume) = text.split_once("mean_volume: ").unwrap_or_else(|| panic!("{text}"));
    let volume: f64 = volume.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!((volume + 15.3).abs() < 0.5, "{volume} dB");
}

#[test]
fn ffmpeg_is_heard_in_clear() {
    ffmpeg_to_us(None);
}

#[test]
fn ffmpeg_is_heard_encrypted() {
    ffmpeg_to_us(Some(Profile::AesCm128HmacSha1_80));
    ffmpeg_to_us(Some(Profile::AesCm128HmacSha1_32));
}

#[test]
fn ffmpeg_hears_us_in_clear() {
    us_to_ffmpeg(None);
}

#[test]
fn ffmpeg_hears_us_encrypted() {
    us_to_ffmpeg(Some(Profile::AesCm128HmacSha1_80));
}

/// GStreamer with what its elements for SRTP need; both have to be there.
fn gstreamer() -> Option<std::path::PathBuf> {
    peer("gst-transcoder-1.0", "gstreamer1.0-plugins-bad-apps")?;
    peer("gst-launch-1.0", "gstreamer1.0-tools")
}

/// Profiles with GStreamer's names for cipher and authentication.
const GSTREAMER: [(Profile, &str, &str); 4] = [
    (Profile::AesCm128HmacSha1_80, "aes-128-icm", "hmac-sha1-80"),
    (Profile::AesCm256HmacSha1_80, "aes-256-icm", "hmac-sha1-80"),
    (Profile::AeadAes128Gcm, "aes-128-gcm", "null"),
    (Profile::AeadAes256Gcm, "aes-256-gcm", "null"),
];

/// Runs a test without ciphers and with each of them, side by side.
fn at_once(test: fn(Option<(Profile, &str, &str)>)) {
    std::thread::scope(|scope| {
        scope.spawn(move || test(None));
        for secured in GSTREAMER {
            scope.spawn(move || test(Some(secured)));
        }
    });
}

/// A tone of GStreamer's as packets of 20 ms.
const TONE: &str = "audiotestsrc is-live=true freq=440 samplesperbuffer=160 num-buffers=600 ! \
    audio/x-raw,rate=8000,channels=1 ! mulawenc ! \
    rtppcmupay min-ptime=20000000 max-ptime=20000000";

fn gstreamer_to_us(secured: Option<(Profile, &str, &str)>) {
    let Some(gstreamer) = gstreamer() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let ports = Ports::bind();
    let (rtp, rtcp) = (ports.number, ports.number + 1);
    let encoder = secured.map(|(profile, cipher, auth)| {
        format!(
            "srtpenc name=e key={} rtp-cipher={cipher} rtp-auth={auth} rtcp-cipher={cipher} \
             rtcp-auth={auth}",
            hex::encode(octets(profile, 9))
        )
    });
    let (over, encoder) = match &encoder {
        Some(encoder) => {
            (("! e.rtp_sink_0 e.rtp_src_0", "! e.rtcp_sink_0 e.rtcp_src_0"), &encoder[..])
        }
        None => (("", ""), ""),
    };
    let pipeline = format!(
        "-q rtpbin name=b {encoder} {TONE} ! b.send_rtp_sink_0 \
         b.send_rtp_src_0 {} ! udpsink host=127.0.0.1 port={rtp} \
         b.send_rtcp_src_0 {} ! udpsink host=127.0.0.1 port={rtcp} sync=false async=false",
        over.0, over.1
    );
    let arguments: Vec<&str> = pipeline.split_whitespace().collect();
    let _peer = start(&gstreamer, &arguments, &log);
    let key = secured.map(|(profile, ..)| key(profile, 9));
    let call = Call { receive_key: key.as_ref(), ..Call::NEW };
    // Its first report comes within some seconds.
    let heard = is_the_tone(call.run(&ports, |packets| packets >= 200), &log);
    assert!(heard.sender_reports > 0, "{}", said(&log));
    assert_eq!(heard.source.clock_rate, 8000);
}

fn us_to_gstreamer(secured: Option<(Profile, &str, &str)>) {
    let Some(gstreamer) = gstreamer() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let (ports, remote) = (Ports::bind(), free_pair());
    let media = "ssrc=(uint)3735928559,media=(string)audio,clock-rate=(int)8000,\
        encoding-name=(string)PCMU,payload=(int)0";
    let decoder = match secured {
        Some((profile, cipher, auth)) => format!(
            "caps=application/x-srtp,{media},srtp-key=(buffer){},srtp-cipher=(string){cipher},\
             srtp-auth=(string){auth},srtcp-cipher=(string){cipher},srtcp-auth=(string){auth} ! \
             srtpdec",
            hex::encode(octets(profile, 11))
        ),
        None => format!("caps=application/x-rtp,{media}"),
    };
    let pipeline = format!(
        "-m udpsrc address=127.0.0.1 port={remote} {decoder} ! rtpjitterbuffer ! rtppcmudepay ! \
         mulawdec ! level interval=500000000 ! fakesink sync=false"
    );
    let arguments: Vec<&str> = pipeline.split_whitespace().collect();
    let _peer = start(&gstreamer, &arguments, &log);
    let key = secured.map(|(profile, ..)| key(profile, 11));
    let call = Call {
        remote: Some(remote),
        send_key: key.as_ref(),
        ssrc: Some(3_735_928_559),
        ..Call::NEW
    };
    let levels = || -> Vec<f64> {
        let text = said(&log);
        let all = text.split("rms=").skip(1);
        let number = |text: &str| {
            let digits = text.split(|c: char| !(c.is_ascii_digit() || "-.".contains(c)));
            digits.filter(|part| part.len() > 2).find_map(|part| part.parse().ok())
        };
        all.filter_map(number).collect()
    };
    let _ = call.run(&ports, |_| levels().len() >= 4);
    let levels = levels();
    assert!(levels.len() >= 4, "{}", said(&log));
    // The first piece may begin with silence.
    for level in &levels[1..] {
        assert!((level + 15.3).abs() < 0.5, "{levels:?}");
    }
}

#[test]
fn gstreamer_is_heard_in_clear_and_with_each_cipher() {
    at_once(gstreamer_to_us);
}

#[test]
fn gstreamer_hears_us_in_clear_and_with_each_cipher() {
    at_once(us_to_gstreamer);
}

#[test]
fn gstreamer_and_we_report_on_each_other() {
    let Some(gstreamer) = gstreamer() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let (ports, theirs) = (Ports::bind(), free_pair());
    let (ours, ours_rtcp, theirs_rtcp) = (ports.number, ports.number + 1, theirs + 1);
    let caps = "application/x-rtp,media=(string)audio,clock-rate=(int)8000,\
        encoding-name=(string)PCMU,payload=(int)0";
    let pipeline = format!(
        "-q rtpbin name=b {TONE} ! b.send_rtp_sink_0 \
         b.send_rtp_src_0 ! udpsink host=127.0.0.1 port={ours} \
         b.send_rtcp_src_0 ! udpsink host=127.0.0.1 port={ours_rtcp} sync=false async=false \
         udpsrc address=127.0.0.1 port={theirs} caps={caps} ! b.recv_rtp_sink_0 \
         udpsrc address=127.0.0.1 port={theirs_rtcp} ! b.recv_rtcp_sink_0 \
         b. ! rtppcmudepay ! fakesink sync=false"
    );
    let arguments: Vec<&str> = pipeline.split_whitespace().collect();
    let _peer = start(&gstreamer, &arguments, &log);
    let call = Call { remote: Some(theirs), length: Duration::from_secs(12), ..Call::NEW };
    let heard = is_the_tone(call.run(&ports, |_| false), &log);
    assert!(heard.sender_reports > 0 && heard.about_us > 0, "{}", said(&log));
    let view = heard.source.remote.expect("it reports what it hears of us");
    assert!(view.highest_sequence > 0);
    let round_trip = view.round_trip.expect("it has had a report of ours");
    assert!(round_trip < Duration::from_millis(200), "{round_trip:?}");
    let info = heard.source.sender_report.expect("it reports what it sends");
    assert!(info.packet_count > 0 && info.octet_count == info.packet_count * 160, "{info:?}");
}
