//! The ports that the listening side of a file transfer takes: 6891 to 6900 by default, ten
//! transfers at a time.

use crate::error::ConfigError;

/// A range of TCP ports that a firewall can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PortRange {
    low: u16,
    high: u16,
}

impl PortRange {
    /// The lowest port that a policy may name.
    pub const MINIMUM: u16 = 1024;
    /// The highest port that a policy may name.
    pub const MAXIMUM: u16 = 65535;
    /// The range without a policy: 6891 to 6900.
    pub const DEFAULT: Self = Self { low: 6891, high: 6900 };

    /// A range from `low` to `high`, both included.
    ///
    /// # Errors
    /// [`ConfigError::PortTooLow`] below [`Self::MINIMUM`], [`ConfigError::RangeCrossed`] where
    /// `low` lies above `high`.
    pub const fn new(low: u16, high: u16) -> Result<Self, ConfigError> {
        if low > high {
            return Err(ConfigError::RangeCrossed { low, high });
        }
        if low < Self::MINIMUM {
            return Err(ConfigError::PortTooLow { port: low, minimum: Self::MINIMUM });
        }
        Ok(Self { low, high })
    }

    /// The low end.
    #[must_use]
    pub const fn low(self) -> u16 {
        self.low
    }

    /// The high end.
    #[must_use]
    pub const fn high(self) -> u16 {
        self.high
    }

    /// The ports in the order in which a listener tries them.
    pub fn ports(self) -> impl Iterator<Item = u16> {
        self.low..=self.high
    }

    /// Whether a port is one of them.
    #[must_use]
    pub const fn contains(self, port: u16) -> bool {
        self.low <= port && port <= self.high
    }
}

impl Default for PortRange {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_has_ten_ports() {
        assert!(PortRange::default().ports().eq(6891..=6900));
        assert!(!PortRange::DEFAULT.contains(6890) && !PortRange::DEFAULT.contains(6901));
    }

    #[test]
    fn a_policy_has_its_limits() {
        assert!(PortRange::new(1024, 65535).is_ok());
        assert_eq!(PortRange::new(7000, 7000).map(|r| r.ports().count()), Ok(1));
        assert_eq!(
            PortRange::new(1023, 2000),
            Err(ConfigError::PortTooLow { port: 1023, minimum: 1024 })
        );
        assert_eq!(
            PortRange::new(6900, 6891),
            Err(ConfigError::RangeCrossed { low: 6900, high: 6891 })
        );
    }
}
