//! Keys in SDP: the value of `a=crypto` (SDES, RFC 4568).
//!
//! ```text
//! a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNf…ZmFB|2^20|1:4 KDR=24
//!          │ │                       │      │         │    │   └ session parameters
//!          │ └ suite                 │      │         │    └ MKI: its number, its length in octets
//!          └ tag, which the answer   │      │         └ lifetime in packets
//!            repeats                 │      └ key and salt, in base64
//!                                    └ more than one key: separated by `;`
//! ```
//!
//! Such a line has to travel over an encrypted way: who reads it has the key.

use core::fmt;

use base64ct::{Base64, Base64Unpadded, Encoding};
use zeroize::Zeroizing;

use super::{MasterKey, Mki, Profile};
use crate::{BufferTooSmall, Fault, ParseError};

/// The value of one `a=crypto` (RFC 4568 section 4): received, or to be sent.
///
/// ```
/// use rtp_core::srtp::{Profile, sdes::CryptoAttribute};
/// let value = b"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4";
/// let crypto = CryptoAttribute::parse(value)?;
/// assert_eq!((crypto.tag, crypto.profile()), (1, Some(Profile::AesCm128HmacSha1_80)));
/// let key = crypto.keys().next().unwrap()?;
/// assert_eq!(key.lifetime(), 1 << 20);
/// assert_eq!(key.mki().unwrap().as_octets(), [0, 0, 0, 1]);
///
/// let answer = CryptoAttribute::new(crypto.tag, core::slice::from_ref(&key));
/// let mut buffer = [0; 100];
/// let len = answer.write(&mut buffer)?;
/// assert_eq!(&buffer[..len], value);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct CryptoAttribute<'a> {
    /// Which of an offer's lines it is, 0 to 999999999; the answer has the tag of the line that it
    /// takes.
    pub tag: u32,
    source: Source<'a>,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Received { suite: &'a str, keys: &'a str, keys_at: usize, parameters: &'a str },
    Given(&'a [MasterKey]),
}

/// What an `a=crypto` says beside keys (RFC 4568 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SessionParameter<'a> {
    /// `KDR=n`: session keys are derived anew after each 2 to the power of `n` packets. The keys
    /// of [`CryptoAttribute::keys`] have it.
    DerivationRate(u8),
    /// `WSH=n`: how many packets back the receiver has to tell repeats; ours tells 128.
    WindowSizeHint(u32),
    /// `UNENCRYPTED_SRTP`, `UNENCRYPTED_SRTCP` or `UNAUTHENTICATED_SRTP`: what is to be left
    /// undone. No machine of ours does.
    Unprotected(&'a str),
    /// Anything else, as it stands there. One that does not begin with `-` may not be ignored.
    Other(&'a str),
}

impl SessionParameter<'_> {
    /// Whether the machines of this module keep to it, or may ignore it. A line with a parameter
    /// that is not supported has to be left out of consideration (RFC 4568 section 6.3.7).
    pub fn is_supported(self) -> bool {
        match self {
            Self::DerivationRate(_) => true,
            Self::WindowSizeHint(packets) => packets <= 128,
            Self::Unprotected(_) => false,
            Self::Other(text) => text.starts_with('-'),
        }
    }
}

impl<'a> CryptoAttribute<'a> {
    /// A line with these keys, of which all have one profile and derivation rate: those of the
    /// first.
    pub const fn new(tag: u32, keys: &'a [MasterKey]) -> Self {
        Self { tag, source: Source::Given(keys) }
    }

    /// Reads the value of an `a=crypto`. Its keys are looked at by [`CryptoAttribute::keys`].
    ///
    /// # Errors
    /// Tag, suite or keys are missing, the tag is no number of up to nine digits, or something is
    /// not text.
    pub fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        let bad = |at| ParseError::new(Fault::Value, at);
        let text = core::str::from_utf8(value).map_err(|error| bad(error.valid_up_to()))?;
        let text = text.trim_ascii_end();
        let word = |text: &'a str| {
            let text = text.trim_ascii_start();
            text.split_once([' ', '\t']).unwrap_or((text, ""))
        };
        let at = |part: &str| part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        let (tag, rest) = word(text);
        let digits = (1..=9).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_digit());
        let tag = tag.parse().ok().filter(|_| digits).ok_or(bad(0))?;
        let (suite, rest) = word(rest);
        let (keys, parameters) = word(rest);
        if suite.is_empty() || keys.is_empty() {
            return Err(ParseError::new(Fault::Truncated, text.len()));
        }
        let keys_at = at(keys);
        Ok(Self { tag, source: Source::Received { suite, keys, keys_at, parameters } })
    }

    /// The suite's name.
    pub fn suite(&self) -> &'a str {
        match self.source {
            Source::Received { suite, .. } => suite,
            Source::Given(keys) => keys.first().map_or("", |key| key.profile().name()),
        }
    }

    /// The suite, where it is one of ours.
    pub fn profile(&self) -> Option<Profile> {
        Profile::from_name(self.suite())
    }

    /// Whether [`MasterKey`]s of this line do all that it asks for: the suite and each session
    /// parameter are known.
    pub fn is_supported(&self) -> bool {
        self.profile().is_some() && self.session_parameters().all(SessionParameter::is_supported)
    }

    /// The keys, with lifetime, identifier and derivation rate.
    ///
    /// # Errors
    /// The suite is none of ours, a key is not of its length, or what follows it is not as RFC 4568
    /// has it; with the offset of that key.
    pub fn keys(&self) -> impl Iterator<Item = Result<MasterKey, ParseError>> + use<'a> {
        let (received, given) = match self.source {
            Source::Received { keys, .. } => (keys, &[][..]),
            Source::Given(keys) => ("", keys),
        };
        let base = match self.source {
            Source::Received { keys_at, .. } => keys_at,
            Source::Given(_) => 0,
        };
        let profile = self.profile();
        let rate = self.session_parameters().find_map(|parameter| match parameter {
            SessionParameter::DerivationRate(exponent) => Some(exponent),
            _ => None,
        });
        let mut at = base;
        received
            .split_terminator(';')
            .map(move |text| {
                let fault = ParseError::new(Fault::Value, at);
                at = at.saturating_add(text.len()).saturating_add(1);
                let key = profile.and_then(|profile| inline_key(profile, text)).ok_or(fault)?;
                match rate {
                    Some(exponent) => key.with_derivation_rate(exponent).map_err(|_| fault),
                    None => Ok(key),
                }
            })
            .chain(given.iter().cloned().map(Ok))
    }

    /// What the line says beside its keys.
    pub fn session_parameters(&self) -> impl Iterator<Item = SessionParameter<'a>> + use<'a> {
        let (text, rate) = match self.source {
            Source::Received { parameters, .. } => (parameters, None),
            Source::Given(keys) => ("", keys.first().and_then(MasterKey::derivation_rate)),
        };
        text.split_ascii_whitespace()
            .map(session_parameter)
            .chain(rate.map(SessionParameter::DerivationRate))
    }

    /// How many octets the value takes.
    pub fn encoded_len(&self) -> usize {
        let mut text = Text { buffer: &mut [], len: 0 };
        self.write_to(&mut text);
        text.len
    }

    /// Writes the value, without `a=crypto:` before it, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let room = buffer.len();
        let mut text = Text { buffer, len: 0 };
        self.write_to(&mut text);
        match text.len {
            needed if needed > room => Err(BufferTooSmall { needed }),
            len => Ok(len),
        }
    }

    fn write_to(&self, text: &mut Text<'_>) {
        text.number(u64::from(self.tag));
        text.push(b" ");
        text.push(self.suite().as_bytes());
        match self.source {
            Source::Received { keys, parameters, .. } => {
                text.push(b" ");
                text.push(keys.as_bytes());
                for parameter in parameters.split_ascii_whitespace() {
                    text.push(b" ");
                    text.push(parameter.as_bytes());
                }
            }
            Source::Given(keys) => {
                for (number, key) in keys.iter().enumerate() {
                    text.push(if number == 0 { b" " } else { b";" });
                    write_inline(text, key);
                }
                if let Some(exponent) = keys.first().and_then(MasterKey::derivation_rate) {
                    text.push(b" KDR=");
                    text.number(u64::from(exponent));
                }
            }
        }
    }
}

impl fmt::Debug for CryptoAttribute<'_> {
    /// Keys are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CryptoAttribute")
            .field("tag", &self.tag)
            .field("suite", &self.suite())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for CryptoAttribute<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "CryptoAttribute({} {})", self.tag, self.suite());
    }
}

/// `inline:` with key and salt, lifetime, identifier (RFC 4568 section 6.1).
fn inline_key(profile: Profile, text: &str) -> Option<MasterKey> {
    let (method, info) = text.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") {
        return None;
    }
    let mut parts = info.split('|');
    // With padding or without: peers do either.
    let encoded = parts.next()?.trim_end_matches('=');
    let mut octets = Zeroizing::new([0; 46]);
    let octets = Base64Unpadded::decode(encoded, &mut *octets).ok()?;
    let mut key = MasterKey::from_octets(profile, octets).ok()?;
    let (second, third) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    // Either may be missing; only an identifier has a colon.
    let (lifetime, mki) = match (second, third) {
        (Some(text), None) if text.contains(':') => (None, Some(text)),
        both => both,
    };
    if let Some(lifetime) = lifetime.filter(|text| !text.is_empty()) {
        let packets = match lifetime.split_once('^') {
            Some((base, exponent)) => {
                let base = number(base)?;
                base.checked_pow(u32::try_from(number(exponent)?).ok()?)?
            }
            None => number(lifetime)?,
        };
        key = key.with_lifetime(packets);
    }
    if let Some(mki) = mki {
        let (value, len) = mki.split_once(':')?;
        let len = usize::try_from(number(len)?).ok()?;
        key = key.with_mki(Mki::from_number(number(value)?, len).ok()?);
    }
    Some(key)
}

fn session_parameter(text: &str) -> SessionParameter<'_> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    match name {
        "KDR" => number(value)
            .and_then(|exponent| u8::try_from(exponent).ok())
            .filter(|exponent| *exponent <= 24)
            .map_or(SessionParameter::Other(text), SessionParameter::DerivationRate),
        "WSH" => number(value)
            .and_then(|packets| u32::try_from(packets).ok())
            .map_or(SessionParameter::Other(text), SessionParameter::WindowSizeHint),
        "UNENCRYPTED_SRTP" | "UNENCRYPTED_SRTCP" | "UNAUTHENTICATED_SRTP" => {
            SessionParameter::Unprotected(text)
        }
        _ => SessionParameter::Other(text),
    }
}

/// A number of decimal digits only.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn write_inline(text: &mut Text<'_>, key: &MasterKey) {
    text.push(b"inline:");
    let (octets, len) = key.octets();
    let mut encoded = Zeroizing::new([0; 64]);
    // 46 octets make 64 characters.
    let encoded = octets.get(..len).map(|octets| Base64::encode(octets, &mut *encoded));
    if let Some(Ok(encoded)) = encoded {
        text.push(encoded.as_bytes());
    }
    if key.lifetime() < MasterKey::RTP_LIFETIME {
        text.push(b"|");
        if key.lifetime().is_power_of_two() {
            text.push(b"2^");
            text.number(u64::from(key.lifetime().trailing_zeros()));
        } else {
            text.number(key.lifetime());
        }
    }
    if let Some(mki) = key.mki() {
        text.push(b"|");
        text.number(mki.number());
        text.push(b":");
        text.number(mki.as_octets().len() as u64);
    }
}

/// Writes what fits, and counts all.
struct Text<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl Text<'_> {
    fn push(&mut self, octets: &[u8]) {
        let end = self.len.saturating_add(octets.len());
        if let Some(cells) = self.buffer.get_mut(self.len..end) {
            cells.copy_from_slice(octets);
        }
        self.len = end;
    }

    fn number(&mut self, number: u64) {
        let mut digits = [0; 20];
        let mut rest = number;
        let mut len = 0;
        for digit in digits.iter_mut().rev() {
            // At most 9.
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            len += 1;
            if rest == 0 {
                break;
            }
        }
        if let Some((_, digits)) = digits.split_at_checked(digits.len() - len) {
            self.push(digits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;

    fn written(attribute: &CryptoAttribute<'_>) -> String {
        let mut buffer = alloc::vec![0; attribute.encoded_len()];
        assert_eq!(attribute.write(&mut buffer), Ok(buffer.len()));
        let short = buffer.len() - 1;
        let needed = buffer.len();
        assert_eq!(attribute.write(&mut buffer[..short]), Err(BufferTooSmall { needed }));
        attribute.write(&mut buffer).unwrap();
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn the_examples_of_rfc_4568_are_read() {
        // Sections 4, 5.1.1 and 6.1; what is expected: tag, lifetimes, identifiers, supported.
        type Case<'a> = (&'a str, u32, &'a [u64], &'a [Option<&'a [u8]>], bool);
        let cases: [Case<'_>; 5] = [
            (
                "1 AES_CM_128_HMAC_SHA1_80 \
                 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32",
                1,
                &[],
                &[],
                true,
            ),
            (
                "1 AES_CM_128_HMAC_SHA1_32 \
                 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|1:4",
                1,
                &[1 << 20],
                &[Some(&[0, 0, 0, 1])],
                true,
            ),
            (
                "2 AES_CM_128_HMAC_SHA1_80 \
                 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;\
                 inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4 \
                 FEC_ORDER=FEC_SRTP",
                2,
                &[1 << 20, 1 << 20],
                &[Some(&[0, 0, 0, 1]), Some(&[0, 0, 0, 2])],
                false,
            ),
            (
                "1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|1048576",
                1,
                &[1 << 20],
                &[None],
                true,
            ),
            (
                "3 AES_CM_128_HMAC_SHA1_80 \
                 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|66:2 KDR=24 WSH=128 -x=1",
                3,
                &[MasterKey::RTP_LIFETIME],
                &[Some(&[0, 66])],
                true,
            ),
        ];
        for (value, tag, lifetimes, mkis, supported) in cases {
            let attribute = CryptoAttribute::parse(value.as_bytes()).unwrap();
            assert_eq!(attribute.tag, tag);
            assert_eq!(attribute.is_supported(), supported, "{value}");
            let keys: Vec<_> = attribute.keys().flatten().collect();
            assert!(keys.iter().map(MasterKey::lifetime).eq(lifetimes.iter().copied()), "{value}");
            let named: Vec<_> = keys.iter().map(MasterKey::mki).collect();
            let named: Vec<_> = named.iter().map(|m| m.as_ref().map(Mki::as_octets)).collect();
            assert_eq!(named, mkis, "{value}");
            assert_eq!(written(&attribute), value);
        }
    }

    #[test]
    fn an_identifier_longer_than_ours_is_no_key() {
        let value = b"1 AES_CM_128_HMAC_SHA1_80 \
            inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32";
        let attribute = CryptoAttribute::parse(value).unwrap();
        let error = attribute.keys().next().unwrap().unwrap_err();
        assert_eq!(error, ParseError { what: Fault::Value, at: 26 });
    }

    #[test]
    fn each_profile_is_written_and_read_back() {
        for profile in Profile::ALL {
            let octets: Vec<u8> = (100..146).collect();
            let octets = &octets[..profile.key_len() + profile.salt_len()];
            let key = MasterKey::from_octets(profile, octets).unwrap();
            let keys = [
                key.clone().with_mki(Mki::from_number(7, 1).unwrap()).with_lifetime(1000),
                MasterKey::from_octets(profile, &octets.iter().rev().copied().collect::<Vec<_>>())
                    .unwrap()
                    .with_mki(Mki::from_number(300, 2).unwrap())
                    .with_lifetime(1 << 31),
            ];
            let keys = keys.map(|key| key.with_derivation_rate(24).unwrap());
            for keys in [&keys[..], core::slice::from_ref(&key)] {
                let text = written(&CryptoAttribute::new(999_999_999, keys));
                let read = CryptoAttribute::parse(text.as_bytes()).unwrap();
                assert_eq!((read.tag, read.profile()), (999_999_999, Some(profile)));
                assert!(read.is_supported());
                assert!(read.keys().map(Result::unwrap).eq(keys.iter().cloned()), "{text}");
                // Without padding, as some peers write it.
                let bare = text.replace('=', "").replace("KDR", "KDR=");
                let read = CryptoAttribute::parse(bare.as_bytes()).unwrap();
                assert!(read.keys().map(Result::unwrap).eq(keys.iter().cloned()), "{bare}");
            }
        }
    }

    #[test]
    fn what_is_left_undone_makes_a_line_unsupported() {
        let key = "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
        for (suite, parameter, supported) in [
            ("AES_CM_128_HMAC_SHA1_80", "", true),
            ("AES_CM_128_HMAC_SHA1_80", "WSH=64", true),
            ("AES_CM_128_HMAC_SHA1_80", "WSH=129", false),
            ("AES_CM_128_HMAC_SHA1_80", "KDR=25", false),
            ("AES_CM_128_HMAC_SHA1_80", "UNENCRYPTED_SRTCP", false),
            ("AES_CM_128_HMAC_SHA1_80", "UNENCRYPTED_SRTP", false),
            ("AES_CM_128_HMAC_SHA1_80", "UNAUTHENTICATED_SRTP", false),
            ("AES_CM_128_HMAC_SHA1_80", "-new=1", true),
            ("F8_128_HMAC_SHA1_80", "", false),
        ] {
            let text = alloc::format!("1 {suite} {key} {parameter}");
            let attribute = CryptoAttribute::parse(text.as_bytes()).unwrap();
            assert_eq!(attribute.is_supported(), supported, "{text}");
        }
    }

    #[test]
    fn what_is_no_line_is_refused_with_its_place() {
        let key = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
        for (value, what, at) in [
            ("", Fault::Value, 0),
            ("x AES_CM_128_HMAC_SHA1_80 inline:", Fault::Value, 0),
            ("+1 AES_CM_128_HMAC_SHA1_80 inline:", Fault::Value, 0),
            ("1234567890 AES_CM_128_HMAC_SHA1_80 inline:", Fault::Value, 0),
            ("1", Fault::Truncated, 1),
            ("1 AES_CM_128_HMAC_SHA1_80 ", Fault::Truncated, 25),
        ] {
            let error = CryptoAttribute::parse(value.as_bytes()).unwrap_err();
            assert_eq!(error, ParseError { what, at }, "{value}");
        }
        assert_eq!(
            CryptoAttribute::parse(b"1 AES\xff").unwrap_err(),
            ParseError { what: Fault::Value, at: 5 }
        );
        for keys in [
            "inline:",
            "inline:AAAA",
            "outline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
            &alloc::format!("inline:{key}|"),
            &alloc::format!("inline:{key}|2^99"),
            &alloc::format!("inline:{key}|2^20|1"),
            &alloc::format!("inline:{key}|1:4|2^20"),
            &alloc::format!("inline:{key}|2^20|1:4|"),
            &alloc::format!("inline:{key}|2^20|300:1"),
        ] {
            let value = alloc::format!("1 AES_CM_128_HMAC_SHA1_80 {keys}");
            let attribute = CryptoAttribute::parse(value.as_bytes()).unwrap();
            let key = attribute.keys().next().unwrap();
            // An empty lifetime is read as none.
            assert_eq!(key.is_ok(), keys.ends_with("Soj|"), "{value}");
        }
    }

    #[test]
    fn nothing_that_is_printed_shows_a_key() {
        let value = b"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
        let attribute = CryptoAttribute::parse(value).unwrap();
        let shown = alloc::format!("{attribute:?} {:?}", attribute.keys().next());
        assert!(!shown.contains("d0Rm") && shown.contains("AES_CM"), "{shown}");
    }
}
