//! Wall-clock time as RTCP carries it.

use core::time::Duration;

/// A time in NTP's format (RFC 3550 section 4): seconds since 1 January 1900 in the upper 32 bits,
/// their fraction in the lower 32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// Seconds from NTP's epoch (1900) to Unix' (1970).
    const UNIX_EPOCH_SECONDS: u64 = 2_208_988_800;

    /// The time that is `since_epoch` after 1 January 1970.
    pub const fn from_unix(since_epoch: Duration) -> Self {
        let seconds = since_epoch.as_secs().wrapping_add(Self::UNIX_EPOCH_SECONDS);
        Self((seconds << 32) | fraction(since_epoch.subsec_nanos()))
    }

    /// A count of time from an epoch that only the host knows: good for round trips, and what
    /// RFC 3550 section 6.4.1 lets a sender do that has no wall clock.
    pub const fn from_elapsed(elapsed: Duration) -> Self {
        Self((elapsed.as_secs() << 32) | fraction(elapsed.subsec_nanos()))
    }

    /// This time and `later` more.
    #[must_use]
    pub const fn plus(self, later: Duration) -> Self {
        Self(self.0.wrapping_add(Self::from_elapsed(later).0))
    }

    /// This time less `earlier`.
    #[must_use]
    pub const fn minus(self, earlier: Duration) -> Self {
        Self(self.0.wrapping_sub(Self::from_elapsed(earlier).0))
    }

    /// The middle 32 bits, in units of 1/65536 s: what LSR and DLSR carry (RFC 3550 section 6.4.1).
    pub const fn middle(self) -> u32 {
        // Cut down to the low 32 bits of the shifted number on purpose.
        (self.0 >> 16) as u32
    }

    /// Time since 1 January 1970; nothing where this is earlier, as a count of elapsed time is.
    pub const fn to_unix(self) -> Option<Duration> {
        let Some(seconds) = (self.0 >> 32).checked_sub(Self::UNIX_EPOCH_SECONDS) else {
            return None;
        };
        let nanos = ((self.0 & 0xffff_ffff) * 1_000_000_000) >> 32;
        Some(Duration::new(seconds, nanos as u32))
    }
}

#[cfg(feature = "std")]
impl From<std::time::SystemTime> for NtpTime {
    /// The system's time; 1 January 1970 where the clock stands before it.
    fn from(time: std::time::SystemTime) -> Self {
        Self::from_unix(time.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default())
    }
}

/// Nanoseconds below a second as a fraction of 2^32.
const fn fraction(nanos: u32) -> u64 {
    ((nanos as u64) << 32) / 1_000_000_000
}

/// A length of time in units of 1/65536 s, as far as 32 bits go.
pub(crate) fn short(length: Duration) -> u32 {
    u32::try_from(NtpTime::from_elapsed(length).0 >> 16).unwrap_or(u32::MAX)
}

/// The length of time that `units` of 1/65536 s make.
pub(crate) const fn from_short(units: u32) -> Duration {
    Duration::from_nanos(((units as u64) * 1_000_000_000) >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_3550_figure_2_has_these_middle_bits() {
        // "SR(n) A=b710:8000 (46864.500 s)", sent at 0xb44db705:20000000.
        let sent = NtpTime(0xb44d_b705_2000_0000);
        assert_eq!(sent.middle(), 0xb705_2000);
        assert_eq!(from_short(0x0005_4000), Duration::from_millis(5250));
        assert_eq!(short(Duration::from_millis(5250)), 0x0005_4000);
    }

    #[test]
    fn unix_time_comes_back() {
        let time = Duration::new(1_700_000_000, 250_000_000);
        let ntp = NtpTime::from_unix(time);
        assert_eq!(ntp.0 >> 32, 1_700_000_000 + 2_208_988_800);
        assert_eq!(ntp.0 & 0xffff_ffff, 0x4000_0000);
        assert_eq!(ntp.to_unix(), Some(time));
        assert_eq!(NtpTime::from_elapsed(time).plus(time).minus(time), NtpTime::from_elapsed(time));
        assert_eq!(NtpTime::from_elapsed(Duration::from_secs(3)).to_unix(), None);
    }

    #[test]
    fn a_length_too_great_for_32_bits_stops_at_the_greatest() {
        assert_eq!(short(Duration::from_secs(70_000)), u32::MAX);
    }
}
