//! SEQUENCE OF and SET OF.

use core::fmt;

use super::{Reader, Value, Writer};
use crate::error::{Fault, ParseError};

/// A SEQUENCE OF or SET OF with SIZE (MIN..MAX) (X.691 sections 19 and 21): a slice of the host's,
/// or a view of the wire that reads each element when it is asked for.
///
/// A list on the wire has been read through once when it is made, so that asking never fails.
pub struct List<'a, T, const MIN: usize = 0, const MAX: usize = { usize::MAX }>(Repr<'a, T>);

enum Repr<'a, T> {
    Slice(&'a [T]),
    Made { len: usize, make: &'a dyn Fn(usize) -> T },
    Wire { reader: Reader<'a>, in_fragment: usize, more: bool },
}

impl<'a, T, const MIN: usize, const MAX: usize> List<'a, T, MIN, MAX> {
    /// A list of the elements of a slice.
    pub const fn new(elements: &'a [T]) -> Self {
        Self(Repr::Slice(elements))
    }

    /// A list of `len` elements that are made when they are asked for, by their number from 0.
    pub const fn made(len: usize, make: &'a dyn Fn(usize) -> T) -> Self {
        Self(Repr::Made { len, make })
    }
}

impl<'a, T: Value<'a>, const MIN: usize, const MAX: usize> List<'a, T, MIN, MAX> {
    /// The elements.
    pub fn iter(&self) -> ListIter<'a, T> {
        ListIter { list: self.0, at: 0 }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        match self.0 {
            Repr::Slice(elements) => elements.len(),
            Repr::Made { len, .. } => len,
            Repr::Wire { in_fragment, more: false, .. } => in_fragment,
            Repr::Wire { .. } => self.iter().count(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T, const MIN: usize, const MAX: usize> Clone for List<'_, T, MIN, MAX> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const MIN: usize, const MAX: usize> Copy for List<'_, T, MIN, MAX> {}

impl<T> Clone for Repr<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Repr<'_, T> {}

impl<'a, T, const MIN: usize, const MAX: usize> PartialEq for List<'a, T, MIN, MAX>
where
    T: Value<'a> + PartialEq,
{
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T, const MIN: usize, const MAX: usize> fmt::Debug for List<'a, T, MIN, MAX>
where
    T: Value<'a> + fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(feature = "defmt")]
impl<T, const MIN: usize, const MAX: usize> defmt::Format for List<'_, T, MIN, MAX> {
    fn format(&self, f: defmt::Formatter<'_>) {
        match self.0 {
            Repr::Slice(elements) => defmt::write!(f, "{} elements", elements.len()),
            Repr::Made { len, .. } => defmt::write!(f, "{} elements", len),
            Repr::Wire { in_fragment, .. } => defmt::write!(f, "{} elements", in_fragment),
        }
    }
}

impl<'a, T: Value<'a>, const MIN: usize, const MAX: usize> Value<'a> for List<'a, T, MIN, MAX> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let (in_fragment, more) = reader.size(MIN, MAX)?;
        let list = Self(Repr::Wire { reader: *reader, in_fragment, more });
        let (mut left, mut again) = (in_fragment, more);
        loop {
            for _ in 0..left {
                T::read(reader)?;
            }
            if !again {
                return Ok(list);
            }
            (left, again) = reader.length()?;
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let len = self.len();
        if len >= 16384 && MAX >= 65536 {
            // No list of the standards is that long in earnest; it would need fragments.
            writer.fail(Fault::OutOfRange);
            return;
        }
        writer.size(len, MIN, MAX);
        for element in self.iter() {
            element.write(writer);
        }
    }
}

/// The elements of a [`List`].
pub struct ListIter<'a, T> {
    list: Repr<'a, T>,
    at: usize,
}

impl<T> Clone for ListIter<'_, T> {
    fn clone(&self) -> Self {
        Self { list: self.list, at: self.at }
    }
}

impl<'a, T: Value<'a>> Iterator for ListIter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match &mut self.list {
            Repr::Slice(elements) => {
                let element = elements.get(self.at)?;
                self.at += 1;
                Some(*element)
            }
            Repr::Made { len, make } => {
                if self.at >= *len {
                    return None;
                }
                self.at += 1;
                Some(make(self.at - 1))
            }
            Repr::Wire { reader, in_fragment, more } => {
                while *in_fragment == 0 {
                    if !*more {
                        return None;
                    }
                    (*in_fragment, *more) = reader.length().ok()?;
                }
                *in_fragment -= 1;
                T::read(reader).ok()
            }
        }
    }
}
