//! Application sharing (T.128): the PDUs of base mode, in aligned PER.
//!
//! [`SharePdu`] is the repertoire. CHOICE indexes follow the canonical order of the tags that the
//! module gives (X.691 section 23.2), which is not the order in which it lists them.

mod control;
mod graphics;
mod input;
mod order;
mod pdu;
mod window;

pub use control::*;
pub use graphics::*;
pub use input::*;
pub use order::*;
pub use pdu::*;
pub use window::*;
