//! Codecs, bit by bit as the ITU's references have them.

pub mod g711;
pub mod g722;
