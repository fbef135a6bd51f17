//! The transport protocol of class 0 (X.224, T.123 section 8).
//!
//! ```text
//!   caller                       called
//!     | -- CR  (TPDU size) ------> |
//!     | <----- CC (TPDU size) ---- |      or DR: refused
//!     | -- DT, EOT 0 ------------> |      one TSDU in as many DT as its
//!     | -- DT, EOT 1 ------------> |      length asks for
//!     |                            |      ER: what came was no TPDU
//! ```
//!
//! There is no disconnection: who wants to end it closes the network connection.

use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::tpkt::copy;

/// What stands before the user data of a DT: its length indicator, code and EOT.
pub const DATA_HEADER_LEN: usize = 3;

/// A TPDU of class 0 (X.224 section 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Tpdu<'a> {
    /// CR: connection request.
    ConnectionRequest(Connection<'a>),
    /// CC: connection confirm.
    ConnectionConfirm(Connection<'a>),
    /// DR: disconnect request.
    DisconnectRequest {
        /// The reference of the one that this goes to.
        destination: u16,
        /// The reference of the one that this comes from.
        source: u16,
        /// Why (X.224 section 13.5.3): 0 not specified, 1 congestion, 2 no session entity, 3
        /// address unknown.
        reason: u8,
        /// The parameters after it, unread.
        variable: &'a [u8],
    },
    /// DT: data.
    Data {
        /// The TSDU ends with this one.
        end_of_tsdu: bool,
        /// The data.
        user_data: &'a [u8],
    },
    /// ER: error.
    Error {
        /// The reference of the one that this goes to.
        destination: u16,
        /// Why (X.224 section 13.12.3): 0 not specified, 1 parameter code, 2 TPDU type, 3
        /// parameter value.
        cause: u8,
        /// The parameters after it, unread.
        variable: &'a [u8],
    },
}

/// What CR and CC say (X.224 sections 13.3 and 13.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Connection<'a> {
    /// The reference of the one that this goes to; 0 in a CR.
    pub destination: u16,
    /// The reference that the sender chose.
    pub source: u16,
    /// The class in the upper four bits, options in the lower: 0 for class 0.
    pub class_option: u8,
    /// The proposed or accepted greatest TPDU, in octets, if the parameter is there.
    pub tpdu_size: Option<u16>,
    /// The variable part as it stands, for the parameters that mean nothing here (selectors, and
    /// what remote desktops put there).
    pub variable: &'a [u8],
    /// What follows the variable part; class 0 has no such data, but some peers send it.
    pub user_data: &'a [u8],
}

/// The code of the parameter "TPDU size".
const TPDU_SIZE: u8 = 0xc0;

/// How strictly TPDUs are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Strictness {
    /// As X.224 says.
    #[default]
    Strict,
    /// As remote desktop peers need it: variable parts that are no parameters, and data after CR.
    Tolerant,
}

/// The octets of TPDU size code `code`: 2 to the power of it, for 7 to 13 (128 to 8192; class 0 of
/// X.224 ends at 2048, T.123 goes on), and 65531 for RFC 1006's default.
const fn size_of_code(code: u8) -> Option<u16> {
    match code {
        7..=15 => Some(1 << code),
        _ => None,
    }
}

impl<'a> Connection<'a> {
    /// A CR of class 0 with this reference, or a CC with `destination` set to the CR's.
    pub const fn new(source: u16) -> Self {
        Self {
            destination: 0,
            source,
            class_option: 0,
            tpdu_size: None,
            variable: &[],
            user_data: &[],
        }
    }

    fn read(
        fixed: &[u8],
        variable: &'a [u8],
        user_data: &'a [u8],
        strictness: Strictness,
    ) -> Result<Self, ParseError> {
        let [d1, d2, s1, s2, class_option] = fixed else {
            return Err(ParseError { what: Fault::BadTpdu, at: 0 });
        };
        let mut connection = Self {
            destination: u16::from_be_bytes([*d1, *d2]),
            source: u16::from_be_bytes([*s1, *s2]),
            class_option: *class_option,
            tpdu_size: None,
            variable,
            user_data,
        };
        let strict = strictness == Strictness::Strict;
        if strict && !user_data.is_empty() {
            return Err(ParseError { what: Fault::BadTpdu, at: 7 + variable.len() });
        }
        let mut rest = variable;
        while let [code, length, tail @ ..] = rest {
            let Some((value, tail)) = tail.split_at_checked(usize::from(*length)) else { break };
            if let (TPDU_SIZE, [code]) = (*code, value) {
                connection.tpdu_size = size_of_code(*code);
            }
            rest = tail;
        }
        if strict && !rest.is_empty() {
            let at = 7 + variable.len() - rest.len();
            return Err(ParseError { what: Fault::BadTpdu, at });
        }
        Ok(connection)
    }

    fn variable_len(&self) -> usize {
        // What was read is written as it was; what the host makes has the size parameter only.
        match (self.variable.is_empty(), self.tpdu_size) {
            (true, Some(_)) => 3,
            (true, None) => 0,
            (false, _) => self.variable.len(),
        }
    }
}

impl<'a> Tpdu<'a> {
    /// Reads the TPDU that fills `octets`, strictly.
    ///
    /// # Errors
    /// What is wrong, and where.
    #[inline]
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        Self::parse_with(octets, Strictness::Strict)
    }

    /// Reads the TPDU that fills `octets`.
    ///
    /// # Errors
    /// What is wrong, and where.
    #[inline]
    pub fn parse_with(octets: &'a [u8], strictness: Strictness) -> Result<Self, ParseError> {
        match octets {
            [2, 0xf0, eot, user_data @ ..] => {
                if strictness == Strictness::Strict && eot & 0x7f != 0 {
                    return Err(ParseError { what: Fault::BadTpdu, at: 2 });
                }
                Ok(Self::Data { end_of_tsdu: eot & 0x80 != 0, user_data })
            }
            _ => Self::parse_other(octets, strictness),
        }
    }

    #[cold]
    fn parse_other(octets: &'a [u8], strictness: Strictness) -> Result<Self, ParseError> {
        let end = ParseError { what: Fault::UnexpectedEnd, at: octets.len() };
        let bad = |at| ParseError { what: Fault::BadTpdu, at };
        let (indicator, rest) = octets.split_first().ok_or(end)?;
        if *indicator == 255 {
            // Reserved (X.224 section 13.2.1).
            return Err(bad(0));
        }
        let (header, user_data) = rest.split_at_checked(usize::from(*indicator)).ok_or(end)?;
        let (code, header) = header.split_first().ok_or(bad(0))?;
        match code >> 4 {
            kind @ (0xe | 0xd) => {
                let (fixed, variable) = header.split_at_checked(5).ok_or(bad(0))?;
                let connection = Connection::read(fixed, variable, user_data, strictness)?;
                if strictness == Strictness::Strict && connection.class_option >> 4 > 4 {
                    return Err(bad(6));
                }
                Ok(if kind == 0xe {
                    Self::ConnectionRequest(connection)
                } else {
                    Self::ConnectionConfirm(connection)
                })
            }
            0x8 => match header {
                [d1, d2, s1, s2, reason, variable @ ..] => Ok(Self::DisconnectRequest {
                    destination: u16::from_be_bytes([*d1, *d2]),
                    source: u16::from_be_bytes([*s1, *s2]),
                    reason: *reason,
                    variable,
                }),
                _ => Err(bad(0)),
            },
            0x7 => match header {
                [d1, d2, cause, variable @ ..] => Ok(Self::Error {
                    destination: u16::from_be_bytes([*d1, *d2]),
                    cause: *cause,
                    variable,
                }),
                _ => Err(bad(0)),
            },
            _ => Err(bad(1)),
        }
    }

    /// How many octets the TPDU has.
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::ConnectionRequest(connection) | Self::ConnectionConfirm(connection) => {
                7 + connection.variable_len() + connection.user_data.len()
            }
            Self::DisconnectRequest { variable, .. } => 7 + variable.len(),
            Self::Data { user_data, .. } => DATA_HEADER_LEN + user_data.len(),
            Self::Error { variable, .. } => 5 + variable.len(),
        }
    }

    /// Writes the TPDU to the start of `buffer`; returns its length in octets.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let room = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let (head, tail): ([u8; 7], &[u8]) = match self {
            Self::ConnectionRequest(connection) | Self::ConnectionConfirm(connection) => {
                let request = matches!(self, Self::ConnectionRequest(_));
                let [d1, d2] = connection.destination.to_be_bytes();
                let [s1, s2] = connection.source.to_be_bytes();
                let indicator = (6 + connection.variable_len()).min(254) as u8;
                let code = if request { 0xe0 } else { 0xd0 };
                let head = [indicator, code, d1, d2, s1, s2, connection.class_option];
                let size = connection.tpdu_size.filter(|_| connection.variable.is_empty());
                if let Some(size) = size
                    && let Some(parameter) = room.get_mut(7..10)
                {
                    let code = size.checked_ilog2().unwrap_or(7) as u8;
                    copy(parameter, &[TPDU_SIZE, 1, code]);
                }
                let at = 7 + connection.variable_len();
                if let Some(end) = room.get_mut(at..) {
                    copy(end, connection.user_data);
                }
                (head, connection.variable)
            }
            Self::DisconnectRequest { destination, source, reason, variable } => {
                let [d1, d2] = destination.to_be_bytes();
                let [s1, s2] = source.to_be_bytes();
                let indicator = (6 + variable.len()).min(254) as u8;
                ([indicator, 0x80, d1, d2, s1, s2, *reason], variable)
            }
            Self::Data { end_of_tsdu, user_data } => {
                if let Some((head, data)) = room.split_first_chunk_mut::<DATA_HEADER_LEN>() {
                    *head = data_header(*end_of_tsdu);
                    copy(data, user_data);
                }
                return Ok(needed);
            }
            Self::Error { destination, cause, variable } => {
                let [d1, d2] = destination.to_be_bytes();
                let head = [(4 + variable.len()).min(254) as u8, 0x70, d1, d2, *cause];
                if let Some((start, end)) = room.split_first_chunk_mut::<5>() {
                    *start = head;
                    copy(end, variable);
                }
                return Ok(needed);
            }
        };
        if let Some((start, end)) = room.split_first_chunk_mut::<7>() {
            *start = head;
            if let Some(end) = end.get_mut(..tail.len()) {
                copy(end, tail);
            }
        }
        Ok(needed)
    }
}

/// What stands before the user data of a DT.
#[inline]
pub const fn data_header(end_of_tsdu: bool) -> [u8; DATA_HEADER_LEN] {
    [2, 0xf0, if end_of_tsdu { 0x80 } else { 0 }]
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn the_reserved_length_indicator_is_refused() {
        let mut octets = vec![0; 256];
        octets[0] = 255;
        octets[1] = 0x80;
        let refused = Err(ParseError { what: Fault::BadTpdu, at: 0 });
        assert_eq!(Tpdu::parse(&octets), refused);
    }

    fn round_trip(octets: &[u8]) -> Tpdu<'_> {
        let tpdu = Tpdu::parse(octets).unwrap();
        let mut buffer = vec![0; tpdu.encoded_len()];
        assert_eq!(tpdu.write(&mut buffer), Ok(octets.len()));
        assert_eq!(buffer, octets);
        assert!(tpdu.write(&mut buffer[..octets.len() - 1]).is_err());
        tpdu
    }

    #[test]
    fn every_tpdu_of_class_0_is_written_as_it_was_read() {
        let request = round_trip(&[6, 0xe0, 0, 0, 0x12, 0x34, 0]);
        assert_eq!(request, Tpdu::ConnectionRequest(Connection::new(0x1234)));
        let confirm = round_trip(&[9, 0xd0, 0x12, 0x34, 0, 1, 0, 0xc0, 1, 11]);
        assert!(matches!(
            confirm,
            Tpdu::ConnectionConfirm(Connection { tpdu_size: Some(2048), destination: 0x1234, .. })
        ));
        round_trip(&[6, 0x80, 0, 1, 0, 2, 3]);
        round_trip(&[4, 0x70, 0, 1, 2]);
        round_trip(&[2, 0xf0, 0, 1, 2, 3]);
        round_trip(&[2, 0xf0, 0x80]);
    }

    #[test]
    fn a_size_that_the_host_sets_is_written_as_a_parameter() {
        let mut connection = Connection::new(1);
        connection.tpdu_size = Some(1024);
        let mut buffer = [0; 16];
        let len = Tpdu::ConnectionRequest(connection).write(&mut buffer).unwrap();
        assert_eq!(buffer[..len], [9, 0xe0, 0, 0, 0, 1, 0, 0xc0, 1, 10]);
    }

    #[test]
    fn what_remote_desktops_put_into_a_request_is_read_tolerantly_only() {
        let request = b"\x0d\xe0\0\0\0\0\0Cookie\r";
        let strict = Tpdu::parse(request);
        assert_eq!(strict, Err(ParseError { what: Fault::BadTpdu, at: 7 }));
        assert!(Tpdu::parse_with(request, Strictness::Tolerant).is_ok());
    }

    #[test]
    fn cut_tpdus_and_unknown_codes_are_refused() {
        for octets in [&[][..], &[6, 0xe0, 0], &[0], &[2, 0xf0], &[3, 0x80, 0, 0], &[1, 0x10]] {
            assert!(Tpdu::parse(octets).is_err(), "{octets:?}");
        }
    }
}
