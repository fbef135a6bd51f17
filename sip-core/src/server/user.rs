//! The name of a user of the domain.

use core::fmt;

use super::line::Line;

/// The longest user name that the server keeps anything for, in octets.
pub const MAX_USER: usize = 64;

/// The user part of an address of record, without escapes. Names are compared octet by octet
/// (RFC 3261 section 19.1.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct User {
    len: u8,
    octets: [u8; MAX_USER],
}

impl User {
    /// The user with this name, escapes of RFC 3261 section 19.1.2 undone; nothing where the name is
    /// empty, too long, or badly escaped.
    #[must_use]
    pub fn new(name: &[u8]) -> Option<Self> {
        let mut octets = [0; MAX_USER];
        let mut len = 0;
        let mut rest = name;
        while let Some((octet, after)) = rest.split_first() {
            let octet = match (octet, after) {
                (b'%', [high, low, after @ ..]) => {
                    rest = after;
                    (digit(*high)? << 4) | digit(*low)?
                }
                (b'%', _) => return None,
                (octet, after) => {
                    rest = after;
                    *octet
                }
            };
            *octets.get_mut(len)? = octet;
            len += 1;
        }
        let len = u8::try_from(len).ok().filter(|len| *len > 0)?;
        Some(Self { len, octets })
    }

    /// The user's address of record, with escapes where they are needed.
    pub(super) fn uri(&self, domain: &str) -> Line<512> {
        let mut line = Line::new();
        line.put(b"sip:");
        for octet in self.as_bytes() {
            if octet.is_ascii_alphanumeric() || b"-_.!~*()=+$,;?/".contains(octet) {
                line.put(&[*octet]);
            } else {
                line.put(b"%").hex_octets(&[*octet]);
            }
        }
        line.put(b"@").put(domain.as_bytes());
        line
    }

    /// The name.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.as_bytes().utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_str("\u{fffd}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({})", self.as_bytes().escape_ascii())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for User {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "User({=[u8]:a})", self.as_bytes());
    }
}

fn digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn escapes_are_undone() {
        assert_eq!(User::new(b"sip%3Auser%40a").unwrap().to_string(), "sip:user@a");
        assert_eq!(User::new(b"%61lice"), User::new(b"alice"));
        assert_eq!(User::new(b"a%4"), None);
        assert_eq!(User::new(b"a%zz"), None);
    }

    #[test]
    fn names_have_an_end() {
        assert!(User::new(&[b'a'; MAX_USER]).is_some());
        assert_eq!(User::new(&[b'a'; MAX_USER + 1]), None);
        assert_eq!(User::new(b""), None);
    }
}
