//! The board: pages and what stands on them.

use super::bitmap::BitmapFormat;
use super::object::{Kind, Made, background, bitmap_order, made, ms_text, order, point};
use super::pdu::{
    BitmapCreatePdu, BitmapDestinationAddress, SiPdu, WorkspaceCreatePdu, WorkspaceIdentifier,
    ZOrder,
};
use super::types::{Object, ObjectId, Page, PageId, Point, Pointer};
use super::{Color, MAX_PAGES, MAX_PLANES, edit};
use crate::error::{Error, ParseError};
use crate::netmeeting::text::{MsTextKind, MsTextPdu};
use crate::storage::{Record, Records, Room};

/// Marks the records of pages; those of objects are marked with their handle alone.
const PAGE: u64 = 1 << 32;
/// Marks drawings without a handle.
const NAMELESS: u64 = 2 << 32;

/// What a PDU has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing that shows.
    Nothing,
    /// The picture.
    Picture,
    /// Somebody asks for all that stands on the board.
    RefreshWanted,
    /// All that stood on the board has come.
    RefreshDone,
}

/// The pages and their objects: the shortest series of PDUs that makes them, in the order in
/// which the objects lie over each other.
///
/// ```text
///   | page 1 | line | text | bitmap | its next part | its last part | page 2 | ellipse |
/// ```
///
/// An edit changes the PDU that made the object, so that the series does not grow; whoever joins
/// later is given the series, and has an equal board.
#[derive(Debug)]
pub struct Board<'s> {
    records: Records<'s>,
}

impl<'s> Board<'s> {
    pub(crate) const fn new(room: Room<'s, u8>) -> Self {
        Self { records: Records::new(room) }
    }

    /// The pages, in the order in which they were made.
    pub fn pages(&self) -> impl Iterator<Item = Page> {
        self.records.iter().filter_map(|record| workspace(&record)).map(|(id, pdu)| {
            // Both are of 16 bits.
            let (width, height) = (pdu.workspace_size.width, pdu.workspace_size.height);
            Page {
                id: PageId(id),
                width: width.value() as u16,
                height: height.value() as u16,
                background: background(&pdu),
                planes: u16::try_from(pdu.plane_parameters.len()).unwrap_or(u16::MAX),
            }
        })
    }

    /// The page with this name.
    pub fn page(&self, id: PageId) -> Option<Page> {
        self.pages().find(|page| page.id == id)
    }

    /// The objects of all pages, the lowest first.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        self.records.iter().filter_map(|record| self.object_of(&record).map(|(object, _)| object))
    }

    /// The objects of a page, plane by plane, the lowest first.
    pub fn objects_on(&self, page: PageId) -> impl Iterator<Item = Object<'_>> {
        let planes = self.page(page).map_or(0, |page| page.planes.min(MAX_PLANES as u16)) as u8;
        (0..planes).flat_map(move |plane| {
            self.objects().filter(move |object| object.page == page && object.plane == plane)
        })
    }

    /// The object with this name. Takes time that grows with the number of objects.
    pub fn object(&self, id: ObjectId) -> Option<Object<'_>> {
        self.object_of(&self.records.find(u64::from(id.0))?).map(|(object, _)| object)
    }

    /// The pointers of the participants.
    pub fn pointers(&self) -> impl Iterator<Item = Pointer> {
        self.records.iter().filter_map(|record| pointer(&record))
    }

    /// How many objects there are. Takes time that grows with their number.
    pub fn len(&self) -> usize {
        self.objects().count()
    }

    /// Whether nothing is drawn.
    pub fn is_empty(&self) -> bool {
        self.objects().next().is_none()
    }

    /// A number that is the same for equal boards, and hardly ever for others: an FNV-1a hash of
    /// the PDUs in their order.
    pub fn digest(&self) -> u64 {
        self.pdus().flatten().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
            (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// The board as an archive: the PDUs that make it again, in the order in which
    /// [`Conference::restore`](crate::conference::Conference::restore) takes them.
    pub fn pdus(&self) -> impl Iterator<Item = &[u8]> {
        self.records.iter().map(|record| record.octets)
    }

    pub(crate) const fn clear(&mut self) {
        self.records.clear();
    }

    /// The PDU that stands at `at`, and where the next one stands.
    pub(crate) fn pdu_at(&self, at: usize) -> Option<(&[u8], usize)> {
        let record = self.records.get(at)?;
        Some((record.octets, self.records.after(at)))
    }

    /// What an object is, for those who want to change it: its kind, its page, and where its
    /// first point stands.
    pub(crate) fn target(&self, id: ObjectId) -> Option<(Kind, PageId, Point)> {
        let record = self.records.find(u64::from(id.0))?;
        let pdu = SiPdu::parse(record.octets).ok()?;
        let made = made(&pdu)?;
        let at = match pdu {
            SiPdu::DrawingCreate(pdu) => point(pdu.anchor_point),
            _ => Point::default(),
        };
        Some((made.kind, PageId(made.page), at))
    }

    /// Whether something of this name stands on the board.
    pub(crate) fn is_known(&self, handle: u32) -> bool {
        self.find(handle).is_some() || self.find_page(handle).is_some()
    }

    /// The first object that its maker, of whom `is_gone` says so, has left as nobody else can
    /// leave it: a pointer, or a bitmap that was begun.
    pub(crate) fn orphan(
        &self,
        is_gone: impl Fn(ObjectId) -> bool,
    ) -> Option<(ObjectId, PageId, Kind)> {
        self.records.iter().find_map(|record| {
            let SiPdu::BitmapCreate(pdu) = SiPdu::parse(record.octets).ok()? else { return None };
            let id = ObjectId(pdu.bitmap_handle);
            let made = made(&SiPdu::BitmapCreate(pdu))?;
            let open = made.kind == Kind::Pointer || self.is_open(&record);
            (open && is_gone(id)).then_some((id, PageId(made.page), made.kind))
        })
    }

    /// Takes a PDU from the channel.
    pub(crate) fn apply(&mut self, octets: &[u8]) -> Result<Change, Error> {
        let pdu = SiPdu::parse(octets)?;
        if let Some(made) = made(&pdu) {
            return self.make(&made, octets);
        }
        match pdu {
            SiPdu::WorkspaceCreate(pdu) => self.make_page(&pdu, octets),
            SiPdu::WorkspaceDelete(pdu) => Ok(self.delete_page(&pdu.workspace_identifier)),
            SiPdu::WorkspaceEdit(pdu) => {
                let WorkspaceIdentifier::ActiveWorkspace(handle) = pdu.workspace_identifier else {
                    return Ok(Change::Nothing);
                };
                let Some(at) = self.find_page(handle) else { return Ok(Change::Nothing) };
                self.rewrite(at, octets)
            }
            SiPdu::WorkspaceRefreshStatus(pdu) if pdu.refresh_status => Ok(Change::RefreshDone),
            SiPdu::WorkspaceRefreshStatus(_) => Ok(Change::RefreshWanted),
            SiPdu::DrawingDelete(pdu) => Ok(self.delete(pdu.drawing_handle, &[Kind::Drawing])),
            SiPdu::TextDelete(pdu) => Ok(self.delete(pdu.text_handle, &[Kind::Text])),
            SiPdu::BitmapDelete(pdu) => {
                Ok(self.delete(pdu.bitmap_handle, &[Kind::Bitmap, Kind::Pointer]))
            }
            // Who cannot take it goes without; only its maker ends it for all.
            SiPdu::BitmapAbort(pdu) if pdu.user_id.is_none() => {
                Ok(self.delete(pdu.bitmap_handle, &[Kind::Bitmap, Kind::Pointer]))
            }
            SiPdu::BitmapCreateContinue(pdu) => self.go_on(pdu.bitmap_handle, octets),
            SiPdu::DrawingEdit(pdu) => {
                self.edit(pdu.drawing_handle, &[Kind::Drawing], order(pdu.attribute_edits), octets)
            }
            SiPdu::TextEdit(pdu) => {
                self.edit(pdu.text_handle, &[Kind::Text], order(pdu.attribute_edits), octets)
            }
            SiPdu::BitmapEdit(pdu) => {
                let order = bitmap_order(pdu.attribute_edits);
                self.edit(pdu.bitmap_handle, &[Kind::Bitmap, Kind::Pointer], order, octets)
            }
            SiPdu::NonStandard(pdu) => match ms_text(&pdu) {
                Some(MsTextPdu::Delete { handle, .. }) => Ok(self.delete(handle, &[Kind::MsText])),
                Some(MsTextPdu::Text(text)) if text.kind == MsTextKind::Edit => {
                    self.edit(text.handle, &[Kind::MsText], None, octets)
                }
                _ => Ok(Change::Nothing),
            },
            _ => Ok(Change::Nothing),
        }
    }

    fn make(&mut self, made: &Made, octets: &[u8]) -> Result<Change, Error> {
        let Some(page) = self.find_page(made.page) else { return Ok(Change::Nothing) };
        if made.kind != Kind::Pointer && self.plane(page, made.plane).is_none() {
            return Ok(Change::Nothing);
        }
        if let Some(handle) = made.handle {
            // A pointer that is shown again is where it is shown last.
            if made.kind == Kind::Pointer && self.kind(handle) == Some(Kind::Pointer) {
                self.remove(handle);
            }
            if self.is_known(handle) {
                return Ok(Change::Nothing);
            }
        }
        let at = self.records.push(made.handle.map_or(NAMELESS, u64::from), octets)?;
        if let Some(order) = made.order {
            // From now on it is where it stands, and says nothing of it.
            if let Err(error) = self.records.rewrite(at, &[], edit::edited) {
                self.records.remove(at);
                return error_is_fatal(error);
            }
            if order == ZOrder::Back {
                self.records.lower(at, self.records.after(page));
            }
        }
        Ok(Change::Picture)
    }

    fn go_on(&mut self, handle: u32, octets: &[u8]) -> Result<Change, Error> {
        let Some(record) = self.records.find(u64::from(handle)) else { return Ok(Change::Nothing) };
        if !self.is_open(&record) {
            return Ok(Change::Nothing);
        }
        self.records.push(u64::from(handle), octets)?;
        Ok(Change::Picture)
    }

    fn edit(
        &mut self,
        handle: u32,
        kinds: &[Kind],
        order: Option<ZOrder>,
        octets: &[u8],
    ) -> Result<Change, Error> {
        let Some(at) = self.editable(handle, kinds) else { return Ok(Change::Nothing) };
        let change = self.rewrite(at, octets)?;
        if change == Change::Picture {
            match order {
                Some(ZOrder::Front) => self.raise(handle),
                Some(ZOrder::Back) => self.lower(handle),
                None => {}
            }
        }
        Ok(change)
    }

    fn rewrite(&mut self, at: usize, octets: &[u8]) -> Result<Change, Error> {
        match self.records.rewrite(at, octets, edit::edited) {
            Ok(()) => Ok(Change::Picture),
            Err(error) => error_is_fatal(error),
        }
    }

    fn delete(&mut self, handle: u32, kinds: &[Kind]) -> Change {
        if self.editable(handle, kinds).is_none() {
            return Change::Nothing;
        }
        self.remove(handle);
        Change::Picture
    }

    fn remove(&mut self, handle: u32) {
        while let Some(at) = self.find(handle) {
            self.records.remove(at);
        }
    }

    fn raise(&mut self, handle: u32) {
        let mark = u64::from(handle);
        let parts = self.records.iter().filter(|record| record.mark == mark).count();
        for _ in 0..parts {
            if let Some(at) = self.find(handle) {
                self.records.raise(at);
            }
        }
    }

    fn lower(&mut self, handle: u32) {
        let mark = u64::from(handle);
        let Some(page) = self.page_of(handle).and_then(|page| self.find_page(page)) else { return };
        let to = self.records.after(page);
        let parts = self.records.iter().filter(|record| record.mark == mark).count();
        for _ in 0..parts {
            // The last part goes first, so that they stay in their order.
            let last = self.records.iter().filter(|record| record.mark == mark).last();
            if let Some(at) = last.map(|record| record.at) {
                self.records.lower(at, to);
            }
        }
    }

    fn make_page(&mut self, pdu: &WorkspaceCreatePdu<'_>, octets: &[u8]) -> Result<Change, Error> {
        let WorkspaceIdentifier::ActiveWorkspace(handle) = pdu.workspace_identifier else {
            return Ok(Change::Nothing);
        };
        let planes = pdu.plane_parameters.len();
        if self.is_known(handle) || self.pages().count() >= MAX_PAGES || planes > MAX_PLANES {
            return Ok(Change::Nothing);
        }
        self.records.push(PAGE | u64::from(handle), octets)?;
        Ok(Change::Picture)
    }

    fn delete_page(&mut self, page: &WorkspaceIdentifier<'_>) -> Change {
        let WorkspaceIdentifier::ActiveWorkspace(handle) = *page else { return Change::Nothing };
        let Some(at) = self.find_page(handle) else { return Change::Nothing };
        self.records.remove(at);
        let mut at = 0;
        while let Some(record) = self.records.get(at) {
            let pdu = SiPdu::parse(record.octets).ok();
            match pdu.and_then(|pdu| made(&pdu)).filter(|made| made.page == handle) {
                Some(Made { handle: Some(handle), .. }) => self.remove(handle),
                Some(_) => self.records.remove(at),
                None => at = self.records.after(at),
            }
        }
        Change::Picture
    }

    fn object_of<'b>(&'b self, record: &Record<'b>) -> Option<(Object<'b>, usize)> {
        let behind = self.records.after(record.at);
        if record.mark & PAGE != 0 {
            return None;
        }
        let object = Object::read(record.octets, self.records.iter_from(behind)).ok().flatten()?;
        let shown = pointer(record).is_none();
        shown.then_some((object, behind))
    }

    fn find(&self, handle: u32) -> Option<usize> {
        self.records.find(u64::from(handle)).map(|record| record.at)
    }

    fn find_page(&self, handle: u32) -> Option<usize> {
        self.records.find(PAGE | u64::from(handle)).map(|record| record.at)
    }

    fn made(&self, handle: u32) -> Option<Made> {
        let record = self.records.find(u64::from(handle))?;
        made(&SiPdu::parse(record.octets).ok()?)
    }

    fn kind(&self, handle: u32) -> Option<Kind> {
        self.made(handle).map(|made| made.kind)
    }

    fn page_of(&self, handle: u32) -> Option<u32> {
        self.made(handle).map(|made| made.page)
    }

    /// Whether the plane is there, and what stands on it can be edited.
    fn plane(&self, page: usize, plane: u8) -> Option<bool> {
        let (_, pdu) = workspace(&self.records.get(page)?)?;
        pdu.plane_parameters.iter().nth(usize::from(plane)).map(|plane| plane.editable)
    }

    /// Where an object of one of these kinds stands that can be edited.
    fn editable(&self, handle: u32, kinds: &[Kind]) -> Option<usize> {
        let made = self.made(handle)?;
        let page = self.find_page(made.page)?;
        let editable = made.kind == Kind::Pointer || self.plane(page, made.plane) == Some(true);
        let at = self.find(handle)?;
        (kinds.contains(&made.kind) && editable).then_some(at)
    }

    /// Whether more of a bitmap is to come.
    fn is_open(&self, record: &Record<'_>) -> bool {
        let last = self.records.iter_from(record.at).filter(|part| part.mark == record.mark).last();
        match last.map(|part| SiPdu::parse(part.octets)) {
            Some(Ok(SiPdu::BitmapCreate(pdu))) => pdu.more_to_follow,
            Some(Ok(SiPdu::BitmapCreateContinue(pdu))) => pdu.more_to_follow,
            _ => false,
        }
    }
}

/// An edit that cannot be is one at no node; one for which there is no room is a matter of this
/// node alone.
fn error_is_fatal(error: Error) -> Result<Change, Error> {
    match error {
        Error::Full(_) => Err(error),
        _ => Ok(Change::Nothing),
    }
}

fn workspace<'r>(record: &Record<'r>) -> Option<(u32, WorkspaceCreatePdu<'r>)> {
    if record.mark & PAGE == 0 {
        return None;
    }
    match parse(record) {
        Ok(SiPdu::WorkspaceCreate(pdu)) => match pdu.workspace_identifier {
            WorkspaceIdentifier::ActiveWorkspace(handle) => Some((handle, pdu)),
            WorkspaceIdentifier::ArchiveWorkspace(_) => None,
        },
        _ => None,
    }
}

fn parse<'r>(record: &Record<'r>) -> Result<SiPdu<'r>, ParseError> {
    SiPdu::parse(record.octets)
}

fn pointer(record: &Record<'_>) -> Option<Pointer> {
    let Ok(SiPdu::BitmapCreate(pdu)) = parse(record) else { return None };
    let BitmapDestinationAddress::SoftCopyPointerPlane(address) = pdu.destination_address else {
        return None;
    };
    Some(Pointer {
        id: ObjectId(pdu.bitmap_handle),
        page: PageId(address.workspace_handle),
        at: pdu.anchor_point.map_or(Point::default(), point),
        color: pointer_color(&pdu),
    })
}

fn pointer_color(pdu: &BitmapCreatePdu<'_>) -> Option<Color> {
    let data = pdu.bitmap_data?.data.as_slice();
    match (BitmapFormat::of(pdu.bitmap_format_header), data) {
        (BitmapFormat::Rgb, [red, green, blue, ..]) => Some(Color::new(*red, *green, *blue)),
        _ => None,
    }
}
