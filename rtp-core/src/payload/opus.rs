//! Opus (RFC 7587), and as much of its packets as a host needs to know without a decoder (RFC 6716
//! section 3).
//!
//! ```text
//! | config 5|s| c 2|   frames, with their lengths before them ...
//! ```
//!
//! The clock is always 48000, whatever the sampling rate, and `a=rtpmap` always says two channels.

use super::audio::{self, Encoding};
use crate::{Fault, ParseError};

/// Makes payloads: each packet of the encoder is one.
pub type Packetizer = audio::Packetizer<Opus>;
/// Takes payloads.
pub type Depacketizer = audio::Depacketizer<Opus>;

/// The clock of Opus, in hertz.
pub const CLOCK_RATE: u32 = 48_000;

/// The encoding's rules: a packet of the encoder cannot be cut.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Opus;

impl Encoding for Opus {
    fn units(payload: &[u8]) -> Result<u32, ParseError> {
        Ok(OpusPacket::parse(payload)?.units())
    }

    fn cut(frame: &[u8], limit: usize) -> usize {
        if frame.len() <= limit { frame.len() } else { 0 }
    }
}

/// Which of the codec's two halves a packet uses (RFC 6716 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mode {
    /// Linear prediction: speech at low rates.
    Silk,
    /// Both, at one time.
    Hybrid,
    /// Transform: music, and low delay.
    Celt,
}

/// Up to which frequency a packet has sound (RFC 6716 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Bandwidth {
    /// 4 kHz.
    Narrow,
    /// 6 kHz.
    Medium,
    /// 8 kHz.
    Wide,
    /// 12 kHz.
    SuperWide,
    /// 20 kHz.
    Full,
}

/// The first octet of a packet (RFC 6716 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TableOfContents(pub u8);

impl TableOfContents {
    /// The configuration, 0 to 31.
    pub const fn config(self) -> u8 {
        self.0 >> 3
    }

    /// Which half of the codec.
    pub const fn mode(self) -> Mode {
        match self.config() {
            0..=11 => Mode::Silk,
            12..=15 => Mode::Hybrid,
            _ => Mode::Celt,
        }
    }

    /// How far the sound goes.
    pub const fn bandwidth(self) -> Bandwidth {
        match self.config() {
            0..=3 | 16..=19 => Bandwidth::Narrow,
            4..=7 => Bandwidth::Medium,
            8..=11 | 20..=23 => Bandwidth::Wide,
            12 | 13 | 24..=27 => Bandwidth::SuperWide,
            _ => Bandwidth::Full,
        }
    }

    /// How long a frame is, in units of the clock: 2.5 to 60 ms.
    pub const fn frame_units(self) -> u32 {
        let shift = self.config() & 3;
        match self.mode() {
            // 10, 20, 40, 60 ms.
            Mode::Silk if shift == 3 => 2880,
            Mode::Silk => 480 << shift,
            // 10 and 20 ms.
            Mode::Hybrid => 480 << (shift & 1),
            // 2.5, 5, 10, 20 ms.
            Mode::Celt => 120 << shift,
        }
    }

    /// Whether the sound has two channels.
    pub const fn is_stereo(self) -> bool {
        self.0 & 4 != 0
    }
}

/// An Opus packet (RFC 6716 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OpusPacket<'a> {
    /// The first octet.
    pub toc: TableOfContents,
    count: u8,
    lengths: Lengths<'a>,
    data: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Lengths<'a> {
    /// All frames have this one.
    Equal(usize),
    /// Coded before the frames, but for the last one's.
    Coded(&'a [u8]),
}

/// The most octets that a frame has (RFC 6716 section 3.4, R2).
const FRAME_MAX: usize = 1275;
/// The most that a packet lasts: 120 ms (R5).
const UNITS_MAX: u32 = 5760;

impl<'a> OpusPacket<'a> {
    /// Reads a packet in place.
    ///
    /// # Errors
    /// The packet breaks one of the rules R1 to R7 of RFC 6716 section 3.4.
    pub fn parse(packet: &'a [u8]) -> Result<Self, ParseError> {
        let wrong = |what, rest: &[u8]| ParseError::new(what, packet.len() - rest.len());
        let (toc, body) = packet.split_first().ok_or(ParseError::new(Fault::Truncated, 0))?;
        let toc = TableOfContents(*toc);
        let (count, lengths, data) = match toc.0 & 3 {
            0 => (1, Lengths::Equal(body.len()), body),
            1 if body.len() % 2 == 0 => (2, Lengths::Equal(body.len() / 2), body),
            1 => return Err(wrong(Fault::Length, body)),
            2 => {
                let (_, behind) = length(body).ok_or(wrong(Fault::Truncated, body))?;
                (2, Lengths::Coded(body), behind)
            }
            _ => {
                let (head, mut rest) = body.split_first().ok_or(wrong(Fault::Truncated, body))?;
                let count = head & 0x3f;
                let units = toc.frame_units().saturating_mul(u32::from(count));
                if count == 0 || units > UNITS_MAX {
                    return Err(wrong(Fault::Value, body));
                }
                let mut padding = 0usize;
                let mut more = head & 0x40 != 0;
                while more {
                    let (octet, behind) = rest.split_first().ok_or(wrong(Fault::Padding, rest))?;
                    rest = behind;
                    more = *octet == 255;
                    padding = padding.saturating_add(if more { 254 } else { usize::from(*octet) });
                }
                let len = rest.len().checked_sub(padding).ok_or(wrong(Fault::Padding, rest))?;
                let rest = rest.get(..len).unwrap_or_default();
                if head & 0x80 == 0 {
                    if len % usize::from(count) != 0 {
                        return Err(wrong(Fault::Length, body));
                    }
                    (count, Lengths::Equal(len / usize::from(count)), rest)
                } else {
                    let mut behind = rest;
                    for _ in 1..count {
                        behind = length(behind).ok_or(wrong(Fault::Truncated, body))?.1;
                    }
                    (count, Lengths::Coded(rest), behind)
                }
            }
        };
        let parsed = Self { toc, count, lengths, data };
        // All but the last say how long they are; that one has what they leave.
        let mut frames = 0;
        for frame in parsed.frames() {
            if frame.len() > FRAME_MAX {
                return Err(wrong(Fault::Length, data));
            }
            frames += 1;
        }
        if frames != count {
            return Err(wrong(Fault::Truncated, data));
        }
        Ok(parsed)
    }

    /// The frames.
    pub fn frames(&self) -> impl Iterator<Item = &'a [u8]> + Clone + 'a {
        let (mut data, mut lengths) = (self.data, self.lengths);
        (0..self.count).rev().map_while(move |left| {
            let len = match (&mut lengths, left) {
                (Lengths::Equal(len), _) => *len,
                (Lengths::Coded(_), 0) => data.len(),
                (Lengths::Coded(coded), _) => {
                    let (len, behind) = length(coded)?;
                    *coded = behind;
                    len
                }
            };
            let (frame, behind) = data.split_at_checked(len)?;
            data = behind;
            Some(frame)
        })
    }

    /// How many frames there are.
    pub const fn frame_count(&self) -> u8 {
        self.count
    }

    /// How long the packet lasts, in units of the clock: 120 ms at most.
    pub const fn units(&self) -> u32 {
        self.toc.frame_units() * self.count as u32
    }

    /// Whether the packet carries nothing: the encoder sends one now and then in silence
    /// (RFC 7587 section 3.1.3). No frame has more than an octet.
    pub fn is_dtx(&self) -> bool {
        self.frames().all(|frame| frame.len() <= 1)
    }

    /// Whether the packet also carries the frame before it at a lower rate, for the case that it
    /// was lost (RFC 6716 section 2.1.7): it is worth giving to the decoder in that one's place.
    pub fn has_fec(&self) -> bool {
        if self.toc.mode() == Mode::Celt {
            return false;
        }
        let Some(&[first, _, ..]) = self.frames().next() else { return false };
        // RFC 6716 section 4.2.3: for each channel one flag of voice for each 20 ms, then that of
        // redundancy; with even chances each, so that they are the first bits as they are.
        let voice = match self.toc.frame_units() {
            2880 => 3,
            1920 => 2,
            _ => 1,
        };
        let channel = voice + 1;
        let middle = first & (0x80 >> voice) != 0;
        let side = self.toc.is_stereo() && first & (0x80 >> (channel + voice)) != 0;
        middle || side
    }
}

/// A coded length, and what stands behind it (RFC 6716 section 3.2.1).
fn length(octets: &[u8]) -> Option<(usize, &[u8])> {
    match octets {
        [first @ 0..=251, rest @ ..] => Some((usize::from(*first), rest)),
        [first, second, rest @ ..] => Some((usize::from(*second) * 4 + usize::from(*first), rest)),
        _ => None,
    }
}

/// The parameters of `a=fmtp` (RFC 7587 section 6.1): what the side that writes them wants to
/// receive, or, with `sprop-`, is about to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Parameters {
    /// `maxplaybackrate`: the highest sampling rate that can be played, in hertz.
    pub max_playback_rate: u32,
    /// `sprop-maxcapturerate`: the highest sampling rate that will be sent, in hertz.
    pub max_capture_rate: u32,
    /// `maxaveragebitrate` in bits per second, 6000 to 510000; nothing for no limit of its own.
    pub max_average_bitrate: Option<u32>,
    /// `stereo`: whether two channels are wanted.
    pub stereo: bool,
    /// `sprop-stereo`: whether two channels will be sent.
    pub sends_stereo: bool,
    /// `cbr`: whether a constant bit rate is wanted.
    pub constant_bitrate: bool,
    /// `useinbandfec`: whether the receiver makes use of redundancy.
    pub inband_fec: bool,
    /// `usedtx`: whether silence need not be sent.
    pub dtx: bool,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            max_playback_rate: CLOCK_RATE,
            max_capture_rate: CLOCK_RATE,
            max_average_bitrate: None,
            stereo: false,
            sends_stereo: false,
            constant_bitrate: false,
            inband_fec: false,
            dtx: false,
        }
    }
}

impl Parameters {
    /// Reads what stands behind the payload type in `a=fmtp`. What is unknown, or has no sense, is
    /// passed over, as RFC 7587 section 7.1 wants.
    pub fn parse(text: &str) -> Self {
        let mut parameters = Self::default();
        for pair in text.split(';') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, Ok(number)) = (name.trim(), value.trim().parse::<u32>()) else { continue };
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            let rate = (8000..=CLOCK_RATE).contains(&number);
            if is("maxplaybackrate") && rate {
                parameters.max_playback_rate = number;
            } else if is("sprop-maxcapturerate") && rate {
                parameters.max_capture_rate = number;
            } else if is("maxaveragebitrate") && (6000..=510_000).contains(&number) {
                parameters.max_average_bitrate = Some(number);
            } else if number <= 1 {
                let flag = number == 1;
                match () {
                    () if is("stereo") => parameters.stereo = flag,
                    () if is("sprop-stereo") => parameters.sends_stereo = flag,
                    () if is("cbr") => parameters.constant_bitrate = flag,
                    () if is("useinbandfec") => parameters.inband_fec = flag,
                    () if is("usedtx") => parameters.dtx = flag,
                    () => {}
                }
            }
        }
        parameters
    }

    /// Writes what differs from the defaults; nothing where nothing does, and `a=fmtp` is left out.
    ///
    /// # Errors
    /// Those of `text`.
    pub fn write(&self, text: &mut impl core::fmt::Write) -> core::fmt::Result {
        let numbers = [
            ("maxplaybackrate", Some(self.max_playback_rate).filter(|rate| *rate != CLOCK_RATE)),
            (
                "sprop-maxcapturerate",
                Some(self.max_capture_rate).filter(|rate| *rate != CLOCK_RATE),
            ),
            ("maxaveragebitrate", self.max_average_bitrate),
        ];
        let flags = [
            ("stereo", self.stereo),
            ("sprop-stereo", self.sends_stereo),
            ("cbr", self.constant_bitrate),
            ("useinbandfec", self.inband_fec),
            ("usedtx", self.dtx),
        ];
        let flags = flags.into_iter().map(|(name, flag)| (name, flag.then_some(1)));
        let given = numbers.into_iter().chain(flags);
        let mut separator = "";
        for (name, number) in given.filter_map(|(name, number)| Some((name, number?))) {
            write!(text, "{separator}{name}={number}")?;
            separator = ";";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;

    #[test]
    fn the_first_octet_says_mode_bandwidth_and_length() {
        // RFC 6716 table 2.
        let rows = [
            (0, Mode::Silk, Bandwidth::Narrow, 480),
            (3, Mode::Silk, Bandwidth::Narrow, 2880),
            (6, Mode::Silk, Bandwidth::Medium, 1920),
            (9, Mode::Silk, Bandwidth::Wide, 960),
            (12, Mode::Hybrid, Bandwidth::SuperWide, 480),
            (15, Mode::Hybrid, Bandwidth::Full, 960),
            (16, Mode::Celt, Bandwidth::Narrow, 120),
            (21, Mode::Celt, Bandwidth::Wide, 240),
            (26, Mode::Celt, Bandwidth::SuperWide, 480),
            (31, Mode::Celt, Bandwidth::Full, 960),
        ];
        for (config, mode, bandwidth, units) in rows {
            let toc = TableOfContents(config << 3);
            assert_eq!((toc.mode(), toc.bandwidth(), toc.frame_units()), (mode, bandwidth, units));
        }
    }

    fn frames(packet: &[u8]) -> Option<Vec<usize>> {
        let packet = OpusPacket::parse(packet).ok()?;
        assert_eq!(packet.frames().count(), usize::from(packet.frame_count()));
        Some(packet.frames().map(<[u8]>::len).collect())
    }

    #[test]
    fn frames_are_found_in_each_of_the_four_packings() {
        assert_eq!(frames(&[0x08, 1, 2, 3]), Some(alloc::vec![3]));
        assert_eq!(frames(&[0x09, 1, 2, 3, 4]), Some(alloc::vec![2, 2]));
        assert_eq!(frames(&[0x0a, 1, 9, 8, 7]), Some(alloc::vec![1, 2]));
        // Three equal ones, with two octets of padding behind.
        assert_eq!(frames(&[0x0b, 0x43, 2, 1, 2, 3, 0, 0]), Some(alloc::vec![1, 1, 1]));
        // Three of their own lengths.
        assert_eq!(frames(&[0x0b, 0x83, 2, 0, 1, 2, 3]), Some(alloc::vec![2, 0, 1]));
        // A length of two octets: 252 + 4.
        let mut long = alloc::vec![0x0a, 252, 1];
        long.extend([0; 256 + 5]);
        assert_eq!(frames(&long), Some(alloc::vec![256, 5]));
    }

    #[test]
    fn the_rules_of_malformed_packets_are_kept() {
        let bad: [&[u8]; 9] = [
            &[],                       // R1
            &[0x09, 1],                // R3
            &[0x0a],                   // R4
            &[0x0a, 5, 1],             // R4
            &[0x0b],                   // R6
            &[0x0b, 0],                // R5
            &[0x1b, 0x03, 0, 0, 0],    // R5: 180 ms
            &[0x0b, 0x43, 9, 1, 2, 3], // R6
            &[0x0b, 0x83, 9, 0, 1],    // R7
        ];
        for packet in bad {
            assert_eq!(frames(packet), None, "{packet:?}");
        }
        let mut long = alloc::vec![0x08];
        long.extend([0; 1276]);
        assert_eq!(frames(&long), None, "R2");
    }

    #[test]
    fn silence_and_redundancy_are_told_without_a_decoder() {
        let fec = |packet: &[u8]| OpusPacket::parse(packet).is_ok_and(|packet| packet.has_fec());
        // SILK, wide, 20 ms, mono: the second bit.
        assert!(fec(&[0x48, 0x40, 0]) && !fec(&[0x48, 0xbf, 0]));
        // 60 ms: the fourth; of stereo also the eighth.
        assert!(fec(&[0x58, 0x10, 0]) && !fec(&[0x58, 0xef, 0]));
        assert!(fec(&[0x5c, 0x01, 0]) && !fec(&[0x5c, 0xee, 0]));
        // CELT has none.
        assert!(!fec(&[0xf8, 0xff, 0xff]));
        let dtx = |packet: &[u8]| OpusPacket::parse(packet).is_ok_and(|packet| packet.is_dtx());
        assert!(dtx(&[0x48]) && dtx(&[0x48, 0]) && !dtx(&[0x48, 0, 0]));
    }

    #[test]
    fn a_payload_is_as_long_as_its_frames() {
        assert_eq!(Opus::units(&[0xf8, 1, 2]), Ok(960));
        assert_eq!(Opus::units(&[0x0b, 0x03, 1, 2, 3]), Ok(2880));
        assert_eq!(Opus::cut(&[0; 9], 8), 0);
    }

    #[test]
    fn parameters_are_read_and_written() {
        let read = Parameters::parse(
            "maxplaybackrate=16000; sprop-maxcapturerate=7; STEREO=1;useinbandfec=1; x-new=1; usedtx=2",
        );
        let expected = Parameters {
            max_playback_rate: 16_000,
            stereo: true,
            inband_fec: true,
            ..Parameters::default()
        };
        assert_eq!(read, expected);
        let mut text = String::new();
        expected.write(&mut text).expect("a string takes all");
        assert_eq!(text, "maxplaybackrate=16000;stereo=1;useinbandfec=1");
        assert_eq!(Parameters::parse(&text), expected);
        let mut text = String::new();
        Parameters::default().write(&mut text).expect("a string takes all");
        assert_eq!(text, "");
    }
}
