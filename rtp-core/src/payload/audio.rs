//! Sound whose payload is the encoder's output as it is (RFC 3551 section 4).
//!
//! | type | payload | clock | octets in 20 ms |
//! |---|---|---|---|
//! | [`G711`] | an octet a sample, 0 (PCMU) or 8 (PCMA) | 8000 | 160 |
//! | [`G722`] | an octet for **two** samples at 16 kHz, yet one unit of a clock of 8000 | 8000 | 160 |
//! | [`L16`] | two octets a sample and channel, in network order, channels interleaved | any | 640 at 16 kHz |
//! | [`Gsm`] | whole frames of 33 octets for 20 ms, the first four bits 1101 | 8000 | 33 |
//!
//! G.722's clock was written down wrongly in RFC 1890, and stays 8000 so that old peers agree
//! (RFC 3551 section 4.5.2): 20 ms are 320 samples, 160 octets, and 160 units of the timestamp.

use core::marker::PhantomData;

use super::assembly::{Admitted, Assembly, Progress};
use super::{Encoded, Error, Payload, Reassembled, Received};
use crate::{BufferTooSmall, Fault, ParseError};

/// How an encoding's octets make payloads.
pub trait Encoding {
    /// Whether a packet that does not follow the one before begins a talk spurt, and has the
    /// marker (RFC 3551 section 4.1).
    const TALK_SPURTS: bool = true;

    /// How long a payload lasts, in units of its clock.
    ///
    /// # Errors
    /// No payload of this encoding has these octets.
    fn units(payload: &[u8]) -> Result<u32, ParseError>;

    /// How many octets at the beginning of `frame` may be a payload of their own, `limit` at most.
    fn cut(frame: &[u8], limit: usize) -> usize;
}

/// G.711 in either law: PCMU and PCMA (RFC 3551 section 4.5.14).
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct G711;

/// G.722, with a clock that runs at half its sampling rate (RFC 3551 section 4.5.2).
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct G722;

/// Linear samples of 16 bits (RFC 3551 section 4.5.11), in so many channels.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct L16<const CHANNELS: usize = 1>;

/// GSM 06.10 at full rate (RFC 3551 section 4.5.8).
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Gsm;

impl Encoding for G711 {
    #[inline]
    fn units(payload: &[u8]) -> Result<u32, ParseError> {
        blocks(payload, 1, 1)
    }

    #[inline]
    fn cut(frame: &[u8], limit: usize) -> usize {
        frame.len().min(limit)
    }
}

impl Encoding for G722 {
    #[inline]
    fn units(payload: &[u8]) -> Result<u32, ParseError> {
        // As many as octets, though each octet holds two samples.
        blocks(payload, 1, 1)
    }

    #[inline]
    fn cut(frame: &[u8], limit: usize) -> usize {
        frame.len().min(limit)
    }
}

impl<const CHANNELS: usize> L16<CHANNELS> {
    const BLOCK: usize = if CHANNELS == 0 { 2 } else { CHANNELS * 2 };

    /// Writes samples in network order, as many as both slices hold; says how many octets.
    pub fn encode(samples: &[i16], payload: &mut [u8]) -> usize {
        let cells = payload.as_chunks_mut::<2>().0;
        let count = cells.len().min(samples.len());
        cells.iter_mut().zip(samples).for_each(|(cell, sample)| *cell = sample.to_be_bytes());
        count * 2
    }

    /// Reads samples, as many as both slices hold; says how many.
    pub fn decode(payload: &[u8], samples: &mut [i16]) -> usize {
        let cells = payload.as_chunks::<2>().0;
        let count = cells.len().min(samples.len());
        samples
            .iter_mut()
            .zip(cells)
            .for_each(|(sample, cell)| *sample = i16::from_be_bytes(*cell));
        count
    }
}

impl<const CHANNELS: usize> Encoding for L16<CHANNELS> {
    #[inline]
    fn units(payload: &[u8]) -> Result<u32, ParseError> {
        blocks(payload, Self::BLOCK, 1)
    }

    #[inline]
    fn cut(frame: &[u8], limit: usize) -> usize {
        whole_blocks(frame, limit, Self::BLOCK)
    }
}

impl Gsm {
    /// The octets of a frame.
    pub const FRAME_LEN: usize = 33;
    /// The samples of a frame: 20 ms.
    pub const FRAME_UNITS: u32 = 160;

    /// The frames of a payload. Each begins with the bits 1101; where one does not, it is something
    /// else (the packing of Microsoft's WAV49 takes 65 octets for two).
    ///
    /// # Errors
    /// The payload is no whole number of frames, or one of them has another signature.
    pub fn frames(payload: &[u8]) -> Result<&[[u8; 33]], ParseError> {
        let (frames, rest) = payload.as_chunks::<33>();
        if frames.is_empty() || !rest.is_empty() {
            return Err(ParseError::new(Fault::Length, payload.len() - rest.len()));
        }
        match frames.iter().position(|frame| frame[0] >> 4 != 0xd) {
            Some(at) => Err(ParseError::new(Fault::Value, at * Self::FRAME_LEN)),
            None => Ok(frames),
        }
    }
}

impl Encoding for Gsm {
    fn units(payload: &[u8]) -> Result<u32, ParseError> {
        let frames = Self::frames(payload)?;
        Ok((frames.len() as u32).saturating_mul(Self::FRAME_UNITS))
    }

    fn cut(frame: &[u8], limit: usize) -> usize {
        whole_blocks(frame, limit, Self::FRAME_LEN)
    }
}

/// The units of a payload of equal blocks.
#[inline]
fn blocks(payload: &[u8], octets: usize, units: u32) -> Result<u32, ParseError> {
    let rest = payload.len() % octets;
    if payload.is_empty() || rest != 0 {
        return Err(ParseError::new(Fault::Length, payload.len() - rest));
    }
    Ok(((payload.len() / octets) as u32).saturating_mul(units))
}

/// The most octets in whole blocks that a payload of `limit` holds.
#[inline]
fn whole_blocks(frame: &[u8], limit: usize, octets: usize) -> usize {
    let most = frame.len().min(limit);
    most - most % octets
}

/// Makes payloads of one encoding: one for each frame, or more where a frame is longer than the
/// buffer and may be cut.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packetizer<E> {
    progress: Progress,
    /// The timestamp that follows the sound sent so far.
    follows: Option<u32>,
    encoding: PhantomData<E>,
}

impl<E: Encoding> Packetizer<E> {
    /// A packetizer whose first packet begins a talk spurt.
    pub const fn new() -> Self {
        Self { progress: Progress::new(), follows: None, encoding: PhantomData }
    }
}

impl<E: Encoding> super::Packetizer for Packetizer<E> {
    fn poll_payload(
        &mut self,
        frame: &Encoded<'_>,
        buffer: &mut [u8],
    ) -> Result<Option<Payload>, Error> {
        let (first, rest) = self.progress.resume(frame);
        let timestamp = if first { frame.timestamp } else { self.follows.unwrap_or_default() };
        if rest.is_empty() {
            self.progress.reset();
            return Ok(None);
        }
        let len = E::cut(rest, buffer.len());
        let piece = rest.get(..len).unwrap_or_default();
        let Some(place) = buffer.get_mut(..len).filter(|_| len > 0) else {
            let needed = rest.len().max(buffer.len().saturating_add(1));
            return self.progress.fail(BufferTooSmall { needed });
        };
        let units = match E::units(piece) {
            Ok(units) => units,
            Err(error) => {
                let error = error.moved(self.progress.at);
                return self.progress.fail(error);
            }
        };
        place.copy_from_slice(piece);
        let marker = E::TALK_SPURTS && first && self.follows != Some(timestamp);
        self.follows = Some(timestamp.wrapping_add(units));
        self.progress.at += len;
        Ok(Some(Payload { len, marker, timestamp }))
    }
}

/// Takes payloads of one encoding: each packet is a frame.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Depacketizer<E> {
    assembly: Assembly,
    encoding: PhantomData<E>,
}

impl<E: Encoding> Depacketizer<E> {
    /// A depacketizer that has seen no packet.
    pub const fn new() -> Self {
        Self { assembly: Assembly::new(), encoding: PhantomData }
    }
}

impl<E: Encoding> super::Depacketizer for Depacketizer<E> {
    fn push(
        &mut self,
        packet: &Received<'_>,
        frame: &mut [u8],
    ) -> Result<Option<Reassembled>, Error> {
        if let Admitted::Earlier(earlier) = self.assembly.admit(packet)? {
            return Ok(Some(earlier));
        }
        // A frame has no part in another packet: what is missing came before it.
        self.assembly.mend();
        let taken = E::units(packet.payload).map_err(Error::from);
        let taken = taken.and_then(|_| self.assembly.append(frame, packet.payload));
        let whole = self.assembly.close();
        taken.map(|()| whole)
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Depacketizer as _, Packetizer as _};
    use alloc::vec::Vec;

    fn payloads<E: Encoding>(
        packetizer: &mut Packetizer<E>,
        timestamp: u32,
        octets: &[u8],
        limit: usize,
    ) -> Vec<(Payload, Vec<u8>)> {
        let frame = Encoded { timestamp, octets };
        let mut buffer = alloc::vec![0; limit];
        let mut all = Vec::new();
        while let Some(payload) = packetizer.poll_payload(&frame, &mut buffer).expect("it fits") {
            all.push((payload, buffer[..payload.len].to_vec()));
        }
        all
    }

    #[test]
    fn a_frame_is_a_payload_and_a_pause_begins_a_talk_spurt() {
        let mut packetizer = Packetizer::<G711>::new();
        let marks: Vec<_> = [0, 160, 320, 960, 1120]
            .map(|timestamp| payloads(&mut packetizer, timestamp, &[1; 160], 200)[0].0.marker)
            .into();
        assert_eq!(marks, [true, false, false, true, false]);
    }

    #[test]
    fn a_long_frame_is_cut_between_samples_and_its_timestamps_go_on() {
        let octets: Vec<u8> = (0..=255).cycle().take(600).collect();
        let all = payloads(&mut Packetizer::<L16<2>>::new(), 1000, &octets, 258);
        let seen: Vec<_> = all.iter().map(|(p, _)| (p.len, p.timestamp, p.marker)).collect();
        // Four octets a unit.
        assert_eq!(seen, [(256, 1000, true), (256, 1064, false), (88, 1128, false)]);
        assert_eq!(all.iter().flat_map(|(_, octets)| octets.clone()).collect::<Vec<_>>(), octets);
    }

    #[test]
    fn g722_counts_8000_units_a_second() {
        // 20 ms: 320 samples, 160 octets.
        assert_eq!(G722::units(&[0; 160]), Ok(160));
        let mut packetizer = Packetizer::<G722>::new();
        payloads(&mut packetizer, 0, &[0; 160], 200);
        assert!(!payloads(&mut packetizer, 160, &[0; 160], 200)[0].0.marker);
    }

    #[test]
    fn gsm_frames_are_told_by_length_and_signature() {
        let mut two = [0; 66];
        (two[0], two[33]) = (0xd7, 0xd0);
        assert_eq!(Gsm::frames(&two).map(<[_]>::len), Ok(2));
        assert_eq!(Gsm::units(&two), Ok(320));
        assert_eq!(Gsm::frames(&two[..65]), Err(ParseError::new(Fault::Length, 33)));
        two[33] = 0x10;
        assert_eq!(Gsm::frames(&two), Err(ParseError::new(Fault::Value, 33)));
        assert!(Gsm::frames(&[]).is_err());
    }

    #[test]
    fn l16_is_in_network_order() {
        let mut octets = [0; 5];
        assert_eq!(L16::<1>::encode(&[0x0102, -2, 7], &mut octets), 4);
        assert_eq!(octets, [1, 2, 0xff, 0xfe, 0]);
        let mut samples = [0; 3];
        assert_eq!(L16::<1>::decode(&octets, &mut samples), 2);
        assert_eq!(samples, [0x0102, -2, 0]);
        assert!(L16::<2>::units(&[0; 6]).is_err());
    }

    #[test]
    fn a_piece_that_cannot_be_cut_smaller_needs_a_larger_buffer() {
        let mut packetizer = Packetizer::<Gsm>::new();
        let frame = Encoded { timestamp: 0, octets: &[0xd0; 33] };
        let error = packetizer.poll_payload(&frame, &mut [0; 32]);
        assert_eq!(error, Err(BufferTooSmall { needed: 33 }.into()));
        // The frame was given up, and may be tried again.
        let sent = packetizer.poll_payload(&frame, &mut [0; 33]).expect("it fits");
        assert_eq!(sent.map(|payload| payload.len), Some(33));
    }

    #[test]
    fn packets_become_frames_with_what_was_lost_before_them() {
        let mut depacketizer = Depacketizer::<G711>::new();
        let mut buffer = [0; 160];
        let mut lost = Vec::new();
        for sequence in [7, 8, 11, 12] {
            let packet = Received {
                sequence,
                timestamp: u32::from(sequence) * 160,
                payload: &[sequence as u8; 160],
                ..Received::default()
            };
            let frame = depacketizer.push(&packet, &mut buffer).expect("good").expect("a frame");
            assert_eq!((frame.len, frame.whole, frame.consumed), (160, true, true));
            assert_eq!(buffer, [sequence as u8; 160]);
            lost.push(frame.lost);
            assert_eq!(depacketizer.push(&packet, &mut buffer), Err(Error::Late));
        }
        assert_eq!(lost, [0, 0, 2, 0]);
    }

    #[test]
    fn empty_and_oversized_packets_are_errors_and_the_next_ones_are_taken() {
        let mut depacketizer = Depacketizer::<G711>::new();
        let empty = Received { sequence: 1, ..Received::default() };
        assert!(matches!(depacketizer.push(&empty, &mut [0; 10]), Err(Error::Parse(_))));
        let long = Received { sequence: 2, payload: &[0; 11], ..Received::default() };
        let error = depacketizer.push(&long, &mut [0; 10]);
        assert_eq!(error, Err(BufferTooSmall { needed: 11 }.into()));
        let good = Received { sequence: 3, payload: &[0; 10], ..Received::default() };
        assert!(depacketizer.push(&good, &mut [0; 10]).is_ok_and(|frame| frame.is_some()));
    }
}
