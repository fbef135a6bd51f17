//! Offer and answer for an audio call (RFC 3264).

use core::net::{IpAddr, SocketAddr};

use super::crypto::{Crypto, CryptoChoice};
use super::media::{Direction, Media, RtpMap};
use super::session::Session;
use super::writer::Writer;
use crate::error::WriteError;

/// A codec that a side can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Codec<'a> {
    /// The payload type that it is offered with.
    pub payload_type: u8,
    /// The encoding, as registered: `PCMU`.
    pub name: &'a [u8],
    /// Timestamp units a second.
    pub clock_rate: u32,
    /// Audio channels.
    pub channels: u8,
    /// The parameters of the format, if it has any.
    pub fmtp: Option<&'a [u8]>,
}

impl Codec<'static> {
    /// G.711 µ-law (RFC 3551 section 4.5.14).
    pub const PCMU: Self = Self::of(0, b"PCMU", None);
    /// G.711 A-law (RFC 3551 section 4.5.14).
    pub const PCMA: Self = Self::of(8, b"PCMA", None);
    /// G.722, whose clock rate is 8000 by a mistake that stays (RFC 3551 section 4.5.2).
    pub const G722: Self = Self::of(9, b"G722", None);
    /// DTMF digits and hook flash as events (RFC 4733).
    pub const TELEPHONE_EVENT: Self = Self::of(101, b"telephone-event", Some(b"0-16"));

    const fn of(payload_type: u8, name: &'static [u8], fmtp: Option<&'static [u8]>) -> Self {
        Self { payload_type, name, clock_rate: 8000, channels: 1, fmtp }
    }
}

impl Codec<'_> {
    /// Whether it is `telephone-event`, which goes beside a codec and is none.
    pub fn is_telephone_event(&self) -> bool {
        self.name.eq_ignore_ascii_case(b"telephone-event")
    }

    fn is(&self, map: &RtpMap<'_>) -> bool {
        map.is(self.name, self.clock_rate, self.channels)
    }
}

/// What one side of an audio call has to offer.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Local<'a> {
    /// Names the session; the same for the whole call.
    pub session: u64,
    /// Grows by one with each description that differs from the last (RFC 3264 section 8).
    pub version: u64,
    /// Where media are received.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub address: IpAddr,
    /// The port for RTP.
    pub rtp_port: u16,
    /// The port for RTCP; written only where it is not the RTP port and one (RFC 3605).
    pub rtcp_port: u16,
    /// The codecs, the best first, and `telephone-event` among them.
    pub codecs: &'a [Codec<'a>],
    /// What is wanted now: `SendOnly` or `Inactive` puts the other on hold.
    pub direction: Direction,
    /// How many milliseconds of audio a packet is to hold; 0 to leave it open.
    pub ptime_ms: u32,
}

/// What both sides of an audio call have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Agreed<'a> {
    /// The codec, as the local side knows it.
    pub codec: Codec<'a>,
    /// The payload type to send it with.
    pub send_payload_type: u8,
    /// The payload type that it comes with.
    pub receive_payload_type: u8,
    /// The payload types of `telephone-event`, to send and to receive.
    pub telephone_event: Option<(u8, u8)>,
    /// The keys of SRTP, where they were wanted: ours by its place among those handed in, theirs by
    /// way of [`Session::crypto`].
    pub crypto: Option<CryptoChoice>,
    /// Where RTP is to be sent. Its address is unspecified where the other is on hold in the
    /// manner of RFC 2543.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub rtp: SocketAddr,
    /// Where RTCP is to be sent.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub rtcp: SocketAddr,
    /// Which way media flow, seen from the local side.
    pub direction: Direction,
    /// How many milliseconds of audio the other wants in a packet.
    pub ptime_ms: Option<u32>,
}

/// Why there is no agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NegotiationError {
    /// No audio over RTP is offered, or the other has refused it: answer with 488.
    NoAudio,
    /// Audio is offered, but no codec that both know: answer with 488.
    NoCommonCodec,
    /// SRTP is wanted by one side only, or with suites or parameters that the other does not know:
    /// answer with 488.
    NoCommonCrypto,
    /// The description does not say where to send, or names a host that would have to be looked up.
    NoAddress,
    /// The answer could not be written.
    Write(WriteError),
}

impl core::fmt::Display for NegotiationError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoAudio => f.write_str("no audio over RTP is offered"),
            Self::NoCommonCodec => f.write_str("no audio codec is known to both sides"),
            Self::NoCommonCrypto => f.write_str("no protection of media suits both sides"),
            Self::NoAddress => f.write_str("the description has no address to send to"),
            Self::Write(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for NegotiationError {}

impl From<WriteError> for NegotiationError {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

/// Writes an offer, and gives its length (RFC 3264 section 5).
///
/// # Errors
/// [`WriteError`].
pub fn offer(local: &Local<'_>, buffer: &mut [u8]) -> Result<usize, WriteError> {
    secure_offer(local, &[], buffer)
}

/// The same for a call that is protected by SRTP or does not come about (`RTP/SAVP`, RFC 4568):
/// with our keys to send with, one for each suite that will do, the best first, each with a tag of
/// its own. Without any key media are in clear.
///
/// # Errors
/// [`WriteError`].
pub fn secure_offer(
    local: &Local<'_>,
    keys: &[Crypto<'_>],
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let mut writer = start(local, buffer);
    let types = local.codecs.iter().map(|codec| codec.payload_type);
    let protocol: &[u8] = if keys.is_empty() { b"RTP/AVP" } else { b"RTP/SAVP" };
    writer.rtp_media(b"audio", local.rtp_port, protocol, types);
    for codec in local.codecs {
        write_codec(&mut writer, codec, codec.payload_type);
    }
    for crypto in keys {
        writer.crypto(crypto);
    }
    write_rest(&mut writer, local, local.direction);
    writer.finish()
}

/// Writes the answer to an offer, and gives its length and what was agreed (RFC 3264 section 6).
///
/// The first audio stream that both can do is taken, with the offerer's first codec that the local
/// side knows; every other stream is refused with port 0.
///
/// # Errors
/// [`NegotiationError`]; the offer is then refused with 488.
pub fn answer<'a>(
    local: &Local<'a>,
    offer: &Session<'_>,
    buffer: &mut [u8],
) -> Result<(usize, Agreed<'a>), NegotiationError> {
    secure_answer(local, &[], offer, buffer)
}

/// The same with our keys, as in [`secure_offer`]: an offer of media in clear is then refused.
///
/// # Errors
/// [`NegotiationError`]; the offer is then refused with 488.
pub fn secure_answer<'a>(
    local: &Local<'a>,
    keys: &[Crypto<'_>],
    offer: &Session<'_>,
    buffer: &mut [u8],
) -> Result<(usize, Agreed<'a>), NegotiationError> {
    let mut found = Err(NegotiationError::NoAudio);
    for (index, media) in offer.media().enumerate() {
        match agree(local, keys, offer, index, &media, Role::Answerer) {
            Ok(agreed) => {
                found = Ok((index, agreed));
                break;
            }
            Err(NegotiationError::NoAudio) => {}
            Err(error) => found = Err(error),
        }
    }
    let (taken, agreed) = found?;
    let mut writer = start(local, buffer);
    for (index, media) in offer.media().enumerate() {
        if index != taken {
            writer.media(media.kind, 0, media.protocol, media.formats);
            continue;
        }
        // The answer uses the payload types of the offer (RFC 3264 section 6.1).
        let event = agreed.telephone_event.map(|(send, _)| send);
        let types = core::iter::once(agreed.send_payload_type).chain(event);
        writer.rtp_media(b"audio", local.rtp_port, media.protocol, types);
        write_codec(&mut writer, &agreed.codec, agreed.send_payload_type);
        if let Some(event) = event {
            let codec = local.codecs.iter().find(|codec| codec.is_telephone_event());
            write_codec(&mut writer, codec.unwrap_or(&Codec::TELEPHONE_EVENT), event);
        }
        if let Some(choice) = agreed.crypto
            && let Some(ours) = keys.get(choice.ours)
        {
            writer.crypto(&Crypto { tag: choice.tag, ..*ours });
        }
        write_rest(&mut writer, local, agreed.direction);
    }
    let agreed = Agreed {
        receive_payload_type: agreed.send_payload_type,
        telephone_event: agreed.telephone_event.map(|(send, _)| (send, send)),
        ..agreed
    };
    Ok((writer.finish()?, agreed))
}

/// Reads the answer to an offer of the local side (RFC 3264 section 7).
///
/// # Errors
/// [`NegotiationError`]; the call is then ended.
pub fn accept<'a>(local: &Local<'a>, answer: &Session<'_>) -> Result<Agreed<'a>, NegotiationError> {
    secure_accept(local, &[], answer)
}

/// Reads the answer to an offer with keys, which are the same here as there.
///
/// # Errors
/// [`NegotiationError`]; the call is then ended.
pub fn secure_accept<'a>(
    local: &Local<'a>,
    keys: &[Crypto<'_>],
    answer: &Session<'_>,
) -> Result<Agreed<'a>, NegotiationError> {
    let media = answer.media().next().ok_or(NegotiationError::NoAudio)?;
    agree(local, keys, answer, 0, &media, Role::Offerer)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Offerer,
    Answerer,
}

fn agree<'a>(
    local: &Local<'a>,
    keys: &[Crypto<'_>],
    session: &Session<'_>,
    index: usize,
    media: &Media<'_>,
    role: Role,
) -> Result<Agreed<'a>, NegotiationError> {
    let is_secure = match media.protocol {
        b"RTP/AVP" | b"RTP/AVPF" => Some(false),
        b"RTP/SAVP" | b"RTP/SAVPF" => Some(true),
        _ => None,
    };
    let is_secure = is_secure
        .filter(|_| media.kind == b"audio" && media.port != 0)
        .ok_or(NegotiationError::NoAudio)?;
    let crypto = choose_crypto(keys, index, media, role);
    if is_secure == keys.is_empty() || is_secure != crypto.is_some() {
        return Err(NegotiationError::NoCommonCrypto);
    }
    let mut codec = None;
    let mut telephone_event = None;
    // A description may name any number of formats; no more than can be told apart are read.
    for payload_type in media.payload_types().take(128) {
        let Some(map) = media.rtpmap(payload_type) else { continue };
        let Some(known) = local.codecs.iter().find(|codec| codec.is(&map)) else { continue };
        let pair = (payload_type, known.payload_type);
        if known.is_telephone_event() {
            telephone_event = telephone_event.or(Some(pair));
        } else if codec.is_none() {
            codec = Some((*known, pair));
        }
    }
    let (codec, (send_payload_type, receive_payload_type)) =
        codec.ok_or(NegotiationError::NoCommonCodec)?;
    let connection = session.connection_of(media).ok_or(NegotiationError::NoAddress)?;
    let address = connection.ip().ok_or(NegotiationError::NoAddress)?;
    let (rtcp_port, rtcp_address) =
        media.rtcp().unwrap_or((media.port.checked_add(1).unwrap_or(media.port), None));
    let mut theirs = session.direction(media);
    if connection.is_hold() {
        theirs = theirs.and(Direction::SendOnly);
    }
    Ok(Agreed {
        codec,
        send_payload_type,
        receive_payload_type,
        telephone_event,
        crypto,
        rtp: SocketAddr::new(address, media.port),
        rtcp: SocketAddr::new(rtcp_address.unwrap_or(address), rtcp_port),
        direction: local.direction.and(theirs.reversed()),
        ptime_ms: media.ptime_ms(),
    })
}

/// The first key of theirs whose suite we have (RFC 4568 section 5.1.2), without demands that we
/// would have to meet; an answer has to name what we have offered by tag and suite.
fn choose_crypto(
    keys: &[Crypto<'_>],
    index: usize,
    media: &Media<'_>,
    role: Role,
) -> Option<CryptoChoice> {
    media.crypto().filter(|theirs| !theirs.has_demands()).find_map(|theirs| {
        let is_ours = |ours: &Crypto<'_>| {
            ours.suite == theirs.suite && (role == Role::Answerer || ours.tag == theirs.tag)
        };
        let ours = keys.iter().position(is_ours)?;
        Some(CryptoChoice { ours, media: index, tag: theirs.tag })
    })
}

fn start<'b>(local: &Local<'_>, buffer: &'b mut [u8]) -> Writer<'b> {
    let mut writer = Writer::new(buffer);
    writer.start(b"-", local.session, local.version, local.address);
    writer.connection(local.address);
    writer.time(0, 0);
    writer
}

fn write_codec(writer: &mut Writer<'_>, codec: &Codec<'_>, payload_type: u8) {
    writer.rtpmap(payload_type, codec.name, codec.clock_rate, codec.channels);
    if let Some(fmtp) = codec.fmtp {
        writer.fmtp(payload_type, fmtp);
    }
}

fn write_rest(writer: &mut Writer<'_>, local: &Local<'_>, direction: Direction) {
    if Some(local.rtcp_port) != local.rtp_port.checked_add(1) {
        writer.rtcp(local.rtcp_port, None);
    }
    if local.ptime_ms > 0 {
        writer.ptime_ms(local.ptime_ms);
    }
    writer.direction(direction);
}
