//! The documents of presence and of the other event packages.
//!
//! - [`Pidf`]: who is there (RFC 3863), and what they are doing (RFC 4480).
//! - [`compose`]: one document of several devices' (RFC 3903).
//! - [`IsComposing`]: who is typing (RFC 3994).
//! - [`MessageSummary`]: what waits in a mailbox (RFC 3842).
//! - [`DialogInfo`]: who is on the phone (RFC 4235).
//! - [`WatcherInfo`]: who is watching (RFC 3858).
//! - [`xml`]: the small reader that most of them stand on.

mod compose;
mod composing;
mod dialog_info;
mod pidf;
mod summary;
mod watcher_info;
pub mod xml;

pub use compose::compose;
pub use composing::{ComposingState, IsComposing};
pub use dialog_info::{DialogInfo, DialogItem, DialogState, Direction, Participant};
pub use pidf::{Activity, Basic, Pidf, Tuple};
pub use summary::{MessageClass, MessageCount, MessageSummary};
pub use watcher_info::{Watcher, WatcherEvent, WatcherInfo, WatcherStatus};
