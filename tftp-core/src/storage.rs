//! Where a machine keeps what is live: a [`Table`] in memory that the host lends, or, with the feature
//! `alloc`, in memory that grows up to a limit.

mod book;
mod table;

pub use table::Full;
pub(crate) use table::{Index, Slots, Table, slot_len};
