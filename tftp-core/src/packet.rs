//! TFTP packets (RFC 1350 section 5, RFC 2347): views over a datagram, and their writers.
//!
//! ```text
//!  RRQ, WRQ | opcode 1, 2 | file name | 0 | mode | 0 | options
//!  DATA     | opcode 3    | block     | 0 to blksize octets
//!  ACK      | opcode 4    | block     |
//!  ERROR    | opcode 5    | code      | message | 0
//!  OACK     | opcode 6    | options
//!             2 octets      2 octets
//! ```

use memchr::memchr;

use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::option::Options;
use crate::writer::Writer;

/// The octets of a DATA packet before its payload.
pub const DATA_HEADER: usize = 4;
/// The longest request (RFC 2347).
pub const REQUEST_LIMIT: usize = 512;

/// One datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Packet<'a> {
    /// RRQ or WRQ.
    Request(Request<'a>),
    /// DATA: a block's number as on the wire, and its octets.
    Data {
        /// The lower 16 bits of the block's number.
        block: u16,
        /// The octets; fewer than the block size in the last block.
        data: &'a [u8],
    },
    /// ACK of a block and all before it.
    Ack {
        /// The lower 16 bits of the block's number.
        block: u16,
    },
    /// ERROR, which ends a transfer and is never answered.
    Error {
        /// What kind of error.
        code: ErrorCode,
        /// For a person to read.
        message: &'a [u8],
    },
    /// OACK: the options that a server grants.
    Oack(Options<'a>),
}

/// RRQ or WRQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Request<'a> {
    /// Which of the two.
    pub kind: Kind,
    /// The file's name. Treat it as hostile.
    pub name: &'a [u8],
    /// How the octets are to be written.
    pub mode: Mode,
    /// What the client would like.
    pub options: Options<'a>,
}

/// Which way a file goes, as its client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// RRQ: from the server to the client.
    Read,
    /// WRQ: from the client to the server.
    Write,
}

/// The transfer mode (RFC 1350 section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mode {
    /// Octets as they are.
    Octet,
    /// Text with CR LF at the end of each line; see [`crate::netascii`].
    Netascii,
    /// Mail to a user, which is obsolete and refused.
    Mail,
}

impl Mode {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Octet => "octet",
            Self::Netascii => "netascii",
            Self::Mail => "mail",
        }
    }

    fn parse(text: &[u8]) -> Option<Self> {
        [Self::Octet, Self::Netascii, Self::Mail]
            .into_iter()
            .find(|mode| text.eq_ignore_ascii_case(mode.name().as_bytes()))
    }
}

/// The code of an ERROR packet (RFC 1350 appendix I, RFC 2347).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ErrorCode {
    /// 0: see the message.
    NotDefined,
    /// 1.
    FileNotFound,
    /// 2.
    AccessViolation,
    /// 3: disk full or allocation exceeded.
    DiskFull,
    /// 4.
    IllegalOperation,
    /// 5: unknown transfer ID.
    UnknownTid,
    /// 6.
    FileAlreadyExists,
    /// 7.
    NoSuchUser,
    /// 8: option negotiation failed (RFC 2347).
    OptionNegotiation,
    /// Any other number.
    Other(u16),
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::NotDefined => 0,
            Self::FileNotFound => 1,
            Self::AccessViolation => 2,
            Self::DiskFull => 3,
            Self::IllegalOperation => 4,
            Self::UnknownTid => 5,
            Self::FileAlreadyExists => 6,
            Self::NoSuchUser => 7,
            Self::OptionNegotiation => 8,
            Self::Other(number) => number,
        }
    }

    /// What a number stands for.
    #[must_use]
    pub const fn from_number(number: u16) -> Self {
        match number {
            0 => Self::NotDefined,
            1 => Self::FileNotFound,
            2 => Self::AccessViolation,
            3 => Self::DiskFull,
            4 => Self::IllegalOperation,
            5 => Self::UnknownTid,
            6 => Self::FileAlreadyExists,
            7 => Self::NoSuchUser,
            8 => Self::OptionNegotiation,
            number => Self::Other(number),
        }
    }

    /// The words that go with it where there are no better ones.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NotDefined | Self::Other(_) => "Error",
            Self::FileNotFound => "File not found",
            Self::AccessViolation => "Access violation",
            Self::DiskFull => "Disk full or allocation exceeded",
            Self::IllegalOperation => "Illegal TFTP operation",
            Self::UnknownTid => "Unknown transfer ID",
            Self::FileAlreadyExists => "File already exists",
            Self::NoSuchUser => "No such user",
            Self::OptionNegotiation => "Option negotiation failed",
        }
    }
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// What is wrong, and at which octet.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let truncated = ParseError { what: Fault::Truncated, at: datagram.len() };
        let (opcode, rest) = datagram.split_first_chunk::<2>().ok_or(truncated)?;
        let number = rest.split_first_chunk::<2>();
        let number = number.map(|(number, rest)| (u16::from_be_bytes(*number), rest));
        match u16::from_be_bytes(*opcode) {
            1 => Request::parse(Kind::Read, datagram, rest).map(Self::Request),
            2 => Request::parse(Kind::Write, datagram, rest).map(Self::Request),
            3 => number.map(|(block, data)| Self::Data { block, data }).ok_or(truncated),
            4 => number.map(|(block, _)| Self::Ack { block }).ok_or(truncated),
            5 => {
                let (code, text) = number.ok_or(truncated)?;
                // A message without its NUL is still an ERROR.
                let message = take_text(text).map_or(text, |(message, _)| message);
                Ok(Self::Error { code: ErrorCode::from_number(code), message })
            }
            6 => Options::parse(rest)
                .map(Self::Oack)
                .map_err(|error| ParseError { at: error.at.saturating_add(2), ..error }),
            _ => Err(ParseError { what: Fault::Opcode, at: 0 }),
        }
    }

    /// How long the datagram is, in octets.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let mut writer = Writer::new(&mut []);
        self.emit(&mut writer);
        writer.len()
    }

    /// Writes the datagram and returns its length.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with the length that is needed.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut writer = Writer::new(buffer);
        self.emit(&mut writer);
        writer.finish()
    }

    fn emit(&self, w: &mut Writer<'_>) {
        match self {
            Self::Request(request) => {
                emit_request(w, request.kind, request.name, request.mode);
                w.octets(request.options.octets());
            }
            Self::Data { block, data } => {
                w.octets(&[0, 3]).octets(&block.to_be_bytes()).octets(data);
            }
            Self::Ack { block } => {
                w.octets(&[0, 4]).octets(&block.to_be_bytes());
            }
            Self::Error { code, message } => {
                let code = code.number().to_be_bytes();
                w.octets(&[0, 5]).octets(&code).octets(message).octets(&[0]);
            }
            Self::Oack(options) => {
                w.octets(&[0, 6]).octets(options.octets());
            }
        }
    }
}

pub(crate) fn emit_request(w: &mut Writer<'_>, kind: Kind, name: &[u8], mode: Mode) {
    w.octets(if kind == Kind::Read { &[0, 1] } else { &[0, 2] });
    w.octets(name).octets(&[0]).octets(mode.name().as_bytes()).octets(&[0]);
}

impl<'a> Request<'a> {
    fn parse(kind: Kind, datagram: &[u8], rest: &'a [u8]) -> Result<Self, ParseError> {
        let len = datagram.len();
        if len > REQUEST_LIMIT {
            return Err(ParseError { what: Fault::TooLong, at: REQUEST_LIMIT });
        }
        let place = |rest: &[u8]| len.saturating_sub(rest.len());
        let error = ParseError { what: Fault::FileName, at: place(rest) };
        let (name, rest) = take_text(rest).ok_or(error)?;
        if name.is_empty() {
            return Err(error);
        }
        let error = ParseError { what: Fault::Mode, at: place(rest) };
        let (mode, rest) = take_text(rest).ok_or(error)?;
        let mode = Mode::parse(mode).ok_or(error)?;
        let at = place(rest);
        let options = Options::parse(rest)
            .map_err(|error| ParseError { at: error.at.saturating_add(at), ..error })?;
        Ok(Self { kind, name, mode, options })
    }
}

/// The octets before the next NUL, and those behind it.
pub(crate) fn take_text(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(0, octets)?;
    let (text, rest) = octets.split_at_checked(end)?;
    Some((text, rest.get(1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use handset_testkit::{Random, seeds};

    fn round_trip(packet: &Packet<'_>, octets: &[u8]) {
        let mut buffer = vec![0; packet.encoded_len()];
        assert_eq!(packet.write(&mut buffer), Ok(octets.len()));
        assert_eq!(buffer, octets);
        assert_eq!(Packet::parse(octets).as_ref(), Ok(packet));
        let short = octets.len() - 1;
        let error = BufferTooSmall { needed: octets.len() };
        assert_eq!(packet.write(&mut buffer[..short]), Err(error));
    }

    #[test]
    fn every_packet_is_read_and_written() {
        let options = Options::parse(b"blksize\x001428\0").unwrap();
        let request = Request { kind: Kind::Read, name: b"a/b", mode: Mode::Octet, options };
        round_trip(&Packet::Request(request), b"\0\x01a/b\0octet\0blksize\x001428\0");
        let none = Options::default();
        let request =
            Request { kind: Kind::Write, name: b"\xff", mode: Mode::Netascii, options: none };
        round_trip(&Packet::Request(request), b"\0\x02\xff\0netascii\0");
        round_trip(&Packet::Data { block: 258, data: b"xyz" }, b"\0\x03\x01\x02xyz");
        round_trip(&Packet::Data { block: 1, data: b"" }, b"\0\x03\0\x01");
        round_trip(&Packet::Ack { block: 65535 }, b"\0\x04\xff\xff");
        let code = ErrorCode::UnknownTid;
        round_trip(&Packet::Error { code, message: b"no" }, b"\0\x05\0\x05no\0");
        round_trip(&Packet::Oack(options), b"\0\x06blksize\x001428\0");
        round_trip(&Packet::Oack(none), b"\0\x06");
    }

    #[test]
    fn modes_are_known_in_any_letter_case() {
        for (text, mode) in
            [("OCTET", Mode::Octet), ("NetASCII", Mode::Netascii), ("mail", Mode::Mail)]
        {
            let octets = alloc::format!("\0\x01f\0{text}\0");
            let Ok(Packet::Request(request)) = Packet::parse(octets.as_bytes()) else { panic!() };
            assert_eq!(request.mode, mode);
        }
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        let mut long = b"\0\x01".to_vec();
        long.extend_from_slice(&[b'a'; 504]);
        long.extend_from_slice(b"\0octet\0");
        for (octets, what, at) in [
            (&b""[..], Fault::Truncated, 0),
            (b"\0", Fault::Truncated, 1),
            (b"\0\0", Fault::Opcode, 0),
            (b"\0\x07", Fault::Opcode, 0),
            (b"\x01\x01", Fault::Opcode, 0),
            (b"\0\x03\0", Fault::Truncated, 3),
            (b"\0\x04", Fault::Truncated, 2),
            (b"\0\x05\0", Fault::Truncated, 3),
            (b"\0\x01", Fault::FileName, 2),
            (b"\0\x01name", Fault::FileName, 2),
            (b"\0\x01\0octet\0", Fault::FileName, 2),
            (b"\0\x01f\0octet", Fault::Mode, 4),
            (b"\0\x01f\0binary\0", Fault::Mode, 4),
            (b"\0\x02f\0octet\0tsize", Fault::OptionName, 10),
            (b"\0\x02f\0octet\0tsize\x001", Fault::OptionValue, 16),
            (b"\0\x06tsize\x001", Fault::OptionValue, 8),
            (&long, Fault::TooLong, 512),
        ] {
            assert_eq!(Packet::parse(octets), Err(ParseError { what, at }), "{octets:?}");
        }
        assert!(Packet::parse(&long[..2]).is_err());
    }

    #[test]
    fn an_error_without_its_nul_is_still_one() {
        let packet = Packet::Error { code: ErrorCode::Other(99), message: b"oops" };
        assert_eq!(Packet::parse(b"\0\x05\0\x63oops"), Ok(packet));
    }

    #[test]
    fn codes_and_numbers_agree() {
        for number in 0..10 {
            assert_eq!(ErrorCode::from_number(number).number(), number);
        }
    }

    #[test]
    fn what_is_read_is_written_and_read_alike() {
        seeds(2000, |seed| {
            let mut random = Random::new(seed);
            let len = usize::try_from(random.below(40)).unwrap();
            let mut octets = random.octets(len);
            // Mostly packets that go deeper than the opcode.
            if len > 2 {
                octets[0] = 0;
                octets[1] %= 8;
            }
            for octet in octets.iter_mut().skip(4) {
                if *octet > 200 {
                    *octet = 0;
                }
            }
            if let Ok(packet) = Packet::parse(&octets) {
                let mut buffer = vec![0; packet.encoded_len()];
                packet.write(&mut buffer).unwrap();
                assert_eq!(Packet::parse(&buffer), Ok(packet));
            }
        });
    }
}
