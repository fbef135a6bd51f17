//! What all packetizers and all depacketizers have in common: where they stand in a frame.

use super::{Encoded, Error, Reassembled, Received};
use crate::BufferTooSmall;

/// Packets so little behind the newest one are late; ones further behind begin anew
/// (RFC 3550 appendix A.1, MAX_MISORDER).
const MISORDER: u16 = 100;
/// A longer gap than this is a sequence that begins anew (RFC 3550 appendix A.1, MAX_DROPOUT).
const DROPOUT: u16 = 3000;

/// Where a packetizer stands in the frame that it cuts.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Progress {
    /// Octets of the frame that are written.
    pub(super) at: usize,
    /// The frame's timestamp, once it has begun.
    timestamp: Option<u32>,
}

impl Progress {
    pub(super) const fn new() -> Self {
        Self { at: 0, timestamp: None }
    }

    /// Whether the frame begins with this call, and how much of it is left to write.
    pub(super) fn resume<'a>(&mut self, frame: &Encoded<'a>) -> (bool, &'a [u8]) {
        let first = self.timestamp != Some(frame.timestamp);
        if first {
            *self = Self { at: 0, timestamp: Some(frame.timestamp) };
        }
        (first, frame.octets.get(self.at..).unwrap_or_default())
    }

    /// The frame is done, or given up.
    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }

    /// The frame is given up, with this error.
    pub(super) fn fail<T>(&mut self, error: impl Into<Error>) -> Result<T, Error> {
        self.reset();
        Err(error.into())
    }
}

/// The frame that a depacketizer puts together.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Assembly {
    /// The sequence number that comes next.
    next: Option<u16>,
    /// Whether a frame has begun, and what its packets have in common.
    open: bool,
    timestamp: u32,
    payload_type: u8,
    /// Octets in the host's buffer.
    len: usize,
    lost: u16,
    broken: bool,
    /// Whether the host has been told that its buffer is too small for this frame.
    full: bool,
}

/// What [`Assembly::admit`] makes of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Admitted {
    /// The packet begins another frame, and this is the one before; the packet is to be pushed
    /// again.
    Earlier(Reassembled),
    /// The packet is to be used: whether packets are missing before it, and whether it is the
    /// first one of its frame that has come.
    Packet { gap: bool, first: bool },
}

impl Assembly {
    pub(super) const fn new() -> Self {
        Self {
            next: None,
            open: false,
            timestamp: 0,
            payload_type: 0,
            len: 0,
            lost: 0,
            broken: false,
            full: false,
        }
    }

    /// Takes a packet's number and timestamp.
    pub(super) fn admit(&mut self, packet: &Received<'_>) -> Result<Admitted, Error> {
        let step = self.next.map_or(0, |next| packet.sequence.wrapping_sub(next));
        if step > u16::MAX - MISORDER {
            return Err(Error::Late);
        }
        if self.open && packet.timestamp != self.timestamp {
            // The packet with the marker is lost, or its sender sets none.
            self.broken |= step != 0;
            if let Some(frame) = self.close() {
                return Ok(Admitted::Earlier(Reassembled { consumed: false, ..frame }));
            }
        }
        self.next = Some(packet.sequence.wrapping_add(1));
        if step <= DROPOUT {
            self.lost = self.lost.saturating_add(step);
        }
        self.broken |= step != 0;
        let first = !self.open;
        if first {
            self.open = true;
            self.timestamp = packet.timestamp;
            self.payload_type = packet.payload_type;
        }
        Ok(Admitted::Packet { gap: step != 0, first })
    }

    /// Whether a frame is open that this packet is not part of.
    pub(super) const fn is_other(&self, packet: &Received<'_>) -> bool {
        self.open && packet.timestamp != self.timestamp
    }

    /// Copies octets to the end of the frame.
    pub(super) fn append(&mut self, frame: &mut [u8], octets: &[u8]) -> Result<(), Error> {
        self.reserve(frame, octets.len())?.copy_from_slice(octets);
        Ok(())
    }

    /// The next octets of the host's buffer, for the depacketizer to write; fewer ones, after an
    /// error that the host has been told of.
    pub(super) fn reserve<'f>(
        &mut self,
        frame: &'f mut [u8],
        len: usize,
    ) -> Result<&'f mut [u8], Error> {
        let end = self.len.saturating_add(len);
        match frame.get_mut(self.len..end) {
            Some(place) if !self.full => {
                self.len = end;
                Ok(place)
            }
            _ => {
                (self.broken, self.full) = (true, true);
                Err(BufferTooSmall { needed: end }.into())
            }
        }
    }

    /// Something of the frame is missing.
    pub(super) fn spoil(&mut self) {
        self.broken = true;
    }

    /// The packet is evidently the frame's first: what is missing came before the frame.
    pub(super) fn mend(&mut self) {
        self.broken = false;
    }

    /// Takes octets at the end of the frame back.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// How many octets the frame has by now.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing of the frame is missing so far.
    pub(super) const fn is_whole(&self) -> bool {
        !self.broken
    }

    /// Ends the frame; gives nothing where no octet of it was kept.
    pub(super) fn close(&mut self) -> Option<Reassembled> {
        let frame = Reassembled {
            len: self.len,
            payload_type: self.payload_type,
            timestamp: self.timestamp,
            lost: self.lost,
            whole: !self.broken,
            consumed: true,
        };
        (self.open, self.len, self.full) = (false, 0, false);
        if frame.len == 0 {
            // The next frame tells of the loss.
            return None;
        }
        (self.lost, self.broken) = (0, false);
        Some(frame)
    }

    /// Ends a frame that is not kept here; says how many packets are missing before it.
    pub(super) fn close_empty(&mut self) -> u16 {
        self.open = false;
        core::mem::take(&mut self.lost)
    }

    /// Ends the frame where the packet has the marker.
    pub(super) fn finish(&mut self, packet: &Received<'_>) -> Option<Reassembled> {
        if packet.marker { self.close() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16, timestamp: u32) -> Received<'static> {
        Received { sequence, timestamp, ..Received::default() }
    }

    fn put(assembly: &mut Assembly, packet: &Received<'_>) -> Option<Reassembled> {
        match assembly.admit(packet).expect("in order") {
            Admitted::Earlier(frame) => Some(frame),
            Admitted::Packet { .. } => {
                assembly.append(&mut [0; 64], b"ab").expect("it fits");
                assembly.finish(packet)
            }
        }
    }

    #[test]
    fn a_frame_without_marker_ends_where_the_timestamp_changes() {
        let mut assembly = Assembly::new();
        assert_eq!(put(&mut assembly, &packet(1, 10)), None);
        assert_eq!(put(&mut assembly, &packet(2, 10)), None);
        let frame = put(&mut assembly, &packet(3, 20)).expect("the frame before");
        assert_eq!((frame.len, frame.timestamp, frame.whole, frame.consumed), (4, 10, true, false));
        assert_eq!(put(&mut assembly, &packet(3, 20)), None, "the same packet once more");
        assert_eq!(assembly.len(), 2);
    }

    #[test]
    fn a_gap_at_the_seam_spoils_both_frames_and_is_counted_once() {
        let mut assembly = Assembly::new();
        put(&mut assembly, &packet(1, 10));
        let frame = put(&mut assembly, &packet(4, 20)).expect("the frame before");
        assert!(!frame.whole);
        let marked = Received { marker: true, ..packet(4, 20) };
        let next = put(&mut assembly, &marked).expect("the next frame");
        assert_eq!((next.lost, next.whole, frame.lost), (2, false, 0));
    }

    #[test]
    fn late_and_repeated_packets_are_refused_and_jumps_are_not() {
        let mut assembly = Assembly::new();
        put(&mut assembly, &packet(50_000, 10));
        for late in [50_000, 49_950] {
            assert!(matches!(assembly.admit(&packet(late, 10)), Err(Error::Late)));
        }
        assert!(matches!(
            assembly.admit(&packet(100, 10)),
            Ok(Admitted::Packet { gap: true, first: false })
        ));
    }

    #[test]
    fn sequence_numbers_go_round() {
        let mut assembly = Assembly::new();
        put(&mut assembly, &packet(65_535, 10));
        assert!(matches!(
            assembly.admit(&packet(0, 10)),
            Ok(Admitted::Packet { gap: false, first: false })
        ));
    }
}
