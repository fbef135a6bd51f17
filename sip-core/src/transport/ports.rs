use core::fmt;

/// A range of local ports that a firewall operator has opened: both ends belong to it.
///
/// ```
/// use sip_core::transport::PortRange;
/// assert_eq!(PortRange::default().ports().collect::<Vec<_>>(), [7100, 7101, 7102, 7103]);
/// assert!(PortRange::new(80, 90).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PortRange {
    low: u16,
    high: u16,
}

impl PortRange {
    /// The lowest port that a policy may name: those below belong to the system.
    pub const MINIMUM: u16 = 1024;
    /// The highest port that a policy may name.
    pub const MAXIMUM: u16 = 65535;
    /// The range of a client's own SIP port where no policy says otherwise.
    pub const SIP: Self = Self { low: 7100, high: 7103 };

    /// The range from `low` to `high`, both included.
    ///
    /// # Errors
    /// [`PortError`] where an end is out of range, or the ends are crossed.
    pub const fn new(low: u32, high: u32) -> Result<Self, PortError> {
        if low < Self::MINIMUM as u32 || low > Self::MAXIMUM as u32 {
            return Err(PortError::OutOfRange { port: low });
        }
        if high < Self::MINIMUM as u32 || high > Self::MAXIMUM as u32 {
            return Err(PortError::OutOfRange { port: high });
        }
        let (low, high) = (low as u16, high as u16);
        if low > high { Err(PortError::RangeCrossed { low, high }) } else { Ok(Self { low, high }) }
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

    /// The ports, from the low end up: a host binds the first that is free.
    pub fn ports(self) -> impl Iterator<Item = u16> + Clone {
        self.low..=self.high
    }
}

impl Default for PortRange {
    fn default() -> Self {
        Self::SIP
    }
}

/// Why a range of ports is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PortError {
    /// A port below 1024 or above 65535.
    OutOfRange {
        /// The port.
        port: u32,
    },
    /// The low end is above the high end.
    RangeCrossed {
        /// The low end.
        low: u16,
        /// The high end.
        high: u16,
    },
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { port } => write!(
                f,
                "port {port} is out of range: choose one from {} to {}",
                PortRange::MINIMUM,
                PortRange::MAXIMUM
            ),
            Self::RangeCrossed { low, high } => {
                write!(f, "the low end {low} is above the high end {high}: exchange them")
            }
        }
    }
}

impl core::error::Error for PortError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_out_of_range_or_crossed_is_refused_with_the_reason() {
        assert_eq!(PortRange::new(1023, 2000), Err(PortError::OutOfRange { port: 1023 }));
        assert_eq!(PortRange::new(1024, 65536), Err(PortError::OutOfRange { port: 65536 }));
        assert_eq!(
            PortRange::new(7103, 7100),
            Err(PortError::RangeCrossed { low: 7103, high: 7100 })
        );
        assert_eq!(PortRange::new(1024, 65535).map(|policy| policy.ports().count()), Ok(64512));
        assert_eq!(PortRange::new(7100, 7103), Ok(PortRange::default()));
    }
}
