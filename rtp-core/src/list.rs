//! Lists of values of fixed length: read in place, or given to be written.

use core::fmt;

/// A value that takes `N` octets on the wire, in network order.
pub trait Fixed<const N: usize>: Copy {
    /// Reads it.
    fn from_octets(octets: &[u8; N]) -> Self;
    /// Writes it.
    fn to_octets(self) -> [u8; N];
}

impl Fixed<2> for u16 {
    fn from_octets(octets: &[u8; 2]) -> Self {
        Self::from_be_bytes(*octets)
    }

    fn to_octets(self) -> [u8; 2] {
        self.to_be_bytes()
    }
}

impl Fixed<4> for u32 {
    fn from_octets(octets: &[u8; 4]) -> Self {
        Self::from_be_bytes(*octets)
    }

    fn to_octets(self) -> [u8; 4] {
        self.to_be_bytes()
    }
}

/// A list of values, each `N` octets long on the wire: a view of octets that were received, or of
/// values that are to be sent.
///
/// ```
/// use rtp_core::{List, Ssrc};
/// let given: List<'_, Ssrc, 4> = List::from(&[Ssrc(1), Ssrc(2)][..]);
/// assert_eq!(given.iter().nth(1), Some(Ssrc(2)));
/// ```
#[derive(Clone, Copy)]
pub struct List<'a, T, const N: usize>(Items<'a, T, N>);

#[derive(Clone, Copy)]
enum Items<'a, T, const N: usize> {
    Octets(&'a [[u8; N]]),
    Values(&'a [T]),
}

impl<'a, T: Fixed<N>, const N: usize> List<'a, T, N> {
    /// A list of nothing.
    pub const EMPTY: Self = Self(Items::Octets(&[]));

    /// A view of received octets; what is left over at the end of them is not part of the list.
    #[inline]
    pub(crate) const fn received(octets: &'a [u8]) -> Self {
        Self(Items::Octets(octets.as_chunks().0))
    }

    /// The values, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + Clone + 'a {
        let items = self.0;
        (0..self.len()).map(move |at| {
            match items {
                // The index is below the length of the list that it is taken from.
                Items::Octets(octets) => octets.get(at).map(T::from_octets),
                Items::Values(values) => values.get(at).copied(),
            }
            .unwrap_or_else(|| T::from_octets(&[0; N]))
        })
    }

    /// The value at this place.
    pub fn get(&self, at: usize) -> Option<T> {
        match self.0 {
            Items::Octets(octets) => octets.get(at).map(T::from_octets),
            Items::Values(values) => values.get(at).copied(),
        }
    }

    /// How many values there are.
    #[inline]
    pub const fn len(&self) -> usize {
        match self.0 {
            Items::Octets(octets) => octets.len(),
            Items::Values(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many octets the list takes on the wire.
    #[inline]
    pub(crate) const fn encoded_len(&self) -> usize {
        self.len().saturating_mul(N)
    }

    /// Writes as many values as `buffer` holds.
    #[inline]
    pub(crate) fn write(&self, buffer: &mut [u8]) {
        let cells = buffer.as_chunks_mut::<N>().0;
        match self.0 {
            Items::Octets(octets) => {
                for (cell, octets) in cells.iter_mut().zip(octets) {
                    *cell = *octets;
                }
            }
            Items::Values(values) => {
                for (cell, value) in cells.iter_mut().zip(values) {
                    *cell = value.to_octets();
                }
            }
        }
    }
}

impl<T: Fixed<N>, const N: usize> Default for List<'_, T, N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<'a, T: Fixed<N>, const N: usize> From<&'a [T]> for List<'a, T, N> {
    fn from(values: &'a [T]) -> Self {
        Self(Items::Values(values))
    }
}

impl<'a, T: Fixed<N>, const N: usize, const LEN: usize> From<&'a [T; LEN]> for List<'a, T, N> {
    fn from(values: &'a [T; LEN]) -> Self {
        Self(Items::Values(values))
    }
}

impl<T: Fixed<N> + PartialEq, const N: usize> PartialEq for List<'_, T, N> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Fixed<N> + Eq, const N: usize> Eq for List<'_, T, N> {}

impl<T: Fixed<N> + fmt::Debug, const N: usize> fmt::Debug for List<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(feature = "defmt")]
impl<T: Fixed<N> + defmt::Format, const N: usize> defmt::Format for List<'_, T, N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "[");
        for value in self.iter() {
            defmt::write!(f, "{} ", value);
        }
        defmt::write!(f, "]");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ssrc;
    use alloc::vec::Vec;

    #[test]
    fn a_list_is_the_same_whether_received_or_given() {
        let given = List::<Ssrc, 4>::from(&[Ssrc(1), Ssrc(0x0203_0405)]);
        let mut octets = [0; 8];
        given.write(&mut octets);
        assert_eq!(octets, [0, 0, 0, 1, 2, 3, 4, 5]);
        let received = List::<Ssrc, 4>::received(&octets);
        assert_eq!(given, received);
        assert_eq!(received.iter().collect::<Vec<_>>(), [Ssrc(1), Ssrc(0x0203_0405)]);
        assert_eq!((received.get(1), received.get(2)), (Some(Ssrc(0x0203_0405)), None));
        assert_eq!((received.len(), received.encoded_len()), (2, 8));
        assert!(List::<Ssrc, 4>::EMPTY.is_empty());
    }
}
