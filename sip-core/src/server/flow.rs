//! Names of flows in Record-Route (as RFC 5626 section 5.2 makes them): the user part of the URI that
//! the server puts there says over which path the party on that side is reached and which user it is,
//! and a keyed hash over it and the Call-ID shows that it was this server that put it there, in this
//! dialog.
//!
//! ```text
//! Record-Route: <sip:TOKEN@192.0.2.1:5060;transport=tcp;lr>
//!
//! octets  0           1       3       7           11 or 23   13 or 25
//!         | transport | local | user  | address   | port     | hash: 8 octets |     in hexadecimal
//! ```

use core::hash::Hasher;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use siphasher::sip::SipHasher13;

use super::line::{Line, from_hex};
use super::user::User;
use crate::transport::{Path, Transport};

/// The longest token, in octets: an IPv6 address and all around it, twice as long in hexadecimal.
pub(crate) const MAX_TOKEN: usize = 2 * (MAX_OCTETS + 8);

/// What stands before the hash, with an IPv6 address.
const MAX_OCTETS: usize = 1 + 2 + 4 + 16 + 2;

/// One side of a dialog, as a token names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Side {
    /// The path that it was reached over when the dialog began.
    pub(crate) path: Path,
    /// The hash of the user's name; zero where it is no user of the domain.
    pub(crate) user: u32,
}

/// Makes and reads the tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flows {
    key: (u64, u64),
}

impl Flows {
    pub(crate) const fn new(key: (u64, u64)) -> Self {
        Self { key }
    }

    /// The side of a user, or of somebody else.
    pub(crate) fn side(&self, path: Path, user: Option<&User>) -> Side {
        Side { path, user: user.map_or(0, |user| self.user(user)) }
    }

    /// The hash of a user's name; never zero.
    pub(crate) fn user(&self, user: &User) -> u32 {
        // The half of it is enough to tell apart the users of a domain.
        (self.hash(user.as_bytes(), b"user") as u32).max(1)
    }

    /// The token of a side, for the dialog with this Call-ID.
    pub(crate) fn token(&self, side: Side, call_id: &[u8]) -> Line<MAX_TOKEN> {
        let path = side.path;
        let mut line = Line::new();
        let transport = match path.transport {
            Transport::Udp => 0,
            Transport::Tcp => 1,
            Transport::Tls => 2,
            Transport::Ws => 3,
            Transport::Wss => 4,
        };
        line.hex_octets(&[transport])
            .hex_octets(&path.local.to_be_bytes())
            .hex_octets(&side.user.to_be_bytes());
        match path.remote.ip() {
            IpAddr::V4(ip) => line.hex_octets(&ip.octets()),
            IpAddr::V6(ip) => line.hex_octets(&ip.octets()),
        };
        line.hex_octets(&path.remote.port().to_be_bytes());
        let hash = self.hash(line.as_bytes(), call_id);
        line.hex(hash);
        line
    }

    /// The side that a token of ours names in the dialog with this Call-ID; nothing where it is not
    /// one of ours.
    pub(crate) fn read(&self, token: &[u8], call_id: &[u8]) -> Option<Side> {
        let (text, hash) = token.split_at_checked(token.len().checked_sub(16)?)?;
        let mut octets = [0; 8];
        from_hex(hash, &mut octets)?;
        if u64::from_be_bytes(octets) != self.hash(text, call_id) {
            return None;
        }
        let mut octets = [0; MAX_OCTETS];
        let len = from_hex(text, &mut octets)?;
        let octets = octets.get(..len)?;
        let (&[transport, local_high, local_low], rest) = octets.split_first_chunk()?;
        let (&user, rest) = rest.split_first_chunk()?;
        let (ip, &port) = rest.split_last_chunk()?;
        let transport = match transport {
            0 => Transport::Udp,
            1 => Transport::Tcp,
            2 => Transport::Tls,
            3 => Transport::Ws,
            4 => Transport::Wss,
            _ => return None,
        };
        let ip = match (<[u8; 4]>::try_from(ip), <[u8; 16]>::try_from(ip)) {
            (Ok(ip), _) => IpAddr::V4(Ipv4Addr::from(ip)),
            (_, Ok(ip)) => IpAddr::V6(Ipv6Addr::from(ip)),
            _ => return None,
        };
        let remote = SocketAddr::new(ip, u16::from_be_bytes(port));
        let path = Path { transport, local: u16::from_be_bytes([local_high, local_low]), remote };
        Some(Side { path, user: u32::from_be_bytes(user) })
    }

    fn hash(&self, text: &[u8], call_id: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        hasher.write(text);
        hasher.write_u8(0xff);
        hasher.write(call_id);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_from_its_token_in_its_own_dialog_only() {
        let flows = Flows::new((1, 2));
        for (transport, remote) in [
            (Transport::Udp, "192.0.2.1:5060"),
            (Transport::Tls, "[2001:db8::1]:40000"),
            (Transport::Tcp, "127.0.0.1:1"),
        ] {
            let path = Path { transport, local: 0x1234, remote: remote.parse().unwrap() };
            let side = flows.side(path, User::new(b"alice").as_ref());
            assert_ne!(side.user, 0);
            let token = flows.token(side, b"call");
            assert_eq!(flows.read(token.as_bytes(), b"call"), Some(side));
            assert_eq!(flows.read(token.as_bytes(), b"other"), None);
            assert_eq!(Flows::new((1, 3)).read(token.as_bytes(), b"call"), None);
        }
    }

    #[test]
    fn what_others_write_is_no_token() {
        let flows = Flows::new((1, 2));
        let path = Path::udp("192.0.2.1:5060".parse().unwrap());
        let token = flows.token(flows.side(path, None), b"c");
        for at in 0..token.as_bytes().len() {
            let mut other = token.as_bytes().to_vec();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(flows.read(&other, b"c"), None);
            assert_eq!(flows.read(&other[..at], b"c"), None);
        }
        assert_eq!(flows.read(b"alice", b"c"), None);
        assert_eq!(flows.read(b"", b"c"), None);
    }
}
