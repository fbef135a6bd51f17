//! The client's answer to a CHALLENGE, and the server's check of it (MS-NLMP section 3.3).

use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

use super::message::pairs;
use super::{Authenticate, Challenge, Error, Flags, Key, Name, NtHash, PairId, Session};

/// The longest target information that is answered, in octets.
pub const MAX_INFO: usize = 1024;

/// Who signs in, and with what.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Login<'a> {
    /// The user, or the user and the DNS name of the domain with `@` between them.
    pub user: Name<'a>,
    /// The domain; empty where the user names it.
    pub domain: Name<'a>,
    /// The name of this computer.
    pub workstation: Name<'a>,
    /// The hash of the password.
    pub hash: &'a NtHash,
}

/// What an answer is made of that nobody can foresee.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fresh {
    /// The client's challenge.
    pub challenge: [u8; 8],
    /// The session key.
    pub key: Key,
    /// The time, in tenths of microseconds since 1601; the server's own is taken where it says it.
    pub time: u64,
}

/// Which sessions are good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Policy {
    /// Whether a server takes responses of NTLM version 1, which are soon found out. Windows XP sends
    /// them unless it is told otherwise (`LMCompatibilityLevel`).
    pub version_1: bool,
    /// Whether signatures without extended session security are taken: a CRC-32 under RC4, which can be
    /// changed along with the message.
    pub basic_security: bool,
}

impl Policy {
    /// NTLM version 2 with extended session security, and nothing else.
    pub const STRICT: Self = Self { version_1: false, basic_security: false };

    /// All that was ever in use.
    pub const LAX: Self = Self { version_1: true, basic_security: true };
}

impl Default for Policy {
    fn default() -> Self {
        Self::STRICT
    }
}

/// Writes the AUTHENTICATE that answers a CHALLENGE to the start of `buffer`; gives its length and the
/// session. The answer is one of NTLM version 2.
///
/// # Errors
/// [`Error::Malformed`] where it is no CHALLENGE, [`Error::Weak`] where the session would be weaker than
/// the policy allows, [`Error::TooLong`] or [`Error::BufferTooSmall`] where there is no room.
pub fn answer(
    challenge: &[u8],
    login: &Login<'_>,
    fresh: &Fresh,
    policy: Policy,
    buffer: &mut [u8],
) -> Result<(usize, Session), Error> {
    let challenge = Challenge::parse(challenge)?;
    let flags = challenge.flags.and(Flags::CLIENT);
    let needed = Flags(Flags::NTLM.0 | Flags::SIGN.0 | Flags::UNICODE.0);
    let extended = flags.has(Flags::EXTENDED_SESSION_SECURITY);
    if !flags.has(needed) || !(extended || policy.basic_security) {
        return Err(Error::Weak);
    }
    answer_with(&challenge, flags, login, fresh, buffer)
}

fn answer_with(
    challenge: &Challenge<'_>,
    flags: Flags,
    login: &Login<'_>,
    fresh: &Fresh,
    buffer: &mut [u8],
) -> Result<(usize, Session), Error> {
    if challenge.info.len() > MAX_INFO {
        return Err(Error::TooLong);
    }
    let key = login.hash.v2(login.user, login.domain);
    let stamp = pairs(challenge.info).find(|(id, _)| *id == PairId::Timestamp);
    let stamp = stamp.and_then(|(_, value)| value.first_chunk::<8>().copied());
    let time = stamp.unwrap_or(fresh.time.to_le_bytes());

    // The proof, what it is over, and four zeros.
    let mut response = [0; 16 + 28 + MAX_INFO + 4];
    let len = 16 + 28 + challenge.info.len() + 4;
    let head = [1, 1, 0, 0, 0, 0, 0, 0].into_iter().chain(time).chain(fresh.challenge);
    let text = head.chain([0; 4]).chain(challenge.info.iter().copied());
    response.iter_mut().skip(16).zip(text).for_each(|(to, from)| *to = from);
    let proof = key.hmac(|take| {
        take(&challenge.challenge);
        take(response.get(16..len).unwrap_or_default());
    });
    response.iter_mut().zip(proof.as_bytes()).for_each(|(to, from)| *to = *from);

    let mut lm = [0; 24];
    if stamp.is_none() {
        let hash = key.hmac(|take| {
            take(&challenge.challenge);
            take(&fresh.challenge);
        });
        let both = hash.as_bytes().iter().chain(&fresh.challenge);
        lm.iter_mut().zip(both).for_each(|(to, from)| *to = *from);
    }

    let base = key.hmac(|take| take(proof.as_bytes()));
    let exchanged = base.rc4_once(fresh.key.as_bytes());
    let exchanges = flags.has(Flags::KEY_EXCHANGE);
    let exported = if exchanges { &fresh.key } else { &base };
    let message = Authenticate {
        flags,
        lm: &lm,
        nt: response.get(..len).unwrap_or_default(),
        domain: login.domain,
        user: login.user,
        workstation: login.workstation,
        key: if exchanges { exchanged.as_bytes() } else { &[] },
    };
    let len = message.write(buffer).map_err(Error::BufferTooSmall)?;
    Ok((len, Session::new(exported, flags)))
}

impl Authenticate<'_> {
    /// Whether it answers this challenge with this hash of a password; the session, if so.
    ///
    /// # Errors
    /// [`Error::Weak`] where the policy does not allow what it is, [`Error::Password`] where it was made
    /// with another password or for another challenge.
    pub fn verify(
        &self,
        challenge: &[u8; 8],
        hash: &NtHash,
        policy: Policy,
    ) -> Result<Session, Error> {
        let extended = self.flags.has(Flags::EXTENDED_SESSION_SECURITY);
        let version_1 = self.nt.len() == 24;
        if (version_1 && !policy.version_1) || !(extended || policy.basic_security) {
            return Err(Error::Weak);
        }
        let base = match version_1 {
            true => self.verify_1(challenge, hash, extended)?,
            false => self.verify_2(challenge, hash)?,
        };
        let exported = match <&[u8; 16]>::try_from(self.key) {
            Ok(key) if self.flags.has(Flags::KEY_EXCHANGE) => base.rc4_once(key),
            _ if self.flags.has(Flags::KEY_EXCHANGE) => return Err(Error::Password),
            _ => base,
        };
        Ok(Session::new(&exported, self.flags))
    }

    /// The session base key of a response of version 2.
    fn verify_2(&self, challenge: &[u8; 8], hash: &NtHash) -> Result<Key, Error> {
        let (proof, text) = self.nt.split_first_chunk::<16>().ok_or(Error::Password)?;
        // Version, reserved, time, client's challenge, reserved.
        if text.len() < 28 || !text.starts_with(&[1, 1]) {
            return Err(Error::Password);
        }
        let key = hash.v2(self.user, self.domain);
        let expected = key.hmac(|take| {
            take(challenge);
            take(text);
        });
        if !bool::from(expected.as_bytes().ct_eq(proof)) {
            return Err(Error::Password);
        }
        Ok(key.hmac(|take| take(proof)))
    }

    /// The key exchange key of a response of version 1 (MS-NLMP sections 3.3.1 and 3.4.5.1).
    fn verify_1(&self, challenge: &[u8; 8], hash: &NtHash, extended: bool) -> Result<Key, Error> {
        let base = hash.v1_base();
        let own = self.lm.first_chunk::<8>().ok_or(Error::Password)?;
        let (mut expected, key) = if extended {
            let mut both = [0; 16];
            both.iter_mut().zip(challenge.iter().chain(own)).for_each(|(to, from)| *to = *from);
            let mixed = Key::new(both).md5(16, &[]);
            let mut half = [0; 8];
            half.iter_mut().zip(mixed.as_bytes()).for_each(|(to, from)| *to = *from);
            (hash.v1(&half), base.hmac(|take| take(&both)))
        } else {
            (hash.v1(challenge), base)
        };
        let is_equal = bool::from(expected.ct_eq(self.nt));
        expected.zeroize();
        if is_equal { Ok(key) } else { Err(Error::Password) }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::ntlm::tests::{base64, hex};
    use crate::ntlm::{Side, write_pairs};

    const SERVER_CHALLENGE: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];

    // MS-NLMP section 4.2.4.3, both messages whole.
    const NLMP_CHALLENGE: &str = "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef\
        00000000000000002400240044000000060070170000000f5300650072007600650072000200\
        0c0044006f006d00610069006e0001000c0053006500720076006500720000000000";
    const NLMP_AUTHENTICATE: &str = "4e544c4d5353500003000000180018006c00000054005400840000000c000c00\
        48000000080008005400000010001000\
        5c00000010001000d8000000358288e20501280a0000000f44006f006d00610069006e00550073\
        00650072\
        0043004f004d0050005500540045005200\
        86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa68cd0ab851e51c96aabc927bebef6a1c\
        01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d0061006900\
        6e0001000c005300650072007600650072000000000000000000c5dad2544fc9799094ce1ce90bc9d03e";
    // MS-NLMP sections 4.2.2.3 and 4.2.3.3, from their first fields on.
    const NLMP_V1: &str = "4e544c4d5353500003000000180018006c00000018001800840000000c000c00\
        480000000800080054000000100010005c000000100010009c000000358280e20501280a0000000f\
        44006f006d00610069006e005500730065007200\
        43004f004d005000550054004500520098def7b87f88aa5dafe2df779688a172def11c7d5ccdef13\
        67c43011f30298a2ad35ece64f16331c44bdbed927841f94518822b1b3f350c8958682ecbb3e3cb7";
    const NLMP_V1_EXTENDED: &str = "4e544c4d5353500003000000180018006c00000018001800840000000c000c00\
        480000000800080054000000100010005c000000000000009c000000358208820501280a0000000f\
        44006f006d00610069006e005500730065007200\
        43004f004d0050005500540045005200aaaaaaaaaaaaaaaa00000000000000000000000000000000\
        7537f803ae367128ca458204bde7caf81e97ed2683267232";

    // A real sign-in, see the facts of the transcript in `tests`.
    const CHALLENGE: &str = "TlRMTVNTUAACAAAADgAOADgAAABVgpnioFDEHNit56IAAAAAAAAAAGAAYABGAAAABQLODgAAAA9FAFgAQQBNAFAATABFAAIADgBFAFgAQQBNAFAATABFAAEABgBMAEMAUwAEABgAZQB4AGEAbQBwAGwAZQAuAHQAZQBzAHQAAwAgAGwAYwBzAC4AZQB4AGEAbQBwAGwAZQAuAHQAZQBzAHQAAAAAAA==";
    const AUTHENTICATE: &str = "TlRMTVNTUAADAAAAGAAYAHAAAACQAJAAiAAAAAAAAABIAAAAJAAkAEgAAAAEAAQAbAAAABAAEAAYAQAAVYKYYgUBKAoAAAAPYQBsAGkAYwBlAEAAZQB4AGEAbQBwAGwAZQAuAHQAZQBzAHQAVgBNADQFN8ojcAs0llycKH6rehXSHP5HBmTSGM/QafE2MAzdQGT5NLMfRw8BAQAAAAAAAIBAjONDet0B0hz+RwZk0hgAAAAAAgAOAEUAWABBAE0AUABMAEUAAQAGAEwAQwBTAAQAGABlAHgAYQBtAHAAbABlAC4AdABlAHMAdAADACAAbABjAHMALgBlAHgAYQBtAHAAbABlAC4AdABlAHMAdAAAAAAAAAAAAM/WVrQ+EpFT8p1Q4EVuXGk=";

    #[test]
    fn the_answer_is_that_of_ms_nlmp() {
        let octets = hex(NLMP_CHALLENGE);
        let challenge = Challenge::parse(&octets).unwrap();
        assert_eq!(challenge.target, Name::Utf8("Server"));
        assert_eq!(challenge.challenge, SERVER_CHALLENGE);
        let hash = NtHash::of("Password");
        let login = Login {
            user: Name::Utf8("User"),
            domain: Name::Utf8("Domain"),
            workstation: Name::Utf8("COMPUTER"),
            hash: &hash,
        };
        let fresh = Fresh { challenge: [0xaa; 8], key: Key::new([0x55; 16]), time: 0 };
        let mut buffer = [0; 512];
        let (len, session) =
            answer_with(&challenge, Flags(0xe288_8235), &login, &fresh, &mut buffer).unwrap();
        assert_eq!(buffer[..len], hex(NLMP_AUTHENTICATE));

        let got = Authenticate::parse(&buffer[..len]).unwrap();
        assert_eq!(got.encoded_len(), len);
        let theirs = got.verify(&SERVER_CHALLENGE, &hash, Policy::STRICT).unwrap();
        let signature = session.sign(Side::Client, [0; 4], b"text");
        assert!(theirs.verify(Side::Client, &signature, b"text"));
    }

    #[test]
    fn version_1_of_ms_nlmp_is_taken_where_the_policy_says_so() {
        let hash = NtHash::of("Password");
        let (plain, extended) = (hex(NLMP_V1), hex(NLMP_V1_EXTENDED));
        for octets in [&plain, &extended] {
            let message = Authenticate::parse(octets).unwrap();
            assert_eq!(message.user, Name::Utf8("User"));
            assert!(message.verify(&SERVER_CHALLENGE, &hash, Policy::LAX).is_ok());
            let strict = message.verify(&SERVER_CHALLENGE, &hash, Policy::STRICT);
            assert_eq!(strict.unwrap_err(), Error::Weak);
            let other = message.verify(&[0; 8], &hash, Policy::LAX);
            assert_eq!(other.unwrap_err(), Error::Password);
        }
        // The session without extended security has the exported key of the example.
        let session = Authenticate::parse(&plain).unwrap();
        let session = session.verify(&SERVER_CHALLENGE, &hash, Policy::LAX).unwrap();
        let own = Session::new(&Key::new([0x55; 16]), Flags(0));
        assert_eq!(session.sign(Side::Server, [0; 4], b"x"), own.sign(Side::Server, [0; 4], b"x"));
    }

    #[test]
    fn a_real_sign_in_is_answered_octet_for_octet_and_taken() {
        let (challenge, authenticate) = (base64(CHALLENGE), base64(AUTHENTICATE));
        let got = Authenticate::parse(&authenticate).unwrap();
        let text = &got.nt[16..];
        let hash = NtHash::of("secret");
        let login = Login {
            user: Name::Utf8("alice@example.test"),
            domain: Name::EMPTY,
            workstation: got.workstation,
            hash: &hash,
        };
        let fresh = Fresh {
            challenge: *text[16..].first_chunk().unwrap(),
            key: Key::new(hex("38a84d091bfb5ea17fed4c470e132cf6").try_into().unwrap()),
            time: u64::from_le_bytes(*text[8..].first_chunk().unwrap()),
        };
        let mut buffer = [0; 512];
        let (len, session) =
            answer(&challenge, &login, &fresh, Policy::STRICT, &mut buffer).unwrap();
        assert_eq!(buffer[..len], authenticate);

        let number = Challenge::parse(&challenge).unwrap().challenge;
        let theirs = got.verify(&number, &hash, Policy::STRICT).unwrap();
        let signature = theirs.sign(Side::Server, [0; 4], b"text");
        assert!(session.verify(Side::Server, &signature, b"text"));
        let other = NtHash::of("Secret");
        assert_eq!(got.verify(&number, &other, Policy::LAX).unwrap_err(), Error::Password);
    }

    #[test]
    fn each_octet_of_a_response_counts() {
        let octets = hex(NLMP_AUTHENTICATE);
        let hash = NtHash::of("Password");
        let nt = 0x84..0x84 + 0x54;
        for at in nt {
            let mut changed = octets.clone();
            changed[at] ^= 1;
            let message = Authenticate::parse(&changed).unwrap();
            let done = message.verify(&SERVER_CHALLENGE, &hash, Policy::LAX);
            assert_eq!(done.unwrap_err(), Error::Password, "{at}");
        }
    }

    #[test]
    fn a_challenge_that_asks_for_less_is_not_answered() {
        let mut octets = base64(CHALLENGE);
        octets[20..24].copy_from_slice(&(Flags::SERVER.0 & !0x0008_0000).to_le_bytes());
        let hash = NtHash::of("secret");
        let login =
            Login { user: Name::EMPTY, domain: Name::EMPTY, workstation: Name::EMPTY, hash: &hash };
        let fresh = Fresh { challenge: [1; 8], key: Key::new([2; 16]), time: 0 };
        let mut buffer = [0; 512];
        let done = answer(&octets, &login, &fresh, Policy::STRICT, &mut buffer);
        assert_eq!(done.unwrap_err(), Error::Weak);
        let (_, session) = answer(&octets, &login, &fresh, Policy::LAX, &mut buffer).unwrap();
        assert!(!session.is_extended());
    }

    #[test]
    fn the_time_of_the_server_is_taken_where_it_says_it() {
        let mut info = [0; 64];
        let mut len = write_pairs(&[(PairId::NbDomainName, Name::Utf8("D"))], &mut info).unwrap();
        len -= 4;
        info[len..len + 12].copy_from_slice(&[7, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let challenge = Challenge {
            flags: Flags::SERVER,
            challenge: [9; 8],
            target: Name::Utf8("D"),
            info: &info[..len + 16],
        };
        let mut octets = [0; 256];
        let len = challenge.write(&mut octets).unwrap();
        let hash = NtHash::of("x");
        let login =
            Login { user: Name::EMPTY, domain: Name::EMPTY, workstation: Name::EMPTY, hash: &hash };
        let fresh = Fresh { challenge: [1; 8], key: Key::new([2; 16]), time: 77 };
        let mut buffer = [0; 512];
        let done = answer(&octets[..len], &login, &fresh, Policy::STRICT, &mut buffer).unwrap();
        let got = Authenticate::parse(&buffer[..done.0]).unwrap();
        assert_eq!(got.nt[24..32], [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(got.lm, [0; 24]);
    }

    #[test]
    fn messages_come_back_as_they_went_and_short_buffers_say_what_they_lack() {
        let octets = base64(CHALLENGE);
        let challenge = Challenge::parse(&octets).unwrap();
        let names: Vec<_> =
            pairs(challenge.info).map(|(id, value)| (id, Name::Utf16(value))).collect();
        assert_eq!(names.len(), 4);
        assert_eq!(names[3], (PairId::DnsComputerName, Name::Utf8("lcs.example.test")));
        let mut buffer = [0; 256];
        let len = write_pairs(&names, &mut buffer).unwrap();
        assert_eq!(&buffer[..len], challenge.info);
        let mut buffer = [0; 256];
        let len = challenge.write(&mut buffer).unwrap();
        assert_eq!(len, challenge.encoded_len());
        assert_eq!(Challenge::parse(&buffer[..len]).unwrap(), challenge);
        for short in 0..len {
            assert_eq!(challenge.write(&mut buffer[..short]).unwrap_err().needed, len);
            assert!(Challenge::parse(&octets[..short.min(octets.len() - 1)]).is_err());
        }
    }
}
