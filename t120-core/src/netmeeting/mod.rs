//! What NetMeeting speaks beside the standards ([MS-MNPR]), as Windows Messenger's whiteboard did.
//!
//! ```text
//!   obman        the object manager: ordered lists of objects, in step over all nodes
//!   whiteboard   the objects of its older whiteboard
//!   text         its texts on a whiteboard of T.126
//!   chat         what people say
//!   s20          application sharing
//! ```
//!
//! No octets of NetMeeting's have been seen on a wire: all rests on that document, whose
//! contradictions are told at their places.

pub mod chat;
pub mod obman;
pub mod s20;
pub mod text;
pub mod whiteboard;
mod wire;

pub use wire::{Point16, Rect16};

use crate::gcc::types::Key;

/// The key of NetMeeting's bitmaps in T.126: Microsoft's H.221 identifier and "Bitmap24".
pub const BITMAP_KEY: &[u8] = b"\xb5\x00SLBitmap24";

/// The key of NetMeeting's texts in T.126. The document prints it with the manufacturer's octets
/// the other way round; both are read, and the order of the bitmaps' key is written.
pub const TEXT_KEY: &[u8] = b"\xb5\x00SLText2";

/// Whether this is the key of NetMeeting's bitmaps, in any form that the document can be read to
/// mean.
pub fn is_bitmap_key(key: &Key<'_>) -> bool {
    is_key(key, BITMAP_KEY)
}

/// Whether this is the key of NetMeeting's texts, in any form that the document can be read to
/// mean.
pub fn is_text_key(key: &Key<'_>) -> bool {
    is_key(key, TEXT_KEY)
}

/// Both orders of the manufacturer's octets, with and without a zero behind.
fn is_key(key: &Key<'_>, wanted: &[u8]) -> bool {
    let Key::H221NonStandard(key) = key else { return false };
    let key = key.as_slice();
    let key = key.strip_suffix(&[0]).unwrap_or(key);
    match (key, wanted) {
        (
            [country, extension, a, b, name @ ..],
            [wanted_country, wanted_extension, c, d, rest @ ..],
        ) => {
            (country, extension, name) == (wanted_country, wanted_extension, rest)
                && ((a, b) == (c, d) || (a, b) == (d, c))
        }
        _ => false,
    }
}
