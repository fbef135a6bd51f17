//! Payload types and formats (RFC 3551, RFC 4733).

pub mod telephone_event;

/// The payload type of mu-law at 8000 Hz.
pub const PCMU: u8 = 0;
/// The payload type of A-law at 8000 Hz.
pub const PCMA: u8 = 8;
/// The payload type of G.722; its clock says 8000 Hz although it samples at 16000.
pub const G722: u8 = 9;
/// The payload type of comfort noise (RFC 3389).
pub const CN: u8 = 13;

/// A payload type that RFC 3551 section 6 has fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StaticType {
    /// The payload type.
    pub payload_type: u8,
    /// The encoding's name, as `a=rtpmap` writes it.
    pub name: &'static str,
    /// The clock of its timestamps, in hertz.
    pub clock_rate: u32,
    /// Channels of sound; 0 for video.
    pub channels: u8,
}

/// RFC 3551 tables 4 and 5, in the order of payload types.
static STATIC_TYPES: [StaticType; 23] = {
    const fn entry(
        payload_type: u8,
        name: &'static str,
        clock_rate: u32,
        channels: u8,
    ) -> StaticType {
        StaticType { payload_type, name, clock_rate, channels }
    }
    [
        entry(0, "PCMU", 8000, 1),
        entry(3, "GSM", 8000, 1),
        entry(4, "G723", 8000, 1),
        entry(5, "DVI4", 8000, 1),
        entry(6, "DVI4", 16_000, 1),
        entry(7, "LPC", 8000, 1),
        entry(8, "PCMA", 8000, 1),
        entry(9, "G722", 8000, 1),
        entry(10, "L16", 44_100, 2),
        entry(11, "L16", 44_100, 1),
        entry(12, "QCELP", 8000, 1),
        entry(13, "CN", 8000, 1),
        entry(14, "MPA", 90_000, 1),
        entry(15, "G728", 8000, 1),
        entry(16, "DVI4", 11_025, 1),
        entry(17, "DVI4", 22_050, 1),
        entry(18, "G729", 8000, 1),
        entry(25, "CelB", 90_000, 0),
        entry(26, "JPEG", 90_000, 0),
        entry(28, "nv", 90_000, 0),
        entry(31, "H261", 90_000, 0),
        entry(32, "MPV", 90_000, 0),
        entry(34, "H263", 90_000, 0),
    ]
};

/// What RFC 3551 says of a payload type; nothing where it is dynamic or not assigned.
#[inline]
pub fn static_type(payload_type: u8) -> Option<&'static StaticType> {
    match payload_type {
        // The one that most calls ask for.
        PCMU => STATIC_TYPES.first(),
        1..=34 => STATIC_TYPES.iter().find(|entry| entry.payload_type == payload_type),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_types_are_those_of_rfc_3551() {
        let name = |payload_type| static_type(payload_type).map(|known| known.name);
        assert_eq!(name(PCMU), Some("PCMU"));
        assert_eq!(name(PCMA), Some("PCMA"));
        assert_eq!(name(34), Some("H263"));
        assert_eq!((name(1), name(96), name(255)), (None, None, None));
        assert_eq!(static_type(G722).map(|known| known.clock_rate), Some(8000));
        assert!(STATIC_TYPES.is_sorted_by_key(|known| known.payload_type));
    }
}
