//! Layouts of fixed offsets, the least octet first.

use crate::error::{BufferTooSmall, Fault, ParseError};

/// A value of a fixed number of octets.
pub(crate) trait Field: Copy {
    /// Reads it from the first of the octets; those that are missing are 0.
    fn read(octets: &[u8]) -> Self;

    /// Writes it to the first of the octets, as far as there are any.
    fn write(&self, octets: &mut [u8]);
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Field for $type {
            fn read(octets: &[u8]) -> Self {
                octets.first_chunk().map_or(0, |octets| Self::from_le_bytes(*octets))
            }

            fn write(&self, octets: &mut [u8]) {
                if let Some(octets) = octets.first_chunk_mut() {
                    *octets = self.to_le_bytes();
                }
            }
        }
    )*};
}

numbers!(u8 u16 u32 i16 i32);

impl<const N: usize> Field for [u8; N] {
    fn read(octets: &[u8]) -> Self {
        octets.first_chunk().copied().unwrap_or([0; N])
    }

    fn write(&self, octets: &mut [u8]) {
        if let Some(octets) = octets.first_chunk_mut() {
            *octets = *self;
        }
    }
}

/// Several of the same, one behind the other.
impl<const N: usize> Field for [u16; N] {
    fn read(octets: &[u8]) -> Self {
        let mut values = [0; N];
        for (value, octets) in values.iter_mut().zip(octets.as_chunks::<2>().0) {
            *value = u16::from_le_bytes(*octets);
        }
        values
    }

    fn write(&self, octets: &mut [u8]) {
        for (value, octets) in self.iter().zip(octets.as_chunks_mut::<2>().0) {
            *octets = value.to_le_bytes();
        }
    }
}

/// The first `size` octets of what was sent.
pub(crate) fn head(octets: &[u8], size: usize) -> Result<&[u8], ParseError> {
    octets.get(..size).ok_or(ParseError { what: Fault::UnexpectedEnd, at: octets.len() })
}

/// `size` octets of zero at the start of a buffer.
pub(crate) fn zeroed(buffer: &mut [u8], size: usize) -> Result<&mut [u8], BufferTooSmall> {
    let head = buffer.get_mut(..size).ok_or(BufferTooSmall { needed: size })?;
    head.fill(0);
    Ok(head)
}

/// A number where it stands.
pub(crate) fn at<T: Field>(octets: &[u8], offset: usize) -> T {
    T::read(octets.get(offset..).unwrap_or_default())
}

/// Puts a number where it stands.
pub(crate) fn put<T: Field>(octets: &mut [u8], offset: usize, value: T) {
    if let Some(place) = octets.get_mut(offset..) {
        value.write(place);
    }
}

pub(crate) const fn error(what: Fault, at: usize) -> ParseError {
    ParseError { what, at }
}

/// Makes a type of a table: its size in octets, and its fields with their offsets. What stands
/// between them is written as 0, and not read.
macro_rules! layout {
    (
        $(#[$meta:meta])*
        $name:ident $size:literal {
            $($(#[$field_meta:meta])* $offset:literal $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[allow(unreachable_pub)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        #[allow(unreachable_pub, dead_code)]
        impl $name {
            /// How many octets it has.
            pub const SIZE: usize = $size;

            /// Reads it from the first [`SIZE`](Self::SIZE) octets.
            ///
            /// # Errors
            /// There are fewer.
            pub fn parse(octets: &[u8]) -> Result<Self, $crate::error::ParseError> {
                $crate::netmeeting::wire::head(octets, $size)
                    .map(<Self as $crate::netmeeting::wire::Field>::read)
            }

            /// Writes it to the start of `buffer`; returns [`SIZE`](Self::SIZE).
            ///
            /// # Errors
            /// The buffer is too small.
            pub fn write(
                &self,
                buffer: &mut [u8],
            ) -> Result<usize, $crate::error::BufferTooSmall> {
                let head = $crate::netmeeting::wire::zeroed(buffer, $size)?;
                $crate::netmeeting::wire::Field::write(self, head);
                Ok($size)
            }
        }

        impl $crate::netmeeting::wire::Field for $name {
            fn read(octets: &[u8]) -> Self {
                Self { $($field: $crate::netmeeting::wire::at(octets, $offset),)* }
            }

            fn write(&self, octets: &mut [u8]) {
                $($crate::netmeeting::wire::put(octets, $offset, self.$field);)*
            }
        }
    };
}

pub(crate) use layout;

layout! {
    /// `TSHR_POINT16`, or a corner: right, down.
    Point16 4 {
        /// `x`.
        0 x: i16,
        /// `y`.
        2 y: i16,
    }
}

layout! {
    /// `TSHR_RECT16`.
    Rect16 8 {
        /// `left`.
        0 left: i16,
        /// `top`.
        2 top: i16,
        /// `right`.
        4 right: i16,
        /// `bottom`.
        6 bottom: i16,
    }
}
