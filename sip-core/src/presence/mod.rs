//! The documents of presence and of typing.
//!
//! - [`Pidf`]: who is there (RFC 3863), and what they are doing (RFC 4480).
//! - [`IsComposing`]: who is typing (RFC 3994).
//! - [`xml`]: the small reader that both stand on.

mod composing;
mod pidf;
pub mod xml;

pub use composing::{ComposingState, IsComposing};
pub use pidf::{Activity, Basic, Pidf, Tuple};
