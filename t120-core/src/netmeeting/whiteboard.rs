//! The objects of NetMeeting's older whiteboard ([MS-MNPR] 2.2.5): what it keeps in the object
//! manager, a page in each workset.
//!
//! ```text
//!   | WB_GRAPHIC: length, type, bounds, colour, pen, rectangle …, 56 octets | what the type adds |
//! ```
//!
//! Whether `length` counts itself is not said: it is written as the whole, and either is read,
//! since the object manager tells how long an object is.

use super::wire::{self, Field as _, Point16, Rect16, layout};
use crate::error::{BufferTooSmall, Fault, ParseError};

/// What a drawing is: the numbers of `type`.
pub mod graphic {
    /// A freehand line.
    pub const FREEHAND: u16 = 3;
    /// A straight line.
    pub const LINE: u16 = 4;
    /// A rectangle.
    pub const RECTANGLE: u16 = 5;
    /// A rectangle that is filled.
    pub const FILLED_RECTANGLE: u16 = 6;
    /// An ellipse.
    pub const ELLIPSE: u16 = 7;
    /// An ellipse that is filled.
    pub const FILLED_ELLIPSE: u16 = 8;
    /// A text.
    pub const TEXT: u16 = 9;
    /// A device-independent bitmap.
    pub const DIB: u16 = 10;
}

layout! {
    /// `WB_GRAPHIC`: opens every drawing.
    GraphicHeader 56 {
        /// Its octets and those behind it.
        0 length: u32,
        /// One of [`graphic`].
        4 kind: u16,
        /// Where what the kind adds begins: 56.
        6 data_offset: u16,
        /// What it covers.
        8 bounds: Rect16,
        /// The pen's colour: red, green, blue.
        16 color: [u8; 3],
        /// 1 while somebody edits it.
        19 locked: u8,
        /// The pen's width, in pixels.
        20 pen_width: u16,
        /// 0 solid, 1 dash, 2 dot, 3 dash dot, 4 dash dot dot, 5 none, 6 within the frame.
        22 pen_style: u16,
        /// What defines it; a line goes from the one corner to the other.
        24 rect: Rect16,
        /// Who has it locked.
        32 lock_person: [u8; 8],
        /// How it is put over what lies below: 1 to 16, as GDI has them; 13 covers.
        40 raster_op: u16,
        /// 1 where a line is smoothed.
        42 smoothed: u8,
        /// The tool that it was drawn with.
        43 tool: u8,
        /// Whether it came from a file.
        44 loaded_from_file: u16,
        /// Who loaded it.
        46 loading_client: u16,
    }
}

layout! {
    /// What a text has before its lines.
    TextHeader 46 {
        /// The height of a character, in pixels.
        0 char_height: u16,
        /// The mean width of a character, in pixels.
        2 average_char_width: u16,
        /// 0 to 900, 400 is normal, 700 bold.
        4 stroke_weight: u16,
        /// Whether it leans.
        6 italic: u8,
        /// Whether it is underlined.
        7 underline: u8,
        /// Whether it is struck out.
        8 strikeout: u8,
        /// 0 the usual, 1 fixed, 2 variable.
        9 pitch: u8,
        /// The font's name, up to a zero.
        10 face_name: [u8; 32],
        /// 0 ANSI, 255 OEM, 65535 not known.
        42 code_page: u16,
        /// How many lines there are.
        44 string_count: u16,
    }
}

/// What a drawing adds to its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum GraphicData<'a> {
    /// Nothing: the header says it all.
    Outline,
    /// The points of a freehand line, of 4 octets each.
    Freehand(&'a [u8]),
    /// A text: its lines, each with a zero at its end.
    Text(TextHeader, &'a [u8]),
    /// A bitmap: BITMAPINFOHEADER, colours, rows from below.
    Dib(&'a [u8]),
}

/// A drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Graphic<'a> {
    /// Its header; length and offset are written as they are, whatever stands here.
    pub header: GraphicHeader,
    /// What its kind adds.
    pub data: GraphicData<'a>,
}

impl<'a> Graphic<'a> {
    /// Reads an object that is a drawing.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        let header = GraphicHeader::parse(octets)?;
        let start = match header.data_offset {
            // Where nothing is said it follows at once.
            0 => GraphicHeader::SIZE,
            offset => usize::from(offset),
        };
        let short = wire::error(Fault::UnexpectedEnd, octets.len());
        let rest = octets.get(start..).ok_or(short)?;
        let data = match header.kind {
            graphic::FREEHAND => {
                let count = usize::from(wire::at::<u16>(wire::head(rest, 2)?, 0));
                let points = rest.get(2..).and_then(|rest| rest.get(..count * Point16::SIZE));
                GraphicData::Freehand(points.ok_or(short)?)
            }
            graphic::TEXT => {
                let text = TextHeader::parse(rest)?;
                GraphicData::Text(text, rest.get(TextHeader::SIZE..).unwrap_or_default())
            }
            graphic::DIB => GraphicData::Dib(rest),
            graphic::LINE..=graphic::FILLED_ELLIPSE => GraphicData::Outline,
            _ => return Err(wire::error(Fault::UnknownAlternative, 4)),
        };
        Ok(Self { header, data })
    }

    /// How many octets the encoding has.
    pub const fn encoded_len(&self) -> usize {
        GraphicHeader::SIZE
            + match self.data {
                GraphicData::Outline => 0,
                GraphicData::Freehand(points) => 2 + points.len(),
                GraphicData::Text(_, lines) => TextHeader::SIZE + lines.len(),
                GraphicData::Dib(octets) => octets.len(),
            }
    }

    /// Writes the encoding to the start of `buffer`; returns its length in octets.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let room = wire::zeroed(buffer, needed)?;
        let header = GraphicHeader {
            length: needed as u32,
            data_offset: GraphicHeader::SIZE as u16,
            ..self.header
        };
        header.write(room)?;
        let mut rest = room.get_mut(GraphicHeader::SIZE..).unwrap_or_default();
        let octets = match self.data {
            GraphicData::Outline => &[],
            GraphicData::Freehand(points) => {
                wire::put(rest, 0, (points.len() / Point16::SIZE) as u16);
                rest = rest.get_mut(2..).unwrap_or_default();
                points
            }
            GraphicData::Text(text, lines) => {
                text.write(rest)?;
                rest = rest.get_mut(TextHeader::SIZE..).unwrap_or_default();
                lines
            }
            GraphicData::Dib(octets) => octets,
        };
        if rest.len() == octets.len() {
            rest.copy_from_slice(octets);
        }
        Ok(needed)
    }

    /// The points of a freehand line.
    pub fn points(&self) -> impl Iterator<Item = Point16> + 'a {
        let octets = match self.data {
            GraphicData::Freehand(octets) => octets,
            _ => &[],
        };
        octets.chunks_exact(Point16::SIZE).map(Point16::read)
    }

    /// The lines of a text, in octets of its code page.
    pub fn lines(&self) -> impl Iterator<Item = &'a [u8]> + 'a {
        let (count, octets) = match self.data {
            GraphicData::Text(text, octets) => (usize::from(text.string_count), octets),
            _ => (0, &[][..]),
        };
        octets.split(|octet| *octet == 0).take(count)
    }
}

/// How many pages a board has at most.
pub const MAX_PAGES: usize = 250;

layout! {
    /// `WB_PAGE_ORDER`: the pages.
    PageOrder 258 {
        /// 2.
        0 object_type: u16,
        /// The lower half of what counts up with each change.
        2 generation_low: u16,
        /// Its upper half.
        4 generation_high: u16,
        /// How many pages there are.
        6 count: u16,
        /// The workset of each page, in their order.
        8 pages: [u8; MAX_PAGES],
    }
}

impl PageOrder {
    /// What counts up with each change: the later one holds.
    pub const fn generation(&self) -> u32 {
        (self.generation_high as u32) << 16 | self.generation_low as u32
    }

    /// The worksets of the pages.
    pub fn worksets(&self) -> &[u8] {
        self.pages.get(..usize::from(self.count)).unwrap_or(&self.pages)
    }
}

layout! {
    /// `WB_LOCK`: a lock of the board. It has the same object type as [`PageOrder`], and is told
    /// by its length.
    BoardLock 8 {
        /// 2.
        0 object_type: u16,
        /// 0 none, 1 the whole board, 2 this page.
        2 lock_type: u16,
        /// Whose it is.
        4 user: u16,
    }
}

layout! {
    /// `WB_SYNC`: what those who look together look at.
    Sync 18 {
        /// The octets of all of it.
        0 length: u32,
        /// Where the rest begins.
        4 data_offset: u16,
        /// The page.
        6 current_page: u8,
        /// What of it is seen.
        8 visible: Rect16,
        /// Whether it is enlarged.
        16 zoomed: u16,
    }
}

layout! {
    /// `WB_PERSON`: a participant. Some may write it with 76 octets, the number of the node at 64.
    Person 73 {
        /// The name, up to a zero.
        0 name: [u8; 48],
        /// The number of the colour.
        48 color: u16,
        /// Whether the person looks together with others.
        50 synced: u8,
        /// The page.
        51 current_page: u8,
        /// What of it is seen.
        52 visible: Rect16,
        /// Whether the person points.
        60 pointer_active: u8,
        /// The node's number in the conference.
        61 node: u32,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn graphic(kind: u16, data: GraphicData<'_>) -> Graphic<'_> {
        let rect = Rect16 { left: -1, top: 2, right: 300, bottom: 400 };
        let header = GraphicHeader {
            length: 0,
            kind,
            data_offset: 0,
            bounds: rect,
            color: [1, 2, 3],
            locked: 0,
            pen_width: 4,
            pen_style: 2,
            rect,
            lock_person: [7; 8],
            raster_op: 13,
            smoothed: 1,
            tool: 4,
            loaded_from_file: 0,
            loading_client: 0,
        };
        Graphic { header, data }
    }

    fn written(graphic: &Graphic<'_>) -> Vec<u8> {
        let mut octets = vec![0xee; graphic.encoded_len()];
        assert_eq!(graphic.write(&mut octets), Ok(octets.len()));
        assert!(graphic.write(&mut vec![0; octets.len() - 1]).is_err());
        octets
    }

    #[test]
    fn drawings_stand_where_the_document_says_and_come_back() {
        let points = [5, 0, 6, 0, 0xff, 0xff, 8, 0];
        let text = TextHeader {
            char_height: 20,
            average_char_width: 9,
            stroke_weight: 700,
            italic: 1,
            underline: 0,
            strikeout: 0,
            pitch: 2,
            face_name: [b'a'; 32],
            code_page: 0,
            string_count: 2,
        };
        for (graphic, len) in [
            (graphic(graphic::LINE, GraphicData::Outline), 56),
            (graphic(graphic::FREEHAND, GraphicData::Freehand(&points)), 66),
            (graphic(graphic::TEXT, GraphicData::Text(text, b"one\0two\0")), 110),
            (graphic(graphic::DIB, GraphicData::Dib(b"bits")), 60),
        ] {
            let octets = written(&graphic);
            assert_eq!(octets.len(), len);
            assert_eq!(
                (octets[0], octets[4], octets[6], octets[16]),
                (len as u8, graphic.header.kind as u8, 56, 1)
            );
            let read = Graphic::parse(&octets).unwrap();
            assert_eq!((read.data, read.header.rect), (graphic.data, graphic.header.rect));
            assert_eq!(written(&read), octets);
        }
        let octets = written(&graphic(graphic::FREEHAND, GraphicData::Freehand(&points)));
        let read = Graphic::parse(&octets).unwrap();
        assert!(read.points().eq([Point16 { x: 5, y: 6 }, Point16 { x: -1, y: 8 }]));
        assert!(Graphic::parse(&octets[..65]).is_err());
        let octets = written(&graphic(graphic::TEXT, GraphicData::Text(text, b"one\0two\0")));
        assert!(Graphic::parse(&octets).unwrap().lines().eq([&b"one"[..], b"two"]));
        assert!(Graphic::parse(&written(&graphic(99, GraphicData::Outline))).is_err());
    }

    #[test]
    fn control_objects_have_the_sizes_of_the_document() {
        let mut pages = [0; MAX_PAGES];
        pages[..2].copy_from_slice(&[9, 4]);
        let order =
            PageOrder { object_type: 2, generation_low: 5, generation_high: 1, count: 2, pages };
        let mut octets = [0; 258];
        order.write(&mut octets).unwrap();
        let read = PageOrder::parse(&octets).unwrap();
        assert_eq!((read.generation(), read.worksets()), (0x10005, &[9, 4][..]));
        let many = PageOrder { count: 999, ..order };
        assert_eq!(many.worksets().len(), MAX_PAGES);
        assert_eq!((BoardLock::SIZE, Sync::SIZE, Person::SIZE), (8, 18, 73));
        assert!(Person::parse(&[0; 72]).is_err());
    }
}
