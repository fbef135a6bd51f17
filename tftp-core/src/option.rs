//! Options of a request (RFC 2347): block size (RFC 2348), time-out and transfer size (RFC 2349),
//! window size (RFC 7440).
//!
//! ```text
//!  ... mode | 0 | name | 0 | value | 0 | name | 0 | value | 0
//! ```

use crate::error::{ConfigError, Fault, ParseError};
use crate::packet::take_text;
use crate::writer::{Writer, parse_decimal};

/// The block size without RFC 2348, in octets.
pub const DEFAULT_BLKSIZE: u16 = 512;
/// The smallest block of RFC 2348, in octets.
pub const MIN_BLKSIZE: u16 = 8;
/// The largest block of RFC 2348, in octets.
pub const MAX_BLKSIZE: u16 = 65464;

/// The options of a packet as they were written, in any letter case, known or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// Reads the options of a packet; NULs behind the last one are no option.
    ///
    /// # Errors
    /// [`Fault::OptionName`] and [`Fault::OptionValue`] with the octet where it begins.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        let mut rest = octets;
        while rest.iter().any(|octet| *octet != 0) {
            let at = octets.len().saturating_sub(rest.len());
            let (name, after) =
                take_text(rest).ok_or(ParseError { what: Fault::OptionName, at })?;
            if name.is_empty() {
                return Err(ParseError { what: Fault::OptionName, at });
            }
            let at = octets.len().saturating_sub(after.len());
            let (_, after) = take_text(after).ok_or(ParseError { what: Fault::OptionValue, at })?;
            rest = after;
        }
        let len = octets.len().saturating_sub(rest.len());
        Ok(Self(octets.get(..len).unwrap_or_default()))
    }

    /// The names and values, in the order in which they stand.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (name, after) = take_text(rest)?;
            let (value, after) = take_text(after)?;
            rest = after;
            Some((name, value))
        })
    }

    /// The options that this crate knows, of repeated ones the first; values outside their range
    /// count as not written.
    #[must_use]
    pub fn known(self) -> OptionSet {
        let mut set = OptionSet::default();
        for (name, value) in self.iter() {
            set.take(name, value);
        }
        set
    }

    /// What an OACK grants of what was `asked` for.
    ///
    /// # Errors
    /// [`Fault::OptionName`] for an option that nobody asked for, [`Fault::OptionValue`] for a value
    /// outside what may be granted; to be answered with ERROR 8 (RFC 2347).
    pub fn granted(self, asked: &OptionSet) -> Result<OptionSet, ParseError> {
        let mut set = OptionSet::default();
        let mut at = 0usize;
        for (name, value) in self.iter() {
            let name_error = ParseError { what: Fault::OptionName, at };
            let value_error = ParseError {
                what: Fault::OptionValue,
                at: at.saturating_add(name.len()).saturating_add(1),
            };
            let before = set;
            if !set.take(name, value) {
                // Either it is not known, so nobody has asked for it, or its value is bad, or it
                // stands there twice.
                return Err(if Known::named(name).is_some() { value_error } else { name_error });
            }
            let right = match Known::named(name) {
                Some(Known::Blksize) => (asked.blksize.is_some(), set.blksize <= asked.blksize),
                Some(Known::Timeout) => (asked.timeout.is_some(), set.timeout == asked.timeout),
                Some(Known::Tsize) => (asked.tsize.is_some(), before.tsize.is_none()),
                Some(Known::Windowsize) => {
                    (asked.windowsize.is_some(), set.windowsize <= asked.windowsize)
                }
                None => (false, false),
            };
            match right {
                (true, true) => {}
                (true, false) => return Err(value_error),
                (false, _) => return Err(name_error),
            }
            at = at.saturating_add(name.len()).saturating_add(value.len()).saturating_add(2);
        }
        Ok(set)
    }

    pub(crate) const fn octets(self) -> &'a [u8] {
        self.0
    }
}

enum Known {
    Blksize,
    Timeout,
    Tsize,
    Windowsize,
}

impl Known {
    fn named(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"blksize") {
            Some(Self::Blksize)
        } else if name.eq_ignore_ascii_case(b"timeout") {
            Some(Self::Timeout)
        } else if name.eq_ignore_ascii_case(b"tsize") {
            Some(Self::Tsize)
        } else if name.eq_ignore_ascii_case(b"windowsize") {
            Some(Self::Windowsize)
        } else {
            None
        }
    }
}

/// The options that this crate knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OptionSet {
    /// `blksize` (RFC 2348): octets of a block, 8 to 65464.
    pub blksize: Option<u16>,
    /// `timeout` (RFC 2349): seconds between repeats, 1 to 255.
    pub timeout: Option<u8>,
    /// `tsize` (RFC 2349): octets of the file; 0 in a read request asks for it.
    pub tsize: Option<u64>,
    /// `windowsize` (RFC 7440): blocks to one ACK, 1 to 65535.
    pub windowsize: Option<u16>,
}

impl OptionSet {
    /// No option at all.
    pub const NONE: Self = Self { blksize: None, timeout: None, tsize: None, windowsize: None };

    /// Whether every value is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(blksize) = self.blksize
            && !(MIN_BLKSIZE..=MAX_BLKSIZE).contains(&blksize)
        {
            return Err(ConfigError::Blksize { blksize });
        }
        if self.windowsize == Some(0) {
            return Err(ConfigError::Windowsize);
        }
        if self.timeout == Some(0) {
            return Err(ConfigError::Timeout);
        }
        Ok(())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// The block size that these options make, in octets.
    #[must_use]
    pub fn blksize_or_default(&self) -> u16 {
        self.blksize.unwrap_or(DEFAULT_BLKSIZE)
    }

    /// The window that these options make, in blocks.
    #[must_use]
    pub fn windowsize_or_default(&self) -> u16 {
        self.windowsize.unwrap_or(1)
    }

    /// Takes one option in; false where it is unknown, out of its range, or already there.
    fn take(&mut self, name: &[u8], value: &[u8]) -> bool {
        let Some(known) = Known::named(name) else { return false };
        let Some(number) = parse_decimal(value) else { return false };
        let small = u16::try_from(number).ok();
        match known {
            Known::Blksize => {
                let blksize = small.filter(|n| (MIN_BLKSIZE..=MAX_BLKSIZE).contains(n));
                set(&mut self.blksize, blksize)
            }
            Known::Timeout => set(&mut self.timeout, u8::try_from(number).ok().filter(|n| *n > 0)),
            Known::Tsize => set(&mut self.tsize, Some(number)),
            Known::Windowsize => set(&mut self.windowsize, small.filter(|n| *n > 0)),
        }
    }

    pub(crate) fn emit(&self, w: &mut Writer<'_>) {
        let options: [(&[u8], Option<u64>); 4] = [
            (b"tsize\0", self.tsize),
            (b"blksize\0", self.blksize.map(u64::from)),
            (b"timeout\0", self.timeout.map(u64::from)),
            (b"windowsize\0", self.windowsize.map(u64::from)),
        ];
        for (name, value) in options {
            if let Some(value) = value {
                w.octets(name).number(value).octets(&[0]);
            }
        }
    }
}

fn set<T>(to: &mut Option<T>, from: Option<T>) -> bool {
    if to.is_some() || from.is_none() {
        return false;
    }
    *to = from;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(octets: &[u8]) -> OptionSet {
        Options::parse(octets).unwrap().known()
    }

    #[test]
    fn letter_case_and_strangers_do_not_matter() {
        let set =
            known(b"BLKSIZE\x001428\0multicast\0\0tSize\x000\0Timeout\x003\0windowSIZE\x0064\0");
        let expected = OptionSet {
            blksize: Some(1428),
            timeout: Some(3),
            tsize: Some(0),
            windowsize: Some(64),
        };
        assert_eq!(set, expected);
    }

    #[test]
    fn values_out_of_range_count_as_not_written() {
        for value in ["7", "65465", "65536", "-8", "", "512 ", "0x200"] {
            let option = alloc::format!("blksize\0{value}\0");
            assert_eq!(known(option.as_bytes()), OptionSet::NONE, "{value}");
        }
        assert_eq!(known(b"timeout\x000\0"), OptionSet::NONE);
        assert_eq!(known(b"timeout\x00256\0"), OptionSet::NONE);
        assert_eq!(known(b"windowsize\x000\0"), OptionSet::NONE);
        assert_eq!(known(b"windowsize\x0065535\0").windowsize, Some(65535));
        assert_eq!(known(b"blksize\x008\0").blksize, Some(8));
        assert_eq!(known(b"blksize\x0065464\0blksize\x008\0").blksize, Some(65464));
    }

    #[test]
    fn nuls_at_the_end_are_no_option() {
        let options = Options::parse(b"tsize\x000\0\0\0\0").unwrap();
        assert_eq!(options.iter().count(), 1);
        assert_eq!(options.octets(), b"tsize\x000\0");
    }

    #[test]
    fn what_has_no_end_is_named() {
        let error = |octets| Options::parse(octets).unwrap_err();
        assert_eq!(error(b"tsize"), ParseError { what: Fault::OptionName, at: 0 });
        assert_eq!(error(b"tsize\x0012"), ParseError { what: Fault::OptionValue, at: 6 });
        assert_eq!(error(b"\0tsize\x0012"), ParseError { what: Fault::OptionName, at: 0 });
    }

    #[test]
    fn a_server_may_grant_less_but_not_more() {
        let asked = OptionSet {
            blksize: Some(1428),
            timeout: Some(2),
            tsize: Some(0),
            windowsize: Some(16),
        };
        let granted = |octets, asked| Options::parse(octets).unwrap().granted(asked);
        let set = granted(b"blksize\x00512\0tsize\x00999\0", &asked).unwrap();
        assert_eq!(set, OptionSet { blksize: Some(512), tsize: Some(999), ..OptionSet::NONE });
        for (octets, what, at) in [
            (&b"blksize\x001429\0"[..], Fault::OptionValue, 8),
            (b"blksize\x00x\0", Fault::OptionValue, 8),
            (b"timeout\x003\0", Fault::OptionValue, 8),
            (b"windowsize\x0017\0", Fault::OptionValue, 11),
            (b"tsize\x001\0tsize\x002\0", Fault::OptionValue, 14),
            (b"tsize\x001\0rollover\x000\0", Fault::OptionName, 8),
        ] {
            assert_eq!(granted(octets, &asked), Err(ParseError { what, at }));
        }
        let error = granted(b"tsize\x001\0", &OptionSet::NONE);
        assert_eq!(error, Err(ParseError { what: Fault::OptionName, at: 0 }));
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused() {
        let check = |set: OptionSet| set.check();
        assert_eq!(
            check(OptionSet { blksize: Some(7), ..OptionSet::NONE }),
            Err(ConfigError::Blksize { blksize: 7 })
        );
        assert_eq!(
            check(OptionSet { blksize: Some(65465), ..OptionSet::NONE }),
            Err(ConfigError::Blksize { blksize: 65465 })
        );
        assert_eq!(
            check(OptionSet { windowsize: Some(0), ..OptionSet::NONE }),
            Err(ConfigError::Windowsize)
        );
        assert_eq!(
            check(OptionSet { timeout: Some(0), ..OptionSet::NONE }),
            Err(ConfigError::Timeout)
        );
        assert_eq!(check(OptionSet::NONE), Ok(()));
    }
}
