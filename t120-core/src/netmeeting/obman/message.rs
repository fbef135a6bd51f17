//! The messages of the object manager ([MS-MNPR] 2.2.4).

use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::netmeeting::wire::{self, layout};

layout! {
    /// A sequence stamp: orders what is done to a workset, by generation and then by user.
    Stamp 8 {
        /// The workset's generation.
        0 generation: u32,
        /// The MCS user.
        4 user: u16,
    }
}

impl Stamp {
    /// Below all others.
    pub const ZERO: Self = Self { generation: 0, user: 0 };

    const fn key(self) -> (u32, u16) {
        (self.generation, self.user)
    }
}

impl PartialOrd for Stamp {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Stamp {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

layout! {
    /// Names an object in its workset group.
    ObjectId 8 {
        /// What its creator counts up.
        0 sequence: u32,
        /// The MCS user who made it.
        4 creator: u16,
    }
}

layout! {
    /// `WSGROUP Info`: a workset group, in the workset that all know.
    WorksetGroupInfo 64 {
        /// The octets that follow: 60.
        0 length: u32,
        /// `OMWI`.
        4 id_stamp: [u8; 4],
        /// The group's MCS channel.
        8 channel: u16,
        /// The MCS user who made it.
        10 creator: u16,
        /// `wsGroupID`.
        12 group: u8,
        /// Octets up to a zero.
        16 function_profile: [u8; 16],
        /// Octets up to a zero.
        32 name: [u8; 32],
    }
}

layout! {
    /// `WSGROUP_REG_REC`: a node that uses a workset group.
    RegistrationRecord 64 {
        /// The octets that follow: 60.
        0 length: u32,
        /// Four characters that are not known.
        4 id_stamp: [u8; 4],
        /// The MCS user.
        8 user: u16,
        /// 1 is catching up, 2 is ready.
        10 status: u16,
        /// The person's name, up to a zero.
        12 name: [u8; 48],
    }
}

/// Where an object goes in its workset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Position {
    /// To the end.
    Last,
    /// To the start.
    First,
}

impl Position {
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Last => 1,
            Self::First => 2,
        }
    }

    pub(super) const fn of(number: u8) -> Self {
        // What is neither is taken for what is usual.
        if number == 2 { Self::First } else { Self::Last }
    }
}

/// What a lock message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LockKind {
    /// `LOCK_REQ`: somebody wants a workset locked.
    Request,
    /// `LOCK_GRANT`.
    Grant,
    /// `LOCK_DENY`.
    Deny,
    /// `UNLOCK`.
    Unlock,
    /// `LOCK_NOTIFY`: the lock has gone to another.
    Notify,
}

/// What a message about catching up is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SendKind {
    /// `WSGROUP_SEND_REQ`: who is late asks for a group.
    Request,
    /// `WSGROUP_SEND_MIDWAY`: all worksets have been named.
    Midway,
    /// `WSGROUP_SEND_COMPLETE`: all objects have been sent.
    Complete,
    /// `WSGROUP_SEND_DENY`: another one has to be asked.
    Deny,
}

/// What is done to an object, or to a workset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Operation<'a> {
    /// `WORKSET_CLEAR`.
    WorksetClear,
    /// `WORKSET_NEW`, or `WORKSET_CATCHUP` to who is late.
    WorksetNew {
        /// 0 is the highest.
        priority: u16,
        /// Whether it stays when all have left.
        persistent: bool,
        /// Whether it is there already, for who is late.
        catchup: bool,
    },
    /// `OBJECT_ADD`.
    ObjectAdd {
        /// Which.
        id: ObjectId,
        /// Where to.
        position: Position,
        /// The octets of the whole object, over all messages.
        total_size: u32,
        /// How many of its first octets an update changes.
        update_size: u32,
        /// The octets in this message.
        data: &'a [u8],
    },
    /// `OBJECT_CATCHUP`: an object that is there already, for who is late.
    ObjectCatchup {
        /// Which.
        id: ObjectId,
        /// Where to.
        position: Position,
        /// The octets of the whole object, over all messages.
        total_size: u32,
        /// How many of its first octets an update changes.
        update_size: u32,
        /// When it was moved last.
        position_stamp: Stamp,
        /// When it was replaced last.
        replace_stamp: Stamp,
        /// When it was updated last.
        update_stamp: Stamp,
        /// The octets in this message; none where it is deleted.
        data: Option<&'a [u8]>,
    },
    /// `OBJECT_REPLACE`.
    ObjectReplace {
        /// Which.
        id: ObjectId,
        /// The octets of the whole object, over all messages.
        total_size: u32,
        /// The octets in this message.
        data: &'a [u8],
    },
    /// `OBJECT_UPDATE`: its first octets.
    ObjectUpdate {
        /// Which.
        id: ObjectId,
        /// The octets of the update, over all messages.
        total_size: u32,
        /// The octets in this message.
        data: &'a [u8],
    },
    /// `OBJECT_DELETE`.
    ObjectDelete {
        /// Which.
        id: ObjectId,
    },
    /// `OBJECT_MOVE`.
    ObjectMove {
        /// Which.
        id: ObjectId,
        /// Where to.
        position: Position,
    },
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Message<'a> {
    /// The MCS user who sends it; 0 in the first one of who joins.
    pub sender: u16,
    /// What it says.
    pub body: Body<'a>,
}

/// What a [`Message`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Body<'a> {
    /// `HELLO`: somebody joins.
    Hello {
        /// 2 is PKW compression, 4 is none.
        compression: u32,
    },
    /// `WELCOME`: the answer.
    Welcome {
        /// 2 is PKW compression, 4 is none.
        compression: u32,
    },
    /// A lock message.
    Lock {
        /// What for.
        kind: LockKind,
        /// `wsGroupID`.
        group: u8,
        /// `worksetID`.
        workset: u8,
        /// `data1`: a correlator, in the most of them.
        correlator: u16,
    },
    /// A message about catching up.
    Send {
        /// What for.
        kind: SendKind,
        /// `wsGroupID`.
        group: u8,
        /// `correlator`.
        correlator: u16,
        /// The registration that it is about.
        object: ObjectId,
        /// `maxObjIDSeqUsed`: do not count from below this.
        max_sequence: u32,
    },
    /// Something is done to a workset.
    Operation {
        /// `wsGroupID`.
        group: u8,
        /// `worksetID`.
        workset: u8,
        /// When.
        stamp: Stamp,
        /// What.
        operation: Operation<'a>,
    },
    /// `MORE_DATA`: the message before goes on.
    MoreData {
        /// The octets in this message.
        data: &'a [u8],
    },
}

/// No compression, which is what this implementation says of itself: the format of the other is
/// not known.
pub const NO_COMPRESSION: u32 = 4;

const HELLO: u16 = 0x0a;
const WELCOME: u16 = 0x0b;
const MORE_DATA: u16 = 0x46;
const LOCKS: [(u16, LockKind); 5] = [
    (0x15, LockKind::Request),
    (0x16, LockKind::Grant),
    (0x17, LockKind::Deny),
    (0x18, LockKind::Unlock),
    (0x19, LockKind::Notify),
];
const SENDS: [(u16, SendKind); 4] = [
    (0x1e, SendKind::Request),
    (0x1f, SendKind::Midway),
    (0x20, SendKind::Complete),
    (0x21, SendKind::Deny),
];

/// What stands behind the fixed octets: a length, and as many octets.
fn data(octets: &[u8], at: usize) -> Result<&[u8], ParseError> {
    let head = wire::head(octets, at + 4)?;
    let len = wire::at::<u32>(head, at) as usize;
    let rest = octets.get(at + 4..).and_then(|rest| rest.get(..len));
    rest.ok_or(wire::error(Fault::UnexpectedEnd, octets.len()))
}

impl<'a> Message<'a> {
    /// Reads a message that MCS has brought.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        let head = wire::head(octets, 4)?;
        let (sender, kind) = (wire::at::<u16>(head, 0), wire::at::<u16>(head, 2));
        let lock = LOCKS.iter().find(|(number, _)| *number == kind);
        let send = SENDS.iter().find(|(number, _)| *number == kind);
        let body = if let Some((_, kind)) = lock {
            let head = wire::head(octets, 12)?;
            Body::Lock {
                kind: *kind,
                group: wire::at(head, 4),
                workset: wire::at(head, 5),
                correlator: wire::at(head, 6),
            }
        } else if let Some((_, kind)) = send {
            let head = wire::head(octets, 20)?;
            Body::Send {
                kind: *kind,
                group: wire::at(head, 4),
                correlator: wire::at(head, 6),
                object: wire::at(head, 8),
                max_sequence: wire::at(head, 16),
            }
        } else {
            match kind {
                HELLO | WELCOME => {
                    let compression = wire::at(wire::head(octets, 12)?, 8);
                    if kind == HELLO {
                        Body::Hello { compression }
                    } else {
                        Body::Welcome { compression }
                    }
                }
                MORE_DATA => Body::MoreData { data: data(octets, 4)? },
                _ => operation(kind, octets)?,
            }
        };
        Ok(Self { sender, body })
    }

    /// How many octets the encoding has.
    pub const fn encoded_len(&self) -> usize {
        match self.body {
            Body::Hello { .. } | Body::Welcome { .. } | Body::Lock { .. } => 12,
            Body::Send { .. } => 20,
            Body::MoreData { data } => 8 + data.len(),
            Body::Operation { operation, .. } => match operation {
                Operation::WorksetClear => 16,
                Operation::WorksetNew { .. }
                | Operation::ObjectDelete { .. }
                | Operation::ObjectMove { .. } => 24,
                Operation::ObjectAdd { data, .. } => 36 + data.len(),
                Operation::ObjectCatchup { data: Some(data), .. } => 60 + data.len(),
                Operation::ObjectCatchup { data: None, .. } => 56,
                Operation::ObjectReplace { data, .. } | Operation::ObjectUpdate { data, .. } => {
                    32 + data.len()
                }
            },
        }
    }

    /// Writes the encoding to the start of `buffer`; returns its length in octets.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let room = wire::zeroed(buffer, needed)?;
        wire::put(room, 0, self.sender);
        let kind = match self.body {
            Body::Hello { compression } | Body::Welcome { compression } => {
                wire::put(room, 4, 4u32);
                wire::put(room, 8, compression);
                if matches!(self.body, Body::Hello { .. }) { HELLO } else { WELCOME }
            }
            Body::Lock { kind, group, workset, correlator } => {
                wire::put(room, 4, group);
                wire::put(room, 5, workset);
                wire::put(room, 6, correlator);
                LOCKS.iter().find(|(_, lock)| *lock == kind).map_or(0, |(number, _)| *number)
            }
            Body::Send { kind, group, correlator, object, max_sequence } => {
                wire::put(room, 4, group);
                wire::put(room, 6, correlator);
                wire::put(room, 8, object);
                wire::put(room, 16, max_sequence);
                SENDS.iter().find(|(_, send)| *send == kind).map_or(0, |(number, _)| *number)
            }
            Body::MoreData { data } => {
                put_data(room, 4, data);
                MORE_DATA
            }
            Body::Operation { group, workset, stamp, operation } => {
                wire::put(room, 4, group);
                wire::put(room, 5, workset);
                wire::put(room, 8, stamp);
                write_operation(operation, room)
            }
        };
        wire::put(room, 2, kind);
        Ok(needed)
    }
}

fn put_data(room: &mut [u8], at: usize, data: &[u8]) {
    wire::put(room, at, data.len() as u32);
    if let Some(place) = room.get_mut(at + 4..).and_then(|rest| rest.get_mut(..data.len())) {
        place.copy_from_slice(data);
    }
}

fn operation(kind: u16, octets: &[u8]) -> Result<Body<'_>, ParseError> {
    let size = match kind {
        0x28 => 16,
        0x29 | 0x30 | 0x36 | 0x37 => 24,
        0x32 => 32,
        0x33 => 56,
        0x34 | 0x35 => 28,
        _ => return Err(wire::error(Fault::UnknownAlternative, 2)),
    };
    let head = wire::head(octets, size)?;
    let position = Position::of(wire::at(head, 6));
    let id: ObjectId = wire::at(head, 16);
    let total_size = wire::at(head, 24);
    let operation = match kind {
        0x28 => Operation::WorksetClear,
        0x29 | 0x30 => Operation::WorksetNew {
            priority: wire::at(head, 6),
            persistent: wire::at::<u8>(head, 16) != 0,
            catchup: kind == 0x30,
        },
        0x32 => {
            let (update_size, data) = (wire::at(head, 28), data(octets, 32)?);
            Operation::ObjectAdd { id, position, total_size, update_size, data }
        }
        0x33 => Operation::ObjectCatchup {
            id,
            position,
            total_size,
            update_size: wire::at(head, 28),
            position_stamp: wire::at(head, 32),
            replace_stamp: wire::at(head, 40),
            update_stamp: wire::at(head, 48),
            data: if octets.len() > 56 { Some(data(octets, 56)?) } else { None },
        },
        0x34 => Operation::ObjectReplace { id, total_size, data: data(octets, 28)? },
        0x35 => Operation::ObjectUpdate { id, total_size, data: data(octets, 28)? },
        0x36 => Operation::ObjectDelete { id },
        _ => Operation::ObjectMove { id, position },
    };
    Ok(Body::Operation {
        group: wire::at(head, 4),
        workset: wire::at(head, 5),
        stamp: wire::at(head, 8),
        operation,
    })
}

fn write_operation(operation: Operation<'_>, room: &mut [u8]) -> u16 {
    match operation {
        Operation::WorksetClear => 0x28,
        Operation::WorksetNew { priority, persistent, catchup } => {
            wire::put(room, 6, priority);
            wire::put(room, 16, u8::from(persistent));
            if catchup { 0x30 } else { 0x29 }
        }
        Operation::ObjectAdd { id, position, total_size, update_size, data } => {
            wire::put(room, 6, position.number());
            wire::put(room, 16, id);
            wire::put(room, 24, total_size);
            wire::put(room, 28, update_size);
            put_data(room, 32, data);
            0x32
        }
        Operation::ObjectCatchup {
            id,
            position,
            total_size,
            update_size,
            position_stamp,
            replace_stamp,
            update_stamp,
            data,
        } => {
            wire::put(room, 6, position.number());
            wire::put(room, 16, id);
            wire::put(room, 24, total_size);
            wire::put(room, 28, update_size);
            wire::put(room, 32, position_stamp);
            wire::put(room, 40, replace_stamp);
            wire::put(room, 48, update_stamp);
            if let Some(data) = data {
                put_data(room, 56, data);
            }
            0x33
        }
        Operation::ObjectReplace { id, total_size, data } => {
            wire::put(room, 16, id);
            wire::put(room, 24, total_size);
            put_data(room, 28, data);
            0x34
        }
        Operation::ObjectUpdate { id, total_size, data } => {
            wire::put(room, 16, id);
            wire::put(room, 24, total_size);
            put_data(room, 28, data);
            0x35
        }
        Operation::ObjectDelete { id } => {
            wire::put(room, 16, id);
            0x36
        }
        Operation::ObjectMove { id, position } => {
            wire::put(room, 6, position.number());
            wire::put(room, 16, id);
            0x37
        }
    }
}
