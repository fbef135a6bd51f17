//! Objects whose octets come in several messages.

use super::message::{Body, Message, Operation};
use crate::error::{Error, Full};
use crate::storage::{Records, Room};

/// Puts objects together whose octets come in several messages: one at a time of each sender, on
/// each channel.
#[derive(Debug)]
pub struct Assembly<'s> {
    records: Records<'s>,
    max_octets: usize,
}

/// The octets of an object that a message announces, and those that it has.
const fn sizes(message: &Message<'_>) -> Option<(usize, usize)> {
    let Body::Operation { operation, .. } = message.body else { return None };
    match operation {
        Operation::ObjectAdd { total_size, data, .. }
        | Operation::ObjectReplace { total_size, data, .. }
        | Operation::ObjectUpdate { total_size, data, .. }
        | Operation::ObjectCatchup { total_size, data: Some(data), .. } => {
            Some((total_size as usize, data.len()))
        }
        _ => None,
    }
}

/// The message with all of its object's octets.
const fn with_data<'m>(message: Message<'m>, all: &'m [u8]) -> Message<'m> {
    let Body::Operation { group, workset, stamp, mut operation } = message.body else {
        return message;
    };
    match &mut operation {
        Operation::ObjectAdd { data, .. }
        | Operation::ObjectReplace { data, .. }
        | Operation::ObjectUpdate { data, .. } => *data = all,
        Operation::ObjectCatchup { data, .. } => *data = Some(all),
        _ => {}
    }
    Message { sender: message.sender, body: Body::Operation { group, workset, stamp, operation } }
}

impl<'s> Assembly<'s> {
    /// In octets that the host lends.
    pub const fn new(octets: &'s mut [u8]) -> Self {
        let max_octets = octets.len();
        Self { records: Records::new(Room::Lent(octets)), max_octets }
    }

    /// In octets that grow up to `max_octets`.
    #[cfg(feature = "alloc")]
    pub const fn growing(max_octets: usize) -> Assembly<'static> {
        let room = Room::Growing { cells: alloc::vec::Vec::new(), limit: max_octets };
        Assembly { records: Records::new(room), max_octets }
    }

    /// Takes a message that came on a channel, and gives it to `then` when it is whole.
    ///
    /// # Errors
    /// [`Error::Parse`] for what is no message, [`Error::Full`] for an object too large to be put
    /// together, which is given up, and what `then` says.
    pub fn handle(
        &mut self,
        channel: u16,
        octets: &[u8],
        then: impl FnOnce(&Message<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let message = Message::parse(octets)?;
        let mark = u64::from(channel) << 16 | u64::from(message.sender);
        let begun = self.records.find(mark).map(|record| record.at);
        if let Body::MoreData { data } = message.body {
            // Without what it goes on from it means nothing.
            let Some(at) = begun else { return Ok(()) };
            if let Err(full) = self.records.extend(at, data) {
                self.records.remove(at);
                return Err(full.into());
            }
            return self.finish(at, then);
        }
        if let Some(at) = begun.filter(|_| sizes(&message).is_some()) {
            // What was begun before is not ended any more.
            self.records.remove(at);
        }
        match sizes(&message) {
            Some((total, here)) if total > here => {
                if total > self.max_octets {
                    return Err(Error::Full(Full { capacity: self.max_octets }));
                }
                self.records.push(mark, octets)?;
                Ok(())
            }
            _ => then(&message),
        }
    }

    /// A user has left: what it had begun is not ended any more.
    pub fn handle_left(&mut self, user: u16) {
        loop {
            let found = self.records.iter().find(|record| record.mark as u16 == user);
            let Some(at) = found.map(|record| record.at) else { return };
            self.records.remove(at);
        }
    }

    fn finish(
        &mut self,
        at: usize,
        then: impl FnOnce(&Message<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(record) = self.records.get(at) else { return Ok(()) };
        let message = Message::parse(record.octets)?;
        let Some((total, here)) = sizes(&message) else { return Ok(()) };
        // The first message's data are followed by those of the rest.
        let start = message.encoded_len().saturating_sub(here);
        let all = record.octets.get(start..).unwrap_or_default();
        if all.len() < total {
            return Ok(());
        }
        let all = all.get(..total).unwrap_or_default();
        let result = then(&with_data(message, all));
        self.records.remove(at);
        result
    }
}
