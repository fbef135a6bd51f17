//! A whiteboard (T.126): one page that all nodes of a conference draw on.
//!
//! Every change goes to the top of the domain and comes back to all in one order, to its author
//! too, so that all boards are equal after each change; nothing stands on a board before it has
//! come back. Who joins later says so in the same order, and gets all that stands there from the
//! node at the top, before the next change.
//!
//! The [`Board`] keeps each object as the PDU that made it, in the order of drawing: what comes
//! later lies over what came before.

pub mod pdu;

use core::fmt;

use crate::error::{Error, Fault, ParseError, WriteError};
use crate::per::{self, BmpString, Int, List};
use crate::storage::{Records, Room};
use pdu::{
    ColorRgb, DrawingAttribute, DrawingCreatePdu, DrawingDeletePdu, DrawingType, PenThickness,
    PointDiff16, PointList, SiPdu, SoftCopyDataPlaneAddress, TextCreatePdu, TextDeletePdu,
    WorkspaceColor, WorkspacePoint,
};

/// The static channel of still image conferences (T.120 Annex A; from memory).
pub const CHANNEL: u16 = 8;
/// How many points a freehand line has at most; a longer one is drawn as several.
pub const MAX_POINTS: usize = 256;
/// How many UTF-16 units a text has at most; a longer one is drawn as several.
pub const MAX_TEXT_UNITS: usize = 255;
/// The lowest coordinate that can be drawn at. The page itself begins at 0.
pub const MIN_COORDINATE: i32 = -21845;
/// The highest coordinate that can be drawn at. The page itself ends at 21845. From one point of a
/// line to the next, and from one corner to the other, it must not be more than 32767.
pub const MAX_COORDINATE: i32 = 43690;

/// The workspace and plane of the one page.
const PAGE: SoftCopyDataPlaneAddress = SoftCopyDataPlaneAddress { workspace_handle: 1, plane: 0 };

/// Names an object on the board, on all nodes alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ObjectId(pub u32);

/// A place on the board, in units of its grid: x to the right, y down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Point {
    /// From the left.
    pub x: i32,
    /// From the top.
    pub y: i32,
}

impl Point {
    /// A place.
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }
}

/// A colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Color {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

impl Color {
    /// Black.
    pub const BLACK: Self = Self::new(0, 0, 0);

    /// A colour.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }
}

/// What lines are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pen {
    /// Its colour.
    pub color: Color,
    /// Its thickness, in units of the grid, 1 or more.
    pub thickness: u8,
}

impl Default for Pen {
    fn default() -> Self {
        Self { color: Color::BLACK, thickness: 1 }
    }
}

/// The points of a freehand line.
#[derive(Clone, Copy)]
pub struct Points<'a>(Line<'a>);

#[derive(Clone, Copy)]
enum Line<'a> {
    Slice(&'a [Point]),
    Pdu { anchor: Point, list: PointList<'a> },
}

impl<'a> Points<'a> {
    /// The points, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Point> + 'a {
        let (slice, anchor, list) = match self.0 {
            Line::Slice(points) => (points, None, None),
            Line::Pdu { anchor, list } => (&[][..], Some(anchor), Some(list)),
        };
        let (mut four, mut eight, mut sixteen) = (None, None, None);
        match list {
            Some(PointList::PointsDiff4(list)) => four = Some(list),
            Some(PointList::PointsDiff8(list)) => eight = Some(list),
            Some(PointList::PointsDiff16(list)) => sixteen = Some(list),
            None => {}
        }
        let four = four.into_iter().flat_map(|list| list.iter());
        let four = four.map(|diff| (diff.x_coordinate.value(), diff.y_coordinate.value()));
        let eight = eight.into_iter().flat_map(|list| list.iter());
        let eight = eight.map(|diff| (diff.x_coordinate.value(), diff.y_coordinate.value()));
        let sixteen = sixteen.into_iter().flat_map(|list| list.iter());
        let sixteen = sixteen.map(|diff| (diff.x_coordinate.value(), diff.y_coordinate.value()));
        let diffs = four.chain(eight).chain(sixteen);
        let behind = diffs.scan(anchor.unwrap_or_default(), |at, (x, y)| {
            at.x = at.x.saturating_add(x as i32);
            at.y = at.y.saturating_add(y as i32);
            Some(*at)
        });
        slice.iter().copied().chain(anchor).chain(behind)
    }
}

impl<'a> From<&'a [Point]> for Points<'a> {
    fn from(points: &'a [Point]) -> Self {
        Self(Line::Slice(points))
    }
}

impl PartialEq for Points<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Points<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Points<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{} points", self.iter().count());
    }
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Shape<'a> {
    /// A line through all the points.
    Freehand(Points<'a>),
    /// A straight line.
    Line {
        /// From here.
        from: Point,
        /// To there.
        to: Point,
    },
    /// A rectangle.
    Rectangle {
        /// One corner.
        from: Point,
        /// The corner that lies opposite.
        to: Point,
    },
    /// An ellipse.
    Ellipse {
        /// A corner of the rectangle that it touches.
        from: Point,
        /// The corner that lies opposite.
        to: Point,
    },
    /// A line of text.
    Text {
        /// The upper left corner of the first character.
        at: Point,
        /// How high a line is, in units of the grid.
        height: u16,
        /// The characters.
        text: Text<'a>,
    },
}

/// The characters of a text on the board.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Text<'a>(BmpString<'a, 1, 255>);

impl<'a> Text<'a> {
    /// A text of 1 to [`MAX_TEXT_UNITS`] UTF-16 units.
    pub fn new(text: &'a str) -> Option<Self> {
        BmpString::new(text).map(Self)
    }

    /// The characters.
    pub fn chars(&self) -> impl Iterator<Item = char> + 'a {
        self.0.chars()
    }
}

/// What stands on the board.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Object<'a> {
    /// Its name.
    pub id: ObjectId,
    /// What it is.
    pub shape: Shape<'a>,
    /// What its lines are drawn with, or its characters written.
    pub pen: Pen,
    /// What it is filled with.
    pub fill: Option<Color>,
}

fn workspace_point(point: Point) -> Result<WorkspacePoint, Fault> {
    let coordinate = |value: i32| Int::new(i64::from(value)).ok_or(Fault::OutOfRange);
    Ok(WorkspacePoint { x_coordinate: coordinate(point.x)?, y_coordinate: coordinate(point.y)? })
}

fn point(point: WorkspacePoint) -> Point {
    // Both lie far within 32 bits.
    Point { x: point.x_coordinate.value() as i32, y: point.y_coordinate.value() as i32 }
}

const fn color(color: Color) -> WorkspaceColor {
    WorkspaceColor::RgbTrueColor(ColorRgb { r: color.red, g: color.green, b: color.blue })
}

fn diff(from: Point, to: Point) -> PointDiff16 {
    let coordinate = |from: i32, to: i32| {
        let diff = i64::from(to).wrapping_sub(i64::from(from)).clamp(-32768, 32767);
        Int::new(diff).unwrap_or(Int::ZERO)
    };
    PointDiff16 { x_coordinate: coordinate(from.x, to.x), y_coordinate: coordinate(from.y, to.y) }
}

impl<'a> Object<'a> {
    /// Writes the PDU that draws the object.
    pub(crate) fn write(&self, buffer: &mut [u8]) -> Result<usize, WriteError> {
        let value = WriteError::Value;
        let attributes = [
            DrawingAttribute::PenColor(color(self.pen.color)),
            DrawingAttribute::PenThickness(
                PenThickness::new(self.pen.thickness).ok_or(value(Fault::OutOfRange))?,
            ),
            DrawingAttribute::FillColor(self.fill.map_or(WorkspaceColor::Transparent, color)),
        ];
        let count = if self.fill.is_some() { 3 } else { 2 };
        let attributes = attributes.get(..count).unwrap_or_default();
        let attributes = Some(List::new(attributes));
        let ends;
        let (drawing_type, points) = match self.shape {
            Shape::Text { at, height, text } => {
                let pdu = SiPdu::TextCreate(TextCreatePdu {
                    text_handle: self.id.0,
                    destination_address: PAGE,
                    attributes,
                    anchor_point: workspace_point(at).map_err(value)?,
                    text_height: height,
                    text_string: text.0,
                    non_standard_parameters: None,
                });
                return per::write(&pdu, buffer);
            }
            Shape::Freehand(Points(Line::Slice(points))) => (DrawingType::OpenPolyLine, points),
            Shape::Freehand(Points(Line::Pdu { .. })) => {
                // What stands on a board already is not drawn again from there.
                return Err(value(Fault::Fragmented));
            }
            Shape::Line { from, to } => {
                ends = [from, to];
                (DrawingType::OpenPolyLine, &ends[..])
            }
            Shape::Rectangle { from, to } => {
                ends = [from, to];
                (DrawingType::Rectangle, &ends[..])
            }
            Shape::Ellipse { from, to } => {
                ends = [from, to];
                (DrawingType::Ellipse, &ends[..])
            }
        };
        let (anchor, behind) = points.split_first().ok_or(value(Fault::OutOfRange))?;
        for pair in points.windows(2) {
            if let [from, to] = pair {
                workspace_point(*to).map_err(value)?;
                let far =
                    |a: i32, b: i32| !(-32768..=32767).contains(&(i64::from(b) - i64::from(a)));
                if far(from.x, to.x) || far(from.y, to.y) {
                    return Err(value(Fault::OutOfRange));
                }
            }
        }
        let make = |number: usize| {
            let from = points.get(number).copied().unwrap_or_default();
            diff(from, behind.get(number).copied().unwrap_or_default())
        };
        let pdu = SiPdu::DrawingCreate(DrawingCreatePdu {
            drawing_handle: Some(self.id.0),
            destination_address: PAGE,
            drawing_type,
            attributes,
            anchor_point: workspace_point(*anchor).map_err(value)?,
            sample_rate: None,
            point_list: PointList::PointsDiff16(List::made(behind.len(), &make)),
            non_standard_parameters: None,
        });
        per::write(&pdu, buffer)
    }

    /// Reads the object from the PDU that draws it; `None` where it is another PDU.
    fn read(octets: &'a [u8]) -> Result<Option<Self>, ParseError> {
        let out_of_range = ParseError { what: Fault::OutOfRange, at: 0 };
        let (id, shape, attributes) = match SiPdu::parse(octets)? {
            SiPdu::DrawingCreate(pdu) => {
                let anchor = point(pdu.anchor_point);
                let points = Points(Line::Pdu { anchor, list: pdu.point_list });
                let mut rest = points.iter().skip(1);
                let (second, third) = (rest.next(), rest.next());
                let shape = match (pdu.drawing_type, second, third) {
                    (DrawingType::Rectangle, Some(to), _) => Shape::Rectangle { from: anchor, to },
                    (DrawingType::Ellipse, Some(to), _) => Shape::Ellipse { from: anchor, to },
                    (DrawingType::OpenPolyLine, Some(to), None) => Shape::Line { from: anchor, to },
                    (DrawingType::OpenPolyLine | DrawingType::Point, ..) => Shape::Freehand(points),
                    _ => return Err(out_of_range),
                };
                (pdu.drawing_handle.ok_or(out_of_range)?, shape, pdu.attributes)
            }
            SiPdu::TextCreate(pdu) => {
                let (at, height) = (point(pdu.anchor_point), pdu.text_height);
                let shape = Shape::Text { at, height, text: Text(pdu.text_string) };
                (pdu.text_handle, shape, pdu.attributes)
            }
            _ => return Ok(None),
        };
        let mut object = Self { id: ObjectId(id), shape, pen: Pen::default(), fill: None };
        for attribute in attributes.iter().flat_map(List::iter) {
            match attribute {
                DrawingAttribute::PenColor(WorkspaceColor::RgbTrueColor(rgb)) => {
                    object.pen.color = Color::new(rgb.r, rgb.g, rgb.b);
                }
                DrawingAttribute::FillColor(WorkspaceColor::RgbTrueColor(rgb)) => {
                    object.fill = Some(Color::new(rgb.r, rgb.g, rgb.b));
                }
                DrawingAttribute::PenThickness(thickness) => {
                    object.pen.thickness = thickness.value();
                }
                _ => {}
            }
        }
        Ok(Some(object))
    }
}

/// Writes the PDU that deletes an object.
pub(crate) fn write_delete(
    id: ObjectId,
    is_text: bool,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let non_standard_parameters = None;
    let pdu = if is_text {
        SiPdu::TextDelete(TextDeletePdu { text_handle: id.0, non_standard_parameters })
    } else {
        SiPdu::DrawingDelete(DrawingDeletePdu { drawing_handle: id.0, non_standard_parameters })
    };
    per::write(&pdu, buffer)
}

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

/// The page: its objects in the order in which they were drawn.
#[derive(Debug)]
pub struct Board<'s> {
    objects: Records<'s>,
}

impl<'s> Board<'s> {
    pub(crate) const fn new(room: Room<'s, u8>) -> Self {
        Self { objects: Records::new(room) }
    }

    /// The objects, the lowest first.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        self.objects.iter().filter_map(|record| Object::read(record.octets).ok().flatten())
    }

    /// The object with this name. Takes time that grows with the number of objects.
    pub fn object(&self, id: ObjectId) -> Option<Object<'_>> {
        let record = self.objects.find(u64::from(id.0))?;
        Object::read(record.octets).ok().flatten()
    }

    /// How many objects there are. Takes time that grows with their number.
    pub fn len(&self) -> usize {
        self.objects.iter().count()
    }

    /// Whether nothing is drawn.
    pub const fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// A number that is the same for equal boards, and hardly ever for others: an FNV-1a hash of
    /// the PDUs in their order.
    pub fn digest(&self) -> u64 {
        let octets = self.objects.iter().flat_map(|record| record.octets);
        octets.fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
            (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    pub(crate) const fn clear(&mut self) {
        self.objects.clear();
    }

    /// The PDU of the object that stands at `at`, and where the next one stands.
    pub(crate) fn pdu_at(&self, at: usize) -> Option<(&[u8], usize)> {
        let record = self.objects.get(at)?;
        Some((record.octets, self.objects.after(at)))
    }

    /// Takes a PDU from the channel.
    pub(crate) fn apply(&mut self, octets: &[u8]) -> Result<Change, Error> {
        let id = match SiPdu::parse(octets)? {
            SiPdu::DrawingDelete(pdu) => pdu.drawing_handle,
            SiPdu::TextDelete(pdu) => pdu.text_handle,
            SiPdu::WorkspaceRefreshStatus(pdu) if pdu.refresh_status => {
                return Ok(Change::RefreshDone);
            }
            SiPdu::WorkspaceRefreshStatus(_) => return Ok(Change::RefreshWanted),
            _ => return self.draw(octets),
        };
        let Some(at) = self.objects.find(u64::from(id)).map(|record| record.at) else {
            return Ok(Change::Nothing);
        };
        self.objects.remove(at);
        Ok(Change::Picture)
    }

    fn draw(&mut self, octets: &[u8]) -> Result<Change, Error> {
        let Some(object) = Object::read(octets)? else { return Ok(Change::Nothing) };
        let mark = u64::from(object.id.0);
        if self.objects.find(mark).is_some() {
            return Ok(Change::Nothing);
        }
        self.objects.push(mark, octets)?;
        Ok(Change::Picture)
    }
}
