//! Codecs, bit by bit as the ITU's references have them, and what goes with them.
//!
//! | module | what it is for |
//! |---|---|
//! | [`g711`], [`g722`] | the codecs |
//! | [`concealment`] | sound in place of packets that were lost (G.711 appendix I) |
//! | [`voice_activity`] | whether somebody talks |
//! | [`comfort_noise`] | silence suppression, and noise in place of silence (RFC 3389) |

pub mod comfort_noise;
pub mod concealment;
pub mod g711;
pub mod g722;
mod level;
pub mod voice_activity;
