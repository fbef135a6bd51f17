//! JPEG, as cameras send it (RFC 2435).
//!
//! ```text
//! | type-specific |            fragment offset                    |
//! |     type      |       Q       |   width / 8   |  height / 8   |
//! |    restart interval           |F|L|       restart count       |   types 64 to 127
//! |      0        |   precision   |            length             |   Q of 128 and more,
//! | tables ...                                                        in the first payload
//! | part of the scan ...
//! ```
//!
//! Only the scan travels; headers are made anew where it arrives. So an image must be baseline, with
//! three components of 4:2:2 or 4:2:0, the Huffman tables of ITU-T T.81 annex K, and at most 2040 pixels
//! to a side; most cameras' are. Restart markers let a decoder go on behind a loss: payloads then begin
//! and end with whole intervals where they fit.

mod image;
mod tables;

pub use image::Sampling;

use image::Image;

use super::assembly::{Admitted, Assembly, Progress};
use super::{Encoded, Error, Payload as Written, Reassembled, Received};
use crate::{BufferTooSmall, Fault, ParseError};

/// The restart count of payloads that do not begin and end with intervals.
const NOT_ALIGNED: u16 = 0x3fff;
/// Q of tables that come with each image.
const Q_IN_BAND: u8 = 255;

/// Which restart intervals a payload has (RFC 2435 section 3.1.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Restart {
    /// How many blocks (MCU) an interval has.
    pub interval: u16,
    /// F: whether an interval begins with the payload.
    pub first: bool,
    /// L: whether an interval ends with it.
    pub last: bool,
    /// The number of its first interval; 0x3fff where payloads and intervals have nothing to do with
    /// each other.
    pub count: u16,
}

/// A payload (RFC 2435 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Payload<'a> {
    /// What the type makes of it; 0 for a whole picture, 1 and 2 for the fields of one.
    pub type_specific: u8,
    /// Where the part stands in the scan, in octets.
    pub offset: u32,
    /// The type without its restart bit: 0 for 4:2:2, 1 for 4:2:0.
    pub jpeg_type: u8,
    /// The quality, or, of 128 and more, which tables.
    pub q: u8,
    /// Width and height in pixels, multiples of 8.
    pub size: (u16, u16),
    /// Of an image with restart markers.
    pub restart: Option<Restart>,
    /// The tables, in zigzag order, one for brightness and one for colour, or one for both; empty
    /// where an earlier image had them. Only with Q of 128 and more, at offset 0.
    pub tables: Option<&'a [u8]>,
    /// The part of the scan.
    pub data: &'a [u8],
}

impl<'a> Payload<'a> {
    /// Reads a payload in place.
    ///
    /// # Errors
    /// The payload is cut off, or says that the image has no pixels.
    pub fn parse(payload: &'a [u8]) -> Result<Self, ParseError> {
        let truncated = ParseError::new(Fault::Truncated, payload.len());
        let (main, mut rest) = payload.split_first_chunk::<8>().ok_or(truncated)?;
        let [type_specific, a, b, c, kind, q, width, height] = *main;
        if width == 0 || height == 0 {
            return Err(ParseError::new(Fault::Value, 6));
        }
        let offset = u32::from_be_bytes([0, a, b, c]);
        let mut restart = None;
        if (64..128).contains(&kind) {
            let (header, behind) = rest.split_first_chunk().ok_or(truncated)?;
            rest = behind;
            let bits = u32::from_be_bytes(*header);
            restart = Some(Restart {
                interval: (bits >> 16) as u16,
                first: bits & 0x8000 != 0,
                last: bits & 0x4000 != 0,
                count: bits as u16 & 0x3fff,
            });
        }
        let mut tables = None;
        if q >= 128 && offset == 0 {
            let (header, behind) = rest.split_first_chunk::<4>().ok_or(truncated)?;
            let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
            let (told, behind) = behind.split_at_checked(len).ok_or(truncated)?;
            // A precision of 16 bits is none of baseline.
            if header[1] & 3 != 0 || !matches!(len, 0 | 64 | 128) {
                return Err(ParseError::new(Fault::Value, payload.len() - rest.len()));
            }
            (tables, rest) = (Some(told), behind);
        }
        let jpeg_type = if restart.is_some() { kind - 64 } else { kind };
        let size = (u16::from(width) * 8, u16::from(height) * 8);
        Ok(Self { type_specific, offset, jpeg_type, q, size, restart, tables, data: rest })
    }

    /// How many octets stand before the part of the scan.
    fn header_len(&self) -> usize {
        8 + self.restart.map_or(0, |_| 4) + self.tables.map_or(0, |tables| 4 + tables.len())
    }

    /// How many octets the payload takes.
    pub fn encoded_len(&self) -> usize {
        self.header_len() + self.data.len()
    }

    /// Writes the payload, and says how long it is; of each field as many bits as it has.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let cells = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let [_, a, b, c] = self.offset.to_be_bytes();
        let kind = self.jpeg_type + if self.restart.is_some() { 64 } else { 0 };
        let main = [
            self.type_specific,
            a,
            b,
            c,
            kind,
            self.q,
            (self.size.0 / 8) as u8,
            (self.size.1 / 8) as u8,
        ];
        let restart = self.restart.map(|restart| {
            let bits = (u32::from(restart.interval) << 16)
                | (u32::from(restart.first) << 15)
                | (u32::from(restart.last) << 14)
                | u32::from(restart.count & 0x3fff);
            bits.to_be_bytes()
        });
        let tables = self.tables.map(|tables| ((tables.len() as u32).to_be_bytes(), tables));
        let tables = tables.iter().flat_map(|(header, tables)| header.iter().chain(*tables));
        let octets = main.iter().chain(restart.iter().flatten()).chain(tables).chain(self.data);
        cells.iter_mut().zip(octets).for_each(|(cell, octet)| *cell = *octet);
        Ok(needed)
    }
}

/// Cuts images into payloads.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Packetizer {
    progress: Progress,
    image: Option<Image>,
    /// The restart interval that the next payload begins in.
    interval: u16,
    /// Whether it begins with it.
    begins: bool,
}

impl Packetizer {
    /// A packetizer.
    pub const fn new() -> Self {
        Self { progress: Progress::new(), image: None, interval: 0, begins: true }
    }

    fn give_up<T>(&mut self, error: impl Into<Error>) -> Result<T, Error> {
        self.image = None;
        self.progress.fail(error)
    }
}

/// Whole intervals at the beginning of a scan, with the markers at their ends, as many as `limit`
/// octets hold: their octets, and how many they are. Where not even one fits, as much of it as does,
/// and 0.
fn whole_intervals(scan: &[u8], limit: usize) -> (usize, u16) {
    let mut done = (0, 0u16);
    let window = scan.get(..limit).unwrap_or(scan);
    for (at, pair) in window.windows(2).enumerate() {
        if matches!(pair, [0xff, 0xd0..=0xd7]) {
            done = (at + 2, done.1.saturating_add(1));
        }
    }
    if window.len() == scan.len() {
        (scan.len(), done.1.saturating_add(1))
    } else if done.1 == 0 {
        (window.len(), 0)
    } else {
        done
    }
}

impl super::Packetizer for Packetizer {
    fn poll_payload(
        &mut self,
        frame: &Encoded<'_>,
        buffer: &mut [u8],
    ) -> Result<Option<Written>, Error> {
        if self.progress.resume(frame).0 {
            self.image = None;
        }
        let image = match self.image {
            Some(image) => image,
            None if frame.octets.is_empty() => {
                self.progress.reset();
                return Ok(None);
            }
            None => match Image::parse(frame.octets) {
                Ok(image) => image,
                Err(error) => return self.give_up(error),
            },
        };
        if self.image.is_none() {
            (self.image, self.interval, self.begins) = (Some(image), 0, true);
        }
        // In octets of the scan.
        let at = self.progress.at;
        let scan = frame.octets.get(image.scan.0..image.scan.1).unwrap_or_default();
        let left = scan.get(at..).unwrap_or_default();
        if left.is_empty() {
            self.progress.reset();
            self.image = None;
            return Ok(None);
        }
        let tables = image.tables(frame.octets);
        let restart = Restart {
            interval: image.restart_interval,
            first: self.begins,
            last: false,
            count: self.interval,
        };
        let mut payload = Payload {
            type_specific: 0,
            offset: at as u32,
            jpeg_type: image.sampling.jpeg_type(),
            q: Q_IN_BAND,
            size: image.size,
            restart: (image.restart_interval > 0).then_some(restart),
            tables: (at == 0).then_some(&tables),
            data: &[],
        };
        let room = buffer.len().saturating_sub(payload.header_len());
        if room == 0 {
            return self.give_up(BufferTooSmall { needed: payload.header_len() + 1 });
        }
        let mut len = left.len().min(room);
        if let Some(restart) = &mut payload.restart {
            let (octets, intervals) = if self.begins {
                whole_intervals(left, room)
            } else {
                // The rest of one that was cut.
                let window = left.get(..room).unwrap_or(left);
                let end = window.windows(2).position(|pair| matches!(pair, [0xff, 0xd0..=0xd7]));
                let end =
                    end.map(|end| end + 2).or((window.len() == left.len()).then_some(left.len()));
                end.map_or((window.len(), 0), |end| (end, 1))
            };
            restart.last = intervals > 0;
            len = octets;
            self.begins = restart.last;
            // The number is one of fourteen bits, the last one of which means something else.
            self.interval = (self.interval + intervals) % NOT_ALIGNED;
        }
        payload.data = left.get(..len).unwrap_or_default();
        let written = match payload.write(buffer) {
            Ok(written) => written,
            Err(error) => return self.give_up(error),
        };
        self.progress.at = at + len;
        let marker = len == left.len();
        Ok(Some(Written { len: written, marker, timestamp: frame.timestamp }))
    }
}

/// Puts images together, with headers that any decoder takes. Of an image with a gap what stands
/// before the gap is kept; of one with restart markers also what follows from an interval on.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Depacketizer {
    assembly: Assembly,
    /// The tables that came last, and their Q.
    tables: Option<(u8, [u8; 128])>,
    /// Whether the image's headers are written.
    begun: bool,
    /// Whether an interval is waited for.
    waiting: bool,
    /// Where the next part stands in the scan.
    offset: u32,
}

impl Depacketizer {
    /// A depacketizer that has seen no packet.
    pub const fn new() -> Self {
        Self { assembly: Assembly::new(), tables: None, begun: false, waiting: false, offset: 0 }
    }

    fn take(&mut self, octets: &[u8], frame: &mut [u8]) -> Result<(), Error> {
        let payload = Payload::parse(octets)?;
        if !self.begun {
            if payload.offset != 0 {
                // Nothing can be made of an image without its beginning.
                self.assembly.spoil();
                return Ok(());
            }
            // The image's first payload is here: what is missing came before it.
            self.assembly.mend();
            let tables = self.tables_of(&payload)?;
            let sampling = Sampling::of(payload.jpeg_type);
            let sampling = sampling.ok_or(ParseError::new(Fault::Value, 4))?;
            let interval = payload.restart.map_or(0, |restart| restart.interval);
            let write = |part: &[u8]| self.assembly.append(frame, part);
            image::write_headers(&tables, sampling, payload.size, interval, write)?;
            (self.begun, self.waiting, self.offset) = (true, false, 0);
        }
        if payload.offset != self.offset {
            self.assembly.spoil();
            self.waiting = true;
        }
        if self.waiting {
            let restart = payload.restart;
            let Some(restart) = restart.filter(|r| r.first && r.count != NOT_ALIGNED) else {
                return Ok(());
            };
            self.waiting = false;
            // The marker before the interval was lost with the one before it.
            if !matches!(payload.data, [0xff, 0xd0..=0xd7, ..]) {
                let number = (restart.count.wrapping_sub(1) & 7) as u8;
                self.assembly.append(frame, &[0xff, 0xd0 | number])?;
            }
        }
        self.offset = payload.offset.saturating_add(payload.data.len() as u32);
        self.assembly.append(frame, payload.data)
    }

    fn tables_of(&mut self, payload: &Payload<'_>) -> Result<[u8; 128], ParseError> {
        let q = payload.q;
        let wrong = ParseError::new(Fault::Value, 5);
        match (q, payload.tables.map(<[u8]>::as_chunks::<64>)) {
            (1..=99, _) => Ok(tables::quantization(q)),
            (128.., Some(([first, rest @ ..], _))) => {
                // ffmpeg sends one where both are the same.
                let second = rest.first().unwrap_or(first);
                let mut told = [0; 128];
                let halves = told.as_chunks_mut::<64>().0.iter_mut();
                halves.zip([first, second]).for_each(|(half, table)| *half = *table);
                self.tables = Some((q, told));
                Ok(told)
            }
            // Those of 255 differ from image to image.
            (128..Q_IN_BAND, _) => {
                let known = self.tables.filter(|(known, _)| *known == q);
                known.map(|(_, tables)| tables).ok_or(wrong)
            }
            _ => Err(wrong),
        }
    }

    /// The image has no more parts: the marker of its end is put behind it.
    fn end(&mut self, frame: &mut [u8]) {
        if self.begun {
            self.begun = false;
            let last = self.assembly.len().checked_sub(2);
            let end = last.and_then(|last| frame.get(last..self.assembly.len()));
            // Some senders send it.
            if end != Some(&image::END) {
                let _ = self.assembly.append(frame, &image::END);
            }
        }
    }
}

impl Default for Depacketizer {
    fn default() -> Self {
        Self::new()
    }
}

impl super::Depacketizer for Depacketizer {
    fn push(
        &mut self,
        packet: &Received<'_>,
        frame: &mut [u8],
    ) -> Result<Option<Reassembled>, Error> {
        if self.assembly.is_other(packet) {
            self.end(frame);
        }
        match self.assembly.admit(packet)? {
            Admitted::Earlier(earlier) => return Ok(Some(earlier)),
            Admitted::Packet { gap, first } => {
                self.waiting |= gap;
                self.begun &= !first;
            }
        }
        let taken = self.take(packet.payload, frame);
        if taken.is_err() {
            self.assembly.spoil();
            self.waiting = true;
        }
        if packet.marker {
            self.end(frame);
        }
        match (self.assembly.finish(packet), taken) {
            // What was kept is worth more than the news of what was not.
            (Some(whole), _) => Ok(Some(whole)),
            (None, taken) => taken.map(|()| None),
        }
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests;
