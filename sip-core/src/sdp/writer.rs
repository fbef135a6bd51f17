//! Writes a description.

use core::net::IpAddr;

use super::crypto::Crypto;
use super::media::Direction;
use crate::error::WriteError;
use crate::message::Writer as Octets;

/// Writes a session description into a buffer of the host's, line by line (RFC 8866 section 5).
///
/// The lines come in the order of the calls; the standard's order is the caller's part. No call
/// fails on its own: see [`finish`](Self::finish).
///
/// ```
/// use sip_core::sdp::{Session, Writer};
///
/// let mut buffer = [0; 256];
/// let mut writer = Writer::new(&mut buffer);
/// let address = [192, 0, 2, 1].into();
/// writer.start(b"alice", 1, 1, address);
/// writer.connection(address);
/// writer.time(0, 0);
/// writer.media(b"audio", 5350, b"RTP/AVP", b"0 8");
/// writer.attribute(b"ptime", b"20");
/// let length = writer.finish().unwrap();
/// assert_eq!(Session::parse(&buffer[..length]).unwrap().media().count(), 1);
/// ```
#[derive(Debug)]
pub struct Writer<'b>(Octets<'b>);

impl<'b> Writer<'b> {
    /// A writer at the start of the buffer.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self(Octets::new(buffer))
    }

    /// Writes `v=`, `o=` and `s=-`.
    pub fn start(&mut self, user: &[u8], session: u64, version: u64, address: IpAddr) {
        self.0.fixed(b"v=0\r\no=");
        self.0.text(user);
        self.0.fixed(b" ");
        self.long(session);
        self.0.fixed(b" ");
        self.long(version);
        self.0.fixed(b" ");
        self.address(address);
        self.0.fixed(b"\r\ns=-\r\n");
    }

    /// Writes `c=`.
    pub fn connection(&mut self, address: IpAddr) {
        self.0.fixed(b"c=");
        self.address(address);
        self.0.fixed(b"\r\n");
    }

    /// Writes `t=`; `0 0` is any time.
    pub fn time(&mut self, start: u32, stop: u32) {
        self.0.fixed(b"t=");
        self.0.number(start);
        self.0.fixed(b" ");
        self.0.number(stop);
        self.0.fixed(b"\r\n");
    }

    /// Writes `m=`, with the formats as they are to stand.
    pub fn media(&mut self, kind: &[u8], port: u16, protocol: &[u8], formats: &[u8]) {
        self.media_start(kind, port, protocol);
        self.0.fixed(b" ");
        self.0.text(formats);
        self.0.fixed(b"\r\n");
    }

    /// Writes `m=` with payload types for formats.
    pub fn rtp_media(
        &mut self,
        kind: &[u8],
        port: u16,
        protocol: &[u8],
        payload_types: impl IntoIterator<Item = u8>,
    ) {
        self.media_start(kind, port, protocol);
        for payload_type in payload_types {
            self.0.fixed(b" ");
            self.0.number(payload_type.into());
        }
        self.0.fixed(b"\r\n");
    }

    /// Writes `a=name:value`, or `a=name` where the value is empty.
    pub fn attribute(&mut self, name: &[u8], value: &[u8]) {
        self.0.fixed(b"a=");
        self.0.text(name);
        if !value.is_empty() {
            self.0.fixed(b":");
            self.0.text(value);
        }
        self.0.fixed(b"\r\n");
    }

    /// Writes `a=rtpmap`; a single channel is not named.
    pub fn rtpmap(&mut self, payload_type: u8, name: &[u8], clock_rate: u32, channels: u8) {
        self.0.fixed(b"a=rtpmap:");
        self.0.number(payload_type.into());
        self.0.fixed(b" ");
        self.0.text(name);
        self.0.fixed(b"/");
        self.0.number(clock_rate);
        if channels > 1 {
            self.0.fixed(b"/");
            self.0.number(channels.into());
        }
        self.0.fixed(b"\r\n");
    }

    /// Writes `a=fmtp`.
    pub fn fmtp(&mut self, payload_type: u8, parameters: &[u8]) {
        self.0.fixed(b"a=fmtp:");
        self.0.number(payload_type.into());
        self.0.fixed(b" ");
        self.0.text(parameters);
        self.0.fixed(b"\r\n");
    }

    /// Writes `a=ptime`.
    pub fn ptime_ms(&mut self, milliseconds: u32) {
        self.0.fixed(b"a=ptime:");
        self.0.number(milliseconds);
        self.0.fixed(b"\r\n");
    }

    /// Writes `a=rtcp`, with an address where it is another than that of the media (RFC 3605).
    pub fn rtcp(&mut self, port: u16, address: Option<IpAddr>) {
        self.0.fixed(b"a=rtcp:");
        self.0.number(port.into());
        if let Some(address) = address {
            self.0.fixed(b" ");
            self.address(address);
        }
        self.0.fixed(b"\r\n");
    }

    /// Writes `a=crypto` (RFC 4568 section 9.1).
    pub fn crypto(&mut self, crypto: &Crypto<'_>) {
        self.0.fixed(b"a=crypto:");
        self.0.number(crypto.tag);
        for part in [crypto.suite, crypto.key_params, crypto.session_params] {
            if !part.is_empty() {
                self.0.fixed(b" ");
                self.0.text(part);
            }
        }
        self.0.fixed(b"\r\n");
    }

    /// Writes the direction.
    pub fn direction(&mut self, direction: Direction) {
        self.attribute(direction.name(), b"");
    }

    /// Writes any line.
    pub fn line(&mut self, letter: u8, value: &[u8]) {
        self.0.text(&[letter]);
        self.0.fixed(b"=");
        self.0.text(value);
        self.0.fixed(b"\r\n");
    }

    /// Gives the length of the description.
    ///
    /// # Errors
    /// [`WriteError::BufferTooSmall`] with what is needed, [`WriteError::LineEnd`] where a value
    /// held a line end.
    pub fn finish(self) -> Result<usize, WriteError> {
        self.0.end()
    }

    fn media_start(&mut self, kind: &[u8], port: u16, protocol: &[u8]) {
        self.0.fixed(b"m=");
        self.0.text(kind);
        self.0.fixed(b" ");
        self.0.number(port.into());
        self.0.fixed(b" ");
        self.0.text(protocol);
    }

    fn address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => {
                self.0.fixed(b"IN IP4 ");
                self.0.v4(address);
            }
            IpAddr::V6(address) => {
                self.0.fixed(b"IN IP6 ");
                self.0.v6(address);
            }
        }
    }

    fn long(&mut self, number: u64) {
        let mut digits = [0; 20];
        let mut rest = number;
        let mut count = 0;
        for place in digits.iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
            count += 1;
            if rest == 0 {
                break;
            }
        }
        self.0.fixed(digits.get(digits.len() - count..).unwrap_or_default());
    }
}
