//! What the data of a share say ([MS-MNPR] 2.2.2).

use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::netmeeting::wire::{self, Field as _, Rect16, layout};

/// `0x524E`, before the shapes of windows.
const SHAPES: u16 = 0x524e;

layout! {
    /// `AWC`: a window becomes active, or is to.
    ActiveWindow 12 {
        /// 1, 2, 3, 0x8001, 0x8003, 0x8005.
        0 message: u16,
        /// 0xFFFF.
        2 reserved: u16,
        /// Which window.
        4 window: u32,
    }
}

layout! {
    /// `CA`: control, of version 2.
    Control 8 {
        /// 0 notify, 1 request, 2 granted, 3 detach, 4 cooperate.
        0 message: u16,
        /// What the message says.
        2 first: u16,
        /// What else.
        4 second: u32,
    }
}

layout! {
    /// One of the windows of a `SWL`.
    Window 24 {
        /// Its number; 0 where it is not shared.
        0 id: u32,
        /// Its thread.
        4 extra: u32,
        /// The window that it belongs to.
        8 owner: u32,
        /// 1 minimised, 2 taggable, 4 hosted, 0x20 topmost, 0x10000 taskbar, 0x40000 with a shape.
        12 flags: u32,
        /// Where it is.
        16 position: Rect16,
    }
}

layout! {
    /// One of the fonts of a `FH`.
    Font 50 {
        /// Octets up to a zero.
        0 face_name: [u8; 32],
        /// 1 fixed pitch, 2 fixed size, 4 italic, 8 underline, 0x10 struck out, 0x80 TrueType.
        32 flags: u16,
        /// In pixels.
        34 average_width: u16,
        /// In pixels.
        36 height: u16,
        /// Across.
        38 aspect_x: u16,
        /// Down.
        40 aspect_y: u16,
        /// A sum of widths.
        42 signature_fats: u8,
        /// A sum of widths.
        43 signature_thins: u8,
        /// A sum of widths.
        44 signature_symbol: u16,
        /// 0 ANSI, 255 OEM.
        46 code_page: u16,
        /// 100 for fonts of a fixed size.
        48 max_ascent: u16,
    }
}

layout! {
    /// One of the events of an `IM`.
    InputEvent 12 {
        /// When, in milliseconds.
        0 time_ms: u32,
        /// 0 sync, 1 to 3 keys, 0x8001 mouse.
        4 kind: u16,
        /// Of a key, or of the mouse.
        6 flags: u16,
        /// The key, or how far right.
        8 first: u16,
        /// How far down.
        10 second: u16,
    }
}

/// `CA30`: control, of version 3. Numbers of control are never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Control30 {
    /// A viewer asks for control.
    Take {
        /// `viewerControlId`.
        viewer: u32,
    },
    /// The answer.
    TakeReply {
        /// `viewerControlId`.
        viewer: u32,
        /// 0 confirmed, 1 denied, 2 busy, 3 refused by the person, 4 wrong state, 5 too late.
        result: u32,
        /// `hostControlId`.
        host: u32,
    },
    /// A host offers control.
    Give {
        /// `hostControlId`.
        host: u32,
        /// Who passes it on; 0 is the host.
        passed_by: u32,
    },
    /// The answer.
    GiveReply {
        /// `hostControlId`.
        host: u32,
        /// Who passes it on.
        passed_by: u32,
        /// As in [`TakeReply`](Self::TakeReply).
        result: u32,
        /// `viewerControlId`.
        viewer: u32,
    },
    /// A viewer passes control on.
    Pass {
        /// `viewerControlId`.
        viewer: u32,
        /// `hostControlId`.
        host: u32,
        /// To whom.
        to: u32,
    },
    /// 0x8001 released, 0x8002 revoked, 0x8003 paused, 0x8004 goes on.
    Inform {
        /// Which of them.
        message: u32,
        /// `viewerControlId`.
        viewer: u32,
        /// `hostControlId`.
        host: u32,
    },
}

/// `SWL`: the windows, the upmost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WindowList<'a> {
    /// 1 asks for the whole list.
    pub flags: u16,
    /// A clock, in milliseconds.
    pub tick: u16,
    /// Counts the lists.
    pub token: u16,
    windows: &'a [u8],
    rest: &'a [u8],
}

/// `FH`: the fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FontList<'a>(&'a [u8]);

/// `CM`: the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Cursor<'a> {
    /// One that the system has: 0 none, 0x7F00 an arrow.
    Id(u32),
    /// One of two colours: x and y of its point, width, height, and its two masks.
    Mono {
        /// What it points with.
        hot: (u16, u16),
        /// In pixels.
        size: (u16, u16),
        /// The XOR mask, then the AND mask, a bit a pixel.
        masks: &'a [u8],
    },
    /// It moves.
    Move {
        /// Whether also who is not in control moves it.
        always: bool,
        /// Where to.
        to: (i16, i16),
    },
    /// One of many colours, to be kept.
    Color {
        /// Where it is kept.
        index: u16,
        /// What it points with.
        hot: (u16, u16),
        /// In pixels.
        size: (u16, u16),
        /// Its pixels.
        xor: &'a [u8],
        /// What of it shows.
        and: &'a [u8],
    },
    /// One that is kept.
    Cached(u16),
}

/// A part of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BitmapUpdate<'a> {
    /// What it covers.
    pub place: Rect16,
    /// Its width in pixels, which may be more.
    pub width: u16,
    /// Its height in pixels.
    pub height: u16,
    /// Bits a pixel.
    pub bits_per_pixel: u16,
    /// Whether its octets are compressed.
    pub compressed: bool,
    /// Its octets.
    pub octets: &'a [u8],
}

/// `UP`: what is seen changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Update<'a> {
    /// Orders, as they are coded.
    Orders {
        /// How many.
        count: u16,
        /// Bits a pixel of who sends them.
        bits_per_pixel: u16,
        /// They themselves.
        octets: &'a [u8],
    },
    /// A part of the screen.
    Bitmap(BitmapUpdate<'a>),
    /// The colours: red, green, blue each.
    Palette(&'a [u8]),
    /// All starts anew.
    Synchronize,
}

/// What the data of a share say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Payload<'a> {
    /// 0x02.
    Update(Update<'a>),
    /// 0x0B.
    Fonts(FontList<'a>),
    /// 0x14.
    Control(Control),
    /// 0x15.
    Control30(Control30),
    /// 0x16, or 0x19 for version 2: 0 shares nothing, 1 windows, 0xFFFF the desktop.
    Hosting {
        /// `hostState`.
        state: u16,
        /// Whether it is the form of version 3.
        version_3: bool,
    },
    /// 0x17.
    ActiveWindow(ActiveWindow),
    /// 0x18.
    Windows(WindowList<'a>),
    /// 0x1B.
    Cursor(Cursor<'a>),
    /// 0x1C: events of 12 octets each.
    Input(&'a [u8]),
    /// 0x1F: the user who may begin to look.
    Synchronize(u16),
}

const SHORT: ParseError = ParseError { what: Fault::UnexpectedEnd, at: 0 };
const UNKNOWN: ParseError = ParseError { what: Fault::UnknownAlternative, at: 0 };

fn slice(octets: &[u8], at: usize, len: usize) -> Result<&[u8], ParseError> {
    octets.get(at..).and_then(|rest| rest.get(..len)).ok_or(SHORT)
}

impl<'a> WindowList<'a> {
    /// The windows in `windows`, with their titles and shapes in `rest`, as they are coded.
    pub const fn new(windows: &'a [u8], rest: &'a [u8]) -> Self {
        Self { flags: 0, tick: 0, token: 0, windows, rest }
    }

    /// The windows.
    pub fn iter(&self) -> impl Iterator<Item = Window> + 'a {
        self.windows.chunks_exact(Window::SIZE).map(Window::read)
    }

    /// Their titles, none where one has none: a window's is octets up to a zero, or 0xFF.
    pub fn titles(&self) -> impl Iterator<Item = Option<&'a [u8]>> + 'a {
        let mut rest = self.rest;
        (0..self.windows.len() / Window::SIZE).map_while(move |_| match *rest {
            [] => None,
            // One octet by T.128, two by the document.
            [0xff, 0, ref behind @ ..] | [0xff, ref behind @ ..] => {
                rest = behind;
                Some(None)
            }
            _ => {
                let len = rest.iter().position(|octet| *octet == 0)?;
                let (title, behind) = rest.split_at_checked(len)?;
                rest = behind.get(1..).unwrap_or_default();
                Some(Some(title))
            }
        })
    }

    /// The shapes of those that are no rectangles, as they are coded.
    pub fn shapes(&self) -> Option<&'a [u8]> {
        let at = self.rest.windows(2).position(|pair| pair == SHAPES.to_le_bytes())?;
        let size: u16 = wire::at(self.rest, at.checked_sub(2)?);
        self.rest.get(at - 2..).and_then(|rest| rest.get(..usize::from(size)))
    }
}

impl<'a> FontList<'a> {
    /// Fonts of 50 octets each.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The fonts.
    pub fn iter(&self) -> impl Iterator<Item = Font> + 'a {
        self.0.chunks_exact(Font::SIZE).map(Font::read)
    }
}

impl Control30 {
    fn parse(octets: &[u8]) -> Result<Self, ParseError> {
        let word = |number: usize| slice(octets, number * 4, 4).map(u32::read);
        Ok(match word(0)? {
            1 => Self::Take { viewer: word(1)? },
            2 => Self::TakeReply { viewer: word(1)?, result: word(2)?, host: word(3)? },
            3 => Self::Give { host: word(1)?, passed_by: word(2)? },
            4 => Self::GiveReply {
                host: word(1)?,
                passed_by: word(2)?,
                result: word(3)?,
                viewer: word(4)?,
            },
            5 => Self::Pass { viewer: word(1)?, host: word(2)?, to: word(3)? },
            message @ 0x8001..=0x8004 => Self::Inform { message, viewer: word(1)?, host: word(2)? },
            _ => return Err(UNKNOWN),
        })
    }

    const fn words(&self) -> ([u32; 5], usize) {
        match *self {
            Self::Take { viewer } => ([1, viewer, 0, 0, 0], 2),
            Self::TakeReply { viewer, result, host } => ([2, viewer, result, host, 0], 4),
            Self::Give { host, passed_by } => ([3, host, passed_by, 0, 0], 3),
            Self::GiveReply { host, passed_by, result, viewer } => {
                ([4, host, passed_by, result, viewer], 5)
            }
            Self::Pass { viewer, host, to } => ([5, viewer, host, to, 0], 4),
            Self::Inform { message, viewer, host } => ([message, viewer, host, 0, 0], 3),
        }
    }
}

impl<'a> Cursor<'a> {
    fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        let head = wire::head(octets, 4)?;
        let short = |at| slice(octets, at, 2).map(u16::read);
        Ok(match wire::at::<u16>(head, 0) {
            1 => Self::Id(slice(octets, 4, 4).map(u32::read)?),
            2 => {
                let masks = slice(octets, 14, usize::from(short(12)?))?;
                let (hot, size) = ((short(4)?, short(6)?), (short(8)?, short(10)?));
                Self::Mono { hot, size, masks }
            }
            3 => {
                let to = (short(4)?.cast_signed(), short(6)?.cast_signed());
                Self::Move { always: wire::at::<u16>(head, 2) != 0, to }
            }
            6 => {
                let (and, xor) = (usize::from(short(14)?), usize::from(short(16)?));
                let (hot, size) = ((short(6)?, short(8)?), (short(10)?, short(12)?));
                let (xor, and) = (slice(octets, 18, xor)?, slice(octets, 18 + xor, and)?);
                Self::Color { index: short(4)?, hot, size, xor, and }
            }
            7 => Self::Cached(short(4)?),
            _ => return Err(UNKNOWN),
        })
    }
}

impl<'a> Update<'a> {
    fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        let head = wire::head(octets, 4)?;
        Ok(match wire::at::<u16>(head, 0) {
            0 => {
                let head = wire::head(octets, 8)?;
                let octets = octets.get(8..).unwrap_or_default();
                let (count, bits_per_pixel) = (wire::at(head, 4), wire::at(head, 6));
                Self::Orders { count, bits_per_pixel, octets }
            }
            1 => {
                let head = wire::head(octets, 22)?;
                let len = usize::from(wire::at::<u16>(head, 20));
                Self::Bitmap(BitmapUpdate {
                    place: wire::at(head, 4),
                    width: wire::at(head, 12),
                    height: wire::at(head, 14),
                    bits_per_pixel: wire::at(head, 16),
                    compressed: wire::at::<u16>(head, 18) != 0,
                    octets: slice(octets, 22, len)?,
                })
            }
            2 => {
                let count = wire::at::<u32>(wire::head(octets, 8)?, 4) as usize;
                Self::Palette(slice(octets, 8, count.saturating_mul(3))?)
            }
            3 => Self::Synchronize,
            _ => return Err(UNKNOWN),
        })
    }
}

impl<'a> Payload<'a> {
    /// Reads the octets of data of this type.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(datatype: u8, octets: &'a [u8]) -> Result<Self, ParseError> {
        let second = |octets: &[u8]| wire::head(octets, 4).map(|head| wire::at(head, 2));
        Ok(match datatype {
            0x02 => Self::Update(Update::parse(octets)?),
            0x0b => {
                let count = usize::from(wire::at::<u16>(wire::head(octets, 4)?, 0));
                Self::Fonts(FontList(slice(octets, 4, count * Font::SIZE)?))
            }
            0x14 => Self::Control(Control::parse(octets)?),
            0x15 => Self::Control30(Control30::parse(octets)?),
            0x16 | 0x19 => Self::Hosting { state: second(octets)?, version_3: datatype == 0x16 },
            0x17 => Self::ActiveWindow(ActiveWindow::parse(octets)?),
            0x18 => {
                let head = wire::head(octets, 12)?;
                let len = usize::from(wire::at::<u16>(head, 4)) * Window::SIZE;
                Self::Windows(WindowList {
                    flags: wire::at(head, 2),
                    tick: wire::at(head, 6),
                    token: wire::at(head, 8),
                    windows: slice(octets, 12, len)?,
                    rest: octets.get(12 + len..).unwrap_or_default(),
                })
            }
            0x1b => Self::Cursor(Cursor::parse(octets)?),
            0x1c => {
                let count = usize::from(wire::at::<u16>(wire::head(octets, 4)?, 0));
                Self::Input(slice(octets, 4, count * InputEvent::SIZE)?)
            }
            0x1f => Self::Synchronize(second(octets)?),
            _ => return Err(UNKNOWN),
        })
    }

    /// The type of these data.
    pub const fn datatype(&self) -> u8 {
        match self {
            Self::Update(_) => 0x02,
            Self::Fonts(_) => 0x0b,
            Self::Control(_) => 0x14,
            Self::Control30(_) => 0x15,
            Self::Hosting { version_3: true, .. } => 0x16,
            Self::Hosting { version_3: false, .. } => 0x19,
            Self::ActiveWindow(_) => 0x17,
            Self::Windows(_) => 0x18,
            Self::Cursor(_) => 0x1b,
            Self::Input(_) => 0x1c,
            Self::Synchronize(_) => 0x1f,
        }
    }

    /// The stream that they go on: 1 updates, 2 cursor and other things, 4 input.
    pub const fn stream(&self) -> u8 {
        match self {
            Self::Update(_) | Self::Windows(_) => 1,
            Self::Input(_) => 4,
            _ => 2,
        }
    }

    /// The events of an input.
    pub fn input_events(&self) -> impl Iterator<Item = InputEvent> + 'a {
        let octets = if let Self::Input(octets) = self { octets } else { &[][..] };
        octets.chunks_exact(InputEvent::SIZE).map(InputEvent::read)
    }

    /// Writes the encoding to the start of `buffer`; returns its length in octets.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let (head, parts) = self.layout();
        let needed = head + parts.iter().map(|part| part.len()).sum::<usize>();
        let room = wire::zeroed(buffer, needed)?;
        self.write_head(room);
        let mut at = head;
        for part in parts {
            if let Some(place) = room.get_mut(at..).and_then(|rest| rest.get_mut(..part.len())) {
                place.copy_from_slice(part);
            }
            at += part.len();
        }
        Ok(needed)
    }

    /// How many octets stand before the parts that are copied, and the parts.
    const fn layout(&self) -> (usize, [&'a [u8]; 2]) {
        let none: &[u8] = &[];
        match *self {
            Self::Update(Update::Orders { octets, .. }) => (8, [octets, none]),
            Self::Update(Update::Bitmap(bitmap)) => (22, [bitmap.octets, none]),
            Self::Update(Update::Palette(colors)) => (8, [colors, none]),
            Self::Update(Update::Synchronize) | Self::Hosting { .. } | Self::Synchronize(_) => {
                (4, [none, none])
            }
            Self::Fonts(FontList(fonts)) => (4, [fonts, none]),
            Self::Control(_) => (8, [none, none]),
            Self::Control30(control) => (control.words().1 * 4, [none, none]),
            Self::ActiveWindow(_) => (12, [none, none]),
            Self::Windows(list) => (12, [list.windows, list.rest]),
            Self::Cursor(Cursor::Id(_) | Cursor::Move { .. }) => (8, [none, none]),
            Self::Cursor(Cursor::Mono { masks, .. }) => (14, [masks, none]),
            Self::Cursor(Cursor::Color { xor, and, .. }) => (18, [xor, and]),
            Self::Cursor(Cursor::Cached(_)) => (6, [none, none]),
            Self::Input(events) => (4, [events, none]),
        }
    }

    fn write_head(&self, room: &mut [u8]) {
        let shorts = |room: &mut [u8], at: usize, values: &[u16]| {
            for (number, value) in values.iter().enumerate() {
                wire::put(room, at + number * 2, *value);
            }
        };
        match *self {
            Self::Update(Update::Orders { count, bits_per_pixel, .. }) => {
                shorts(room, 0, &[0, 0, count, bits_per_pixel]);
            }
            Self::Update(Update::Bitmap(bitmap)) => {
                wire::put(room, 0, 1u16);
                wire::put(room, 4, bitmap.place);
                let compressed = u16::from(bitmap.compressed);
                let len = bitmap.octets.len() as u16;
                let (width, height) = (bitmap.width, bitmap.height);
                shorts(room, 12, &[width, height, bitmap.bits_per_pixel, compressed, len]);
            }
            Self::Update(Update::Palette(colors)) => {
                wire::put(room, 0, 2u16);
                wire::put(room, 4, (colors.len() / 3) as u32);
            }
            Self::Update(Update::Synchronize) => wire::put(room, 0, 3u16),
            Self::Fonts(FontList(fonts)) => {
                shorts(room, 0, &[(fonts.len() / Font::SIZE) as u16, Font::SIZE as u16]);
            }
            Self::Control(control) => wire::put(room, 0, control),
            Self::Control30(control) => {
                let (words, count) = control.words();
                for (number, word) in words.iter().take(count).enumerate() {
                    wire::put(room, number * 4, *word);
                }
            }
            Self::Hosting { state, .. } => shorts(room, 0, &[1, state]),
            Self::ActiveWindow(window) => wire::put(room, 0, window),
            Self::Windows(list) => {
                let count = (list.windows.len() / Window::SIZE) as u16;
                shorts(room, 0, &[1, list.flags, count, list.tick, list.token]);
            }
            Self::Cursor(Cursor::Id(id)) => {
                wire::put(room, 0, 1u16);
                wire::put(room, 4, id);
            }
            Self::Cursor(Cursor::Mono { hot, size, masks }) => {
                let len = masks.len() as u16;
                shorts(room, 0, &[2, 0, hot.0, hot.1, size.0, size.1, len]);
            }
            Self::Cursor(Cursor::Move { always, to }) => {
                let to = (to.0.cast_unsigned(), to.1.cast_unsigned());
                shorts(room, 0, &[3, u16::from(always), to.0, to.1]);
            }
            Self::Cursor(Cursor::Color { index, hot, size, xor, and }) => {
                let (and, xor) = (and.len() as u16, xor.len() as u16);
                shorts(room, 0, &[6, 0, index, hot.0, hot.1, size.0, size.1, and, xor]);
            }
            Self::Cursor(Cursor::Cached(index)) => shorts(room, 0, &[7, 0, index]),
            Self::Input(events) => wire::put(room, 0, (events.len() / InputEvent::SIZE) as u16),
            Self::Synchronize(user) => shorts(room, 0, &[1, user]),
        }
    }
}
