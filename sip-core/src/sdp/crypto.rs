//! Keys for SRTP in a description (RFC 4568).
//!
//! ```text
//! a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4
//!          │ │                       └ key parameters, more of them behind `;`
//!          │ └ suite                   then, behind spaces, session parameters
//!          └ tag: the answer repeats the one of the line that it takes
//! ```

use super::media::{Media, number};
use super::session::{Session, field};

/// One `a=crypto` (RFC 4568 section 9.1). The key is as secret as the call: a description with one
/// belongs into TLS or into a network that is trusted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Crypto<'d> {
    /// Tells the lines of a description apart.
    pub tag: u32,
    /// The name of the suite; compared with case.
    pub suite: &'d [u8],
    /// The key parameters as they stand, `inline:` and what follows.
    pub key_params: &'d [u8],
    /// The session parameters as they stand, empty where there are none.
    pub session_params: &'d [u8],
}

impl<'d> Crypto<'d> {
    /// Reads the value of the attribute.
    pub fn parse(value: &'d [u8]) -> Option<Self> {
        let mut rest = value.trim_ascii();
        let tag = field(&mut rest);
        let tag = number(tag).filter(|_| tag.len() <= 9)?;
        rest = rest.trim_ascii_start();
        let suite = field(&mut rest);
        rest = rest.trim_ascii_start();
        let key_params = field(&mut rest);
        if suite.is_empty() || key_params.is_empty() {
            return None;
        }
        Some(Self { tag, suite, key_params, session_params: rest.trim_ascii_start() })
    }

    /// The base64 text of each key that stands in the line itself, without lifetime and MKI
    /// (RFC 4568 section 6.1); the first is the one to use.
    pub fn inline_keys(&self) -> impl Iterator<Item = &'d [u8]> {
        self.key_params.split(|octet| *octet == b';').filter_map(|parameter| {
            let (method, info) = parameter.split_at_checked(b"inline:".len())?;
            let key = info.split(|octet| *octet == b'|').next()?;
            (method.eq_ignore_ascii_case(b"inline:") && !key.is_empty()).then_some(key)
        })
    }

    /// Whether the line asks for something that goes beyond the suite's defaults: session
    /// parameters that are not marked with `-` must be understood, or the line left alone
    /// (RFC 4568 section 6.3.7); an MKI lengthens each packet.
    pub fn has_demands(&self) -> bool {
        let mut words = self.session_params.split(|octet| *octet == b' ');
        let demands = words.any(|word| !word.is_empty() && word.first() != Some(&b'-'));
        // Of lifetime and MKI, both optional, the MKI has a colon.
        let first = self.key_params.split(|octet| *octet == b';').next().unwrap_or_default();
        let mki = first.split(|octet| *octet == b'|').skip(1).any(|part| part.contains(&b':'));
        demands || mki
    }
}

impl core::fmt::Debug for Crypto<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Crypto {{ tag: {}, suite: {}, .. }}", self.tag, self.suite.escape_ascii())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Crypto<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Crypto {{ tag: {=u32}, suite: {=[u8]:a}, .. }}", self.tag, self.suite);
    }
}

/// Which keys both sides have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CryptoChoice {
    /// Which of our keys, in their order, to send with.
    pub ours: usize,
    /// Which media description has theirs, to receive with.
    pub media: usize,
    /// The tag of theirs.
    pub tag: u32,
}

impl<'d> Session<'d> {
    /// The key that was agreed on as the other side's.
    pub fn crypto(&self, choice: &CryptoChoice) -> Option<Crypto<'d>> {
        self.media().nth(choice.media)?.crypto().find(|crypto| crypto.tag == choice.tag)
    }
}

impl<'d> Media<'d> {
    /// The keys that the description offers for SRTP, the preferred one first; what cannot be read
    /// is left out.
    pub fn crypto(&self) -> impl Iterator<Item = Crypto<'d>> + use<'d> {
        self.attributes().values(b"crypto").filter_map(Crypto::parse)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::super::{
        Codec, Direction, Local, NegotiationError, secure_accept, secure_answer, secure_offer,
    };
    use super::*;

    const KEY: &[u8] = b"inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4";

    #[test]
    fn a_line_is_read() {
        let value =
            b"1 AES_CM_128_HMAC_SHA1_80 inline:AAAA|2^20|1:4;inline:BBBB UNENCRYPTED_SRTCP -X";
        let crypto = Crypto::parse(value).unwrap();
        assert_eq!((crypto.tag, crypto.suite), (1, &b"AES_CM_128_HMAC_SHA1_80"[..]));
        assert_eq!(crypto.session_params, b"UNENCRYPTED_SRTCP -X");
        assert_eq!(crypto.inline_keys().collect::<Vec<_>>(), [b"AAAA", b"BBBB"]);
        for value in [&b""[..], b"1", b"1 X", b"x Y inline:Z", b"1234567890 Y inline:Z"] {
            assert_eq!(Crypto::parse(value), None, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn demands_are_seen() {
        for (rest, demands) in [
            ("inline:A", false),
            ("inline:A|2^20", false),
            ("inline:A -KDR=1", false),
            ("inline:A|1:4", true),
            ("inline:A|2^20|1:4", true),
            ("inline:A KDR=1", true),
            ("inline:A -X UNENCRYPTED_SRTP", true),
        ] {
            let text = std::format!("1 S {rest}");
            assert_eq!(Crypto::parse(text.as_bytes()).unwrap().has_demands(), demands, "{rest}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let crypto = Crypto { tag: 1, suite: b"S", key_params: KEY, session_params: b"" };
        assert!(!std::format!("{crypto:?}").contains("WVNf"));
    }

    const CRYPTO: &[Crypto<'static>] = &[
        Crypto { tag: 1, suite: b"STRONG", key_params: b"inline:AAAA", session_params: b"" },
        Crypto { tag: 2, suite: b"WEAK", key_params: b"inline:BBBB", session_params: b"" },
    ];

    fn local() -> Local<'static> {
        Local {
            session: 7,
            version: 1,
            address: [192, 0, 2, 2].into(),
            rtp_port: 5350,
            rtcp_port: 5351,
            codecs: &[Codec::PCMU],
            direction: Direction::SendRecv,
            ptime_ms: 20,
        }
    }

    #[test]
    fn both_sides_agree_on_a_suite_and_know_both_keys() {
        const THEIRS: &[Crypto<'static>] =
            &[Crypto { tag: 9, suite: b"WEAK", key_params: b"inline:CCCC", session_params: b"" }];
        let (mut first, mut second) = ([0; 512], [0; 512]);
        let length = secure_offer(&local(), CRYPTO, &mut first).unwrap();
        let offered = Session::parse(&first[..length]).unwrap();
        assert_eq!(offered.media().next().unwrap().protocol, b"RTP/SAVP");
        let (length, answerer) = secure_answer(&local(), THEIRS, &offered, &mut second).unwrap();
        let answered = Session::parse(&second[..length]).unwrap();
        let offerer = secure_accept(&local(), CRYPTO, &answered).unwrap();
        // The answer repeats the tag of what it takes, with the answerer's own key.
        let (ours, theirs) = (answerer.crypto.unwrap(), offerer.crypto.unwrap());
        assert_eq!((ours.ours, ours.tag), (0, 2));
        assert_eq!((theirs.ours, theirs.tag), (1, 2));
        assert_eq!(offered.crypto(&ours).unwrap().key_params, b"inline:BBBB");
        assert_eq!(answered.crypto(&theirs).unwrap().key_params, b"inline:CCCC");
    }

    #[test]
    fn who_wants_keys_takes_nothing_without_and_the_other_way_round() {
        for (media, crypto, expected) in [
            ("RTP/AVP 0", CRYPTO, NegotiationError::NoCommonCrypto),
            ("RTP/SAVP 0\r\na=crypto:1 STRONG inline:A", &[][..], NegotiationError::NoCommonCrypto),
            ("RTP/SAVP 0", CRYPTO, NegotiationError::NoCommonCrypto),
            ("RTP/SAVP 0\r\na=crypto:1 OTHER inline:A", CRYPTO, NegotiationError::NoCommonCrypto),
            (
                "RTP/SAVP 0\r\na=crypto:1 STRONG inline:A KDR=1",
                CRYPTO,
                NegotiationError::NoCommonCrypto,
            ),
        ] {
            let text = std::format!("v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 9 {media}\r\n");
            let session = Session::parse(text.as_bytes()).unwrap();
            let error = secure_answer(&local(), crypto, &session, &mut [0; 512]).unwrap_err();
            assert_eq!(error, expected, "{media}");
        }
    }

    #[test]
    fn an_answer_has_to_repeat_a_tag_with_its_suite() {
        for (line, good) in [("2 WEAK", true), ("1 WEAK", false), ("3 WEAK", false)] {
            let text = std::format!(
                "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 9 RTP/SAVP 0\r\na=crypto:{line} inline:X\r\n"
            );
            let session = Session::parse(text.as_bytes()).unwrap();
            assert_eq!(secure_accept(&local(), CRYPTO, &session).is_ok(), good, "{line}");
        }
    }
}
