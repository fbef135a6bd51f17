//! Where a machine keeps what is live: a [`Table`] of entries, in memory that the host lends or, with
//! the feature `alloc`, in memory that grows up to a limit.

mod book;
mod table;

pub(crate) use book::Queue;
pub(crate) use table::{Index, Slots, Table};
