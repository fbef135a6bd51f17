//! What stands on a board, as the host sees it.

use core::fmt;

use super::bitmap::Bitmap;
use super::pdu::{PointList, ViewState as ViewStatePdu};
use crate::mcs::UserId;
use crate::per::BmpString;

/// Names an object on the board, on all nodes alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ObjectId(pub u32);

impl ObjectId {
    /// The node that has made it, where one of this implementation has: its number is the upper
    /// half of the handle.
    pub const fn node(self) -> Option<UserId> {
        UserId::new((self.0 >> 16) as u16)
    }
}

/// Names a page (a workspace), on all nodes alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PageId(pub u32);

impl PageId {
    /// The page that each conference begins with.
    pub const FIRST: Self = Self(1);
}

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
    /// White.
    pub const WHITE: Self = Self::new(255, 255, 255);

    /// A colour.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }
}

/// The tip of a pen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Nib {
    /// Round.
    #[default]
    Circular,
    /// Square.
    Square,
}

/// How a line is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LineStyle {
    /// Not at all.
    #[default]
    Solid,
    /// Dashes.
    Dashed,
    /// Dots.
    Dotted,
    /// Dash, dot.
    DashDot,
    /// Dash, dot, dot.
    DashDotDot,
    /// Two colours in turn.
    TwoTone,
}

/// What lines are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pen {
    /// Its colour.
    pub color: Color,
    /// Its thickness, in units of the grid, 1 or more.
    pub thickness: u8,
    /// Its tip.
    pub nib: Nib,
    /// How its line is broken.
    pub style: LineStyle,
    /// Whether it is a marker: what lies below shows through.
    pub highlight: bool,
}

impl Pen {
    /// A solid, round pen.
    pub const fn new(color: Color, thickness: u8) -> Self {
        let (nib, style) = (Nib::Circular, LineStyle::Solid);
        Self { color, thickness, nib, style, highlight: false }
    }

    /// A marker, which lets through what lies below.
    pub const fn marker(color: Color, thickness: u8) -> Self {
        Self { highlight: true, ..Self::new(color, thickness) }
    }
}

impl Default for Pen {
    fn default() -> Self {
        Self::new(Color::BLACK, 1)
    }
}

/// Whether an object is seen, and as chosen by somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ViewState {
    /// As it is.
    #[default]
    Unselected,
    /// Somebody works on it.
    Selected,
    /// It is not shown.
    Hidden,
}

impl ViewState {
    pub(super) const fn pdu(self) -> ViewStatePdu<'static> {
        match self {
            Self::Unselected => ViewStatePdu::Unselected,
            Self::Selected => ViewStatePdu::Selected,
            Self::Hidden => ViewStatePdu::Hidden,
        }
    }

    pub(super) const fn of(pdu: ViewStatePdu<'_>) -> Self {
        match pdu {
            ViewStatePdu::Selected => Self::Selected,
            ViewStatePdu::Hidden => Self::Hidden,
            ViewStatePdu::Unselected | ViewStatePdu::NonStandardViewState(_) => Self::Unselected,
        }
    }
}

/// Where an object goes among those that overlap it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ZOrder {
    /// Above all others.
    Front,
    /// Below all others.
    Back,
}

/// How a drawing is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rotation {
    /// By how many sixtieths of a degree, 0 to 21599.
    pub minutes: u16,
    /// About this point, from the drawing's first point.
    pub axis: Point,
}

/// The points of a line.
#[derive(Clone, Copy)]
pub struct Points<'a>(pub(super) Line<'a>);

#[derive(Clone, Copy)]
pub(super) enum Line<'a> {
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
        let behind = list.into_iter().flat_map(diffs);
        let behind = behind.scan(anchor.unwrap_or_default(), |at, diff| {
            at.x = at.x.saturating_add(diff.x);
            at.y = at.y.saturating_add(diff.y);
            Some(*at)
        });
        slice.iter().copied().chain(anchor).chain(behind)
    }
}

/// How far each point is from the one before.
pub(super) fn diffs(list: PointList<'_>) -> impl Iterator<Item = Point> {
    let (mut four, mut eight, mut sixteen) = (None, None, None);
    match list {
        PointList::PointsDiff4(list) => four = Some(list),
        PointList::PointsDiff8(list) => eight = Some(list),
        PointList::PointsDiff16(list) => sixteen = Some(list),
    }
    // All of them lie far within 32 bits.
    let point = |x: i64, y: i64| Point { x: x as i32, y: y as i32 };
    let four = four.into_iter().flat_map(|list| list.iter());
    let four = four.map(move |diff| point(diff.x_coordinate.value(), diff.y_coordinate.value()));
    let eight = eight.into_iter().flat_map(|list| list.iter());
    let eight = eight.map(move |diff| point(diff.x_coordinate.value(), diff.y_coordinate.value()));
    let sixteen = sixteen.into_iter().flat_map(|list| list.iter());
    let sixteen =
        sixteen.map(move |diff| point(diff.x_coordinate.value(), diff.y_coordinate.value()));
    four.chain(eight).chain(sixteen)
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
    /// A line through all the points and back to the first.
    Polygon(Points<'a>),
    /// Each of the points alone.
    Dots(Points<'a>),
    /// A picture; see [`Conference::place`](crate::conference::Conference::place).
    Bitmap(Bitmap<'a>),
}

/// The characters of a text on the board.
#[derive(Clone, Copy, PartialEq)]
pub struct Text<'a>(pub(super) Characters<'a>);

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Characters<'a> {
    Bmp(BmpString<'a, 1, 255>),
    /// Lines of NetMeeting's text.
    Lines(crate::netmeeting::text::Lines<'a>),
}

impl<'a> Text<'a> {
    /// A text of 1 to [`MAX_TEXT_UNITS`](super::MAX_TEXT_UNITS) UTF-16 units.
    pub fn new(text: &'a str) -> Option<Self> {
        BmpString::new(text).map(|text| Self(Characters::Bmp(text)))
    }

    /// The characters; lines end with `\n`.
    pub fn chars(&self) -> impl Iterator<Item = char> + 'a {
        let (bmp, lines) = match &self.0 {
            Characters::Bmp(text) => (Some(text.chars()), None),
            Characters::Lines(lines) => (None, Some(lines.chars())),
        };
        bmp.into_iter().flatten().chain(lines.into_iter().flatten())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.chars() {
            write!(f, "{}", c.escape_debug())?;
        }
        f.write_str("\"")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Text<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "text of {} characters", self.chars().count());
    }
}

/// What stands on the board.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Object<'a> {
    /// Its name; without one it cannot be edited, and goes with its page.
    pub id: Option<ObjectId>,
    /// The page that it stands on.
    pub page: PageId,
    /// The plane of the page: higher ones lie over lower ones.
    pub plane: u8,
    /// What it is.
    pub shape: Shape<'a>,
    /// What its lines are drawn with, or its characters written.
    pub pen: Pen,
    /// What it is filled with.
    pub fill: Option<Color>,
    /// Whether it is seen.
    pub view: ViewState,
    /// How it is turned.
    pub rotation: Option<Rotation>,
}

/// What is changed of an object; what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Edit<'a> {
    /// Another pen.
    pub pen: Option<Pen>,
    /// Another filling, or none any more.
    pub fill: Option<Option<Color>>,
    /// Moves it: where its first point comes to lie, or its upper left corner.
    pub at: Option<Point>,
    /// Points of a drawing, from the one of this number on; those behind its last one lengthen
    /// it, as long as it has no more than [`MAX_POINTS`](super::MAX_POINTS).
    pub points: Option<(u16, Points<'a>)>,
    /// Turns a drawing.
    pub rotation: Option<Rotation>,
    /// Puts it above or below the others of its plane.
    pub order: Option<ZOrder>,
    /// Whether it is seen.
    pub view: Option<ViewState>,
    /// Another text, with another height.
    pub text: Option<(u16, Text<'a>)>,
}

/// A page: a workspace of T.126.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Page {
    /// Its name.
    pub id: PageId,
    /// Its width, in units of the grid.
    pub width: u16,
    /// Its height, in units of the grid.
    pub height: u16,
    /// What lies below all that is drawn.
    pub background: Option<Color>,
    /// How many planes it has.
    pub planes: u16,
}

/// The pointer of a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Pointer {
    /// Its name.
    pub id: ObjectId,
    /// The page that it points at.
    pub page: PageId,
    /// Where its tip is.
    pub at: Point,
    /// The colour of its first pixel, where that can be told.
    pub color: Option<Color>,
}
