//! The `netascii` mode (RFC 1350 section 1, RFC 764): a line ends with CR LF, a CR alone is
//! CR NUL, whatever block border falls between the two.
//!
//! The local form is that of Unix: a line ends with LF. Both directions remember half a pair across
//! calls, so that text may be cut anywhere.

/// From the local form to that of the wire. Copy it to come back to a place in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Encoder {
    /// The second octet of a pair whose first has been written.
    pending: Option<u8>,
}

impl Encoder {
    /// At the beginning of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { pending: None }
    }

    /// Writes as much of `local` as fits into `wire`: how many octets it used, how many it wrote.
    /// When all of `local` is used and `wire` is full there may still be half a pair to come:
    /// [`Self::has_pending`].
    pub fn encode(&mut self, local: &[u8], wire: &mut [u8]) -> (usize, usize) {
        let mut room = wire.iter_mut();
        let (mut used, mut written) = (0, 0);
        let mut rest = local.iter();
        loop {
            if let Some(octet) = self.pending {
                let Some(place) = room.next() else { break };
                *place = octet;
                written += 1;
                self.pending = None;
                continue;
            }
            if room.len() == 0 {
                break;
            }
            let Some(octet) = rest.next() else { break };
            used += 1;
            let octet = match *octet {
                b'\n' => {
                    self.pending = Some(b'\n');
                    b'\r'
                }
                b'\r' => {
                    self.pending = Some(0);
                    b'\r'
                }
                octet => octet,
            };
            if let Some(place) = room.next() {
                *place = octet;
                written += 1;
            }
        }
        (used, written)
    }

    /// Whether the second half of a pair is still to be written.
    #[must_use]
    pub const fn has_pending(&self) -> bool {
        self.pending.is_some()
    }
}

/// From the form of the wire to the local one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decoder {
    /// A CR has been read whose second half is still to come.
    after_cr: bool,
}

impl Decoder {
    /// At the beginning of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { after_cr: false }
    }

    /// Writes as much of `wire` as fits into `local`: how many octets it used, how many it wrote.
    /// One octet more than `wire` has is always enough. A CR before anything but LF and NUL, which
    /// should not be, stays as it is.
    pub fn decode(&mut self, wire: &[u8], local: &mut [u8]) -> (usize, usize) {
        let mut room = local.iter_mut();
        let (mut used, mut written) = (0, 0);
        for octet in wire {
            let out: &[u8] = match (self.after_cr, *octet) {
                (true, b'\n') => b"\n",
                (true, 0) => b"\r",
                (true, b'\r') => b"\r",
                (true, _) => &[b'\r', *octet],
                (false, b'\r') => b"",
                (false, _) => core::slice::from_ref(octet),
            };
            if room.len() < out.len() {
                break;
            }
            for octet in out {
                if let Some(place) = room.next() {
                    *place = *octet;
                }
            }
            written += out.len();
            used += 1;
            self.after_cr = *octet == b'\r';
        }
        (used, written)
    }

    /// Ends the text: the CR that stood at its very end, if one did.
    pub fn finish(&mut self) -> Option<u8> {
        core::mem::take(&mut self.after_cr).then_some(b'\r')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;
    use handset_testkit::{Random, seeds};

    fn encode(local: &[u8], mut cut: impl FnMut() -> usize) -> Vec<u8> {
        let (mut encoder, mut wire, mut at) = (Encoder::new(), Vec::new(), 0);
        while at < local.len() || encoder.has_pending() {
            let end = (at + cut()).min(local.len());
            let mut room = vec![0; cut()];
            let (used, written) = encoder.encode(&local[at..end], &mut room);
            wire.extend_from_slice(&room[..written]);
            at += used;
        }
        wire
    }

    fn decode(wire: &[u8], mut cut: impl FnMut() -> usize) -> Vec<u8> {
        let (mut decoder, mut local, mut at) = (Decoder::new(), Vec::new(), 0);
        while at < wire.len() {
            let end = (at + cut()).min(wire.len());
            let mut room = vec![0; cut() + 1];
            let (used, written) = decoder.decode(&wire[at..end], &mut room);
            local.extend_from_slice(&room[..written]);
            at += used;
        }
        local.extend(decoder.finish());
        local
    }

    #[test]
    fn line_ends_and_lone_crs_are_pairs_on_the_wire() {
        assert_eq!(encode(b"a\nb\rc\r\n\n", || 9), b"a\r\nb\r\0c\r\0\r\n\r\n");
        assert_eq!(decode(b"a\r\nb\r\0c\r\0\r\n\r\n", || 9), b"a\nb\rc\r\n\n");
    }

    #[test]
    fn pairs_may_be_cut_by_a_block_border() {
        assert_eq!(encode(b"\n\r\n\r", || 1), b"\r\n\r\0\r\n\r\0");
        assert_eq!(decode(b"\r\n\r\0\r\n\r\0", || 1), b"\n\r\n\r");
    }

    #[test]
    fn a_cr_that_is_no_pair_stays() {
        assert_eq!(decode(b"a\rb\r\r\nc\r", || 1), b"a\rb\r\nc\r");
    }

    #[test]
    fn any_text_comes_back_however_it_is_cut() {
        seeds(500, |seed| {
            let mut random = Random::new(seed);
            let text: Vec<u8> = (0..random.below(200))
                .map(|_| *b"ab\r\n\0".get(usize::try_from(random.below(5)).unwrap()).unwrap())
                .collect();
            let mut cut = Random::new(!seed);
            let wire = encode(&text, || usize::try_from(1 + cut.below(7)).unwrap());
            assert_eq!(wire, encode(&text, || 1000), "cuts do not show");
            assert_eq!(decode(&wire, || usize::try_from(1 + cut.below(7)).unwrap()), text);
        });
    }
}
