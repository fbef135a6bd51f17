//! What the formats' tests share.

use alloc::vec::Vec;

use super::*;

/// All payloads of a frame.
pub(super) fn packetize(
    packetizer: &mut impl Packetizer,
    timestamp: u32,
    octets: &[u8],
    limit: usize,
) -> Vec<(Payload, Vec<u8>)> {
    let frame = Encoded { timestamp, octets };
    let mut buffer = alloc::vec![0; limit];
    let mut all = Vec::new();
    while let Some(payload) = packetizer.poll_payload(&frame, &mut buffer).expect("it can be sent")
    {
        assert!(payload.len > 0);
        all.push((payload, buffer[..payload.len].to_vec()));
    }
    all
}

/// Carries payloads to a depacketizer, and keeps its frames.
pub(super) struct Network<D> {
    pub(super) depacketizer: D,
    pub(super) buffer: Vec<u8>,
    pub(super) frames: Vec<(Reassembled, Vec<u8>)>,
    pub(super) errors: usize,
    sequence: u16,
}

impl<D: Depacketizer> Network<D> {
    pub(super) fn new(depacketizer: D) -> Self {
        Self {
            depacketizer,
            buffer: alloc::vec![0xee; 100_000],
            frames: Vec::new(),
            errors: 0,
            // So that numbers go round in the middle of a frame.
            sequence: 65_534,
        }
    }

    /// Sends payloads, but not those of these numbers.
    pub(super) fn send_without(&mut self, payloads: &[(Payload, Vec<u8>)], missing: &[usize]) {
        for (at, (payload, octets)) in payloads.iter().enumerate() {
            self.sequence = self.sequence.wrapping_add(1);
            if missing.contains(&at) {
                continue;
            }
            let packet = Received {
                payload_type: 96,
                sequence: self.sequence,
                timestamp: payload.timestamp,
                marker: payload.marker,
                payload: octets,
            };
            loop {
                match self.depacketizer.push(&packet, &mut self.buffer) {
                    Ok(Some(frame)) => {
                        self.frames.push((frame, self.buffer[..frame.len].to_vec()));
                        if frame.consumed {
                            break;
                        }
                    }
                    Ok(None) => break,
                    Err(_) => {
                        self.errors += 1;
                        break;
                    }
                }
            }
        }
    }
}

/// A frame is put together as it was.
pub(super) fn comes_back(
    packetizer: &mut impl Packetizer,
    depacketizer: &mut impl Depacketizer,
    frame: &[u8],
    limit: usize,
) {
    let mut network = Network::new(Borrowed(depacketizer));
    for timestamp in [1, 2] {
        let all = packetize(packetizer, timestamp, frame, limit);
        assert!(all.iter().rev().skip(1).all(|(payload, _)| !payload.marker), "{limit}");
        assert!(all.last().is_some_and(|(payload, _)| payload.marker), "{limit}");
        network.send_without(&all, &[]);
    }
    assert_eq!((network.errors, network.frames.len()), (0, 2), "{limit}");
    for (reassembled, octets) in &network.frames {
        assert!(reassembled.whole && reassembled.lost == 0, "{limit}");
        assert!(octets == frame, "{limit}: {octets:02x?}\n{frame:02x?}");
    }
}

struct Borrowed<'d, D>(&'d mut D);

impl<D: Depacketizer> Depacketizer for Borrowed<'_, D> {
    fn push(
        &mut self,
        packet: &Received<'_>,
        frame: &mut [u8],
    ) -> Result<Option<Reassembled>, Error> {
        self.0.push(packet, frame)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

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
