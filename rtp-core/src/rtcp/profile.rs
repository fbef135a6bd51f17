//! The profile's own part of a report, as Messenger-era peers fill it.
//!
//! ```text
//! | type 16 | length 16, in octets, with these four | data ... |
//! type 1: | SSRC measured 32 | bits per second 32, -3 for none yet |
//! ```

use crate::Ssrc;

/// One block of a report's profile-specific part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ProfileBlock<'a> {
    /// What the block is.
    pub block_type: u16,
    /// Its data.
    pub data: &'a [u8],
}

impl ProfileBlock<'_> {
    /// The estimate in a block of type 1.
    pub fn bandwidth(&self) -> Option<BandwidthEstimate> {
        if self.block_type != BandwidthEstimate::TYPE {
            return None;
        }
        let (ssrc, rest) = self.data.split_first_chunk::<4>()?;
        let (rate, _) = rest.split_first_chunk::<4>()?;
        Some(BandwidthEstimate {
            ssrc: Ssrc(u32::from_be_bytes(*ssrc)),
            bits_per_second: u32::try_from(i32::from_be_bytes(*rate)).ok(),
        })
    }
}

/// How fast the way from a sender was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BandwidthEstimate {
    /// The sender.
    pub ssrc: Ssrc,
    /// Bits per second, or nothing where there is no estimate yet.
    pub bits_per_second: Option<u32>,
}

impl BandwidthEstimate {
    const TYPE: u16 = 1;

    /// The block to put into a report's profile-specific part; rates beyond 31 bits stop there.
    pub fn to_octets(self) -> [u8; 12] {
        let [a, b, c, d] = self.ssrc.0.to_be_bytes();
        let rate = self.bits_per_second.map_or(-3, |rate| i32::try_from(rate).unwrap_or(i32::MAX));
        let [e, f, g, h] = rate.to_be_bytes();
        [0, 1, 0, 12, a, b, c, d, e, f, g, h]
    }
}

/// The blocks of a report's profile-specific part; ends at the first that does not fit.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ProfileBlocks<'a> {
    rest: &'a [u8],
}

impl<'a> ProfileBlocks<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for ProfileBlocks<'a> {
    type Item = ProfileBlock<'a>;

    fn next(&mut self) -> Option<ProfileBlock<'a>> {
        let (head, rest) = self.rest.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_be_bytes([head[2], head[3]])).checked_sub(4)?;
        let (data, rest) = rest.split_at_checked(len)?;
        self.rest = rest;
        Some(ProfileBlock { block_type: u16::from_be_bytes([head[0], head[1]]), data })
    }
}
