//! The messages of NTLM (MS-NLMP section 2.2.1).
//!
//! ```text
//! CHALLENGE                                AUTHENTICATE
//!  0  "NTLMSSP\0"                            0  "NTLMSSP\0"
//!  8  2                                      8  3
//! 12  target name: length, room, offset     12  LM response: length, room, offset
//! 20  flags                                 20  NT response
//! 24  challenge, 8 octets                   28  domain
//! 32  zeros, 8 octets                       36  user
//! 40  target information                    44  workstation
//! 48  version, 8 octets                     52  session key, enciphered
//! 56  what the offsets point to             60  flags
//!                                           64  version, 8 octets
//!                                           72  what the offsets point to
//! ```
//!
//! All numbers have the low octet first. A connectionless session has no NEGOTIATE message. A message
//! integrity code, which a connectionless client does not send, is passed over.

use super::Name;
use crate::error::BufferTooSmall;

/// What stands at the start of each message.
const MAGIC: &[u8; 8] = b"NTLMSSP\0";

/// What is asked for, and agreed (MS-NLMP section 2.2.2.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Flags(pub u32);

impl Flags {
    /// Names are UTF-16.
    pub const UNICODE: Self = Self(0x0000_0001);
    /// Names are of a code page.
    pub const OEM: Self = Self(0x0000_0002);
    /// The server says what it is.
    pub const REQUEST_TARGET: Self = Self(0x0000_0004);
    /// Messages are signed.
    pub const SIGN: Self = Self(0x0000_0010);
    /// Messages are enciphered.
    pub const SEAL: Self = Self(0x0000_0020);
    /// The session is connectionless.
    pub const DATAGRAM: Self = Self(0x0000_0040);
    /// NTLM it is.
    pub const NTLM: Self = Self(0x0000_0200);
    /// Nobody signs in.
    pub const ANONYMOUS: Self = Self(0x0000_0800);
    /// There is a signature, be there keys or not.
    pub const ALWAYS_SIGN: Self = Self(0x0000_8000);
    /// The target is a domain.
    pub const TARGET_TYPE_DOMAIN: Self = Self(0x0001_0000);
    /// Session security of version 2.
    pub const EXTENDED_SESSION_SECURITY: Self = Self(0x0008_0000);
    /// The server may know who, and no more.
    pub const IDENTIFY: Self = Self(0x0010_0000);
    /// There is target information.
    pub const TARGET_INFO: Self = Self(0x0080_0000);
    /// There is a version.
    pub const VERSION: Self = Self(0x0200_0000);
    /// Keys of 128 bits.
    pub const KEY_128: Self = Self(0x2000_0000);
    /// The client makes the session key.
    pub const KEY_EXCHANGE: Self = Self(0x4000_0000);
    /// Keys of 56 bits.
    pub const KEY_56: Self = Self(0x8000_0000);

    /// What a server of MS-SIPAE asks for: connectionless, signed, with extended session security.
    pub const SERVER: Self = Self(0xe299_8255);

    /// What a client of MS-SIPAE agrees to where the server asks for it.
    pub const CLIENT: Self = Self(0x6298_8255);

    /// Whether all of these are set.
    #[must_use]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Those that both have.
    #[must_use]
    pub const fn and(self, flags: Self) -> Self {
        Self(self.0 & flags.0)
    }
}

impl core::fmt::Debug for Flags {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Flags({:#010x})", self.0)
    }
}

/// Why a message of NTLM is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Malformed {
    /// It does not begin as a message of this kind does.
    Kind,
    /// It is too short.
    Short,
    /// A field points out of it.
    Field,
    /// It is no base64.
    Base64,
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Kind => "no NTLM message of the kind that belongs here",
            Self::Short => "the NTLM message is too short",
            Self::Field => "a field of the NTLM message lies outside of it",
            Self::Base64 => "the NTLM message is not in base64",
        })
    }
}

impl core::error::Error for Malformed {}

/// The server's CHALLENGE (MS-NLMP section 2.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Challenge<'d> {
    /// What the server asks for.
    pub flags: Flags,
    /// The challenge.
    pub challenge: [u8; 8],
    /// The server's name, or its domain's.
    pub target: Name<'d>,
    /// What the server says of itself: [`pairs`].
    pub info: &'d [u8],
}

impl<'d> Challenge<'d> {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(octets: &'d [u8]) -> Result<Self, Malformed> {
        begins(octets, 2)?;
        let flags = Flags(number(octets, 20).ok_or(Malformed::Short)?);
        let challenge = octets.get(24..).and_then(<[u8]>::first_chunk).ok_or(Malformed::Short)?;
        let target = name(octets, 12, flags)?;
        let info = match flags.has(Flags::TARGET_INFO) {
            true => field(octets, 40)?,
            false => &[],
        };
        Ok(Self { flags, challenge: *challenge, target, info })
    }

    /// How many octets [`write`](Self::write) takes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let mut counter = Output::new(&mut []);
        self.put(&mut counter);
        counter.at
    }

    /// Writes it to the start of `buffer`, and gives its length.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with what is needed.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut to = Output::new(buffer);
        self.put(&mut to);
        to.end()
    }

    fn put(&self, to: &mut Output<'_>) {
        let unicode = self.flags.has(Flags::UNICODE);
        let target = wire_len(&self.target, unicode);
        let info = if self.flags.has(Flags::TARGET_INFO) { self.info } else { &[] };
        let mut offset = 56_usize;
        to.put(MAGIC);
        to.number(2);
        to.field(target, &mut offset);
        to.number(self.flags.0);
        to.put(&self.challenge);
        to.put(&[0; 8]);
        to.field(info.len(), &mut offset);
        to.put(&VERSION);
        self.target.wire(unicode, |octets| to.put(octets));
        to.put(info);
    }
}

/// The client's AUTHENTICATE (MS-NLMP section 2.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Authenticate<'d> {
    /// What was agreed.
    pub flags: Flags,
    /// The LM response.
    pub lm: &'d [u8],
    /// The NT response.
    pub nt: &'d [u8],
    /// The domain of the user.
    pub domain: Name<'d>,
    /// The user.
    pub user: Name<'d>,
    /// The computer that the user sits at.
    pub workstation: Name<'d>,
    /// The session key, enciphered; empty where none is exchanged.
    pub key: &'d [u8],
}

impl<'d> Authenticate<'d> {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(octets: &'d [u8]) -> Result<Self, Malformed> {
        begins(octets, 3)?;
        let flags = Flags(number(octets, 60).ok_or(Malformed::Short)?);
        Ok(Self {
            flags,
            lm: field(octets, 12)?,
            nt: field(octets, 20)?,
            domain: name(octets, 28, flags)?,
            user: name(octets, 36, flags)?,
            workstation: name(octets, 44, flags)?,
            key: field(octets, 52)?,
        })
    }

    /// How many octets [`write`](Self::write) takes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let mut counter = Output::new(&mut []);
        self.put(&mut counter);
        counter.at
    }

    /// Writes it to the start of `buffer`, and gives its length.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with what is needed.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut to = Output::new(buffer);
        self.put(&mut to);
        to.end()
    }

    fn put(&self, to: &mut Output<'_>) {
        let unicode = self.flags.has(Flags::UNICODE);
        let names = [self.domain, self.user, self.workstation];
        // The names come first, as they do from Windows.
        let mut offset = 72_usize;
        let mut after = names
            .iter()
            .fold(offset, |offset, name| offset.saturating_add(wire_len(name, unicode)));
        to.put(MAGIC);
        to.number(3);
        to.field(self.lm.len(), &mut after);
        to.field(self.nt.len(), &mut after);
        for name in &names {
            to.field(wire_len(name, unicode), &mut offset);
        }
        to.field(self.key.len(), &mut after);
        to.number(self.flags.0);
        to.put(&VERSION);
        for name in &names {
            name.wire(unicode, |octets| to.put(octets));
        }
        to.put(self.lm);
        to.put(self.nt);
        to.put(self.key);
    }
}

/// The names that target information has (`AV_PAIR`, MS-NLMP section 2.2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PairId {
    /// The NetBIOS name of the server.
    NbComputerName,
    /// The NetBIOS name of its domain.
    NbDomainName,
    /// The DNS name of the server.
    DnsComputerName,
    /// The DNS name of its domain.
    DnsDomainName,
    /// Flags.
    Flags,
    /// The time of the server, in tenths of microseconds since 1601.
    Timestamp,
    /// Any other.
    Other(u16),
}

impl PairId {
    const fn number(self) -> u16 {
        match self {
            Self::NbComputerName => 1,
            Self::NbDomainName => 2,
            Self::DnsComputerName => 3,
            Self::DnsDomainName => 4,
            Self::Flags => 6,
            Self::Timestamp => 7,
            Self::Other(number) => number,
        }
    }

    const fn from_number(number: u16) -> Self {
        match number {
            1 => Self::NbComputerName,
            2 => Self::NbDomainName,
            3 => Self::DnsComputerName,
            4 => Self::DnsDomainName,
            6 => Self::Flags,
            7 => Self::Timestamp,
            other => Self::Other(other),
        }
    }
}

/// What target information says, pair by pair; ends at its end or at what is none.
pub fn pairs(info: &[u8]) -> impl Iterator<Item = (PairId, &[u8])> {
    let mut rest = info;
    core::iter::from_fn(move || {
        let ([id_low, id_high, low, high], after) = rest.split_first_chunk()?;
        let id = u16::from_le_bytes([*id_low, *id_high]);
        if id == 0 {
            return None;
        }
        let (value, after) = after.split_at_checked(u16::from_le_bytes([*low, *high]).into())?;
        rest = after;
        Some((PairId::from_number(id), value))
    })
}

/// Writes target information, with the pair that ends it, to the start of `buffer`.
///
/// # Errors
/// [`BufferTooSmall`] with what is needed.
pub fn write_pairs(all: &[(PairId, Name<'_>)], buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
    let mut to = Output::new(buffer);
    for (id, value) in all {
        to.put(&id.number().to_le_bytes());
        let len = u16::try_from(wire_len(value, true)).unwrap_or(u16::MAX);
        to.put(&len.to_le_bytes());
        value.utf16(false, |octets| to.put(octets));
    }
    to.put(&[0; 4]);
    to.end()
}

/// The version that stands in our messages, and that nobody reads: that of the first Windows with it
/// (MS-NLMP section 2.2.2.10).
const VERSION: [u8; 8] = [5, 1, 0x28, 0x0a, 0, 0, 0, 15];

fn begins(octets: &[u8], kind: u32) -> Result<(), Malformed> {
    if !octets.starts_with(MAGIC) || number(octets, 8) != Some(kind) {
        return Err(Malformed::Kind);
    }
    Ok(())
}

fn number(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..).and_then(<[u8]>::first_chunk).map(|number| u32::from_le_bytes(*number))
}

/// What the length and offset at `at` point to.
fn field(octets: &[u8], at: usize) -> Result<&[u8], Malformed> {
    let header = octets.get(at..).and_then(<[u8]>::first_chunk::<8>).ok_or(Malformed::Short)?;
    let [low, high, _, _, offset @ ..] = *header;
    let len = usize::from(u16::from_le_bytes([low, high]));
    if len == 0 {
        return Ok(&[]);
    }
    usize::try_from(u32::from_le_bytes(offset))
        .ok()
        .and_then(|from| octets.get(from..)?.get(..len))
        .ok_or(Malformed::Field)
}

fn name(octets: &[u8], at: usize, flags: Flags) -> Result<Name<'_>, Malformed> {
    let octets = field(octets, at)?;
    Ok(if flags.has(Flags::UNICODE) { Name::Utf16(octets) } else { Name::Oem(octets) })
}

fn wire_len(name: &Name<'_>, unicode: bool) -> usize {
    let mut len = 0;
    name.wire(unicode, |octets| len += octets.len());
    len
}

/// Where a message is written to; counts on where there is no more room.
struct Output<'b> {
    buffer: &'b mut [u8],
    at: usize,
}

impl<'b> Output<'b> {
    const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, at: 0 }
    }

    fn put(&mut self, octets: &[u8]) {
        let end = self.at.saturating_add(octets.len());
        if let Some(place) = self.buffer.get_mut(self.at..end) {
            place.copy_from_slice(octets);
        }
        self.at = end;
    }

    fn number(&mut self, number: u32) {
        self.put(&number.to_le_bytes());
    }

    /// The length and the offset of what is written later.
    fn field(&mut self, len: usize, offset: &mut usize) {
        let short = u16::try_from(len).unwrap_or(u16::MAX);
        self.put(&short.to_le_bytes());
        self.put(&short.to_le_bytes());
        self.number(u32::try_from(*offset).unwrap_or(u32::MAX));
        *offset = offset.saturating_add(len);
    }

    const fn end(self) -> Result<usize, BufferTooSmall> {
        if self.at > self.buffer.len() {
            Err(BufferTooSmall { needed: self.at })
        } else {
            Ok(self.at)
        }
    }
}
