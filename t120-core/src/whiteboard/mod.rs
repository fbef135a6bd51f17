//! A whiteboard (T.126): pages that all nodes of a conference draw on.
//!
//! Every change goes to the top of the domain and comes back to all in one order, to its author
//! too, so that all boards are equal after each change; nothing stands on a board before it has
//! come back. Who joins later says so in the same order, and gets all that stands there from the
//! node at the top, before the next change.
//!
//! ```text
//!   a node             the top               the others
//!     | -- DrawingEdit --> | -- DrawingEdit --> |     one order for all,
//!     | <- DrawingEdit --- |                    |     the author's own too
//!     |                    | <- RefreshStatus - |     who joins asks,
//!     |                    | -- all there is -> |     and gets the series of PDUs
//!     |                    | -- RefreshStatus-> |     that makes the board
//! ```
//!
//! The [`Board`] keeps each object as the one PDU that makes it as it is now: an edit changes that
//! PDU, so that the memory that a board takes is bounded by what stands there, and not by what
//! was done.
//!
//! What T.126 has and the board keeps no state of: archives by name (the board itself is
//! [one](Board::pdus)), copies of planes, fonts, views, remote events and print, the conductor's
//! privileges. Their PDUs are read and written ([`pdu`]).

mod attributes;
mod bitmap;
mod board;
mod edit;
pub(crate) mod object;
pub(crate) mod page;
pub mod pdu;
mod stroke;
mod types;

pub use bitmap::{Bitmap, BitmapFormat};
pub use board::Board;
pub(crate) use board::Change;
pub use page::PageSetup;
pub use types::{
    Color, Edit, LineStyle, Nib, Object, ObjectId, Page, PageId, Pen, Point, Pointer, Points,
    Rotation, Shape, Text, ViewState, ZOrder,
};

/// The static channel of still image conferences (T.120 Annex A; from memory).
pub const CHANNEL: u16 = 8;
/// How many points a line has at most; a longer one is drawn as several.
pub const MAX_POINTS: usize = 256;
/// How many UTF-16 units a text has at most; a longer one is drawn as several.
pub const MAX_TEXT_UNITS: usize = 255;
/// How many pages a board has at most; those beyond are made at no node.
pub const MAX_PAGES: usize = 255;
/// How many planes a page has at most; pages with more are made at no node.
pub const MAX_PLANES: usize = 16;
/// How many octets of a picture go into one PDU.
pub const MAX_BITMAP_PART_OCTETS: usize = 2000;
/// The lowest coordinate that can be drawn at. The page itself begins at 0.
pub const MIN_COORDINATE: i32 = -21845;
/// The highest coordinate that can be drawn at. The page itself ends at 21845. From one point of a
/// line to the next, and from one corner to the other, it must not be more than 32767.
pub const MAX_COORDINATE: i32 = 43690;

#[cfg(test)]
mod tests;
