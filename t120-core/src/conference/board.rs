//! The whiteboard in the conference.

use super::{BoardPhase, Conference, Phase, encode};
use crate::error::{Error, Fault, WriteError};
use crate::mcs::{ChannelId, DataPriority, UserId};
use crate::whiteboard::object::{self, BitmapHead, Kind, Place};
use crate::whiteboard::pdu::{SiPdu, WorkspaceRefreshStatusPdu};
use crate::whiteboard::{
    self, BitmapFormat, Change, Color, Edit, MAX_BITMAP_PART_OCTETS, ObjectId, PageId, PageSetup,
    Pen, Point, Shape, page,
};

/// All of the whiteboard goes with one priority, so that it stays in one order.
const PRIORITY: DataPriority = DataPriority::High;
/// The pixels of a pointer, each way.
const POINTER_SIDE: usize = 8;

const fn refresh_status(refresh_status: bool) -> SiPdu<'static> {
    SiPdu::WorkspaceRefreshStatus(WorkspaceRefreshStatusPdu {
        refresh_status,
        non_standard_parameters: None,
    })
}

/// A picture that is to be placed on a page.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Picture<'a> {
    /// Where its upper left corner comes to lie.
    pub at: Point,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// How far its lower right corner is from the upper left one, in units of the grid; one unit
    /// a pixel where it is not told.
    pub extent: Option<Point>,
    /// How its octets are to be read.
    pub format: BitmapFormat<'a>,
    /// Its octets.
    pub data: &'a [u8],
}

impl Conference<'_> {
    /// Draws a shape on the first page. It stands on the board when it has come back from the top
    /// of the conference ([`Event::BoardChanged`](super::Event::BoardChanged)), at the top itself
    /// at once.
    ///
    /// # Errors
    /// [`Error::WrongState`] before [`Event::BoardReady`](super::Event::BoardReady),
    /// [`Error::Value`] for coordinates out of range, no points or too many, and
    /// [`Error::Full`] without room to send it.
    pub fn draw(
        &mut self,
        shape: Shape<'_>,
        pen: Pen,
        fill: Option<Color>,
    ) -> Result<ObjectId, Error> {
        self.draw_on(PageId::FIRST, shape, pen, fill)
    }

    /// Draws a shape on a page.
    ///
    /// # Errors
    /// [`Error::Unknown`] where there is no such page, and as for [`draw`](Self::draw).
    pub fn draw_on(
        &mut self,
        page: PageId,
        shape: Shape<'_>,
        pen: Pen,
        fill: Option<Color>,
    ) -> Result<ObjectId, Error> {
        let (user, place) = self.place_on(page)?;
        let len =
            self.compose(|buffer| object::write_create(&place, &shape, &pen, fill, buffer))?;
        self.send_board(user, len)?;
        Ok(place.id)
    }

    /// Changes an object.
    ///
    /// # Errors
    /// [`Error::Unknown`] where there is none of this name, [`Error::Value`] where it cannot be
    /// changed so, and as for [`draw`](Self::draw).
    pub fn edit(&mut self, id: ObjectId, edit: &Edit<'_>) -> Result<(), Error> {
        let user = self.drawing_user()?;
        let (kind, page, at) = self.board.target(id).ok_or(Error::Unknown)?;
        let len = self.compose(|buffer| object::write_edit((id, page, kind), at, edit, buffer))?;
        self.send_board(user, len)
    }

    /// Takes an object off the board.
    ///
    /// # Errors
    /// [`Error::Unknown`] where there is none of this name, and as for [`draw`](Self::draw).
    pub fn delete(&mut self, id: ObjectId) -> Result<(), Error> {
        let user = self.drawing_user()?;
        let (kind, page, _) = self.board.target(id).ok_or(Error::Unknown)?;
        let len = self.compose(|buffer| object::write_delete(id, page, kind, buffer))?;
        self.send_board(user, len)
    }

    /// Places a picture on a page. It goes in parts of [`MAX_BITMAP_PART_OCTETS`].
    ///
    /// # Errors
    /// As for [`draw_on`](Self::draw_on). Where there is no room for all parts, the picture is
    /// taken away again.
    pub fn place(&mut self, page: PageId, picture: &Picture<'_>) -> Result<ObjectId, Error> {
        let (user, place) = self.place_on(page)?;
        let head = BitmapHead {
            at: picture.at,
            size: (picture.width, picture.height),
            extent: picture.extent,
            format: picture.format,
            pointer: false,
        };
        let mut parts = picture.data.chunks(MAX_BITMAP_PART_OCTETS).peekable();
        let first = parts.next().unwrap_or_default();
        let more = parts.peek().is_some();
        let len =
            self.compose(|buffer| object::write_bitmap(&place, &head, first, more, buffer))?;
        self.send_board(user, len)?;
        while let Some(part) = parts.next() {
            let more = parts.peek().is_some();
            let sent = self
                .compose(|buffer| object::write_continue(place.id, part, more, buffer))
                .and_then(|len| self.send_board(user, len));
            if let Err(error) = sent {
                // What was begun is taken away, if at least that can be said.
                let _ = self
                    .compose(|buffer| object::write_delete(place.id, page, Kind::Bitmap, buffer))
                    .and_then(|len| self.send_board(user, len));
                return Err(error);
            }
        }
        Ok(place.id)
    }

    /// Shows this node's pointer to all, or moves it. It goes when
    /// [`hide_pointer`](Self::hide_pointer) says so, or the node leaves.
    ///
    /// # Errors
    /// As for [`draw_on`](Self::draw_on).
    pub fn show_pointer(&mut self, page: PageId, at: Point, color: Color) -> Result<(), Error> {
        let user = self.drawing_user()?;
        let id = self.pointer_id()?;
        let shown = self.board.pointers().find(|pointer| pointer.id == id);
        let len = if shown.is_some_and(|shown| shown.page == page && shown.color == Some(color)) {
            let edit = Edit { at: Some(at), ..Edit::default() };
            let target = (id, page, Kind::Pointer);
            self.compose(|buffer| object::write_edit(target, at, &edit, buffer))?
        } else {
            self.board.page(page).ok_or(Error::Unknown)?;
            let mut pixels = [0; POINTER_SIDE * POINTER_SIDE * 3];
            for pixel in pixels.as_chunks_mut().0 {
                *pixel = [color.red, color.green, color.blue];
            }
            let place = Place { id, page, plane: 0 };
            let size = (POINTER_SIDE as u32, POINTER_SIDE as u32);
            let format = BitmapFormat::Rgb;
            let head = BitmapHead { at, size, extent: None, format, pointer: true };
            self.compose(|buffer| object::write_bitmap(&place, &head, &pixels, false, buffer))?
        };
        self.send_board(user, len)
    }

    /// Hides this node's pointer.
    ///
    /// # Errors
    /// As for [`draw`](Self::draw).
    pub fn hide_pointer(&mut self) -> Result<(), Error> {
        let user = self.drawing_user()?;
        let id = self.pointer_id()?;
        let kind = Kind::Pointer;
        let len = self.compose(|buffer| object::write_delete(id, PageId::FIRST, kind, buffer))?;
        self.send_board(user, len)
    }

    /// Makes a page.
    ///
    /// # Errors
    /// [`Error::Full`] where the board has [`MAX_PAGES`](whiteboard::MAX_PAGES), and as for
    /// [`draw`](Self::draw).
    pub fn create_page(&mut self, setup: &PageSetup) -> Result<PageId, Error> {
        let user = self.drawing_user()?;
        if self.board.pages().count() >= whiteboard::MAX_PAGES {
            return Err(Error::Full(crate::Full { capacity: whiteboard::MAX_PAGES }));
        }
        let id = PageId(self.new_handle()?);
        let len = self.compose(|buffer| page::write_create(id, setup, buffer))?;
        self.send_board(user, len)?;
        Ok(id)
    }

    /// Gives a page another background.
    ///
    /// # Errors
    /// As for [`draw_on`](Self::draw_on).
    pub fn edit_page(&mut self, id: PageId, background: Color) -> Result<(), Error> {
        let user = self.drawing_user()?;
        self.board.page(id).ok_or(Error::Unknown)?;
        let len = self.compose(|buffer| page::write_edit(id, background, buffer))?;
        self.send_board(user, len)
    }

    /// Takes a page away with all that stands on it.
    ///
    /// # Errors
    /// As for [`draw_on`](Self::draw_on).
    pub fn delete_page(&mut self, id: PageId) -> Result<(), Error> {
        let user = self.drawing_user()?;
        self.board.page(id).ok_or(Error::Unknown)?;
        let len = self.compose(|buffer| page::write_delete(id, buffer))?;
        self.send_board(user, len)
    }

    /// Puts one PDU of a board that was kept ([`Board::pdus`](whiteboard::Board::pdus)) on this
    /// one. What has a name that is taken already does not come twice.
    ///
    /// # Errors
    /// [`Error::Parse`] for what is no PDU of the whiteboard, and as for [`draw`](Self::draw).
    pub fn restore(&mut self, pdu: &[u8]) -> Result<(), Error> {
        let user = self.drawing_user()?;
        SiPdu::parse(pdu)?;
        let len = self.compose(|buffer| match buffer.get_mut(..pdu.len()) {
            Some(room) => {
                room.copy_from_slice(pdu);
                Ok(pdu.len())
            }
            None => Err(crate::BufferTooSmall { needed: pdu.len() }.into()),
        })?;
        self.send_board(user, len)
    }

    /// A name for something new, and where it goes.
    fn place_on(&mut self, page: PageId) -> Result<(UserId, Place), Error> {
        let user = self.drawing_user()?;
        self.board.page(page).ok_or(Error::Unknown)?;
        let id = ObjectId(self.new_handle()?);
        Ok((user, Place { id, page, plane: 0 }))
    }

    /// A handle that nothing on the board has: the node's number, and one that counts up. A node
    /// may have the number of one that has left, and what that one has drawn still stands there.
    fn new_handle(&mut self) -> Result<u32, Error> {
        let node = self.node.ok_or(Error::WrongState)?;
        for _ in 0..u16::MAX {
            self.next_object = self.next_object.wrapping_add(1).max(1);
            let handle = u32::from(node.value()) << 16 | u32::from(self.next_object);
            if !self.board.is_known(handle) {
                return Ok(handle);
            }
        }
        Err(Error::Full(crate::Full { capacity: usize::from(u16::MAX) }))
    }

    /// The name of this node's pointer.
    fn pointer_id(&self) -> Result<ObjectId, Error> {
        let node = self.node.ok_or(Error::WrongState)?;
        Ok(ObjectId(u32::from(node.value()) << 16))
    }

    /// Writes a PDU into the scratch memory; returns its length.
    fn compose(
        &mut self,
        write: impl Fn(&mut [u8]) -> Result<usize, WriteError>,
    ) -> Result<usize, Error> {
        match write(self.scratch.cells_mut()) {
            Err(WriteError::BufferTooSmall(error)) => {
                self.scratch.reserve(error.needed)?;
                Ok(write(self.scratch.cells_mut())?)
            }
            result => Ok(result?),
        }
    }

    /// A node has left: its pointer goes, and what it had begun to place.
    pub(super) fn forget_begun(&mut self, node: UserId) {
        let Some(user) = self.board_user.filter(|_| self.provider.is_top()) else { return };
        while let Some((id, page, kind)) = self.board.orphan(|id| id.node() == Some(node)) {
            let sent = self
                .compose(|buffer| object::write_delete(id, page, kind, buffer))
                .and_then(|len| self.send_board(user, len));
            // Without room, or on a plane where nothing may be deleted, it stays.
            if sent.is_err() || self.board.is_known(id.0) {
                return;
            }
        }
    }

    fn drawing_user(&self) -> Result<UserId, Error> {
        match self.board_user {
            Some(user) if self.board_phase == BoardPhase::Ready => Ok(user),
            _ => Err(Error::WrongState),
        }
    }

    /// Sends what stands in the scratch memory to all boards, and applies it at the top, where
    /// the order of changes is made.
    fn send_board(&mut self, user: UserId, len: usize) -> Result<(), Error> {
        self.flush_refresh()?;
        let octets = self.scratch.cells().get(..len).unwrap_or_default();
        let channel = ChannelId::from_number(whiteboard::CHANNEL);
        let delivery = self.provider.send_data(user, channel, PRIORITY, true, octets)?;
        if delivery.local {
            let change = self.board.apply(octets);
            return self.changed(user, change);
        }
        Ok(())
    }

    /// The whiteboard's user is attached.
    pub(super) fn board_attached(&mut self, user: UserId) -> Result<(), Error> {
        self.board_user = Some(user);
        // What stands there is of another conference.
        self.board.clear();
        let own = ChannelId::from(user);
        let channel = ChannelId::from_number(whiteboard::CHANNEL);
        if let Some(result) = self.provider.join(user, own)? {
            self.joined(user, own, result)?;
        }
        if let Some(result) = self.provider.join(user, channel)? {
            self.joined(user, channel, result)?;
        }
        Ok(())
    }

    /// The whiteboard's channel is joined: at the top the board is what it is, anywhere else it
    /// has to be asked for.
    pub(super) fn board_joined(&mut self, user: UserId) -> Result<(), Error> {
        if self.provider.is_top() {
            if self.board.page(PageId::FIRST).is_none() {
                let setup = PageSetup::default();
                let len =
                    self.compose(|buffer| page::write_create(PageId::FIRST, &setup, buffer))?;
                self.send_board(user, len)?;
            }
            self.board_phase = BoardPhase::Ready;
            self.pending.board_ready = true;
            return Ok(());
        }
        self.board_phase = BoardPhase::Asking;
        let octets =
            encode(&mut self.scratch, self.config.max_queued_octets, &refresh_status(false))?;
        let channel = ChannelId::from_number(whiteboard::CHANNEL);
        self.provider.send_data(user, channel, PRIORITY, true, octets)?;
        Ok(())
    }

    pub(super) fn handle_board(&mut self, initiator: UserId, octets: &[u8]) -> Result<(), Error> {
        // Until the board is asked for, all that changes is in what will be given.
        if matches!(self.board_phase, BoardPhase::Starting | BoardPhase::Asking)
            && Some(initiator) != self.board_user
        {
            return Ok(());
        }
        let change = self.board.apply(octets);
        self.changed(initiator, change)
    }

    fn changed(&mut self, initiator: UserId, change: Result<Change, Error>) -> Result<(), Error> {
        match change {
            Ok(Change::Nothing) => {}
            Ok(Change::Picture) => self.pending.board = true,
            Ok(Change::RefreshWanted) => {
                if Some(initiator) == self.board_user {
                    self.board.clear();
                    self.pending.board = true;
                    self.board_phase = BoardPhase::Refreshing;
                } else if self.provider.is_top() {
                    self.flush_refresh()?;
                    self.refresh = Some((initiator, 0));
                }
            }
            Ok(Change::RefreshDone) => {
                if self.board_phase == BoardPhase::Refreshing {
                    self.board_phase = BoardPhase::Ready;
                    self.pending.board_ready = true;
                    self.pending.board = true;
                }
            }
            Err(Error::Full(_)) => self.pending.board_full = true,
            // What one node cannot read must not end the conference for it.
            Err(Error::Parse(error)) if error.what != Fault::UnknownAlternative => {}
            Err(_) => {}
        }
        Ok(())
    }

    /// Queues the next object for whoever asked for the board. Whether there was one.
    pub(super) fn refresh_next(&mut self) -> bool {
        let Some((user, at)) = self.refresh.take() else { return false };
        let (Some(own), Phase::Entered) = (self.board_user, self.phase) else { return false };
        let channel = ChannelId::from(user);
        let done = refresh_status(true);
        let (octets, next) = match self.board.pdu_at(at) {
            Some((octets, next)) => (octets, Some((user, next))),
            None => match encode(&mut self.scratch, usize::MAX, &done) {
                Ok(octets) => (octets, None),
                Err(_) => return false,
            },
        };
        match self.provider.send_data(own, channel, PRIORITY, false, octets) {
            Ok(_) => {
                self.refresh = next;
                true
            }
            Err(_) => {
                self.refresh = Some((user, at));
                false
            }
        }
    }

    /// The queue is empty, and still has no room for the object whose turn it is: whoever asked
    /// for the board gets the rest of it, and the host is told. Whether there is a rest.
    pub(super) fn skip_refresh(&mut self) -> bool {
        let Some((user, at)) = self.refresh.take() else { return false };
        self.refresh = self.board.pdu_at(at).map(|(_, next)| (user, next));
        self.pending.board_full = true;
        self.refresh.is_some()
    }

    /// All of a refresh has to go out before the board changes.
    pub(super) fn flush_refresh(&mut self) -> Result<(), Error> {
        while self.refresh_next() {}
        if self.refresh.is_some() {
            let capacity = self.config.max_queued_octets;
            return Err(Error::Full(crate::Full { capacity }));
        }
        Ok(())
    }
}
