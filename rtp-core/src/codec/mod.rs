//! Codecs, bit by bit as the ITU's references have them, and what goes with them.

pub mod concealment;
pub mod g711;
pub mod g722;
