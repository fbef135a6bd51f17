//! The object manager ([MS-MNPR] 2.2.4 and 3.1.5): keeps ordered lists of objects in step over
//! all nodes.
//!
//! ```text
//!   workset group  (an MCS channel of its own)
//!     workset 1    object, object, object …      each with stamps: when it was added, moved,
//!     workset 2    object …                      replaced, updated
//! ```
//!
//! The host carries the messages: those of an operation on the group's channel, those that answer
//! one node on that node's own. [`Assembly`] puts objects together that came in parts, [`Group`]
//! holds the objects, [`Joiner`] asks for them, [`Lock`] locks a workset.
//!
//! Not known from the document, and so for the host to tell: the channel of the group that names
//! all groups, the function profiles, and how worksets of it belong to groups.

mod assembly;
mod group;
mod join;
mod lock;
mod message;

pub use assembly::Assembly;
pub use group::{CatchUp, Group, Object, Workset, WorksetSlot};
pub use join::{JoinState, Joiner};
pub use lock::{Lock, LockState, MAX_RESPONDENTS};
pub use message::{
    Body, LockKind, Message, NO_COMPRESSION, ObjectId, Operation, Position, RegistrationRecord,
    SendKind, Stamp, WorksetGroupInfo,
};

#[cfg(all(test, feature = "alloc"))]
mod tests;
