//! What session descriptions say of media: which address is to get what.

use core::net::SocketAddr;

use sip_core::header::ContentType;
use sip_core::sdp::Session;

/// Payload types that are kept of one media description.
const FORMATS: usize = 32;

/// One media description, as far as RTP needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MediaLine {
    /// `audio`, `video`, …
    pub(super) kind: String,
    pub(super) protocol: String,
    /// Where the media are to be sent; nothing where the address is a name.
    pub(super) address: Option<SocketAddr>,
    pub(super) port: u16,
    /// Where RTCP is to be sent, if not to the next port.
    pub(super) rtcp_port: Option<u16>,
    pub(super) direction: String,
    pub(super) formats: Vec<Format>,
}

/// One payload type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) payload_type: u8,
    /// `PCMU`; empty where nothing says.
    pub(super) name: String,
    pub(super) clock_rate: u32,
}

impl MediaLine {
    pub(super) fn format(&self, payload_type: u8) -> Option<&Format> {
        let named = |format: &&Format| format.payload_type == payload_type;
        self.formats.iter().find(named).filter(|format| !format.name.is_empty())
    }

    /// In one line: kind, address, codecs, direction.
    pub(super) fn summary(&self) -> String {
        let mut words = vec![self.kind.clone()];
        match self.address {
            _ if self.port == 0 => words.push("refused (port 0)".into()),
            Some(address) => words.push(address.to_string()),
            None => words.push(format!("port {}", self.port)),
        }
        let names = self.formats.iter().map(|format| match format.name.as_str() {
            "" => format.payload_type.to_string(),
            name => name.to_owned(),
        });
        let names = names.collect::<Vec<_>>().join(",");
        if !names.is_empty() {
            words.push(names);
        }
        words.push(self.direction.clone());
        if !self.protocol.eq_ignore_ascii_case("RTP/AVP") {
            words.push(self.protocol.clone());
        }
        words.join(" ")
    }
}

/// The media of a body, if it is a session description or has one among its parts.
pub(super) fn describe(body: &[u8], content_type: &ContentType<'_>) -> Vec<MediaLine> {
    if content_type.is(b"application", b"sdp") {
        return of_session(body);
    }
    if content_type.kind.eq_ignore_ascii_case(b"multipart") {
        // A description begins with its version, and nothing else in a body does.
        let start = body.windows(5).position(|octets| octets == b"v=0\r\n" || octets == b"v=0\no");
        let rest = start.and_then(|at| body.get(at..)).unwrap_or_default();
        let end =
            rest.windows(4).position(|octets| octets == b"\r\n--").map_or(rest.len(), |at| at + 2);
        return of_session(rest.get(..end).unwrap_or_default());
    }
    Vec::new()
}

fn of_session(body: &[u8]) -> Vec<MediaLine> {
    let Ok(session) = Session::parse(body) else { return Vec::new() };
    let lines = session.media().map(|media| {
        let ip = session.connection_of(&media).and_then(|connection| connection.ip());
        let formats = media.payload_types().take(FORMATS).map(|payload_type| {
            let map = media.rtpmap(payload_type);
            let known = rtp_core::payload::static_type(payload_type);
            let (name, clock_rate) = match (map, known) {
                (Some(map), _) => (text(map.name), map.clock_rate),
                (None, Some(known)) => (known.name.to_owned(), known.clock_rate),
                (None, None) => (String::new(), 0),
            };
            Format { payload_type, name, clock_rate }
        });
        MediaLine {
            kind: text(media.kind),
            protocol: text(media.protocol),
            address: ip.map(|ip| SocketAddr::new(ip, media.port)),
            port: media.port,
            rtcp_port: media.rtcp().map(|(port, _)| port),
            direction: text(session.direction(&media).name()),
            formats: formats.collect(),
        }
    });
    lines.collect()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets.get(..64).unwrap_or(octets)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_core::header::{Cursor, Header as _};

    const SDP: &[u8] = b"v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0 96 101\r\na=rtpmap:96 opus/48000/2\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=sendonly\r\nm=video 0 RTP/SAVP 34\r\n";

    #[test]
    fn a_description_says_who_gets_what() {
        let content_type = ContentType::new(b"application", b"sdp");
        let media = describe(SDP, &content_type);
        let [audio, video] = media.as_slice() else { panic!("{media:?}") };
        assert_eq!(audio.address, Some(([192, 0, 2, 1], 4000).into()));
        assert_eq!(
            audio.format(96).map(|f| (f.name.as_str(), f.clock_rate)),
            Some(("opus", 48_000))
        );
        assert_eq!(audio.summary(), "audio 192.0.2.1:4000 PCMU,opus,telephone-event sendonly");
        assert_eq!(video.summary(), "video refused (port 0) H263 sendrecv RTP/SAVP");
    }

    #[test]
    fn a_description_is_found_among_parts() {
        let content_type = b"multipart/mixed;boundary=x";
        let content_type = ContentType::take(&mut Cursor::new(content_type)).expect("it is good");
        let body = [b"--x\r\nContent-Type: application/sdp\r\n\r\n", SDP, b"--x--\r\n"].concat();
        assert_eq!(describe(&body, &content_type).len(), 2);
        assert_eq!(describe(SDP, &ContentType::new(b"text", b"plain")), []);
    }
}
