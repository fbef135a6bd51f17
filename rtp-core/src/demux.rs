//! Which protocol a datagram on a shared port belongs to.
//!
//! ```text
//! first octet   0..=3    STUN                 RFC 7983 section 7
//!              16..=19   ZRTP
//!              20..=63   DTLS
//!              64..=79   TURN channel data
//!             128..=191  RTP or RTCP:  second octet 192..=223 is RTCP   RFC 5761 section 4
//! ```

/// A protocol that may share a port with RTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Protocol {
    /// RTP (RFC 3550 section 5).
    Rtp,
    /// RTCP (RFC 3550 section 6).
    Rtcp,
    /// STUN (RFC 8489).
    Stun,
    /// ZRTP (RFC 6189).
    Zrtp,
    /// DTLS (RFC 9147).
    Dtls,
    /// A TURN channel (RFC 8656).
    TurnChannel,
    /// Nothing that RFC 7983 knows.
    Unknown,
}

/// Tells what a datagram is by its first two octets.
#[inline]
pub fn protocol(datagram: &[u8]) -> Protocol {
    match *datagram {
        [128..=191, 192..=223, ..] => Protocol::Rtcp,
        [128..=191, _, ..] => Protocol::Rtp,
        [0..=3, ..] => Protocol::Stun,
        [16..=19, ..] => Protocol::Zrtp,
        [20..=63, ..] => Protocol::Dtls,
        [64..=79, ..] => Protocol::TurnChannel,
        _ => Protocol::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_of_rfc_7983_and_rfc_5761_is_told_apart() {
        let table: [(&[u8], Protocol); 14] = [
            (&[], Protocol::Unknown),
            (&[0, 1], Protocol::Stun),
            (&[3, 1], Protocol::Stun),
            (&[4, 1], Protocol::Unknown),
            (&[16, 1], Protocol::Zrtp),
            (&[22, 254], Protocol::Dtls),
            (&[64, 0], Protocol::TurnChannel),
            (&[80, 0], Protocol::Unknown),
            (&[0x80, 0], Protocol::Rtp),
            (&[0x80, 0x80 | 63], Protocol::Rtp),
            (&[0x80, 200], Protocol::Rtcp),
            (&[0xbf, 223], Protocol::Rtcp),
            (&[0x80, 0x80 | 96], Protocol::Rtp),
            (&[192, 200], Protocol::Unknown),
        ];
        for (datagram, expected) in table {
            assert_eq!(protocol(datagram), expected, "{datagram:?}");
        }
    }
}
