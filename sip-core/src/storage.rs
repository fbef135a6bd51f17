//! Where the machines keep what is live: a [`Table`] of entries of one size, and an [`Arena`] of
//! octets for what has no fixed size (a message kept for retransmission, a dialog's route set).
//!
//! Both live in memory that the host lends, or, with the feature `alloc`, in memory that grows up
//! to a limit.

mod arena;
mod book;
mod seeds;
mod table;

pub use arena::{Arena, Block, Blocks, NotKept};
pub use seeds::Seeds;
pub(crate) use table::hash;
pub use table::{Full, Index, Lent, Slots, Table};
