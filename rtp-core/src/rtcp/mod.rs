//! RTCP packets (RFC 3550 section 6).
//!
//! ```text
//! |V=2|P| count |  packet type  |   length in words, less one   |   every packet
//!
//! datagram:  [ SR or RR | SDES with CNAME | ... | BYE ]             a compound packet
//! ```
//!
//! [`Compound`] walks a datagram and gives each [`Packet`] as a view. Every packet type writes
//! itself into a slice; a compound packet is made by writing one behind the other.

mod application;
mod description;
mod extended;
mod feedback;
mod goodbye;
mod profile;
mod report;
mod transport_wide;

pub use application::Application;
pub use description::{Chunk, Chunks, Item, ItemType, Items, SourceDescription};
pub use extended::{
    DelayBlock, ExtendedBlock, ExtendedBlocks, ExtendedReport, ReceiptTimes, Runs,
    StatisticsSummary, VoipMetrics,
};
pub use feedback::{
    FullIntra, LostSlice, MaximumBitrate, NackPair, PayloadFeedback, PayloadMessage,
    ReceiverEstimate, TransportFeedback, TransportMessage,
};
pub use goodbye::Goodbye;
pub use profile::{BandwidthEstimate, ProfileBlock, ProfileBlocks};
pub use report::{ReceiverReport, ReportBlock, ReportBlocks, SenderInfo, SenderReport};

pub use transport_wide::{Arrivals, TransportWide};

use crate::packet::copy;
use crate::{BufferTooSmall, Fault, ParseError};

/// The octets of the header that every RTCP packet begins with.
pub const HEADER_LEN: usize = 4;

/// Packet types (RFC 3550 section 12.1).
pub mod packet_type {
    /// Sender report.
    pub const SR: u8 = 200;
    /// Receiver report.
    pub const RR: u8 = 201;
    /// Source description.
    pub const SDES: u8 = 202;
    /// Goodbye.
    pub const BYE: u8 = 203;
    /// Application-defined.
    pub const APP: u8 = 204;
    /// Feedback on the transport (RFC 4585 section 6.1).
    pub const RTPFB: u8 = 205;
    /// Feedback on the payload (RFC 4585 section 6.1).
    pub const PSFB: u8 = 206;
    /// Extended report (RFC 3611 section 2).
    pub const XR: u8 = 207;
}

/// One RTCP packet with its header taken apart, and its body not looked at yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Raw<'a> {
    /// The 5 bits that count reports, sources or chunks, or name a subtype or format.
    pub count: u8,
    /// The packet type.
    pub packet_type: u8,
    /// What follows the header, without padding.
    pub body: &'a [u8],
    /// How many octets of padding follow the body; 0 for none.
    pub padding: u8,
}

impl<'a> Raw<'a> {
    /// Reads the packet at the beginning of `octets`, and gives what follows it.
    ///
    /// # Errors
    /// The octets are cut off, the version is not 2, or the padding is impossible.
    #[inline]
    pub fn parse_prefix(octets: &'a [u8]) -> Result<(Self, &'a [u8]), ParseError> {
        let Some((head, rest)) = octets.split_first_chunk::<HEADER_LEN>() else {
            return Err(ParseError::new(Fault::Truncated, octets.len()));
        };
        if head[0] >> 6 != 2 {
            return Err(ParseError::new(Fault::Version, 0));
        }
        let len = usize::from(u16::from_be_bytes([head[2], head[3]])) * 4;
        let Some((mut body, rest)) = rest.split_at_checked(len) else {
            return Err(ParseError::new(Fault::Truncated, octets.len()));
        };
        let mut padding = 0;
        if head[0] & 0x20 != 0 {
            let bad = ParseError::new(Fault::Padding, (HEADER_LEN + len).saturating_sub(1));
            // Whole words, its own count among them (RFC 3550 section 6.4.1).
            padding = *body.last().filter(|&&count| count != 0 && count % 4 == 0).ok_or(bad)?;
            let len = body.len().checked_sub(usize::from(padding)).ok_or(bad)?;
            body = body.get(..len).ok_or(bad)?;
        }
        Ok((Self { count: head[0] & 0x1f, packet_type: head[1], body, padding }, rest))
    }
}

/// An RTCP packet of any type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Packet<'a> {
    /// A sender report (section 6.4.1).
    SenderReport(SenderReport<'a>),
    /// A receiver report (section 6.4.2).
    ReceiverReport(ReceiverReport<'a>),
    /// A source description (section 6.5).
    SourceDescription(SourceDescription<'a>),
    /// A goodbye (section 6.6).
    Goodbye(Goodbye<'a>),
    /// An application's own packet (section 6.7).
    Application(Application<'a>),
    /// Feedback on the transport (RFC 4585 section 6.2).
    TransportFeedback(TransportFeedback<'a>),
    /// Feedback on the payload (RFC 4585 section 6.3).
    PayloadFeedback(PayloadFeedback<'a>),
    /// An extended report (RFC 3611 section 2).
    ExtendedReport(ExtendedReport<'a>),
    /// A type that this crate does not know.
    Unknown(Raw<'a>),
}

impl<'a> Packet<'a> {
    /// Reads the body of a packet.
    ///
    /// # Errors
    /// The body does not hold what its header promises. Offsets count from the packet's header.
    pub fn parse(raw: Raw<'a>) -> Result<Self, ParseError> {
        Ok(match raw.packet_type {
            packet_type::SR => Self::SenderReport(SenderReport::from_raw(raw)?),
            packet_type::RR => Self::ReceiverReport(ReceiverReport::from_raw(raw)?),
            packet_type::SDES => Self::SourceDescription(SourceDescription::from_raw(raw)?),
            packet_type::BYE => Self::Goodbye(Goodbye::from_raw(raw)?),
            packet_type::APP => Self::Application(Application::from_raw(raw)?),
            packet_type::RTPFB => Self::TransportFeedback(TransportFeedback::from_raw(raw)?),
            packet_type::PSFB => Self::PayloadFeedback(PayloadFeedback::from_raw(raw)?),
            packet_type::XR => Self::ExtendedReport(ExtendedReport::from_raw(raw)?),
            _ => Self::Unknown(raw),
        })
    }

    /// How many octets the packet takes.
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::SenderReport(packet) => packet.encoded_len(),
            Self::ReceiverReport(packet) => packet.encoded_len(),
            Self::SourceDescription(packet) => packet.encoded_len(),
            Self::Goodbye(packet) => packet.encoded_len(),
            Self::Application(packet) => packet.encoded_len(),
            Self::TransportFeedback(packet) => packet.encoded_len(),
            Self::PayloadFeedback(packet) => packet.encoded_len(),
            Self::ExtendedReport(packet) => packet.encoded_len(),
            Self::Unknown(raw) => raw.encoded_len(),
        }
    }

    /// Writes the packet without padding, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        match self {
            Self::SenderReport(packet) => packet.write(buffer),
            Self::ReceiverReport(packet) => packet.write(buffer),
            Self::SourceDescription(packet) => packet.write(buffer),
            Self::Goodbye(packet) => packet.write(buffer),
            Self::Application(packet) => packet.write(buffer),
            Self::TransportFeedback(packet) => packet.write(buffer),
            Self::PayloadFeedback(packet) => packet.write(buffer),
            Self::ExtendedReport(packet) => packet.write(buffer),
            Self::Unknown(raw) => raw.write(buffer),
        }
    }
}

impl Raw<'_> {
    /// How many octets the packet takes without padding.
    pub fn encoded_len(&self) -> usize {
        HEADER_LEN + self.body.len().next_multiple_of(4)
    }

    /// Writes the packet without padding, its body filled up to whole words with zeros.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let mut writer = Writer::begin(buffer, needed, self.count, self.packet_type)?;
        writer.slice(self.body);
        Ok(writer.end(needed))
    }
}

/// The RTCP packets of one datagram (RFC 3550 section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Compound<'a> {
    octets: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Checks that the datagram is a chain of whole RTCP packets. Any order will do here: lone
    /// reports, descriptions and goodbyes, which Messenger-era peers send, and what RFC 5506 calls
    /// reduced size; [`Compound::check`] asks for more.
    ///
    /// # Errors
    /// There is no packet, one is cut off, has another version than 2 or padding where it may
    /// not be: only the last packet may be padded.
    #[inline]
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let mut rest = datagram;
        loop {
            let at = datagram.len().saturating_sub(rest.len());
            let (raw, after) = Raw::parse_prefix(rest).map_err(|error| error.moved(at))?;
            if after.is_empty() {
                return Ok(Self { octets: datagram });
            }
            if raw.padding != 0 {
                return Err(ParseError::new(Fault::Padding, at));
            }
            rest = after;
        }
    }

    /// Checks RFC 3550's rules for a compound packet (section 6.1, appendix A.2): a report comes
    /// first.
    ///
    /// # Errors
    /// The first packet is neither a sender nor a receiver report.
    pub fn check(&self) -> Result<(), ParseError> {
        match self.octets {
            [_, packet_type::SR | packet_type::RR, ..] => Ok(()),
            _ => Err(ParseError::new(Fault::PacketType, 1)),
        }
    }

    /// The packets, in their order. A packet whose body is broken does not end the list.
    #[inline]
    pub fn packets(&self) -> Packets<'a> {
        Packets { all: self.octets, rest: self.octets }
    }

    /// The octets that the packets take.
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }
}

/// The packets of a [`Compound`].
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    all: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, ParseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let at = self.all.len().saturating_sub(self.rest.len());
        let parsed = Raw::parse_prefix(self.rest);
        self.rest = match &parsed {
            Ok((_, after)) => after,
            Err(_) => &[],
        };
        Some(parsed.and_then(|(raw, _)| Packet::parse(raw)).map_err(|error| error.moved(at)))
    }
}

/// Writes one RTCP packet into a buffer that was found to be large enough.
struct Writer<'b> {
    rest: &'b mut [u8],
}

impl<'b> Writer<'b> {
    /// Writes the header of a packet that takes `needed` octets: whole words of 32 bits.
    #[inline]
    fn begin(
        buffer: &'b mut [u8],
        needed: usize,
        count: u8,
        packet_type: u8,
    ) -> Result<Self, BufferTooSmall> {
        let words = u16::try_from(needed / 4).unwrap_or(u16::MAX).saturating_sub(1);
        let [a, b] = words.to_be_bytes();
        match buffer.get_mut(..needed).and_then(|buffer| buffer.split_first_chunk_mut()) {
            Some((head, rest)) => {
                *head = [0x80 | (count & 0x1f), packet_type, a, b];
                Ok(Self { rest })
            }
            None => Err(BufferTooSmall { needed }),
        }
    }

    #[inline]
    fn chunk<const N: usize>(&mut self, octets: &[u8; N]) {
        if let Some((cells, rest)) = core::mem::take(&mut self.rest).split_first_chunk_mut::<N>() {
            *cells = *octets;
            self.rest = rest;
        }
    }

    #[inline]
    fn slice(&mut self, octets: &[u8]) {
        let rest = core::mem::take(&mut self.rest);
        if let Some((cells, rest)) = rest.split_at_mut_checked(octets.len()) {
            copy(cells, octets);
            self.rest = rest;
        }
    }

    #[inline]
    fn list<T: crate::Fixed<N>, const N: usize>(&mut self, list: &crate::List<'_, T, N>) {
        let rest = core::mem::take(&mut self.rest);
        if let Some((cells, rest)) = rest.split_at_mut_checked(list.encoded_len()) {
            list.write(cells);
            self.rest = rest;
        }
    }

    /// How many octets are not written yet.
    fn left(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    fn zeros(&mut self, len: usize) {
        let rest = core::mem::take(&mut self.rest);
        if let Some((cells, rest)) = rest.split_at_mut_checked(len) {
            cells.fill(0);
            self.rest = rest;
        }
    }

    /// Fills what is left with zeros, and gives the packet's length.
    #[inline]
    fn end(self, needed: usize) -> usize {
        self.rest.fill(0);
        needed
    }
}

#[cfg(test)]
mod tests;
