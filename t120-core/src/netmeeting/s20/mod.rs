//! NetMeeting's application sharing, S20 ([MS-MNPR] 2.2.2): the packets.
//!
//! ```text
//!   | length | type 0x31 … 0x38 | user | correlator … |   CREATE, JOIN, RESPOND, DELETE, LEAVE, END, COLLISION
//!            | type 0x37        | user | correlator | ackID | stream | length | data |   DATA
//! ```
//!
//! DATA has no length before its type in the document, and has one in T.128, its child: both are
//! read, and it is written as the document has it. Data are sent without compression, and
//! compressed ones handed on as they are: the format is not known.

mod caps;
mod payload;

pub use caps::{
    BitmapCaps, Caps, CursorCaps, GeneralCaps, OrderCaps, PaletteCaps, ScreenCaps, ShareCaps,
};
pub use payload::{
    ActiveWindow, BitmapUpdate, Control, Control30, Cursor, Font, FontList, InputEvent, Payload,
    Update, Window, WindowList,
};

use super::wire::{self, layout};
use crate::error::{BufferTooSmall, Fault, ParseError};

/// The lowest number that MCS gives to a user.
const FIRST_USER: u16 = 1001;
/// The type of DATA.
const DATA: u16 = 0x37;
/// The type of the flow control of T.128, which means nothing here.
const FLOW: u16 = 0x8000;

layout! {
    /// Names a share.
    Correlator 4 {
        /// The MCS user who made it.
        0 creator: u16,
        /// What that user counts up.
        2 number: u16,
    }
}

/// Data within a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Data<'a> {
    /// 1 updates, 2 cursor and other things, 4 input.
    pub stream: u8,
    /// What it is: a number that [`Payload`] knows.
    pub datatype: u8,
    /// 0 none, 1 without a dictionary, 2 with one.
    pub compression_type: u8,
    /// How many octets it has when it is not compressed.
    pub uncompressed: u16,
    /// The octets, as they were sent.
    pub octets: &'a [u8],
}

/// What a [`Packet`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(clippy::large_enum_variant)]
#[non_exhaustive]
pub enum Body<'a> {
    /// `S20_CREATE`: a share begins.
    Create {
        /// Which.
        correlator: Correlator,
        /// The person's name: octets, without the zero.
        name: &'a [u8],
        /// What the node can do.
        caps: Caps,
    },
    /// `S20_JOIN`: somebody wants to be in the share that there is.
    Join {
        /// The person's name.
        name: &'a [u8],
        /// What the node can do.
        caps: Caps,
    },
    /// `S20_RESPOND`: somebody is in the share.
    Respond {
        /// Which.
        correlator: Correlator,
        /// The user who is answered.
        originator: u16,
        /// The person's name.
        name: &'a [u8],
        /// What the node can do.
        caps: Caps,
    },
    /// `S20_DELETE`: a node is taken out of the share.
    Delete {
        /// Which share.
        correlator: Correlator,
        /// Which user.
        target: u16,
    },
    /// `S20_LEAVE`: the sender goes.
    Leave {
        /// Which share.
        correlator: Correlator,
    },
    /// `S20_END`: the share is over.
    End {
        /// Which share.
        correlator: Correlator,
    },
    /// `S20_COLLISION`: there is a share already.
    Collision {
        /// Which.
        correlator: Correlator,
    },
    /// `S20_DATA`.
    Data {
        /// Which share.
        correlator: Correlator,
        /// What is said.
        data: Data<'a>,
    },
    /// A flow control packet of T.128: ignored, and counted by who wants to.
    Flow,
}

/// A packet of S20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packet<'a> {
    /// The MCS user who sends it.
    pub user: u16,
    /// What it says.
    pub body: Body<'a>,
}

/// The name and the capabilities that stand at `at`, with their lengths before them.
fn named(octets: &[u8], lengths: usize, at: usize) -> Result<(&[u8], Caps), ParseError> {
    let head = wire::head(octets, at)?;
    let name_len = usize::from(wire::at::<u16>(head, lengths));
    let caps_len = usize::from(wire::at::<u16>(head, lengths + 2));
    let rest = octets.get(at..).unwrap_or_default();
    let short = wire::error(Fault::UnexpectedEnd, octets.len());
    let (name, rest) = rest.split_at_checked(name_len).ok_or(short)?;
    let caps = rest.get(..caps_len).ok_or(short)?;
    let name = name.split(|octet| *octet == 0).next().unwrap_or_default();
    Ok((name, Caps::parse(caps)?))
}

impl<'a> Packet<'a> {
    /// Reads a packet that MCS has brought.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        let head = wire::head(octets, 4)?;
        let (first, second) = (wire::at::<u16>(head, 0), wire::at::<u16>(head, 2));
        if first == FLOW {
            return Ok(Self { user: 0, body: Body::Flow });
        }
        let is_control = (0x31..=0x38).contains(&second);
        if first == DATA && !is_control {
            return Self::parse_data(octets);
        }
        if second == DATA {
            return Self::parse_data(octets.get(2..).unwrap_or_default());
        }
        let octets = octets.get(..usize::from(first));
        let octets = octets.ok_or(wire::error(Fault::UnexpectedEnd, head.len()))?;
        let head = wire::head(octets, 6)?;
        let user = wire::at(head, 4);
        let correlator = || wire::head(octets, 10).map(|head| wire::at::<Correlator>(head, 6));
        let body = match second {
            0x31 => {
                let (name, caps) = named(octets, 10, 14)?;
                Body::Create { correlator: correlator()?, name, caps }
            }
            0x32 => {
                let (name, caps) = named(octets, 6, 10)?;
                Body::Join { name, caps }
            }
            0x33 => {
                let (name, caps) = named(octets, 12, 16)?;
                let originator = wire::at(octets, 10);
                Body::Respond { correlator: correlator()?, originator, name, caps }
            }
            0x34 => {
                let target = wire::at(wire::head(octets, 12)?, 10);
                Body::Delete { correlator: correlator()?, target }
            }
            0x35 => Body::Leave { correlator: correlator()? },
            0x36 => Body::End { correlator: correlator()? },
            0x38 => Body::Collision { correlator: correlator()? },
            _ => return Err(wire::error(Fault::UnknownAlternative, 2)),
        };
        Ok(Self { user, body })
    }

    fn parse_data(octets: &'a [u8]) -> Result<Self, ParseError> {
        let head = wire::head(octets, 16)?;
        let uncompressed = usize::from(wire::at::<u16>(head, 10)).saturating_sub(4);
        let compression_type = wire::at(head, 13);
        let sent = match (compression_type, wire::at::<u16>(head, 14)) {
            (0, _) => uncompressed,
            (_, compressed) => usize::from(compressed).saturating_sub(4),
        };
        let octets = octets.get(16..).and_then(|rest| rest.get(..sent));
        let octets = octets.ok_or(wire::error(Fault::UnexpectedEnd, 16))?;
        let data = Data {
            stream: wire::at(head, 9),
            datatype: wire::at(head, 12),
            compression_type,
            // It came from 16 bits.
            uncompressed: uncompressed as u16,
            octets,
        };
        let user = wire::at(head, 2);
        // Lower numbers are no user's (T.125 part 3): they would look like the kind of another packet.
        if user < FIRST_USER {
            return Err(wire::error(Fault::OutOfRange, 2));
        }
        Ok(Self { user, body: Body::Data { correlator: wire::at(head, 4), data } })
    }

    /// How many octets the encoding has.
    pub const fn encoded_len(&self) -> usize {
        match self.body {
            Body::Create { name, .. } => 14 + name.len() + 1 + Caps::SIZE,
            Body::Join { name, .. } => 10 + name.len() + 1 + Caps::SIZE,
            Body::Respond { name, .. } => 16 + name.len() + 1 + Caps::SIZE,
            Body::Delete { .. } => 15,
            Body::Leave { .. } | Body::Collision { .. } => 10,
            Body::End { .. } => 13,
            Body::Data { data, .. } => 16 + data.octets.len(),
            Body::Flow => 4,
        }
    }

    /// Writes the encoding to the start of `buffer`; returns its length in octets.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let room = wire::zeroed(buffer, needed)?;
        let put_named = |room: &mut [u8], lengths: usize, at: usize, name: &[u8], caps: Caps| {
            wire::put(room, lengths, (name.len() + 1) as u16);
            wire::put(room, lengths + 2, Caps::SIZE as u16);
            if let Some(place) = room.get_mut(at..).and_then(|rest| rest.get_mut(..name.len())) {
                place.copy_from_slice(name);
            }
            wire::put(room, at + name.len() + 1, caps);
        };
        let kind = match self.body {
            Body::Create { correlator, name, caps } => {
                wire::put(room, 6, correlator);
                put_named(room, 10, 14, name, caps);
                0x31u16
            }
            Body::Join { name, caps } => {
                put_named(room, 6, 10, name, caps);
                0x32
            }
            Body::Respond { correlator, originator, name, caps } => {
                wire::put(room, 6, correlator);
                wire::put(room, 10, originator);
                put_named(room, 12, 16, name, caps);
                0x33
            }
            Body::Delete { correlator, target } => {
                wire::put(room, 6, correlator);
                wire::put(room, 10, target);
                0x34
            }
            Body::Leave { correlator } => {
                wire::put(room, 6, correlator);
                0x35
            }
            Body::End { correlator } => {
                wire::put(room, 6, correlator);
                0x36
            }
            Body::Collision { correlator } => {
                wire::put(room, 6, correlator);
                0x38
            }
            Body::Data { correlator, data } => {
                wire::put(room, 0, DATA);
                wire::put(room, 2, self.user);
                wire::put(room, 4, correlator);
                wire::put(room, 9, data.stream);
                wire::put(room, 10, data.uncompressed.wrapping_add(4));
                wire::put(room, 12, data.datatype);
                wire::put(room, 13, data.compression_type);
                if data.compression_type != 0 {
                    wire::put(room, 14, (data.octets.len() as u16).wrapping_add(4));
                }
                if let Some(place) = room.get_mut(16..) {
                    place.copy_from_slice(data.octets);
                }
                return Ok(needed);
            }
            Body::Flow => {
                wire::put(room, 0, FLOW);
                return Ok(needed);
            }
        };
        wire::put(room, 0, needed as u16);
        wire::put(room, 2, kind);
        wire::put(room, 4, self.user);
        Ok(needed)
    }
}

#[cfg(test)]
mod tests;
