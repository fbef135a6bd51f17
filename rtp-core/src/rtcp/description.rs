//! Source descriptions (RFC 3550 section 6.5).
//!
//! ```text
//! chunk:  | SSRC | item | item | ... | 0, and zeros to the next word |
//! item:   | type 8 | length 8 | text ... |
//! ```

use super::{HEADER_LEN, Raw, Writer, packet_type};
use crate::{BufferTooSmall, Fault, ParseError, Ssrc};

/// What an item says (RFC 3550 sections 6.5.1 to 6.5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ItemType {
    /// The canonical name, which ties the streams of one participant together.
    Cname,
    /// The user's name.
    Name,
    /// An address for mail.
    Email,
    /// A telephone number.
    Phone,
    /// A place.
    Location,
    /// The name of the program.
    Tool,
    /// What the user says just now.
    Note,
    /// A private extension.
    Private,
    /// The identification of a media description (RFC 9143 section 15.2).
    Mid,
    /// Any other.
    Other(u8),
}

impl ItemType {
    const fn from_octet(octet: u8) -> Self {
        match octet {
            1 => Self::Cname,
            2 => Self::Name,
            3 => Self::Email,
            4 => Self::Phone,
            5 => Self::Location,
            6 => Self::Tool,
            7 => Self::Note,
            8 => Self::Private,
            15 => Self::Mid,
            other => Self::Other(other),
        }
    }

    /// The number on the wire.
    pub const fn to_octet(self) -> u8 {
        match self {
            Self::Cname => 1,
            Self::Name => 2,
            Self::Email => 3,
            Self::Phone => 4,
            Self::Location => 5,
            Self::Tool => 6,
            Self::Note => 7,
            Self::Private => 8,
            Self::Mid => 15,
            Self::Other(other) => other,
        }
    }
}

/// One item of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Item<'a> {
    /// What it says.
    pub item_type: ItemType,
    /// Its octets as they stand there: UTF-8 without an end mark, of which the first 255 are
    /// written.
    pub value: &'a [u8],
}

impl<'a> Item<'a> {
    /// The text without the NUL that Messenger-era peers end it with.
    pub const fn text(&self) -> &'a [u8] {
        match self.value {
            [text @ .., 0] => text,
            text => text,
        }
    }

    /// Prefix and value of a private extension (RFC 3550 section 6.5.8). Nothing where the prefix
    /// is longer than the item, as with Messenger-era peers, who write plain text here.
    pub fn private(&self) -> Option<(&'a [u8], &'a [u8])> {
        if self.item_type != ItemType::Private {
            return None;
        }
        let (len, rest) = self.value.split_first()?;
        rest.split_at_checked(usize::from(*len))
    }

    #[inline]
    fn encoded_len(&self) -> usize {
        2 + self.value.len().min(255)
    }
}

/// The items of a chunk: received, or to be sent.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Items<'a>(ItemsOf<'a>);

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum ItemsOf<'a> {
    /// Items that were found to be whole, without the zero that ends them.
    Octets(&'a [u8]),
    Values(&'a [Item<'a>]),
}

impl<'a> Items<'a> {
    /// The items, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Item<'a>> + Clone + 'a {
        let (mut octets, values) = match self.0 {
            ItemsOf::Octets(octets) => (octets, &[][..]),
            ItemsOf::Values(values) => (&[][..], values),
        };
        core::iter::from_fn(move || {
            let (head, rest) = octets.split_first_chunk::<2>()?;
            let (value, rest) = rest.split_at_checked(usize::from(head[1]))?;
            octets = rest;
            Some(Item { item_type: ItemType::from_octet(head[0]), value })
        })
        .chain(values.iter().copied())
    }

    #[inline]
    fn encoded_len(&self) -> usize {
        match self.0 {
            ItemsOf::Octets(octets) => octets.len(),
            ItemsOf::Values(values) => values.iter().map(Item::encoded_len).sum(),
        }
    }
}

impl<'a> From<&'a [Item<'a>]> for Items<'a> {
    fn from(items: &'a [Item<'a>]) -> Self {
        Self(ItemsOf::Values(items))
    }
}

impl<'a, const N: usize> From<&'a [Item<'a>; N]> for Items<'a> {
    fn from(items: &'a [Item<'a>; N]) -> Self {
        Self(ItemsOf::Values(items))
    }
}

impl PartialEq for Items<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Items<'_> {}

/// What is said of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Chunk<'a> {
    /// The source.
    pub ssrc: Ssrc,
    /// What is said of it.
    pub items: Items<'a>,
}

impl<'a> Chunk<'a> {
    /// The canonical name, if it is there, without the NUL of Messenger-era peers.
    pub fn cname(&self) -> Option<&'a [u8]> {
        self.items.iter().find(|item| item.item_type == ItemType::Cname).map(|item| item.text())
    }

    /// Reads the chunk at the beginning of `octets`: the chunk, and what follows it.
    #[inline]
    fn parse_prefix(octets: &'a [u8]) -> Result<(Self, &'a [u8]), ParseError> {
        let cut_off = ParseError::new(Fault::Length, octets.len());
        let (ssrc, items) = octets.split_first_chunk::<4>().ok_or(cut_off)?;
        let mut len = 0usize;
        loop {
            match items.get(len..) {
                // Some peers leave the end mark out at the end of the packet.
                None | Some([]) => break,
                Some([0, ..]) => break,
                Some([_, value_len, ..]) => {
                    len = len.saturating_add(2 + usize::from(*value_len));
                    if len > items.len() {
                        return Err(cut_off);
                    }
                }
                Some([_]) => return Err(cut_off),
            }
        }
        let (taken, _) = items.split_at_checked(len).ok_or(cut_off)?;
        // The mark, and zeros to the next word; the packet's end where there are fewer.
        let end = (len + 1).next_multiple_of(4).min(items.len());
        let (_, rest) = items.split_at_checked(end).ok_or(cut_off)?;
        let chunk =
            Self { ssrc: Ssrc(u32::from_be_bytes(*ssrc)), items: Items(ItemsOf::Octets(taken)) };
        Ok((chunk, rest))
    }

    #[inline]
    fn encoded_len(&self) -> usize {
        4 + (self.items.encoded_len() + 1).next_multiple_of(4)
    }

    #[inline]
    fn write(&self, writer: &mut Writer<'_>) {
        writer.chunk(&self.ssrc.0.to_be_bytes());
        let end = writer.left().saturating_sub(self.encoded_len() - 4);
        match self.items.0 {
            ItemsOf::Octets(octets) => writer.slice(octets),
            ItemsOf::Values(items) => {
                for item in items {
                    let value = item.value.get(..255).unwrap_or(item.value);
                    // At most 255.
                    writer.chunk(&[item.item_type.to_octet(), value.len() as u8]);
                    writer.slice(value);
                }
            }
        }
        writer.zeros(writer.left().saturating_sub(end));
    }
}

/// The chunks of a source description: received, or to be sent.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Chunks<'a>(ChunksOf<'a>);

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum ChunksOf<'a> {
    /// Chunks that were found to be whole, and how many there are.
    Octets(&'a [u8], u8),
    Values(&'a [Chunk<'a>]),
}

impl<'a> Chunks<'a> {
    /// The chunks, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Chunk<'a>> + Clone + 'a {
        let (mut octets, mut left, values) = match self.0 {
            ChunksOf::Octets(octets, count) => (octets, count, &[][..]),
            ChunksOf::Values(values) => (&[][..], 0, values),
        };
        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let (chunk, rest) = Chunk::parse_prefix(octets).ok()?;
            octets = rest;
            Some(chunk)
        })
        .chain(values.iter().copied())
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        match self.0 {
            ChunksOf::Octets(_, count) => count as usize,
            ChunksOf::Values(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<&'a [Chunk<'a>]> for Chunks<'a> {
    fn from(chunks: &'a [Chunk<'a>]) -> Self {
        Self(ChunksOf::Values(chunks))
    }
}

impl<'a, const N: usize> From<&'a [Chunk<'a>; N]> for Chunks<'a> {
    fn from(chunks: &'a [Chunk<'a>; N]) -> Self {
        Self(ChunksOf::Values(chunks))
    }
}

impl PartialEq for Chunks<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Chunks<'_> {}

/// A source description (RFC 3550 section 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SourceDescription<'a> {
    /// What is said of each source; the first 31 are written.
    pub chunks: Chunks<'a>,
}

impl<'a> SourceDescription<'a> {
    /// Reads one packet; what follows it is not looked at.
    ///
    /// # Errors
    /// It is no source description, or a chunk or an item is cut off.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        Self::from_raw(Raw::parse_prefix(octets)?.0)
    }

    #[inline]
    pub(super) fn from_raw(raw: Raw<'a>) -> Result<Self, ParseError> {
        if raw.packet_type != packet_type::SDES {
            return Err(ParseError::new(Fault::PacketType, 1));
        }
        let mut rest = raw.body;
        for _ in 0..raw.count {
            let at = HEADER_LEN + raw.body.len().saturating_sub(rest.len());
            (_, rest) = Chunk::parse_prefix(rest).map_err(|error| error.moved(at))?;
        }
        // What follows the last chunk belongs to none.
        let len = raw.body.len().saturating_sub(rest.len());
        let octets = raw.body.get(..len).unwrap_or_default();
        Ok(Self { chunks: Chunks(ChunksOf::Octets(octets, raw.count)) })
    }

    /// How many octets the packet takes.
    #[inline]
    pub fn encoded_len(&self) -> usize {
        let chunks = match self.chunks.0 {
            ChunksOf::Octets(octets, _) => octets.len().next_multiple_of(4),
            ChunksOf::Values(chunks) => chunks.iter().take(31).map(Chunk::encoded_len).sum(),
        };
        HEADER_LEN + chunks
    }

    /// Writes the packet, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    #[inline]
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let count = self.chunks.len().min(31) as u8;
        let mut writer = Writer::begin(buffer, needed, count, packet_type::SDES)?;
        match self.chunks.0 {
            ChunksOf::Octets(octets, _) => writer.slice(octets),
            ChunksOf::Values(chunks) => {
                for chunk in chunks.iter().take(31) {
                    chunk.write(&mut writer);
                }
            }
        }
        Ok(writer.end(needed))
    }
}
