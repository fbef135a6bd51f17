//! Payload types and formats: how encoded sound and pictures stand in RTP packets.
//!
//! Every format has the same two machines. A [`Packetizer`] cuts what an encoder gives into payloads,
//! each written into the host's buffer; a [`Depacketizer`] takes packets in the order of their sequence
//! numbers, and puts frames together in a buffer of the host's, with what was lost marked. Neither
//! keeps a frame: the host hands in the same one until the machine says that it is done.
//!
//! ```text
//!   encoder ─▶ Encoded ─▶ Packetizer::poll_payload ─▶ Payload ─▶ Session::packetize_in_place ─▶ socket
//!   decoder ◀─ Reassembled ◀─ Depacketizer::push ◀─ Received ◀─ jitter buffer or session ◀─ socket
//! ```
//!
//! | format | standard | module or type |
//! |---|---|---|
//! | PCMU, PCMA, G.722, L16, GSM | RFC 3551 | [`audio`]: [`audio::G711`], [`audio::G722`], [`audio::L16`], [`audio::Gsm`] |
//! | DVI4 | RFC 3551 | [`dvi4`] |
//! | Opus | RFC 7587, RFC 6716 | [`opus`] |
//! | comfort noise | RFC 3389 | [`comfort_noise`] |
//! | redundant audio | RFC 2198 | [`redundancy`] |
//! | telephone-event | RFC 4733 | [`telephone_event`] |
//! | H.261 | RFC 4587 | [`h261`] |
//! | H.263, modes A, B, C | RFC 2190 | [`h263`] |
//! | H.263-1998, H.263-2000 | RFC 4629 | [`h263_1998`] |
//! | H.264 | RFC 6184 | [`h264`] |
//! | H.265 | RFC 7798 | [`h265`] |
//! | VP8 | RFC 7741 | [`vp8`] |
//! | VP9 | RFC 9628 | [`vp9`] |
//! | JPEG | RFC 2435 | [`jpeg`] |
//!
//! A format that is not used costs no flash: nothing here is called through tables of functions.
//!
//! # Sending
//!
//! The payload is written behind where the header will stand, and the packet is made in place. The
//! slice that is lent is the limit: lend as much as the path carries, 1200 octets say.
//!
//! ```
//! # use core::time::Duration;
//! # use core::net::SocketAddr;
//! # use rtp_core::session::{self, Cname, Config, Outgoing, Path, Session};
//! use rtp_core::payload::{Encoded, Packetizer, h264};
//! # let mut storage = session::Storage::<2>::new();
//! # let mut config = Config::new(Cname::new("doc").unwrap());
//! # config.rtp = Some(Path::rtp(SocketAddr::from(([127, 0, 0, 1], 5004))));
//! # let mut session = Session::new(config, &mut storage, [0; 32])?;
//! # let (now, timestamp, mut sent) = (Duration::ZERO, 0, 0);
//! # let access_unit = [&[0, 0, 0, 1, 0x65][..], &[0xaa; 3000]].concat();
//! # let mut send = |_: &[u8]| sent += 1;
//! let mut packetizer = h264::Packetizer::new(h264::Mode::NonInterleaved);
//! let mut datagram = [0; 1200];
//! let mut outgoing = Outgoing::new(96);
//! let header_len = outgoing.header_len();
//! let frame = Encoded { timestamp, octets: &access_unit };
//! while let Some(payload) = packetizer.poll_payload(&frame, &mut datagram[header_len..])? {
//!     outgoing.marker = payload.marker;
//!     outgoing.timestamp = payload.timestamp;
//!     let packet = session.packetize_in_place(now, &outgoing, payload.len, &mut datagram)?;
//!     send(&datagram[..packet.len]);
//! }
//! # assert_eq!(sent, 3);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! With embassy the `send` is `socket.send_to(&datagram[..packet.len], endpoint).await`, the datagram
//! a `static` or a field of the task, and the frame a slice of the encoder's DMA buffer. With tokio it
//! is `socket.send_to(&datagram[..packet.len], address).await?`, and the frame whatever the encoder's
//! crate returns; the loop is the same.
//!
//! # Receiving
//!
//! ```
//! use rtp_core::payload::{Depacketizer, Received, vp8};
//! # fn decode(_: &[u8], _: bool) {}
//! # let packets = [Received { payload_type: 96, sequence: 7, timestamp: 0, marker: true, payload: &[0x10, 0x9d, 1] }];
//! let mut depacketizer = vp8::Depacketizer::new();
//! let mut picture = [0; 32 * 1024];
//! for packet in &packets {
//!     loop {
//!         match depacketizer.push(packet, &mut picture) {
//!             Ok(Some(frame)) => {
//!                 decode(&picture[..frame.len], frame.whole);
//!                 if frame.consumed {
//!                     break;
//!                 }
//!                 // The packet begins another frame: it is pushed again.
//!             }
//!             Ok(None) => break,
//!             // The packet is of no use; what is lost with it is marked in its frame.
//!             Err(_) => break,
//!         }
//!     }
//! }
//! ```
//!
//! `packets` are [`session::Event::Packet`](crate::session::Event::Packet)s in order, or what
//! [`jitter::Buffer::pop`](crate::jitter::Buffer::pop) gives: both turn into a [`Received`] with `into`.

mod annex_b;
mod assembly;
mod bits;
#[cfg(test)]
mod tests;

pub mod audio;
pub mod comfort_noise;
pub mod dvi4;
pub mod h261;
pub mod h263;
pub mod h263_1998;
pub mod h264;
pub mod h265;
pub mod jpeg;
pub mod opus;
pub mod redundancy;
pub mod telephone_event;
pub mod vp8;
pub mod vp9;

use core::fmt;

use crate::{BufferTooSmall, ParseError, jitter, packet};

/// Cuts frames of an encoder into payloads of RTP packets.
pub trait Packetizer {
    /// Writes the next payload of `frame` into `buffer`, whose length is the most that the payload
    /// may have; gives nothing once all of the frame is written. The host calls it with the same
    /// frame until then; a frame of another timestamp begins anew.
    ///
    /// # Errors
    /// The frame is not what the format carries, or the buffer is too small for a piece that
    /// cannot be cut. What is left of the frame is given up: the next call begins a frame.
    fn poll_payload(
        &mut self,
        frame: &Encoded<'_>,
        buffer: &mut [u8],
    ) -> Result<Option<Payload>, Error>;
}

/// Puts frames together out of the payloads of RTP packets.
pub trait Depacketizer {
    /// Takes a packet, in order of sequence numbers, and says when a frame stands at the beginning
    /// of `frame`: the same buffer for all packets until then. Nothing else may be written there.
    ///
    /// # Errors
    /// The packet is late or repeated, its payload is malformed, or the frame is longer than the
    /// buffer. The packet is not used then, and must not be pushed again; later ones may be.
    fn push(
        &mut self,
        packet: &Received<'_>,
        frame: &mut [u8],
    ) -> Result<Option<Reassembled>, Error>;

    /// Forgets the frame that is put together, and where the sequence stands: for a new source.
    fn reset(&mut self);
}

/// What an encoder gives at once: a picture, or a stretch of sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Encoded<'a> {
    /// When it was sampled, in units of the format's clock.
    pub timestamp: u32,
    /// The encoder's output.
    pub octets: &'a [u8],
}

/// A payload that a [`Packetizer`] has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Payload {
    /// How many octets of the buffer it takes.
    pub len: usize,
    /// The packet's marker: with sound, the first packet of a talk spurt; with pictures, the last
    /// one of a picture.
    pub marker: bool,
    /// The packet's timestamp.
    pub timestamp: u32,
}

/// A packet for a [`Depacketizer`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Received<'a> {
    /// The payload type.
    pub payload_type: u8,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp.
    pub timestamp: u32,
    /// The marker.
    pub marker: bool,
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> From<&packet::Packet<'a>> for Received<'a> {
    fn from(packet: &packet::Packet<'a>) -> Self {
        Self {
            payload_type: packet.payload_type,
            sequence: packet.sequence_number,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload: packet.payload,
        }
    }
}

impl<'a> From<&jitter::Frame<'a>> for Received<'a> {
    fn from(frame: &jitter::Frame<'a>) -> Self {
        Self {
            payload_type: frame.payload_type,
            // The lower half of the extended number is what the packet had.
            sequence: frame.sequence as u16,
            timestamp: frame.timestamp,
            marker: frame.marker,
            payload: frame.payload,
        }
    }
}

/// A frame that a [`Depacketizer`] has put together at the beginning of the host's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reassembled {
    /// How many octets of the buffer it takes.
    pub len: usize,
    /// Its payload type; of redundant audio, that of the block.
    pub payload_type: u8,
    /// When it was sampled, in units of the format's clock.
    pub timestamp: u32,
    /// How many packets are missing within it and right before it.
    pub lost: u16,
    /// Whether all of it is there. Where packets are missing right before it, and the format does
    /// not say where a frame begins, they count as part of it.
    pub whole: bool,
    /// Whether the packet is used up. Where not, the frame is one that came before it: the host
    /// takes the frame out of its buffer, and pushes the packet again.
    pub consumed: bool,
}

/// Why a payload could not be made or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The octets are not what the format has.
    Parse(ParseError),
    /// The host's buffer is too small: for a piece that cannot be cut, or for a frame.
    BufferTooSmall(BufferTooSmall),
    /// The packet is older than one that was pushed before, or the same.
    Late,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::BufferTooSmall(error) => error.fmt(f),
            Self::Late => f.write_str("the packet comes late: push packets in their order"),
        }
    }
}

impl core::error::Error for Error {}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<BufferTooSmall> for Error {
    fn from(error: BufferTooSmall) -> Self {
        Self::BufferTooSmall(error)
    }
}

/// The payload type of mu-law at 8000 Hz.
pub const PCMU: u8 = 0;
/// The payload type of A-law at 8000 Hz.
pub const PCMA: u8 = 8;
/// The payload type of G.722; its clock says 8000 Hz although it samples at 16000.
pub const G722: u8 = 9;
/// The payload type of comfort noise (RFC 3389).
pub const CN: u8 = 13;

/// A payload type that RFC 3551 section 6 has fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StaticType {
    /// The payload type.
    pub payload_type: u8,
    /// The encoding's name, as `a=rtpmap` writes it.
    pub name: &'static str,
    /// The clock of its timestamps, in hertz.
    pub clock_rate: u32,
    /// Channels of sound; 0 for video.
    pub channels: u8,
}

/// RFC 3551 tables 4 and 5, in the order of payload types.
static STATIC_TYPES: [StaticType; 23] = {
    const fn entry(
        payload_type: u8,
        name: &'static str,
        clock_rate: u32,
        channels: u8,
    ) -> StaticType {
        StaticType { payload_type, name, clock_rate, channels }
    }
    [
        entry(0, "PCMU", 8000, 1),
        entry(3, "GSM", 8000, 1),
        entry(4, "G723", 8000, 1),
        entry(5, "DVI4", 8000, 1),
        entry(6, "DVI4", 16_000, 1),
        entry(7, "LPC", 8000, 1),
        entry(8, "PCMA", 8000, 1),
        entry(9, "G722", 8000, 1),
        entry(10, "L16", 44_100, 2),
        entry(11, "L16", 44_100, 1),
        entry(12, "QCELP", 8000, 1),
        entry(13, "CN", 8000, 1),
        entry(14, "MPA", 90_000, 1),
        entry(15, "G728", 8000, 1),
        entry(16, "DVI4", 11_025, 1),
        entry(17, "DVI4", 22_050, 1),
        entry(18, "G729", 8000, 1),
        entry(25, "CelB", 90_000, 0),
        entry(26, "JPEG", 90_000, 0),
        entry(28, "nv", 90_000, 0),
        entry(31, "H261", 90_000, 0),
        entry(32, "MPV", 90_000, 0),
        entry(34, "H263", 90_000, 0),
    ]
};

/// What RFC 3551 says of a payload type; nothing where it is dynamic or not assigned.
#[inline]
pub fn static_type(payload_type: u8) -> Option<&'static StaticType> {
    match payload_type {
        // The one that most calls ask for.
        PCMU => STATIC_TYPES.first(),
        1..=34 => STATIC_TYPES.iter().find(|entry| entry.payload_type == payload_type),
        _ => None,
    }
}
