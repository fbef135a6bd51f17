//! Header extensions by name: which ID a session uses for which (RFC 8285 section 7), and what
//! they hold.
//!
//! ```text
//! audio level                 |V| level 7    |                         RFC 6464 section 3
//! absolute send time          | seconds 6 . fraction 18 |              abs-send-time
//! transport sequence number   | number 16 |                            transport-wide-cc-01
//! transmission offset         | signed 24, units of the timestamp |    RFC 5450 section 3
//! media identification        | text ... |                             RFC 9143 section 15
//! ```

use core::time::Duration;

use super::{Element, HeaderExtension};
use crate::{ConfigError, NtpTime};

/// An extension that this crate knows the format of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Name {
    /// How loud the packet's sound is (RFC 6464).
    AudioLevel,
    /// When the packet was sent, by a clock of 24 bits.
    AbsoluteSendTime,
    /// A number that counts the packets of all streams of a transport.
    TransportSequenceNumber,
    /// How long after its timestamp the packet was sent (RFC 5450).
    TransmissionOffset,
    /// The media description that the stream belongs to (RFC 9143).
    Mid,
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::AudioLevel,
        Self::AbsoluteSendTime,
        Self::TransportSequenceNumber,
        Self::TransmissionOffset,
        Self::Mid,
    ];

    /// The name as `a=extmap` has it.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::AudioLevel => "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            Self::AbsoluteSendTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            Self::TransportSequenceNumber => {
                "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
            }
            Self::TransmissionOffset => "urn:ietf:params:rtp-hdrext:toffset",
            Self::Mid => "urn:ietf:params:rtp-hdrext:sdes:mid",
        }
    }

    /// The extension that `a=extmap` names so.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.uri() == uri)
    }
}

/// Which ID names which extension in a session.
///
/// ```
/// use rtp_core::extension::{ExtensionMap, Name};
/// let mut map = ExtensionMap::new();
/// map.set(Name::AudioLevel, 1)?;
/// assert_eq!(map.id(Name::AudioLevel), Some(1));
/// # Ok::<(), rtp_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ExtensionMap {
    /// The ID of each name; 0 for none.
    ids: [u8; Name::ALL.len()],
}

impl ExtensionMap {
    /// A map that names nothing.
    pub const fn new() -> Self {
        Self { ids: [0; Name::ALL.len()] }
    }

    /// Gives an extension its ID.
    ///
    /// # Errors
    /// The ID is 0, or another extension has it.
    pub fn set(&mut self, name: Name, id: u8) -> Result<(), ConfigError> {
        let taken = self.name(id).is_some_and(|other| other != name);
        if id == 0 || taken {
            return Err(ConfigError::ExtensionId { id });
        }
        if let Some(cell) = self.ids.get_mut(name as usize) {
            *cell = id;
        }
        Ok(())
    }

    /// The ID of an extension.
    #[inline]
    pub fn id(&self, name: Name) -> Option<u8> {
        self.ids.get(name as usize).copied().filter(|id| *id != 0)
    }

    /// The extension of an ID.
    pub fn name(&self, id: u8) -> Option<Name> {
        Name::ALL.into_iter().find(|name| self.id(*name) == Some(id))
    }

    /// The value of a named extension in a packet; nothing where it is not there, or is not what
    /// its name says.
    #[inline]
    pub fn find<'a>(&self, extension: &HeaderExtension<'a>, name: Name) -> Option<Value<'a>> {
        Value::parse(name, extension.find(self.id(name)?)?)
    }

    /// The values of all extensions in a packet that have a name and are what it says.
    pub fn values<'a>(&self, extension: &HeaderExtension<'a>) -> impl Iterator<Item = Value<'a>> {
        let map = *self;
        extension
            .elements()
            .filter_map(move |element| Value::parse(map.name(element.id)?, element.data))
    }

    /// The element that carries a value, in octets that `scratch` holds; nothing where the
    /// extension has no ID here.
    pub fn element<'a>(&self, value: &Value<'a>, scratch: &'a mut [u8; 4]) -> Option<Element<'a>> {
        let id = self.id(value.name())?;
        let data = match *value {
            Value::AudioLevel(level) => {
                *scratch = [level.to_octet(), 0, 0, 0];
                &scratch[..1]
            }
            Value::AbsoluteSendTime(time) => {
                *scratch = (time.0 << 8).to_be_bytes();
                &scratch[..3]
            }
            Value::TransportSequenceNumber(number) => {
                let [a, b] = number.to_be_bytes();
                *scratch = [a, b, 0, 0];
                &scratch[..2]
            }
            Value::TransmissionOffset(offset) => {
                *scratch = (offset << 8).to_be_bytes();
                &scratch[..3]
            }
            Value::Mid(text) => text,
        };
        Some(Element { id, data })
    }
}

/// What a named extension holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Value<'a> {
    /// [`Name::AudioLevel`].
    AudioLevel(AudioLevel),
    /// [`Name::AbsoluteSendTime`].
    AbsoluteSendTime(AbsoluteSendTime),
    /// [`Name::TransportSequenceNumber`].
    TransportSequenceNumber(u16),
    /// [`Name::TransmissionOffset`]: units of the timestamp, of which 24 bits are written.
    TransmissionOffset(i32),
    /// [`Name::Mid`]: the identification's octets.
    Mid(&'a [u8]),
}

impl<'a> Value<'a> {
    /// Reads the data of an element of this name; nothing where it has another length.
    #[inline]
    pub fn parse(name: Name, data: &'a [u8]) -> Option<Self> {
        Some(match (name, data) {
            // The two-byte form may fill up with octets that mean nothing.
            (Name::AudioLevel, [octet, ..]) => Self::AudioLevel(AudioLevel::from_octet(*octet)),
            (Name::AbsoluteSendTime, &[a, b, c]) => {
                Self::AbsoluteSendTime(AbsoluteSendTime(u32::from_be_bytes([0, a, b, c])))
            }
            (Name::TransportSequenceNumber, &[a, b]) => {
                Self::TransportSequenceNumber(u16::from_be_bytes([a, b]))
            }
            // The shift carries the sign of 24 bits over to 32.
            (Name::TransmissionOffset, &[a, b, c]) => {
                Self::TransmissionOffset(i32::from_be_bytes([a, b, c, 0]) >> 8)
            }
            (Name::Mid, text) if !text.is_empty() => Self::Mid(text),
            _ => return None,
        })
    }

    /// Which extension it is.
    pub const fn name(&self) -> Name {
        match self {
            Self::AudioLevel(_) => Name::AudioLevel,
            Self::AbsoluteSendTime(_) => Name::AbsoluteSendTime,
            Self::TransportSequenceNumber(_) => Name::TransportSequenceNumber,
            Self::TransmissionOffset(_) => Name::TransmissionOffset,
            Self::Mid(_) => Name::Mid,
        }
    }
}

/// How loud a packet's sound is (RFC 6464 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AudioLevel {
    /// Whether the sender takes the sound for a voice.
    pub voice: bool,
    /// The level in -dBov: 0 is the loudest that can be, 127 is silence.
    pub level: u8,
}

impl AudioLevel {
    const fn from_octet(octet: u8) -> Self {
        Self { voice: octet & 0x80 != 0, level: octet & 0x7f }
    }

    fn to_octet(self) -> u8 {
        (u8::from(self.voice) << 7) | self.level.min(127)
    }
}

/// When a packet was sent: 6 bits of seconds and 18 of their fraction, in the lower 24 bits. It
/// begins anew every 64 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AbsoluteSendTime(pub u32);

impl AbsoluteSendTime {
    /// The time that this is of a wall clock.
    pub const fn from_ntp(time: NtpTime) -> Self {
        Self(((time.0 >> 14) & 0xff_ffff) as u32)
    }

    /// How long after `earlier` this was, if less than 64 seconds.
    pub const fn since(self, earlier: Self) -> Duration {
        let units = self.0.wrapping_sub(earlier.0) & 0xff_ffff;
        Duration::from_nanos(((units as u64) * 1_000_000_000) >> 18)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extension::{Form, write_elements};
    use alloc::vec::Vec;

    #[test]
    fn each_name_has_its_own_uri() {
        for name in Name::ALL {
            assert_eq!(Name::from_uri(name.uri()), Some(name));
        }
        assert_eq!(Name::from_uri("urn:example"), None);
    }

    #[test]
    fn an_id_names_one_extension() {
        let mut map = ExtensionMap::new();
        map.set(Name::Mid, 4).unwrap();
        assert_eq!(map.set(Name::AudioLevel, 4), Err(ConfigError::ExtensionId { id: 4 }));
        assert_eq!(map.set(Name::AudioLevel, 0), Err(ConfigError::ExtensionId { id: 0 }));
        map.set(Name::Mid, 5).unwrap();
        assert_eq!((map.id(Name::Mid), map.name(4), map.name(5)), (Some(5), None, Some(Name::Mid)));
    }

    #[test]
    fn values_are_written_and_read_by_name_in_both_forms() {
        let values = [
            Value::AudioLevel(AudioLevel { voice: true, level: 42 }),
            Value::AbsoluteSendTime(AbsoluteSendTime(0x12_3456)),
            Value::TransportSequenceNumber(0xbeef),
            Value::TransmissionOffset(-5),
            Value::Mid(b"audio"),
        ];
        let mut map = ExtensionMap::new();
        for (value, id) in values.iter().zip(1..) {
            map.set(value.name(), id).unwrap();
        }
        for form in [Form::OneByte, Form::TwoByte] {
            let mut scratch = [[0; 4]; 5];
            let elements: Vec<_> = values
                .iter()
                .zip(&mut scratch)
                .map(|(value, scratch)| map.element(value, scratch).unwrap())
                .collect();
            let mut buffer = [0; 64];
            let len = write_elements(form, &elements, &mut buffer).unwrap();
            let extension = HeaderExtension { profile: form.profile(), data: &buffer[..len] };
            assert!(map.values(&extension).eq(values));
            assert_eq!(map.find(&extension, Name::Mid), Some(Value::Mid(b"audio")));
        }
        assert_eq!(ExtensionMap::new().element(&values[0], &mut [0; 4]), None);
    }

    #[test]
    fn data_of_another_length_is_no_value() {
        for name in
            [Name::AbsoluteSendTime, Name::TransportSequenceNumber, Name::TransmissionOffset]
        {
            assert_eq!(Value::parse(name, &[1, 2, 3, 4]), None);
            assert_eq!(Value::parse(name, &[1]), None);
        }
        assert_eq!(Value::parse(Name::AudioLevel, &[]), None);
        assert_eq!(Value::parse(Name::Mid, &[]), None);
    }

    #[test]
    fn absolute_send_time_wraps_after_64_seconds() {
        let early =
            AbsoluteSendTime::from_ntp(NtpTime::from_elapsed(Duration::from_millis(63_750)));
        let later =
            AbsoluteSendTime::from_ntp(NtpTime::from_elapsed(Duration::from_millis(64_250)));
        assert_eq!(later.since(early), Duration::from_millis(500));
    }
}
