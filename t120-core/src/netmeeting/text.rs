//! NetMeeting's text on a T.126 whiteboard: `MSTextPDU` ([MS-MNPR] 2.2.5, within a `SIPDU`'s
//! `siNonStandardPDU`).
//!
//! ```text
//!  0      4         8           12      16    20    24     28      32      40     132
//!  | kind | handle  | workspace | flags | pen | fill| view | order | x, y  | font | count | lines…
//!         a delete ends here ---^
//! ```
//!
//! All numbers have their least octet first. The font has 92 octets; a form of 60 (with a face
//! name of octets) is read too, and told by its length. No capture has confirmed any of it.

use core::fmt;

use crate::error::{BufferTooSmall, Fault, ParseError};

/// `MSTextPDU` creates (30).
const CREATE: u32 = 30;
/// `MSTextPDU` deletes (31).
const DELETE: u32 = 31;
/// `MSTextPDU` edits (32).
const EDIT: u32 = 32;
/// The octets before the font.
const HEAD: usize = 40;
/// The octets of a font with a face name in UTF-16.
const FONT: usize = 92;
/// The octets of a font with a face name in octets.
const SHORT_FONT: usize = 60;
/// The octets before the characters of a line.
const LINE_HEAD: usize = 8;

/// Which attributes of an [`MsTextPdu`] mean something: bits of `attributesFlag`.
pub mod flag {
    /// `textPenColor`.
    pub const PEN_COLOR: u32 = 0x01;
    /// `textFillColor`.
    pub const FILL_COLOR: u32 = 0x02;
    /// `textViewState`.
    pub const VIEW_STATE: u32 = 0x04;
    /// `textZOrder`.
    pub const Z_ORDER: u32 = 0x08;
    /// The anchor point.
    pub const ANCHOR_POINT: u32 = 0x10;
    /// `textFont`.
    pub const FONT: u32 = 0x20;
    /// `textString`.
    pub const TEXT: u32 = 0x40;
    /// All of them.
    pub const ALL: u32 = 0x7f;
}

/// What an [`MsTextPdu`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MsTextKind {
    /// A new text.
    Create,
    /// Changes the attributes that are flagged.
    Edit,
}

/// `MSTextPDU`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MsTextPdu<'a> {
    /// A text is made or changed.
    Text(MsText<'a>),
    /// A text is taken away.
    Delete {
        /// `textHandle`.
        handle: u32,
        /// `workspaceHandle`.
        workspace: u32,
    },
}

/// The attributes of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MsText<'a> {
    /// Whether it is new.
    pub kind: MsTextKind,
    /// `textHandle`.
    pub handle: u32,
    /// `workspaceHandle`.
    pub workspace: u32,
    /// `attributesFlag`: bits of [`flag`].
    pub flags: u32,
    /// `textPenColor`: red, green, blue, 0.
    pub pen: [u8; 4],
    /// `textFillColor`: red, green, blue, 0.
    pub fill: [u8; 4],
    /// `textViewState`: 0 is not selected.
    pub view_state: u32,
    /// `textZOrder`.
    pub z_order: u32,
    /// The anchor point: right, down.
    pub anchor: (i32, i32),
    /// `textFont`: a `LogFont` of 92 or 60 octets.
    pub font: &'a [u8],
    /// `textString`.
    pub lines: Lines<'a>,
}

/// Room for a `LogFont` that says nothing but its height, in units of the board.
pub fn font(height: i32) -> [u8; FONT] {
    let mut font = [0; FONT];
    if let Some(field) = font.first_chunk_mut() {
        *field = height.to_le_bytes();
    }
    font
}

/// The lines of a text.
#[derive(Clone, Copy, PartialEq)]
pub struct Lines<'a>(Source<'a>);

#[derive(Clone, Copy, PartialEq)]
enum Source<'a> {
    /// As many lines as the wire has in these octets.
    Wire(u32, &'a [u8]),
    Text(&'a str),
}

impl<'a> Lines<'a> {
    /// Lines apart by `\n`, of characters below 256; others become question marks.
    pub const fn new(text: &'a str) -> Self {
        Self(Source::Text(text))
    }

    /// The characters, with `\n` between lines.
    pub fn chars(&self) -> impl Iterator<Item = char> + 'a {
        let (wire, text) = match self.0 {
            Source::Wire(_, octets) => (octets, ""),
            Source::Text(text) => (&[][..], text),
        };
        let lines = wire_lines(wire).enumerate();
        let wire = lines.flat_map(|(number, line)| {
            let end = (number > 0).then_some('\n');
            end.into_iter().chain(line.iter().map(|octet| char::from(*octet)))
        });
        wire.chain(text.chars())
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        match self.0 {
            Source::Wire(_, octets) => wire_lines(octets).count(),
            Source::Text(text) => text.split('\n').count(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn parse(octets: &'a [u8]) -> Option<Self> {
        let (count, rest) = octets.split_first_chunk::<4>()?;
        let count = u32::from_le_bytes(*count);
        let (mut left, mut at) = (rest, 0);
        while !left.is_empty() {
            let len = usize::try_from(u32::from_le_bytes(*left.first_chunk()?)).ok()?;
            if len < LINE_HEAD {
                return None;
            }
            (_, left) = left.split_at_checked(len)?;
            at += 1u32;
        }
        (at == count).then_some(Self(Source::Wire(count, rest)))
    }

    fn octets(&self) -> usize {
        4 + match self.0 {
            Source::Wire(_, octets) => octets.len(),
            Source::Text(text) => {
                text.split('\n').map(|line| LINE_HEAD + line.chars().count()).sum()
            }
        }
    }

    fn write(&self, mut put: impl FnMut(&[u8])) {
        match self.0 {
            Source::Wire(count, octets) => {
                put(&count.to_le_bytes());
                put(octets);
            }
            Source::Text(text) => {
                put(&(text.split('\n').count() as u32).to_le_bytes());
                for (number, line) in text.split('\n').enumerate() {
                    let len = LINE_HEAD + line.chars().count();
                    put(&(len as u32).to_le_bytes());
                    put(&0i16.to_le_bytes());
                    put(&(number as i16).to_le_bytes());
                    for c in line.chars() {
                        put(&[u8::try_from(u32::from(c)).unwrap_or(b'?')]);
                    }
                }
            }
        }
    }
}

fn wire_lines(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut left = octets;
    core::iter::from_fn(move || {
        let len = u32::from_le_bytes(*left.first_chunk()?) as usize;
        let (line, rest) = left.split_at_checked(len)?;
        left = rest;
        line.get(LINE_HEAD..)
    })
}

impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.chars() {
            write!(f, "{}", c.escape_debug())?;
        }
        f.write_str("\"")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Lines<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{} lines", self.len());
    }
}

impl<'a> MsTextPdu<'a> {
    /// Reads one that fills `octets`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        let short = ParseError { what: Fault::UnexpectedEnd, at: octets.len() };
        let number = |at: usize| -> Result<[u8; 4], ParseError> {
            octets.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().ok_or(short)
        };
        let word = |at| number(at).map(u32::from_le_bytes);
        let (handle, workspace) = (word(4)?, word(8)?);
        let kind = match word(0)? {
            CREATE => MsTextKind::Create,
            EDIT => MsTextKind::Edit,
            DELETE => return Ok(Self::Delete { handle, workspace }),
            _ => return Err(ParseError { what: Fault::UnknownAlternative, at: 0 }),
        };
        let rest = octets.get(HEAD..).ok_or(short)?;
        let with_font = |len: usize| {
            let (font, lines) = rest.split_at_checked(len)?;
            Some((font, Lines::parse(lines)?))
        };
        let bad = ParseError { what: Fault::BadLength, at: HEAD };
        let (font, lines) = with_font(FONT).or_else(|| with_font(SHORT_FONT)).ok_or(bad)?;
        Ok(Self::Text(MsText {
            kind,
            handle,
            workspace,
            flags: word(12)?,
            pen: number(16)?,
            fill: number(20)?,
            view_state: word(24)?,
            z_order: word(28)?,
            anchor: (word(32)?.cast_signed(), word(36)?.cast_signed()),
            font,
            lines,
        }))
    }

    /// How many octets the encoding has.
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::Delete { .. } => 12,
            Self::Text(text) => HEAD + text.font.len() + text.lines.octets(),
        }
    }

    /// Writes the encoding to the start of `buffer`; returns its length in octets.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let mut left = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let mut put = |octets: &[u8]| {
            if let Some((room, rest)) =
                core::mem::take(&mut left).split_at_mut_checked(octets.len())
            {
                room.copy_from_slice(octets);
                left = rest;
            }
        };
        match self {
            Self::Delete { handle, workspace } => {
                for word in [DELETE, *handle, *workspace] {
                    put(&word.to_le_bytes());
                }
            }
            Self::Text(text) => {
                let kind = match text.kind {
                    MsTextKind::Create => CREATE,
                    MsTextKind::Edit => EDIT,
                };
                for word in [kind, text.handle, text.workspace, text.flags] {
                    put(&word.to_le_bytes());
                }
                put(&text.pen);
                put(&text.fill);
                put(&text.view_state.to_le_bytes());
                put(&text.z_order.to_le_bytes());
                put(&text.anchor.0.to_le_bytes());
                put(&text.anchor.1.to_le_bytes());
                put(text.font);
                text.lines.write(put);
            }
        }
        Ok(needed)
    }
}

impl<'a> MsText<'a> {
    /// What comes of this text when `edit` changes it.
    pub fn edited(self, edit: &Self) -> Self {
        let flags = edit.flags;
        let is = |bit: u32| flags & bit != 0;
        Self {
            flags: self.flags | flags,
            pen: if is(flag::PEN_COLOR) { edit.pen } else { self.pen },
            fill: if is(flag::FILL_COLOR) { edit.fill } else { self.fill },
            view_state: if is(flag::VIEW_STATE) { edit.view_state } else { self.view_state },
            z_order: if is(flag::Z_ORDER) { edit.z_order } else { self.z_order },
            anchor: if is(flag::ANCHOR_POINT) { edit.anchor } else { self.anchor },
            font: if is(flag::FONT) { edit.font } else { self.font },
            lines: if is(flag::TEXT) { edit.lines } else { self.lines },
            ..self
        }
    }

    /// How high a line is, in the font's units.
    pub fn height(&self) -> u32 {
        self.font.first_chunk().map_or(0, |height| i32::from_le_bytes(*height).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;

    use super::*;

    fn text(font: &[u8]) -> MsText<'_> {
        MsText {
            kind: MsTextKind::Create,
            handle: 7,
            workspace: 1,
            flags: flag::ALL,
            pen: [1, 2, 3, 0],
            fill: [4, 5, 6, 0],
            view_state: 0,
            z_order: 0,
            anchor: (-5, 70000),
            font,
            lines: Lines::new("one\n\nthrée"),
        }
    }

    #[test]
    fn a_text_with_either_font_comes_back_and_a_delete_is_short() {
        for len in [FONT, SHORT_FONT] {
            let font = vec![9; len];
            let pdu = MsTextPdu::Text(text(&font));
            let mut octets = vec![0; pdu.encoded_len()];
            assert_eq!(pdu.write(&mut octets), Ok(HEAD + len + 4 + 3 * 8 + 8));
            let read = MsTextPdu::parse(&octets).unwrap();
            let MsTextPdu::Text(back) = read else { panic!("{read:?}") };
            assert_eq!((back.anchor, back.font.len(), back.lines.len()), ((-5, 70000), len, 3));
            assert_eq!(back.lines.chars().collect::<String>(), "one\n\nthrée");
            let mut again = vec![0; read.encoded_len()];
            read.write(&mut again).unwrap();
            assert_eq!(again, octets);
            assert!(MsTextPdu::parse(&octets[..octets.len() - 1]).is_err());
        }
        let delete = MsTextPdu::Delete { handle: 7, workspace: 1 };
        let mut octets = [0; 12];
        delete.write(&mut octets).unwrap();
        assert_eq!(octets, [31, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(MsTextPdu::parse(&octets), Ok(delete));
        assert!(delete.write(&mut [0; 11]).is_err());
    }

    #[test]
    fn an_edit_changes_what_it_flags_and_nothing_else() {
        let (tall, small) = (font(-40), font(8));
        let edit = MsText {
            flags: flag::FONT | flag::ANCHOR_POINT,
            pen: [9; 4],
            anchor: (1, 2),
            lines: Lines::new("other"),
            ..text(&small)
        };
        let edited = text(&tall).edited(&edit);
        assert_eq!((edited.height(), edited.anchor, edited.pen), (8, (1, 2), [1, 2, 3, 0]));
        assert_eq!(edited.lines.chars().collect::<String>(), "one\n\nthrée");
        assert_eq!(text(&tall).height(), 40);
    }
}
