//! The header extension of an RTP packet (RFC 3550 section 5.3.1), and the elements that RFC 8285
//! puts into it.
//!
//! ```text
//! one-byte form, profile BEDE          two-byte form, profile 100x
//! | ID 4 | len-1 4 | data ...          | ID 8 | len 8 | data ...
//!   0: one octet of padding              0: one octet of padding
//!  15: stop reading
//! ```

mod named;

pub use named::{AbsoluteSendTime, AudioLevel, ExtensionMap, Name, Value};

use crate::error::Fault;
use crate::packet::copy;
use crate::{BufferTooSmall, ParseError};

/// The profile number of the one-byte form (RFC 8285 section 4.2).
pub const ONE_BYTE: u16 = 0xbede;
/// The profile number of the two-byte form with application bits 0 (RFC 8285 section 4.3).
pub const TWO_BYTE: u16 = 0x1000;

/// A header extension (RFC 3550 section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HeaderExtension<'a> {
    /// The first 16 bits, which the profile defines.
    pub profile: u16,
    /// What follows the length: whole words of 32 bits. What is left over at the end of it, and
    /// what 65535 words do not hold, is not written.
    pub data: &'a [u8],
}

impl<'a> HeaderExtension<'a> {
    /// Reads an extension at the beginning of `octets`, and gives what follows it.
    pub(crate) fn parse_prefix(octets: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = octets.split_first_chunk::<4>()?;
        let words = u16::from_be_bytes([head[2], head[3]]);
        let (data, rest) = rest.split_at_checked(usize::from(words) * 4)?;
        Some((Self { profile: u16::from_be_bytes([head[0], head[1]]), data }, rest))
    }

    /// How many octets the extension takes, with its own header.
    #[inline]
    pub fn encoded_len(&self) -> usize {
        4 + usize::from(self.words()) * 4
    }

    /// The elements of RFC 8285, if the profile number says that there are some.
    pub fn elements(&self) -> Elements<'a> {
        let form = match self.profile {
            ONE_BYTE => Form::OneByte,
            profile if profile & 0xfff0 == TWO_BYTE => Form::TwoByte,
            _ => return Elements { form: Form::OneByte, rest: &[] },
        };
        Elements { form, rest: self.data }
    }

    /// The data of the element with this ID (RFC 8285 section 5).
    #[inline]
    pub fn find(&self, id: u8) -> Option<&'a [u8]> {
        self.elements().find_map(|element| (element.id == id).then_some(element.data))
    }

    /// Writes the extension, and gives what is left of the buffer.
    #[inline]
    pub(crate) fn fill<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b mut [u8]> {
        let words = self.words();
        let (head, rest) = buffer.split_first_chunk_mut::<4>()?;
        let [a, b] = self.profile.to_be_bytes();
        let [c, d] = words.to_be_bytes();
        *head = [a, b, c, d];
        let len = usize::from(words) * 4;
        let (cells, rest) = rest.split_at_mut_checked(len)?;
        copy(cells, self.data);
        Some(rest)
    }

    fn words(&self) -> u16 {
        u16::try_from(self.data.len() / 4).unwrap_or(u16::MAX)
    }
}

/// How the elements of an extension are framed (RFC 8285 section 4.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Form {
    /// IDs 1 to 14, data of 1 to 16 octets.
    OneByte,
    /// IDs 1 to 255, data of 0 to 255 octets.
    TwoByte,
}

impl Form {
    /// The profile number that announces the form.
    pub const fn profile(self) -> u16 {
        match self {
            Self::OneByte => ONE_BYTE,
            Self::TwoByte => TWO_BYTE,
        }
    }
}

/// One element of an extension (RFC 8285 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Element<'a> {
    /// Which element it is, as `a=extmap` has it.
    pub id: u8,
    /// Its data.
    pub data: &'a [u8],
}

/// The elements of an extension; ends at the first one that does not fit.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Elements<'a> {
    form: Form,
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            let (&first, after) = self.rest.split_first()?;
            if first == 0 {
                self.rest = after;
                continue;
            }
            let (id, len, after) = match self.form {
                Form::OneByte => {
                    if first >> 4 == 15 {
                        self.rest = &[];
                        return None;
                    }
                    (first >> 4, usize::from(first & 0x0f) + 1, after)
                }
                Form::TwoByte => {
                    let (&len, after) = after.split_first()?;
                    (first, usize::from(len), after)
                }
            };
            let Some((data, after)) = after.split_at_checked(len) else {
                self.rest = &[];
                return None;
            };
            if id == 0 {
                // Padding with a length: RFC 8285 section 4.2 has the reader stop here.
                self.rest = &[];
                return None;
            }
            self.rest = after;
            return Some(Element { id, data });
        }
    }
}

/// Writes elements one behind the other, padded to whole words: the data of a
/// [`HeaderExtension`] whose profile is [`Form::profile`].
///
/// # Errors
/// An ID or a length that the form cannot carry, named by the number of its element; or a
/// buffer too small.
pub fn write_elements(
    form: Form,
    elements: &[Element<'_>],
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let mut needed = 0usize;
    for (at, element) in elements.iter().enumerate() {
        let (ids, lens, head) = match form {
            Form::OneByte => (1..=14, 1..=16, 1),
            Form::TwoByte => (1..=255, 0..=255, 2),
        };
        if !ids.contains(&element.id) || !lens.contains(&element.data.len()) {
            return Err(WriteError::Element(ParseError::new(Fault::Value, at)));
        }
        needed = needed.saturating_add(head + element.data.len());
    }
    let needed = needed.next_multiple_of(4);
    let too_small = WriteError::BufferTooSmall(BufferTooSmall { needed });
    let mut rest = buffer.get_mut(..needed).ok_or(too_small)?;
    for element in elements {
        // Both were checked against what the form can carry.
        let len = element.data.len() as u8;
        let head: &[u8] = match form {
            Form::OneByte => &[(element.id << 4) | len.wrapping_sub(1)],
            Form::TwoByte => &[element.id, len],
        };
        for part in [head, element.data] {
            let (cells, after) = rest.split_at_mut_checked(part.len()).ok_or(too_small)?;
            copy(cells, part);
            rest = after;
        }
    }
    rest.fill(0);
    Ok(needed)
}

/// Why elements could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WriteError {
    /// The form cannot carry this element: use the two-byte form, or other data. `at` is the
    /// element's number.
    Element(ParseError),
    /// The buffer is too small.
    BufferTooSmall(BufferTooSmall),
}

impl core::fmt::Display for WriteError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Element(error) => {
                write!(f, "element {} has an ID or a length that the form cannot carry", error.at)
            }
            Self::BufferTooSmall(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for WriteError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn one_byte_elements_are_found_across_padding() {
        // RFC 8285 section 4.2: two elements with padding between and after.
        let data = [0x10, 0xaa, 0, 0x32, 1, 2, 3, 0];
        let extension = HeaderExtension { profile: ONE_BYTE, data: &data };
        let seen: Vec<_> = extension.elements().map(|e| (e.id, e.data.to_vec())).collect();
        assert_eq!(seen, [(1, [0xaa].to_vec()), (3, [1, 2, 3].to_vec())]);
        assert_eq!(extension.find(3), Some(&[1, 2, 3][..]));
        assert_eq!(extension.find(2), None);
    }

    #[test]
    fn id_15_and_an_element_cut_off_end_the_list() {
        for data in [[0x10, 1, 0xf0, 2], [0x10, 1, 0x23, 2]] {
            let extension = HeaderExtension { profile: ONE_BYTE, data: &data };
            assert_eq!(extension.elements().count(), 1);
        }
    }

    #[test]
    fn another_profile_has_no_elements() {
        let extension = HeaderExtension { profile: 0x1234, data: &[0x10, 1, 0, 0] };
        assert_eq!(extension.elements().count(), 0);
    }

    #[test]
    fn both_forms_are_written_and_read() {
        let elements =
            [Element { id: 1, data: &[7] }, Element { id: 14, data: &[1, 2, 3, 4, 5, 6] }];
        for form in [Form::OneByte, Form::TwoByte] {
            let mut buffer = [0xff; 32];
            let len = write_elements(form, &elements, &mut buffer).unwrap();
            assert_eq!(len % 4, 0);
            let extension = HeaderExtension { profile: form.profile(), data: &buffer[..len] };
            assert!(extension.elements().eq(elements));
        }
    }

    #[test]
    fn what_a_form_cannot_carry_is_refused() {
        let long = [0; 17];
        for element in [
            Element { id: 15, data: &[1] },
            Element { id: 1, data: &[] },
            Element { id: 1, data: &long },
        ] {
            let result = write_elements(Form::OneByte, &[element], &mut [0; 64]);
            assert!(matches!(result, Err(WriteError::Element(ParseError { at: 0, .. }))));
            assert!(write_elements(Form::TwoByte, &[element], &mut [0; 64]).is_ok());
        }
        let element = Element { id: 1, data: &[1, 2, 3, 4] };
        assert_eq!(
            write_elements(Form::OneByte, &[element], &mut [0; 7]),
            Err(WriteError::BufferTooSmall(BufferTooSmall { needed: 8 }))
        );
    }
}
