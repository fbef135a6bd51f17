//! A user of file transfer: what it offers, and what others offer to it.

use core::time::Duration;

use super::event::*;
use super::pdu::*;
use super::{DATA_CHANNEL, MAX_DATA_OCTETS};
use crate::error::{Error, Fault, Full, WriteError};
use crate::mcs::UserId as McsUser;
use crate::per::{self, Int, List, Octets, SizedOctets, Unsigned};
use crate::storage::{Dense, Room};

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Offered, and not answered.
    Offered,
    /// Accepted: by this node, or by one that it was offered to at least.
    Accepted,
    /// Its octets are under way.
    Running,
}

/// Room for one transfer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slot(Option<Entry>);

#[derive(Clone, Copy, Debug)]
struct Entry {
    transfer: Transfer,
    phase: Phase,
    channel: u16,
    /// The one user that it was offered to.
    to: Option<McsUser>,
    /// Until when it has to be answered.
    due: Option<Duration>,
    /// What is to be said of it.
    say: Option<Say>,
    /// Why it is over: to be told once nothing is to be said any more.
    ended: Option<EndReason>,
}

/// Something short that is to be sent.
#[derive(Clone, Copy, Debug)]
enum Say {
    Accept,
    Reject(RejectReason),
    Abort(AbortReason),
}

/// A user of file transfer.
#[derive(Debug)]
pub struct Session<'s> {
    config: Config,
    user: McsUser,
    entries: Dense<'s, Slot>,
    next_handle: u16,
    too_small: Option<usize>,
}

const fn handle(number: u16) -> Result<Handle, Error> {
    match Int::new(number as i64) {
        Some(handle) => Ok(handle),
        None => Err(Error::Value(Fault::OutOfRange)),
    }
}

const fn number(handle: Handle) -> u16 {
    // A handle has 16 bits.
    handle.value() as u16
}

impl<'s> Session<'s> {
    /// A user in storage that the host lends: a slot for each transfer at once. One that is over
    /// has its slot until that was told.
    pub const fn new(config: Config, user: McsUser, transfers: &'s mut [Slot]) -> Self {
        Self::with(config, user, Room::Lent(transfers))
    }

    /// A user whose storage grows up to the limit in `config`.
    #[cfg(feature = "alloc")]
    pub const fn growing(config: Config, user: McsUser) -> Self {
        let limit = config.max_transfers;
        Self::with(config, user, Room::Growing { cells: alloc::vec::Vec::new(), limit })
    }

    const fn with(config: Config, user: McsUser, room: Room<'s, Slot>) -> Self {
        Self { config, user, entries: Dense::new(room), next_handle: 0, too_small: None }
    }

    /// Offers a file: writes the offer. Where it asks for answers, [`Event::Accepted`] or
    /// [`Event::Rejected`] follow; otherwise its octets can be sent at once.
    ///
    /// # Errors
    /// [`Error::Full`] where too many files are offered, or the buffer is too small.
    pub fn offer(
        &mut self,
        now: Duration,
        offer: &Offer<'_>,
        buffer: &mut [u8],
    ) -> Result<(TransferId, Transmit), Error> {
        let names = [Octets::new(offer.name)];
        let (request, by) = offer.request.map(|(by, request)| (request, by)).unzip();
        let file_handle = self.new_handle()?;
        let pdu = MbftPdu::FileOffer(FileOfferPdu {
            file_header: header(&names, offer.size),
            data_channel_id: Int::new(i64::from(DATA_CHANNEL)).unwrap_or(Int::ZERO),
            file_handle: handle(file_handle)?,
            roster_instance: None,
            file_transmit_token: None,
            file_request_token: None,
            file_request_handle: request.map(handle).transpose()?,
            mbft_id: by.and_then(|by| Int::new(i64::from(by.value()))),
            compression_specifier: None,
            compressed_filesize: None,
            acknowledge: offer.acknowledge,
        });
        let id = TransferId { sender: self.user, handle: file_handle };
        let phase = if offer.acknowledge { Phase::Offered } else { Phase::Accepted };
        let due = offer.acknowledge.then(|| now.saturating_add(self.config.offer_timeout));
        let len = per::write(&pdu, buffer)?;
        let transfer = Transfer {
            id,
            direction: Direction::Outgoing,
            size: offer.size,
            octets: 0,
            accepted: 0,
            rejected: 0,
        };
        self.add(Entry {
            transfer,
            phase,
            channel: DATA_CHANNEL,
            to: offer.to,
            due,
            say: None,
            ended: None,
        })?;
        let channel = offer.to.map_or(Channel::Control, Channel::User);
        Ok((id, Transmit { channel, len }))
    }

    /// Writes the next octets of a file that this node sends. `name` is that of the offer; `end`
    /// says that they are the last. At most [`MAX_DATA_OCTETS`] go at once.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a file that is not offered any more, [`Error::WrongState`] before
    /// somebody has accepted it, [`Error::Value`] for too many octets, or for more or fewer than
    /// were announced, and [`Error::Full`] where the buffer is too small.
    pub fn send(
        &mut self,
        id: TransferId,
        name: &[u8],
        octets: &[u8],
        end: bool,
        buffer: &mut [u8],
    ) -> Result<Transmit, Error> {
        let at = self.find(id).ok_or(Error::Unknown)?;
        let entry = self.entry(at).ok_or(Error::Unknown)?;
        let Entry { transfer, phase, .. } = *entry;
        if transfer.direction != Direction::Outgoing || phase == Phase::Offered {
            return Err(Error::WrongState);
        }
        let wrong = Error::Value(Fault::OutOfRange);
        let sent = transfer.octets.checked_add(octets.len() as u64).ok_or(wrong)?;
        if transfer.size.is_some_and(|size| sent > size || end && sent < size) {
            return Err(wrong);
        }
        let data = SizedOctets::<0, MAX_DATA_OCTETS>::new(octets).ok_or(wrong)?;
        let names = [Octets::new(name)];
        let pdu = if phase == Phase::Accepted {
            MbftPdu::FileStart(FileStartPdu {
                file_header: header(&names, transfer.size),
                file_handle: handle(id.handle)?,
                eof_flag: end,
                crc_flag: false,
                data_offset: Unsigned(0),
                compression_specifier: None,
                compressed_filesize: None,
                data,
                crc_check: None,
            })
        } else {
            MbftPdu::FileData(FileDataPdu {
                file_handle: handle(id.handle)?,
                eof_flag: end,
                abort_flag: false,
                data,
                crc_check: None,
            })
        };
        let len = per::write(&pdu, buffer)?;
        let channel = Channel::Data(entry.channel);
        if let Some(entry) = self.entry_mut(at) {
            entry.phase = Phase::Running;
            entry.transfer.octets = sent;
        }
        if end {
            self.finish(at, EndReason::Complete);
        }
        Ok(Transmit { channel, len })
    }

    /// Wants a file that somebody offers.
    ///
    /// # Errors
    /// [`Error::Unknown`] where it is not offered, [`Error::WrongState`] where it was answered.
    pub fn accept(&mut self, id: TransferId) -> Result<(), Error> {
        let entry = self.incoming(id)?;
        (entry.phase, entry.say, entry.due) = (Phase::Accepted, Some(Say::Accept), None);
        Ok(())
    }

    /// Does not want a file that somebody offers.
    ///
    /// # Errors
    /// As for [`accept`](Self::accept).
    pub fn reject(&mut self, id: TransferId, reason: RejectReason) -> Result<(), Error> {
        let entry = self.incoming(id)?;
        entry.end(EndReason::Rejected);
        entry.say = Some(Say::Reject(reason));
        Ok(())
    }

    /// Gives a transfer up, whichever way it goes.
    ///
    /// # Errors
    /// [`Error::Unknown`] where there is none of this name.
    pub fn abort(&mut self, id: TransferId, reason: AbortReason) -> Result<(), Error> {
        let at = self.find(id).ok_or(Error::Unknown)?;
        let entry = self.entry_mut(at).ok_or(Error::Unknown)?;
        entry.end(EndReason::Aborted);
        entry.say = Some(Say::Abort(reason));
        Ok(())
    }

    /// Asks a user for a file: writes the request. Returns its handle, too, which an offer names
    /// that answers it.
    ///
    /// # Errors
    /// [`Error::Full`] where the buffer is too small.
    pub fn request(
        &mut self,
        of: McsUser,
        name: &[u8],
        buffer: &mut [u8],
    ) -> Result<(u16, Transmit), Error> {
        let request = self.new_handle()?;
        let names = [Octets::new(name)];
        let pdu = MbftPdu::FileRequest(FileRequestPdu {
            file_header: header(&names, None),
            data_channel_id: Int::new(i64::from(DATA_CHANNEL)).unwrap_or(Int::ZERO),
            file_transmit_token: None,
            file_request_token: None,
            file_request_handle: handle(request)?,
        });
        let len = per::write(&pdu, buffer)?;
        Ok((request, Transmit { channel: Channel::User(of), len }))
    }

    /// Does not give a file that somebody asks for: writes the answer.
    ///
    /// # Errors
    /// [`Error::Full`] where the buffer is too small.
    pub fn deny(
        &self,
        to: McsUser,
        request: u16,
        reason: DenyReason,
        buffer: &mut [u8],
    ) -> Result<Transmit, Error> {
        let pdu = FileDenyPdu { file_request_handle: handle(request)?, reason };
        let len = per::write(&MbftPdu::FileDeny(pdu), buffer)?;
        Ok(Transmit { channel: Channel::User(to), len })
    }

    /// Asks a user what files there are: writes the request.
    ///
    /// # Errors
    /// [`Error::Full`] where the buffer is too small.
    pub fn request_directory(
        &self,
        of: McsUser,
        pathname: Option<&[Octets<'_>]>,
        buffer: &mut [u8],
    ) -> Result<Transmit, Error> {
        let pdu = DirectoryRequestPdu { pathname: pathname.map(List::new) };
        let len = per::write(&MbftPdu::DirectoryRequest(pdu), buffer)?;
        Ok(Transmit { channel: Channel::User(of), len })
    }

    /// Says what files there are: writes the answer.
    ///
    /// # Errors
    /// [`Error::Full`] where the buffer is too small.
    pub fn list<'a>(
        &self,
        to: McsUser,
        result: DirectoryResult,
        entries: &'a [DirectoryEntry<'a>],
        buffer: &mut [u8],
    ) -> Result<Transmit, Error> {
        let directory_list = List::new(entries);
        let pdu = DirectoryResponsePdu { result, pathname: None, directory_list };
        let len = per::write(&MbftPdu::DirectoryResponse(pdu), buffer)?;
        Ok(Transmit { channel: Channel::User(to), len })
    }

    /// Takes a PDU that a user has sent, on any of the channels.
    ///
    /// # Errors
    /// [`Error::Parse`] for what cannot be read, which changes nothing.
    pub fn handle_data<'d>(
        &mut self,
        now: Duration,
        from: McsUser,
        octets: &'d [u8],
    ) -> Result<Option<Event<'d>>, Error> {
        if from == self.user {
            return Ok(None);
        }
        let pdu: MbftPdu<'d> = per::parse(octets)?;
        Ok(match pdu {
            MbftPdu::FileOffer(pdu) => self.offered(now, from, &pdu)?,
            MbftPdu::FileAccept(pdu) => self.answered(from, number(pdu.file_handle), None),
            MbftPdu::FileReject(pdu) => {
                self.answered(from, number(pdu.file_handle), Some(pdu.reason))
            }
            MbftPdu::FileStart(pdu) => {
                let (handle, end) = (number(pdu.file_handle), pdu.eof_flag);
                let start = Some(pdu.data_offset.0);
                self.came(from, handle, start, pdu.data.as_slice(), end, false)
            }
            MbftPdu::FileData(pdu) => {
                let (handle, end) = (number(pdu.file_handle), pdu.eof_flag);
                self.came(from, handle, None, pdu.data.as_slice(), end, pdu.abort_flag)
            }
            MbftPdu::FileAbort(pdu) => {
                self.aborted(from, &pdu);
                None
            }
            MbftPdu::FileRequest(pdu) => Some(Event::Requested {
                by: from,
                handle: number(pdu.file_request_handle),
                header: pdu.file_header,
            }),
            MbftPdu::FileDeny(pdu) => Some(Event::Denied {
                by: from,
                handle: number(pdu.file_request_handle),
                reason: pdu.reason,
            }),
            MbftPdu::DirectoryRequest(pdu) => {
                Some(Event::DirectoryRequested { by: from, pathname: pdu.pathname })
            }
            MbftPdu::DirectoryResponse(response) => Some(Event::Directory { by: from, response }),
            pdu => Some(Event::Other { by: from, pdu }),
        })
    }

    /// A user has left the conference: what it was sending comes to no end.
    pub fn handle_left(&mut self, user: McsUser) {
        let its = |entry: &Entry| entry.ended.is_none() && entry.transfer.id.sender == user;
        while let Some(at) = self.position(its) {
            self.finish(at, EndReason::Left);
        }
    }

    /// The time that [`poll_timeout`](Self::poll_timeout) asked for has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        let late = |entry: &Entry| entry.due.is_some_and(|due| due <= now);
        while let Some(at) = self.position(late) {
            self.finish(at, EndReason::TimedOut);
        }
    }

    /// Writes the next answer or abort into `buffer`. It never needs more than
    /// [`MAX_TRANSMIT_OCTETS`](Self::MAX_TRANSMIT_OCTETS).
    #[must_use]
    pub fn poll_transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<Transmit> {
        let _ = now;
        let at = self.position(|entry| entry.say.is_some())?;
        let entry = *self.entry(at)?;
        let (id, say) = (entry.transfer.id, entry.say?);
        let file_handle = handle(id.handle).ok()?;
        let (pdu, channel) = match say {
            Say::Accept => {
                (MbftPdu::FileAccept(FileAcceptPdu { file_handle }), Channel::User(id.sender))
            }
            Say::Reject(reason) => {
                let pdu = FileRejectPdu { file_handle, reason };
                (MbftPdu::FileReject(pdu), Channel::User(id.sender))
            }
            Say::Abort(reason) => {
                let channel = match entry.transfer.direction {
                    Direction::Outgoing => Channel::Control,
                    Direction::Incoming => Channel::User(id.sender),
                };
                let pdu = FileAbortPdu {
                    reason: Some(reason),
                    data_channel_id: None,
                    transmitter_user_id: Int::new(i64::from(id.sender.value())),
                    file_handle: Some(file_handle),
                };
                (MbftPdu::FileAbort(pdu), channel)
            }
        };
        match per::write(&pdu, buffer) {
            Ok(len) => {
                if let Some(entry) = self.entry_mut(at) {
                    entry.say = None;
                }
                Some(Transmit { channel, len })
            }
            Err(WriteError::BufferTooSmall(error)) => {
                self.too_small = Some(error.needed);
                None
            }
            Err(WriteError::Value(_)) => None,
        }
    }

    /// What came of time and of the host's calls.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'static>> {
        if let Some(needed) = self.too_small.take() {
            return Some(Event::BufferTooSmall { needed });
        }
        let at = self.position(|entry| entry.ended.is_some() && entry.say.is_none())?;
        let Slot(Some(entry)) = self.entries.remove(at)? else { return None };
        Some(Event::Ended { id: entry.transfer.id, reason: entry.ended? })
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), or never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let dues = self.entries.as_slice().iter().filter_map(|slot| slot.0?.due);
        dues.min()
    }

    /// How long a PDU of [`poll_transmit`](Self::poll_transmit) may be, in octets.
    pub const MAX_TRANSMIT_OCTETS: usize = 16;

    /// The files that are offered or under way.
    pub fn transfers(&self) -> impl Iterator<Item = Transfer> {
        let entries = self.entries.as_slice().iter().filter_map(|slot| slot.0);
        entries.filter(|entry| entry.ended.is_none()).map(|entry| entry.transfer)
    }

    /// The transfer with this name.
    pub fn transfer(&self, id: TransferId) -> Option<Transfer> {
        self.transfers().find(|transfer| transfer.id == id)
    }

    /// The user.
    pub const fn user(&self) -> McsUser {
        self.user
    }

    fn new_handle(&mut self) -> Result<u16, Error> {
        for _ in 0..u16::MAX {
            self.next_handle = self.next_handle.wrapping_add(1);
            let id = TransferId { sender: self.user, handle: self.next_handle };
            if self.position(|entry| entry.transfer.id == id).is_none() {
                return Ok(self.next_handle);
            }
        }
        Err(Error::Full(Full { capacity: usize::from(u16::MAX) }))
    }

    fn add(&mut self, entry: Entry) -> Result<(), Error> {
        Ok(self.entries.push(Slot(Some(entry)))?)
    }

    fn position(&self, is: impl Fn(&Entry) -> bool) -> Option<usize> {
        self.entries.as_slice().iter().position(|slot| slot.0.as_ref().is_some_and(&is))
    }

    /// Where a transfer stands that is not over.
    fn find(&self, id: TransferId) -> Option<usize> {
        self.position(|entry| entry.transfer.id == id && entry.ended.is_none())
    }

    fn entry(&self, at: usize) -> Option<&Entry> {
        self.entries.as_slice().get(at)?.0.as_ref()
    }

    fn entry_mut(&mut self, at: usize) -> Option<&mut Entry> {
        self.entries.as_mut_slice().get_mut(at)?.0.as_mut()
    }

    /// A file that was offered to this node, and not answered.
    fn incoming(&mut self, id: TransferId) -> Result<&mut Entry, Error> {
        let at = self.find(id).ok_or(Error::Unknown)?;
        let entry = self.entry_mut(at).ok_or(Error::Unknown)?;
        let open = entry.transfer.direction == Direction::Incoming && entry.phase == Phase::Offered;
        if open { Ok(entry) } else { Err(Error::WrongState) }
    }

    fn finish(&mut self, at: usize, reason: EndReason) {
        if let Some(entry) = self.entry_mut(at) {
            entry.end(reason);
        }
    }

    fn offered<'d>(
        &mut self,
        now: Duration,
        from: McsUser,
        pdu: &FileOfferPdu<'d>,
    ) -> Result<Option<Event<'d>>, Error> {
        let id = TransferId { sender: from, handle: number(pdu.file_handle) };
        if self.find(id).is_some() {
            return Ok(None);
        }
        let transfer = Transfer {
            id,
            direction: Direction::Incoming,
            size: pdu.file_header.filesize.map(|size| size.0),
            octets: 0,
            accepted: 0,
            rejected: 0,
        };
        self.add(Entry {
            transfer,
            phase: Phase::Offered,
            // It has 16 bits.
            channel: pdu.data_channel_id.value() as u16,
            to: None,
            due: Some(now.saturating_add(self.config.offer_timeout)),
            say: None,
            ended: None,
        })?;
        Ok(Some(Event::Offered { id, header: pdu.file_header, acknowledge: pdu.acknowledge }))
    }

    /// Somebody wants a file that this node offers, or does not.
    fn answered<'d>(
        &mut self,
        by: McsUser,
        handle: u16,
        reason: Option<RejectReason>,
    ) -> Option<Event<'d>> {
        let id = TransferId { sender: self.user, handle };
        let at = self.find(id)?;
        let entry = self.entry_mut(at)?;
        entry.due = None;
        Some(match reason {
            None => {
                entry.transfer.accepted = entry.transfer.accepted.saturating_add(1);
                if entry.phase == Phase::Offered {
                    entry.phase = Phase::Accepted;
                }
                Event::Accepted { id, by }
            }
            Some(reason) => {
                entry.transfer.rejected = entry.transfer.rejected.saturating_add(1);
                if entry.to == Some(by) {
                    entry.end(EndReason::Rejected);
                }
                Event::Rejected { id, by, reason }
            }
        })
    }

    /// Octets of a file have come: of one that this node wants, or of another.
    fn came<'d>(
        &mut self,
        from: McsUser,
        handle: u16,
        start: Option<u64>,
        octets: &'d [u8],
        end: bool,
        aborted: bool,
    ) -> Option<Event<'d>> {
        let id = TransferId { sender: from, handle };
        let at = self.find(id)?;
        let max = self.config.max_file_octets;
        let entry = self.entry_mut(at)?;
        let offset = match (entry.phase, start) {
            (Phase::Accepted, Some(start)) => start,
            (Phase::Running, None) => entry.transfer.octets,
            // What begins is not known, or is not wanted.
            _ => return None,
        };
        entry.phase = Phase::Running;
        if aborted {
            entry.end(EndReason::Aborted);
            return None;
        }
        let sum = offset.checked_add(octets.len() as u64);
        let size = entry.transfer.size;
        let fits = |sum: &u64| {
            *sum <= max && size.is_none_or(|size| if end { *sum == size } else { *sum <= size })
        };
        let Some(sum) = sum.filter(fits) else {
            entry.end(EndReason::WrongSize);
            entry.say = Some(Say::Abort(AbortReason::Unspecified));
            return None;
        };
        entry.transfer.octets = sum;
        if end {
            entry.end(EndReason::Complete);
        }
        Some(Event::Data { id, offset, octets, end })
    }

    /// Somebody gives up what it sends, or what it was sent.
    fn aborted(&mut self, from: McsUser, pdu: &FileAbortPdu) {
        let by_user = pdu.transmitter_user_id.map(|user| user.value());
        let handle = pdu.file_handle.map(number);
        let own = self.user;
        let meant = |entry: &Entry| {
            let id = entry.transfer.id;
            let named = by_user.is_none_or(|user| user == i64::from(id.sender.value()))
                && handle.is_none_or(|handle| handle == id.handle);
            // Who receives ends what goes to it alone; the others still want it.
            let may = id.sender == from || id.sender == own && entry.to == Some(from);
            entry.ended.is_none() && named && may
        };
        while let Some(at) = self.position(meant) {
            self.finish(at, EndReason::Aborted);
        }
    }
}

impl Entry {
    const fn end(&mut self, reason: EndReason) {
        (self.ended, self.due, self.say) = (Some(reason), None, None);
    }
}

fn header<'a>(names: &'a [Octets<'a>], size: Option<u64>) -> FileHeader<'a> {
    FileHeader {
        filename: Some(List::new(names)),
        filesize: size.map(Unsigned),
        date_and_time_of_creation: None,
        date_and_time_of_last_modification: None,
        date_and_time_of_last_read_access: None,
        identity_of_creator: None,
        identity_of_last_modifier: None,
        identity_of_last_reader: None,
        future_filesize: None,
        legal_qualifications: None,
        application_reference: None,
        machine: None,
        operating_system: None,
        recipient: None,
        environment: None,
        pathname: None,
        user_visible_string: None,
    }
}
