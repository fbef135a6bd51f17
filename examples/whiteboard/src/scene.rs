//! What stands on the board, as plain data: for the browser, for pictures, for programs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use t120_core::conference::Conference;
use t120_core::whiteboard::{
    Bitmap, BitmapFormat, Color, LineStyle, Object, Points, Shape, ViewState,
};

/// A point of the page, in units right and down of its upper left corner.
pub type Point = [i32; 2];

/// How wide a page is that nobody has given a size.
pub const WIDTH: u16 = 1280;
/// How high a page is that nobody has given a size.
pub const HEIGHT: u16 = 800;

/// A form, by its points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Form {
    /// A line through all points.
    Line {
        /// Its points.
        points: Vec<Point>,
    },
    /// A line through all points and back to the first.
    Polygon {
        /// Its points.
        points: Vec<Point>,
    },
    /// Each point alone.
    Dots {
        /// The points.
        points: Vec<Point>,
    },
    /// A rectangle by two opposite corners.
    Rectangle {
        /// One corner.
        from: Point,
        /// The other one.
        to: Point,
    },
    /// An ellipse by two opposite corners of the rectangle around it.
    Ellipse {
        /// One corner.
        from: Point,
        /// The other one.
        to: Point,
    },
    /// Text.
    Text {
        /// The upper left corner of its first line.
        at: Point,
        /// How high a line is.
        height: u16,
        /// Its characters.
        text: String,
    },
    /// A picture; its octets are apart from it.
    Picture {
        /// Its upper left corner.
        at: Point,
        /// How far its lower right corner is from there.
        size: Point,
        /// Whether all of it has come.
        complete: bool,
    },
}

/// How the line of a form is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Style {
    /// Its colour, as `#rrggbb`.
    pub color: String,
    /// Its thickness, in units of the page.
    pub thickness: u8,
    /// Whether it is a marker: what lies below shows through.
    pub marker: bool,
    /// Whether its line is broken.
    pub dashed: bool,
    /// What it is filled with, as `#rrggbb`.
    pub fill: Option<String>,
}

impl Default for Style {
    fn default() -> Self {
        let color = "#1f2430".to_owned();
        Self { color, thickness: 3, marker: false, dashed: false, fill: None }
    }
}

/// Something on the board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// Its name; without one it cannot be changed.
    pub id: Option<u32>,
    /// The page that it stands on.
    pub page: u32,
    /// Its form.
    #[serde(flatten)]
    pub form: Form,
    /// How it is drawn.
    #[serde(flatten)]
    pub style: Style,
    /// Whether somebody has hidden it.
    pub hidden: bool,
    /// By how many degrees it is turned, and about which point of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turned: Option<(f32, Point)>,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page {
    /// Its name.
    pub id: u32,
    /// Its width.
    pub width: u16,
    /// Its height.
    pub height: u16,
    /// What lies below all that is drawn, as `#rrggbb`.
    pub background: String,
}

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The number in the conference.
    pub id: u16,
    /// The name.
    pub name: String,
    /// Whether it is this node's own.
    pub me: bool,
    /// Whether it is at the top of the conference.
    pub host: bool,
    /// The colour of the pointer, as `#rrggbb`.
    pub color: String,
}

/// Where a participant points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pointer {
    /// Whose it is.
    pub person: Option<u16>,
    /// The page.
    pub page: u32,
    /// The place.
    pub at: Point,
    /// Its colour, as `#rrggbb`.
    pub color: String,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Scene {
    /// Whether the board has all that stands on it.
    pub ready: bool,
    /// The pages.
    pub pages: Vec<Page>,
    /// What stands on them, the lowest first.
    pub items: Vec<Item>,
    /// Who takes part.
    pub people: Vec<Person>,
    /// Where they point.
    pub pointers: Vec<Pointer>,
}

/// The octets of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureData {
    /// How they are to be read.
    pub format: Format,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// The octets.
    pub octets: Vec<u8>,
}

/// How the octets of a picture are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Three octets a pixel.
    Rgb,
    /// One octet a pixel.
    Grayscale,
    /// A JPEG file.
    Jpeg,
    /// Something that this program does not show.
    Unknown,
}

/// The pictures of a board, by their names.
pub type Pictures = BTreeMap<u32, PictureData>;

impl Scene {
    /// What a node sees.
    pub fn of(node: &Conference<'_>) -> Self {
        let me = node.node();
        let people = node.roster().map(|person| Person {
            id: person.id.value(),
            name: person.name.to_owned(),
            me: Some(person.id) == me,
            host: person.superior.is_none(),
            color: hex(person_color(person.id.value())),
        });
        let board = node.board();
        let pages = board.pages().map(|page| Page {
            id: page.id.0,
            // A page as large as can be is one whose size nobody has chosen.
            width: if page.width == 21845 { WIDTH } else { page.width },
            height: if page.height == 21845 { HEIGHT } else { page.height },
            background: hex(page.background.unwrap_or(Color::WHITE)),
        });
        let pointers = board.pointers().map(|pointer| Pointer {
            person: pointer.id.node().map(|node| node.value()),
            page: pointer.page.0,
            at: [pointer.at.x, pointer.at.y],
            color: hex(pointer.color.unwrap_or(Color::BLACK)),
        });
        Self {
            ready: node.board_is_ready(),
            pages: pages.collect(),
            items: board.objects().filter_map(|object| item(&object)).collect(),
            people: people.collect(),
            pointers: pointers.collect(),
        }
    }

    /// The page with this name.
    pub fn page(&self, id: u32) -> Option<&Page> {
        self.pages.iter().find(|page| page.id == id)
    }

    /// What is to be shown on a page.
    pub fn shown(&self, page: u32) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.page == page && !item.hidden)
    }
}

/// All pictures that are complete.
pub fn pictures(node: &Conference<'_>) -> Pictures {
    let objects = node.board().objects().filter_map(|object| match object.shape {
        Shape::Bitmap(bitmap) if bitmap.is_complete() => Some((object.id?.0, data(&bitmap))),
        _ => None,
    });
    objects.collect()
}

/// The octets of a picture.
pub fn data(bitmap: &Bitmap<'_>) -> PictureData {
    let (octets, mut width, mut height) = (bitmap.data().flatten(), bitmap.width, bitmap.height);
    let mut octets: Vec<u8> = octets.copied().collect();
    let format = match bitmap.format {
        BitmapFormat::Rgb => Format::Rgb,
        BitmapFormat::Grayscale => Format::Grayscale,
        BitmapFormat::Jpeg => Format::Jpeg,
        BitmapFormat::Dib(header) => match dib(header, &octets) {
            Some(read) => {
                (width, height, octets) = read;
                Format::Rgb
            }
            None => Format::Unknown,
        },
        _ => Format::Unknown,
    };
    PictureData { format, width, height, octets }
}

/// The pixels of NetMeeting's bitmaps: 24 bits each, blue first, rows of whole words from below.
fn dib(header: &[u8], octets: &[u8]) -> Option<(u32, u32, Vec<u8>)> {
    let word = |at: usize| {
        let field = header.get(at..)?.first_chunk()?;
        Some(i32::from_le_bytes(*field))
    };
    let (width, height) = (usize::try_from(word(4)?).ok()?, word(8)?);
    let bits = header.get(14..)?.first_chunk().map(|bits| u16::from_le_bytes(*bits))?;
    if bits != 24 || word(16)? != 0 || width == 0 || width > 16384 || height == 0 {
        return None;
    }
    let row = (width * 3).next_multiple_of(4);
    let rows: Vec<&[u8]> = octets.chunks_exact(row).collect();
    let count = usize::try_from(height.unsigned_abs()).ok()?;
    let rows = rows.get(..count)?;
    let turned = |row: &&[u8]| {
        let pixels = row.as_chunks().0.iter().take(width);
        pixels.flat_map(|[blue, green, red]| [*red, *green, *blue]).collect::<Vec<u8>>()
    };
    let pixels = if height > 0 {
        rows.iter().rev().flat_map(turned).collect()
    } else {
        rows.iter().flat_map(turned).collect()
    };
    Some((u32::try_from(width).ok()?, height.unsigned_abs(), pixels))
}

/// The colour of a participant's pointer: neighbours in the roster differ.
pub fn person_color(number: u16) -> Color {
    const COLORS: [[u8; 3]; 8] = [
        [0xd6, 0x40, 0x45],
        [0x2f, 0x7d, 0xd1],
        [0x2e, 0x9e, 0x5b],
        [0xb3, 0x58, 0xd4],
        [0xe0, 0x8a, 0x1e],
        [0x12, 0x9a, 0xa6],
        [0xd1, 0x3b, 0x8e],
        [0x7a, 0x6a, 0x1f],
    ];
    // The numbers lie at random in their range.
    let mixed = u32::from(number).wrapping_mul(0x9e37_79b1) >> 24;
    let [red, green, blue] = COLORS[mixed as usize % COLORS.len()];
    Color::new(red, green, blue)
}

/// A colour as `#rrggbb`.
pub fn hex(color: Color) -> String {
    format!("#{:02x}{:02x}{:02x}", color.red, color.green, color.blue)
}

/// The colour that `#rrggbb` or `#rgb` says.
pub fn color(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#')?;
    if !digits.is_ascii() {
        return None;
    }
    let part =
        |at: usize, len: usize| u8::from_str_radix(digits.get(at * len..(at + 1) * len)?, 16).ok();
    match digits.len() {
        6 => Some(Color::new(part(0, 2)?, part(1, 2)?, part(2, 2)?)),
        3 => Some(Color::new(part(0, 1)? * 17, part(1, 1)? * 17, part(2, 1)? * 17)),
        _ => None,
    }
}

fn item(object: &Object<'_>) -> Option<Item> {
    let point = |point: t120_core::whiteboard::Point| [point.x, point.y];
    let points = |points: Points<'_>| points.iter().map(point).collect::<Vec<_>>();
    let form = match object.shape {
        Shape::Freehand(line) => Form::Line { points: points(line) },
        Shape::Polygon(line) => Form::Polygon { points: points(line) },
        Shape::Dots(dots) => Form::Dots { points: points(dots) },
        Shape::Line { from, to } => Form::Line { points: vec![point(from), point(to)] },
        Shape::Rectangle { from, to } => Form::Rectangle { from: point(from), to: point(to) },
        Shape::Ellipse { from, to } => Form::Ellipse { from: point(from), to: point(to) },
        Shape::Text { at, height, text } => {
            Form::Text { at: point(at), height, text: text.chars().collect() }
        }
        Shape::Bitmap(bitmap) => Form::Picture {
            at: point(bitmap.at),
            size: bitmap.extent.map_or_else(
                || [bitmap.width, bitmap.height].map(|side| side.min(21845) as i32),
                point,
            ),
            complete: bitmap.is_complete(),
        },
        _ => return None,
    };
    let first = match &form {
        Form::Line { points } | Form::Polygon { points } | Form::Dots { points } => {
            points.first().copied().unwrap_or_default()
        }
        Form::Rectangle { from: at, .. }
        | Form::Ellipse { from: at, .. }
        | Form::Text { at, .. }
        | Form::Picture { at, .. } => *at,
    };
    let turned = object.rotation.map(|rotation| {
        let about = [first[0] + rotation.axis.x, first[1] + rotation.axis.y];
        (f32::from(rotation.minutes) / 60.0, about)
    });
    Some(Item {
        id: object.id.map(|id| id.0),
        page: object.page.0,
        form,
        style: Style {
            color: hex(object.pen.color),
            thickness: object.pen.thickness,
            marker: object.pen.highlight,
            dashed: object.pen.style != LineStyle::Solid,
            fill: object.fill.map(hex),
        },
        hidden: object.view == ViewState::Hidden,
        turned,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_they_are_written() {
        let orange = Color::new(0xff, 0x80, 0x0a);
        assert_eq!(hex(orange), "#ff800a");
        assert_eq!(color("#ff800a"), Some(orange));
        assert_eq!(color("#0f8"), Some(Color::new(0, 255, 136)));
        assert_eq!(color("ff800a").or(color("#ff80")).or(color("#ggg")).or(color("#äöü")), None);
    }

    #[test]
    fn rows_of_a_device_independent_bitmap_come_from_below_and_blue_first() {
        let mut header = [0; 40];
        header[0] = 40;
        (header[4], header[8], header[12], header[14]) = (1, 2, 1, 24);
        let octets = [3, 2, 1, 0, 6, 5, 4, 0];
        assert_eq!(dib(&header, &octets), Some((1, 2, vec![4, 5, 6, 1, 2, 3])));
        header[14] = 8;
        assert_eq!(dib(&header, &octets), None);
        assert_eq!(dib(&header[..12], &octets), None);
    }
}
