//! The codecs of calls, twenty milliseconds at a time.

use rtp_core::codec::concealment::{Narrowband, Wideband};
use rtp_core::codec::g711::Law;
use rtp_core::codec::g722;
use rtp_core::payload;
use sip_core::sdp;

/// A codec that calls can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711, µ-law.
    Pcmu,
    /// G.711, A-law.
    Pcma,
    /// G.722: wideband, 16000 samples a second.
    G722,
}

impl Codec {
    /// All of them, the best first.
    pub const ALL: [Self; 3] = [Self::G722, Self::Pcmu, Self::Pcma];

    /// As it stands in session descriptions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
        }
    }

    /// The codec that is named so.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| name.eq_ignore_ascii_case(codec.name().as_bytes()))
    }

    /// The payload type that RFC 3551 gives it.
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => payload::PCMU,
            Self::Pcma => payload::PCMA,
            Self::G722 => payload::G722,
        }
    }

    /// The codec that has this payload type in RFC 3551.
    pub fn from_payload_type(payload_type: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.payload_type() == payload_type)
    }

    /// As a session description offers it.
    pub const fn sdp(self) -> sdp::Codec<'static> {
        match self {
            Self::Pcmu => sdp::Codec::PCMU,
            Self::Pcma => sdp::Codec::PCMA,
            Self::G722 => sdp::Codec::G722,
        }
    }

    /// Samples a second.
    pub const fn rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8000,
            Self::G722 => 16_000,
        }
    }

    /// Samples in twenty milliseconds; its octets are 160 whatever the codec.
    pub const fn frame(self) -> usize {
        self.rate() as usize / 50
    }
}

/// Octets in twenty milliseconds.
pub(crate) const FRAME_OCTETS: usize = 160;

/// Makes octets of samples.
pub(crate) enum Encoder {
    G711(Law),
    G722(Box<g722::Encoder>),
}

impl Encoder {
    pub(crate) fn new(codec: Codec) -> Self {
        match codec {
            Codec::Pcmu => Self::G711(Law::Mu),
            Codec::Pcma => Self::G711(Law::A),
            Codec::G722 => Self::G722(Box::new(g722::Encoder::new())),
        }
    }

    pub(crate) fn encode(&mut self, samples: &[i16], octets: &mut [u8]) -> usize {
        match self {
            Self::G711(law) => law.encode(samples, octets),
            Self::G722(encoder) => encoder.encode(samples, octets),
        }
    }
}

/// Makes samples of octets, and hides what is lost.
pub(crate) enum Decoder {
    G711(Law, Box<Narrowband>),
    G722(Box<g722::Decoder>, Box<Wideband>),
}

impl Decoder {
    pub(crate) fn new(codec: Codec) -> Self {
        match codec {
            Codec::Pcmu => Self::G711(Law::Mu, Box::new(Narrowband::new())),
            Codec::Pcma => Self::G711(Law::A, Box::new(Narrowband::new())),
            Codec::G722 => Self::G722(
                Box::new(g722::Decoder::new(g722::Mode::default())),
                Box::new(Wideband::new()),
            ),
        }
    }

    /// The samples of a payload.
    pub(crate) fn decode(&mut self, octets: &[u8]) -> Vec<i16> {
        match self {
            Self::G711(law, concealer) => {
                let mut samples = vec![0; octets.len()];
                law.decode(octets, &mut samples);
                concealer.receive(&mut samples);
                samples
            }
            Self::G722(decoder, concealer) => {
                let mut samples = vec![0; octets.len() * 2];
                decoder.decode(octets, &mut samples);
                concealer.receive(&mut samples);
                samples
            }
        }
    }

    /// Samples for a payload of `octets` that has not come.
    pub(crate) fn conceal(&mut self, octets: usize) -> Vec<i16> {
        match self {
            Self::G711(_, concealer) => {
                let mut samples = vec![0; octets];
                concealer.conceal(&mut samples);
                samples
            }
            Self::G722(_, concealer) => {
                let mut samples = vec![0; octets * 2];
                concealer.conceal(&mut samples);
                samples
            }
        }
    }

    /// Silence for the time of a payload of `octets`.
    pub(crate) fn silence(&mut self, octets: usize) -> Vec<i16> {
        match self {
            Self::G711(_, concealer) => {
                let mut samples = vec![0; octets];
                concealer.receive(&mut samples);
                samples
            }
            Self::G722(_, concealer) => {
                let mut samples = vec![0; octets * 2];
                concealer.receive(&mut samples);
                samples
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_payload_types_lead_back() {
        for codec in Codec::ALL {
            assert_eq!(Codec::from_name(codec.sdp().name), Some(codec));
            assert_eq!(Codec::from_payload_type(codec.sdp().payload_type), Some(codec));
        }
        assert_eq!(Codec::from_name(b"opus"), None);
    }

    #[test]
    fn what_is_encoded_sounds_the_same() {
        for codec in Codec::ALL {
            let (mut encoder, mut decoder) = (Encoder::new(codec), Decoder::new(codec));
            let rate = f64::from(codec.rate());
            let said: Vec<i16> = (0..codec.frame() * 50)
                .map(|i| {
                    ((i as f64 * 300.0 / rate * std::f64::consts::TAU).sin() * i as f64) as i16
                })
                .collect();
            let mut heard = Vec::new();
            for frame in said.chunks(codec.frame()) {
                let mut octets = [0; FRAME_OCTETS];
                assert_eq!(encoder.encode(frame, &mut octets), FRAME_OCTETS);
                heard.extend(decoder.decode(&octets));
            }
            let found = crate::audio::likeness(&said, &heard, codec.frame());
            assert!(found.correlation > 0.98, "{codec:?}: {found:?}");
        }
    }
}
