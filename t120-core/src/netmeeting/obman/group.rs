//! The worksets of a group, as one node has them.

use super::message::{Body, Message, ObjectId, Operation, Position, SendKind, Stamp};
use crate::error::{Error, Full, WriteError};
use crate::netmeeting::wire::{Field as _, layout};
use crate::storage::{Dense, Record, Records, Room};

layout! {
    /// What stands before an object's octets.
    Header 44 {
        /// 1 last, 2 first.
        0 position: u8,
        /// [`ADDED`] and [`DELETED`].
        1 flags: u8,
        /// How many of its first octets an update changes.
        4 update_size: u32,
        /// When it was added.
        8 added: Stamp,
        /// When it was moved last.
        16 moved: Stamp,
        /// When it was replaced last.
        24 replaced: Stamp,
        /// When it was updated last.
        32 updated: Stamp,
        /// How many octets that update had.
        40 updated_size: u32,
    }
}

/// It has been added; before that something may be known that was done to it since.
const ADDED: u8 = 1;
/// It has been deleted, or cleared away.
const DELETED: u8 = 2;

/// Room for what is known of one workset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorksetSlot(Option<Workset>);

/// A workset: an ordered list of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Workset {
    /// Its number in the group.
    pub id: u8,
    /// 0 is the highest.
    pub priority: u16,
    /// Whether it stays when all have left.
    pub persistent: bool,
    generation: u32,
    clear: Stamp,
}

/// An object of a workset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Object<'g> {
    /// Its name.
    pub id: ObjectId,
    /// Its octets.
    pub data: &'g [u8],
    /// How many of its first octets an update changes.
    pub update_size: u32,
}

/// How the octets of an object change.
#[derive(Clone, Copy)]
enum Change {
    /// They stay.
    Keep,
    /// Others take their place.
    Replace,
    /// Others take the place of the first.
    Over,
    /// Others take their place but for the first of this number.
    Under(usize),
    /// They go.
    Drop,
}

/// The worksets of a group ([MS-MNPR] section 3.1.5, sequence stamps).
///
/// Messages of several nodes may come in another order here than elsewhere: stamps decide what
/// holds, and all nodes that have got the same messages have the same objects in the same order.
#[derive(Debug)]
pub struct Group<'s> {
    id: u8,
    user: u16,
    records: Records<'s>,
    worksets: Dense<'s, WorksetSlot>,
    next_sequence: u32,
}

const fn mark(workset: u8, id: ObjectId) -> u64 {
    (workset as u64) << 48 | (id.creator as u64) << 32 | id.sequence as u64
}

const fn workset_of(mark: u64) -> u8 {
    (mark >> 48) as u8
}

const fn id_of(mark: u64) -> ObjectId {
    ObjectId { sequence: mark as u32, creator: (mark >> 32) as u16 }
}

fn split<'r>(record: &Record<'r>) -> (Header, &'r [u8]) {
    (Header::read(record.octets), record.octets.get(Header::SIZE..).unwrap_or_default())
}

impl<'s> Group<'s> {
    /// A group without worksets, in storage that the host lends: octets for the objects, each
    /// with 56 beside its own, and slots for the worksets. `user` is the node's MCS user.
    pub const fn new(
        id: u8,
        user: u16,
        octets: &'s mut [u8],
        worksets: &'s mut [WorksetSlot],
    ) -> Self {
        Self::with(id, user, Room::Lent(octets), Room::Lent(worksets))
    }

    /// A group without worksets, whose storage grows up to `max_octets`.
    #[cfg(feature = "alloc")]
    pub const fn growing(id: u8, user: u16, max_octets: usize) -> Group<'static> {
        use alloc::vec::Vec;
        let octets = Room::Growing { cells: Vec::new(), limit: max_octets };
        let worksets = Room::Growing { cells: Vec::new(), limit: 256 };
        Group::with(id, user, octets, worksets)
    }

    const fn with(id: u8, user: u16, octets: Room<'s, u8>, slots: Room<'s, WorksetSlot>) -> Self {
        let records = Records::new(octets);
        Self { id, user, records, worksets: Dense::new(slots), next_sequence: 0 }
    }

    /// Makes a workset: writes the message for all.
    ///
    /// # Errors
    /// [`Error::Full`] without room for it, or in the buffer.
    pub fn create_workset(
        &mut self,
        workset: u8,
        priority: u16,
        persistent: bool,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        let operation = Operation::WorksetNew { priority, persistent, catchup: false };
        self.act(workset, operation, buffer)
    }

    /// Takes all objects away that are there now: writes the message for all.
    ///
    /// # Errors
    /// As for [`create_workset`](Self::create_workset).
    pub fn clear(&mut self, workset: u8, buffer: &mut [u8]) -> Result<usize, Error> {
        self.act(workset, Operation::WorksetClear, buffer)
    }

    /// Adds an object: writes the message for all. `update_size` octets of its first can be
    /// updated without the rest.
    ///
    /// # Errors
    /// As for [`create_workset`](Self::create_workset).
    pub fn add(
        &mut self,
        workset: u8,
        position: Position,
        update_size: u32,
        data: &[u8],
        buffer: &mut [u8],
    ) -> Result<(ObjectId, usize), Error> {
        let sequence = self.next_sequence.wrapping_add(1);
        let id = ObjectId { sequence, creator: self.user };
        let total_size = data.len() as u32;
        let operation = Operation::ObjectAdd { id, position, total_size, update_size, data };
        let len = self.act(workset, operation, buffer)?;
        self.next_sequence = sequence;
        Ok((id, len))
    }

    /// Gives an object other octets: writes the message for all.
    ///
    /// # Errors
    /// [`Error::Unknown`] where it is not there, and as for
    /// [`create_workset`](Self::create_workset).
    pub fn replace(
        &mut self,
        workset: u8,
        id: ObjectId,
        data: &[u8],
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        self.object(workset, id).ok_or(Error::Unknown)?;
        let total_size = data.len() as u32;
        self.act(workset, Operation::ObjectReplace { id, total_size, data }, buffer)
    }

    /// Gives an object other first octets, as many as it has said: writes the message for all.
    ///
    /// # Errors
    /// [`Error::Value`] for another number of octets, and as for [`replace`](Self::replace).
    pub fn update(
        &mut self,
        workset: u8,
        id: ObjectId,
        data: &[u8],
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        let object = self.object(workset, id).ok_or(Error::Unknown)?;
        if object.update_size as usize != data.len() {
            return Err(Error::Value(crate::Fault::OutOfRange));
        }
        let total_size = data.len() as u32;
        self.act(workset, Operation::ObjectUpdate { id, total_size, data }, buffer)
    }

    /// Moves an object to the start or to the end: writes the message for all.
    ///
    /// # Errors
    /// As for [`replace`](Self::replace).
    pub fn move_to(
        &mut self,
        workset: u8,
        id: ObjectId,
        position: Position,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        self.object(workset, id).ok_or(Error::Unknown)?;
        self.act(workset, Operation::ObjectMove { id, position }, buffer)
    }

    /// Takes an object away: writes the message for all.
    ///
    /// # Errors
    /// As for [`replace`](Self::replace).
    pub fn delete(&mut self, workset: u8, id: ObjectId, buffer: &mut [u8]) -> Result<usize, Error> {
        self.object(workset, id).ok_or(Error::Unknown)?;
        self.act(workset, Operation::ObjectDelete { id }, buffer)
    }

    /// Takes a message of another node. Messages of other groups and of other kinds change
    /// nothing. An object whose octets come in several messages has to be put together before
    /// ([`Assembly`](super::Assembly)).
    ///
    /// # Errors
    /// [`Error::Full`] without room for what it says.
    pub fn handle(&mut self, message: &Message<'_>) -> Result<(), Error> {
        let Body::Operation { group, workset, stamp, operation } = message.body else {
            return Ok(());
        };
        if group != self.id {
            return Ok(());
        }
        self.apply(workset, stamp, &operation)
    }

    /// Who has left may have the same MCS user as who comes: its objects are not to be named
    /// again (`maxObjIDSeqUsed`).
    pub fn skip_sequences(&mut self, used: u32) {
        self.next_sequence = self.next_sequence.max(used);
    }

    /// The worksets.
    pub fn worksets(&self) -> impl Iterator<Item = Workset> {
        self.worksets.as_slice().iter().filter_map(|slot| slot.0)
    }

    /// The objects of a workset, in their order.
    pub fn objects(&self, workset: u8) -> impl Iterator<Item = Object<'_>> {
        self.records.iter().filter_map(move |record| {
            let (header, data) = split(&record);
            let shown = workset_of(record.mark) == workset && header.flags == ADDED;
            let (id, update_size) = (id_of(record.mark), header.update_size);
            shown.then_some(Object { id, data, update_size })
        })
    }

    /// An object of a workset.
    pub fn object(&self, workset: u8, id: ObjectId) -> Option<Object<'_>> {
        let record = self.records.find(mark(workset, id))?;
        let (header, data) = split(&record);
        let update_size = header.update_size;
        (header.flags == ADDED).then_some(Object { id, data, update_size })
    }

    /// The highest sequence that a user's objects have.
    pub fn max_sequence(&self, user: u16) -> u32 {
        let ids = self.records.iter().map(|record| id_of(record.mark));
        ids.filter(|id| id.creator == user).map(|id| id.sequence).max().unwrap_or(0)
    }

    /// Writes the next message that brings who is late up to date; `None` when all is said.
    /// `request` is the request that it answers.
    ///
    /// # Errors
    /// [`Error::Full`] where the buffer is too small: the same message is written the next time.
    pub fn catch_up(&self, state: &mut CatchUp, buffer: &mut [u8]) -> Result<Option<usize>, Error> {
        loop {
            let (body, next) = match state.step {
                Step::Worksets(number) => {
                    let slot = self.worksets.as_slice().get(number).and_then(|slot| slot.0);
                    let Some(workset) = slot else {
                        state.step = Step::Midway;
                        continue;
                    };
                    let Workset { id, priority, persistent, generation, .. } = workset;
                    let operation = Operation::WorksetNew { priority, persistent, catchup: true };
                    let stamp = Stamp { generation, user: self.user };
                    (self.operation(id, stamp, operation), Step::Cleared(number))
                }
                Step::Cleared(number) => {
                    state.step = Step::Worksets(number + 1);
                    let slot = self.worksets.as_slice().get(number).and_then(|slot| slot.0);
                    let Some(workset) = slot.filter(|workset| workset.clear != Stamp::ZERO) else {
                        continue;
                    };
                    let body = self.operation(workset.id, workset.clear, Operation::WorksetClear);
                    let len = match self.write(body, buffer) {
                        Ok(len) => len,
                        Err(error) => {
                            state.step = Step::Cleared(number);
                            return Err(error);
                        }
                    };
                    return Ok(Some(len));
                }
                Step::Midway => {
                    let max_sequence = self.max_sequence(state.user);
                    (state.body(self.id, SendKind::Midway, max_sequence), Step::Objects(0))
                }
                Step::Objects(at) => {
                    let Some(record) = self.records.get(at) else {
                        state.step = Step::Complete;
                        continue;
                    };
                    let next = Step::Objects(self.records.after(at));
                    let (header, data) = split(&record);
                    if header.flags & (ADDED | DELETED) == 0 {
                        state.step = next;
                        continue;
                    }
                    let operation = Operation::ObjectCatchup {
                        id: id_of(record.mark),
                        position: Position::of(header.position),
                        total_size: data.len() as u32,
                        update_size: header.update_size,
                        position_stamp: header.moved,
                        replace_stamp: header.replaced,
                        update_stamp: header.updated,
                        data: (header.flags & DELETED == 0).then_some(data),
                    };
                    (self.operation(workset_of(record.mark), header.added, operation), next)
                }
                Step::Complete => (state.body(self.id, SendKind::Complete, 0), Step::Done),
                Step::Done => return Ok(None),
            };
            let len = self.write(body, buffer)?;
            state.step = next;
            return Ok(Some(len));
        }
    }

    const fn operation<'m>(&self, workset: u8, stamp: Stamp, operation: Operation<'m>) -> Body<'m> {
        Body::Operation { group: self.id, workset, stamp, operation }
    }

    fn write(&self, body: Body<'_>, buffer: &mut [u8]) -> Result<usize, Error> {
        let written = Message { sender: self.user, body }.write(buffer);
        written.map_err(|error| Error::Full(Full { capacity: error.needed }))
    }

    /// Does something here, and writes the message that lets others do it too.
    fn act(
        &mut self,
        workset: u8,
        operation: Operation<'_>,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        let generation = self.workset(workset).map_or(0, |workset| workset.generation);
        let stamp = Stamp { generation: generation.wrapping_add(1), user: self.user };
        let len = self.write(self.operation(workset, stamp, operation), buffer)?;
        self.apply(workset, stamp, &operation)?;
        Ok(len)
    }

    fn workset(&self, id: u8) -> Option<Workset> {
        self.worksets().find(|workset| workset.id == id)
    }

    /// Notes the generation of what is done to a workset, which may not have been named yet.
    fn note(&mut self, id: u8, stamp: Stamp) -> Result<&mut Workset, Error> {
        let found = self
            .worksets
            .as_slice()
            .iter()
            .position(|slot| slot.0.is_some_and(|workset| workset.id == id));
        let at = match found {
            Some(at) => at,
            None => {
                let (priority, persistent) = (u16::MAX, false);
                let (generation, clear) = (0, Stamp::ZERO);
                let workset = Workset { id, priority, persistent, generation, clear };
                self.worksets.push(WorksetSlot(Some(workset)))?;
                self.worksets.as_slice().len().saturating_sub(1)
            }
        };
        let slot = self.worksets.as_mut_slice().get_mut(at).and_then(|slot| slot.0.as_mut());
        let workset = slot.ok_or(Error::Unknown)?;
        workset.generation = workset.generation.max(stamp.generation);
        Ok(workset)
    }

    fn apply(&mut self, workset: u8, stamp: Stamp, operation: &Operation<'_>) -> Result<(), Error> {
        let known = self.note(workset, stamp)?;
        match *operation {
            Operation::WorksetNew { priority, persistent, .. } => {
                (known.priority, known.persistent) = (priority, persistent);
                Ok(())
            }
            Operation::WorksetClear => {
                known.clear = known.clear.max(stamp);
                self.clear_below(workset, stamp)
            }
            Operation::ObjectAdd { id, position, update_size, data, .. } => {
                let header = Header {
                    position: position.number(),
                    flags: ADDED,
                    update_size,
                    added: stamp,
                    moved: stamp,
                    replaced: stamp,
                    updated: stamp,
                    updated_size: 0,
                };
                self.merge(workset, id, header, data)
            }
            Operation::ObjectCatchup {
                id,
                position,
                update_size,
                position_stamp,
                replace_stamp,
                update_stamp,
                data,
                ..
            } => {
                let header = Header {
                    position: position.number(),
                    flags: if data.is_some() { ADDED } else { ADDED | DELETED },
                    update_size,
                    added: stamp,
                    moved: position_stamp,
                    replaced: replace_stamp,
                    updated: update_stamp,
                    updated_size: update_size,
                };
                for stamp in [position_stamp, replace_stamp, update_stamp] {
                    self.note(workset, stamp)?;
                }
                self.merge(workset, id, header, data.unwrap_or_default())
            }
            Operation::ObjectReplace { id, data, .. } => {
                let (at, mut header) = self.entry(workset, id)?;
                if header.flags & DELETED != 0 || stamp <= header.replaced {
                    return Ok(());
                }
                header.replaced = stamp;
                let change = if header.updated > stamp {
                    Change::Under(header.updated_size as usize)
                } else {
                    header.updated = stamp;
                    Change::Replace
                };
                self.set(at, header, data, change)
            }
            Operation::ObjectUpdate { id, data, .. } => {
                let (at, mut header) = self.entry(workset, id)?;
                let wrong = header.flags & ADDED != 0 && header.update_size as usize != data.len();
                if header.flags & DELETED != 0 || wrong || stamp <= header.updated {
                    return Ok(());
                }
                (header.updated, header.updated_size) = (stamp, data.len() as u32);
                self.set(at, header, data, Change::Over)
            }
            Operation::ObjectDelete { id } => {
                let (at, mut header) = self.entry(workset, id)?;
                header.flags |= DELETED;
                self.set(at, header, &[], Change::Drop)
            }
            Operation::ObjectMove { id, position } => {
                let (at, mut header) = self.entry(workset, id)?;
                if header.flags & DELETED != 0 || stamp <= header.moved {
                    return Ok(());
                }
                (header.moved, header.position) = (stamp, position.number());
                self.set(at, header, &[], Change::Keep)?;
                self.sort_in(workset, at);
                Ok(())
            }
        }
    }

    /// Where an object stands; it is made where nothing is known of it but what is done to it.
    fn entry(&mut self, workset: u8, id: ObjectId) -> Result<(usize, Header), Error> {
        let mark = mark(workset, id);
        if let Some(record) = self.records.find(mark) {
            return Ok((record.at, split(&record).0));
        }
        let header = Header::read(&[]);
        let mut octets = [0; Header::SIZE];
        header.write(&mut octets).map_err(|error| Error::Full(Full { capacity: error.needed }))?;
        Ok((self.records.push(mark, &octets)?, header))
    }

    /// An object is added, of which something may be known already that was done to it later.
    fn merge(&mut self, workset: u8, id: ObjectId, new: Header, data: &[u8]) -> Result<(), Error> {
        let clear = self.workset(workset).map_or(Stamp::ZERO, |workset| workset.clear);
        let (at, known) = self.entry(workset, id)?;
        let mut header = new;
        header.flags |= known.flags & DELETED;
        if header.flags & DELETED != 0 || new.added < clear {
            header.flags |= DELETED;
            return self.set(at, header, &[], Change::Drop);
        }
        if known.moved > new.moved {
            (header.moved, header.position) = (known.moved, known.position);
        }
        let is_there = known.flags & ADDED != 0;
        let old_rest = known.replaced > new.replaced || is_there && known.replaced == new.replaced;
        let old_first = known.updated > new.updated && known.updated_size == new.update_size
            || old_rest && known.updated >= new.updated;
        if old_rest {
            header.replaced = known.replaced;
        }
        if old_first {
            (header.updated, header.updated_size) = (known.updated, known.updated_size);
        }
        let first = data.get(..new.update_size as usize).unwrap_or(data);
        match (old_first, old_rest) {
            (true, true) => self.set(at, header, &[], Change::Keep)?,
            (false, true) => self.set(at, header, first, Change::Over)?,
            (true, false) => {
                self.set(at, header, data, Change::Under(known.updated_size as usize))?;
            }
            (false, false) => self.set(at, header, data, Change::Replace)?,
        }
        self.sort_in(workset, at);
        Ok(())
    }

    fn clear_below(&mut self, workset: u8, stamp: Stamp) -> Result<(), Error> {
        let mut at = 0;
        while let Some(record) = self.records.get(at) {
            let (mut header, _) = split(&record);
            let there = workset_of(record.mark) == workset && header.flags == ADDED;
            if there && header.added < stamp {
                header.flags |= DELETED;
                self.set(at, header, &[], Change::Drop)?;
            }
            at = self.records.after(at);
        }
        Ok(())
    }

    fn set(&mut self, at: usize, header: Header, data: &[u8], change: Change) -> Result<(), Error> {
        self.records.rewrite(at, data, |old, new, buffer| {
            let old = old.get(Header::SIZE..).unwrap_or_default();
            let (first, second): (&[u8], &[u8]) = match change {
                Change::Keep => (old, &[]),
                Change::Replace => (new, &[]),
                Change::Over => (new, old.get(new.len()..).unwrap_or_default()),
                Change::Under(size) => {
                    let first = old.get(..size).unwrap_or(old);
                    (first, new.get(first.len()..).unwrap_or_default())
                }
                Change::Drop => (&[], &[]),
            };
            let needed = Header::SIZE + first.len() + second.len();
            let too_small = WriteError::BufferTooSmall(crate::BufferTooSmall { needed });
            let buffer = buffer.get_mut(..needed).ok_or(too_small)?;
            header.write(buffer)?;
            let place = buffer
                .get_mut(Header::SIZE..)
                .and_then(|place| place.split_at_mut_checked(first.len()));
            if let Some((one, other)) = place {
                one.copy_from_slice(first);
                other.copy_from_slice(second);
            }
            Ok(needed)
        })
    }

    /// Puts an object where its position and its stamp say: those that are first stand before the
    /// others, the one moved last before the rest; those that are last behind, the one moved last
    /// at the end.
    fn sort_in(&mut self, workset: u8, at: usize) {
        let Some(record) = self.records.get(at) else { return };
        let (own, mark) = (split(&record).0, record.mark);
        self.records.raise(at);
        let behind = self.records.iter().find(|record| {
            let (header, _) = split(record);
            let other = workset_of(record.mark) == workset && record.mark != mark;
            let first = header.position == Position::First.number();
            let follows = match Position::of(own.position) {
                Position::First => !first || header.moved < own.moved,
                Position::Last => !first && header.moved > own.moved,
            };
            other && header.flags == ADDED && follows
        });
        let (to, own) = (behind.map(|record| record.at), self.records.find(mark));
        if let (Some(to), Some(own)) = (to, own.map(|record| record.at)) {
            self.records.lower(own, to);
        }
    }
}

/// How far somebody who is late has been brought up to date.
#[derive(Clone, Copy, Debug)]
pub struct CatchUp {
    user: u16,
    correlator: u16,
    object: ObjectId,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Worksets(usize),
    Cleared(usize),
    Midway,
    Objects(usize),
    Complete,
    Done,
}

impl CatchUp {
    /// The answer to a request; `None` for another message.
    pub const fn new(request: &Message<'_>) -> Option<Self> {
        let Body::Send { kind: SendKind::Request, correlator, object, .. } = request.body else {
            return None;
        };
        Some(Self { user: request.sender, correlator, object, step: Step::Worksets(0) })
    }

    const fn body(&self, group: u8, kind: SendKind, max_sequence: u32) -> Body<'static> {
        let Self { correlator, object, .. } = *self;
        Body::Send { kind, group, correlator, object, max_sequence }
    }
}
