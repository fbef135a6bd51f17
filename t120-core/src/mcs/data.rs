//! The fast way for the PDUs that carry data: SendData and UniformSendData, requests and
//! indications (T.125 section 7, part 7), with TPKT and X.224 around them.
//!
//! ```text
//!  3 0 length | 2 f0 80 | 64 | initiator - 1001 | channel | pp bb 0000 | length | user data …
//!    TPKT     |   DT    |    MCS: priority pp, segmentation bb
//! ```
//!
//! What [`DomainMcsPdu`](super::domain::DomainMcsPdu) does for all PDUs alike is done here octet by
//! octet, because these four are nearly all of the traffic.

use super::{ChannelId, DataPriority, Segmentation, UserId};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::per::{Octets, Reader, Value, Writer};
use crate::tpkt::{self, copy};
use crate::x224;

/// Which of the four PDUs it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum DataKind {
    /// `sendDataRequest`: up, and from there to all others that have joined the channel.
    SendRequest = 25,
    /// `sendDataIndication`.
    SendIndication = 26,
    /// `uniformSendDataRequest`: up to the top, and from there to all that have joined, in one
    /// order.
    UniformRequest = 27,
    /// `uniformSendDataIndication`.
    UniformIndication = 28,
}

/// A PDU that carries data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Data<'a> {
    /// Which of the four it is.
    pub kind: DataKind,
    /// Who sends.
    pub initiator: UserId,
    /// On which channel.
    pub channel: ChannelId,
    /// With which priority.
    pub priority: DataPriority,
    /// Which part of a unit it is.
    pub segmentation: Segmentation,
    /// The data.
    pub user_data: Octets<'a>,
}

/// What stands before the user data at most, TPKT and X.224 included, where it is not fragmented.
pub const MAX_HEADER_LEN: usize = tpkt::HEADER_LEN + x224::DATA_HEADER_LEN + 8;

const FRAME: usize = tpkt::HEADER_LEN + x224::DATA_HEADER_LEN;

impl<'a> Data<'a> {
    /// Reads the PDU that fills `octets`.
    ///
    /// # Errors
    /// What is wrong, and where; [`Fault::UnknownAlternative`] for any other domain PDU.
    #[inline]
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        let [choice, i1, i2, c1, c2, flags, rest @ ..] = octets else {
            return Err(ParseError { what: Fault::UnexpectedEnd, at: octets.len() });
        };
        let kind = match choice {
            0x64..=0x67 => DataKind::SendRequest,
            0x68..=0x6b => DataKind::SendIndication,
            0x6c..=0x6f => DataKind::UniformRequest,
            0x70..=0x73 => DataKind::UniformIndication,
            _ => return Err(ParseError { what: Fault::UnknownAlternative, at: 0 }),
        };
        let number = u16::from_be_bytes([*i1, *i2]).checked_add(1001);
        let Some(initiator) = number.and_then(UserId::new) else {
            return Err(ParseError { what: Fault::OutOfRange, at: 3 });
        };
        let user_data = match rest {
            [length @ 0..0x80, data @ ..] if data.len() == usize::from(*length) => {
                Octets::new(data)
            }
            [high @ 0x80..0xc0, low, data @ ..]
                if data.len() == usize::from(u16::from_be_bytes([high & 0x3f, *low])) =>
            {
                Octets::new(data)
            }
            _ => Self::parse_user_data(octets)?,
        };
        Ok(Self {
            kind,
            initiator,
            channel: ChannelId::from_number(u16::from_be_bytes([*c1, *c2])),
            priority: match flags >> 6 {
                0 => DataPriority::Top,
                1 => DataPriority::High,
                2 => DataPriority::Medium,
                _ => DataPriority::Low,
            },
            segmentation: Segmentation::from_bits(flags >> 4),
            user_data,
        })
    }

    #[cold]
    fn parse_user_data(octets: &'a [u8]) -> Result<Octets<'a>, ParseError> {
        let mut reader = Reader::new(octets);
        reader.octets(6)?;
        let user_data = Octets::read(&mut reader)?;
        reader.end()?;
        Ok(user_data)
    }

    /// Reads a whole TPKT with one DT that holds the whole PDU: what most of the traffic is.
    ///
    /// `Ok(None)` where it is something else that wants a closer look.
    ///
    /// # Errors
    /// What is wrong with the PDU, and where in `packet`.
    #[inline]
    pub fn parse_packet(packet: &'a [u8]) -> Result<Option<Self>, ParseError> {
        let [3, _, high, low, 2, 0xf0, 0x80, pdu @ ..] = packet else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length != packet.len() || !matches!(pdu, [0x64..=0x73, ..]) {
            return Ok(None);
        }
        match Self::parse(pdu) {
            Ok(data) => Ok(Some(data)),
            Err(error) => Err(ParseError { what: error.what, at: error.at + FRAME }),
        }
    }

    #[inline]
    const fn head(&self) -> [u8; 6] {
        let [i1, i2] = self.initiator.value().wrapping_sub(1001).to_be_bytes();
        let [c1, c2] = self.channel.value().to_be_bytes();
        let flags = self.priority.number() << 6 | self.segmentation.bits() << 4;
        [(self.kind as u8) << 2, i1, i2, c1, c2, flags]
    }

    /// How many octets the encoding has.
    #[inline]
    pub fn encoded_len(&self) -> usize {
        match self.user_data.len() {
            len @ 0..128 => 7 + len,
            len @ 128..16384 => 8 + len,
            _ => {
                let mut writer = Writer::counting();
                self.user_data.write(&mut writer);
                6 + writer.octets()
            }
        }
    }

    /// Writes the encoding to the start of `buffer`; returns its length in octets.
    ///
    /// # Errors
    /// The buffer is too small.
    #[inline]
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let error = BufferTooSmall { needed };
        let room = buffer.get_mut(..needed).ok_or(error)?;
        let (head, rest) = room.split_first_chunk_mut::<6>().ok_or(error)?;
        *head = self.head();
        match (self.user_data.as_slice(), self.user_data.len()) {
            (Some(data), len @ 0..128) => {
                let (length, rest) = rest.split_first_mut().ok_or(error)?;
                *length = len as u8;
                copy(rest, data);
            }
            (Some(data), len @ 128..16384) => {
                let (length, rest) = rest.split_first_chunk_mut::<2>().ok_or(error)?;
                *length = (0x8000 | len as u16).to_be_bytes();
                copy(rest, data);
            }
            _ => {
                let mut writer = Writer::new(rest);
                self.user_data.write(&mut writer);
            }
        }
        Ok(needed)
    }

    /// Writes a TPKT with one DT that holds the PDU; returns its length in octets.
    ///
    /// # Errors
    /// The buffer is too small, or the packet would be longer than [`tpkt::MAX_LEN`], and no
    /// buffer would do.
    #[inline]
    pub fn write_packet(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = FRAME + self.encoded_len();
        let error = BufferTooSmall { needed };
        let length = u16::try_from(needed).map_err(|_| error)?;
        let (frame, pdu) = buffer.split_first_chunk_mut::<FRAME>().ok_or(error)?;
        let [high, low] = length.to_be_bytes();
        *frame = [3, 0, high, low, 2, 0xf0, 0x80];
        match self.write(pdu) {
            Ok(_) => Ok(needed),
            Err(_) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::super::domain::{DomainMcsPdu, SendDataRequest};
    use super::*;

    fn data(user_data: &[u8]) -> Data<'_> {
        Data {
            kind: DataKind::SendRequest,
            initiator: UserId::new(1007).unwrap(),
            channel: ChannelId::from_number(1003),
            priority: DataPriority::High,
            segmentation: Segmentation { begin: true, end: false },
            user_data: Octets::new(user_data),
        }
    }

    #[test]
    fn the_fast_way_and_the_table_agree_at_every_form_of_length() {
        let octets = vec![0x5a; 70000];
        for len in [0, 1, 127, 128, 16383, 16384, 16500, 65536, 70000] {
            let data = data(&octets[..len]);
            let mut fast = vec![0; data.encoded_len()];
            data.write(&mut fast).unwrap();
            let table = DomainMcsPdu::SendDataRequest(SendDataRequest {
                initiator: data.initiator,
                channel_id: data.channel,
                data_priority: data.priority,
                segmentation: data.segmentation,
                user_data: data.user_data,
            });
            let mut slow = vec![0; table.encoded_len()];
            table.write(&mut slow).unwrap();
            assert_eq!(fast, slow, "{len} octets");
            assert_eq!(Data::parse(&fast), Ok(data));
            assert_eq!(DomainMcsPdu::parse(&fast), Ok(table));
        }
    }

    #[test]
    fn a_packet_that_was_written_is_read_and_a_cut_one_is_not() {
        let data = data(b"hello");
        let mut packet = [0; 64];
        let len = data.write_packet(&mut packet).unwrap();
        assert_eq!(Data::parse_packet(&packet[..len]), Ok(Some(data)));
        for cut in 0..len {
            assert_eq!(Data::parse_packet(&packet[..cut]), Ok(None));
            assert!(data.write_packet(&mut [0; 64][..cut]).is_err());
        }
    }

    #[test]
    fn a_user_id_beyond_65535_is_refused() {
        let error = Data::parse(&[0x64, 0xfc, 0x17, 0, 1, 0x70, 0]);
        assert_eq!(error, Err(ParseError { what: Fault::OutOfRange, at: 3 }));
        assert!(Data::parse(&[0x64, 0xfc, 0x16, 0, 1, 0x70, 0]).is_ok());
    }
}
