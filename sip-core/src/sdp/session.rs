//! A description as it was received.

use core::net::IpAddr;

use super::media::{Attributes, Direction, Media};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::header::cursor::find;
use crate::uri::{parse_v4, parse_v6};

/// How many media descriptions a session may have.
const MEDIA: usize = 8;

/// Who made a description, and which version it is (RFC 8866 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Origin<'d> {
    /// The user's name, or `-`.
    pub user: &'d [u8],
    /// The session, a number that may be long.
    pub session: &'d [u8],
    /// The version, a number that grows with each change.
    pub version: &'d [u8],
    /// Network type, address type and address as they stand: `IN IP4 192.0.2.1`.
    pub address: &'d [u8],
}

/// Where media are to be sent (RFC 8866 section 5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Connection<'d> {
    /// Network and address type as they stand: `IN IP4`.
    pub kind: &'d [u8],
    /// The address as it stands, without `/ttl` and the like.
    pub address: &'d [u8],
}

impl Connection<'_> {
    /// The address, where it is none that has to be looked up.
    #[inline]
    pub fn ip(&self) -> Option<IpAddr> {
        match parse_v4(self.address) {
            Some(address) => Some(address.into()),
            None => parse_v6(self.address).map(Into::into),
        }
    }

    /// Whether the address is `0.0.0.0` or `::`: media are on hold in the manner of RFC 2543
    /// (RFC 3264 section 8.4).
    pub fn is_hold(&self) -> bool {
        self.ip().is_some_and(|address| address.is_unspecified())
    }
}

/// Lines of a description, each a letter and a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lines<'d>(pub(super) &'d [u8]);

impl<'d> Iterator for Lines<'d> {
    type Item = (u8, &'d [u8]);

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn next(&mut self) -> Option<(u8, &'d [u8])> {
        loop {
            let end = find(self.0, [b'\n']);
            let (line, rest) = match end {
                Some(end) => {
                    let (line, rest) = self.0.split_at_checked(end)?;
                    (line, rest.split_at_checked(1)?.1)
                }
                None => (self.0, &[][..]),
            };
            if line.is_empty() && rest.is_empty() {
                return None;
            }
            self.0 = rest;
            let line = match line {
                [line @ .., b'\r'] => line,
                line => line,
            };
            if let [letter, b'=', value @ ..] = line {
                return Some((*letter, value));
            }
        }
    }
}

/// A session description: a view over the octets that it was read from (RFC 8866).
///
/// ```
/// use sip_core::sdp::{Direction, Session};
///
/// let text = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
///     m=audio 5350 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n";
/// let session = Session::parse(text)?;
/// let audio = session.media().next().unwrap();
/// assert_eq!(audio.port, 5350);
/// assert_eq!(audio.formats().collect::<Vec<_>>(), [&b"0"[..], b"101"]);
/// assert_eq!(audio.rtpmap(101).unwrap().name, b"telephone-event");
/// assert_eq!(session.direction(&audio), Direction::SendOnly);
/// # Ok::<(), sip_core::error::ParseError>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Session<'d> {
    octets: &'d [u8],
    origin: Option<Origin<'d>>,
    name: &'d [u8],
    connection: Option<Connection<'d>>,
    /// The lines before the first media description.
    lines: &'d [u8],
    media: [Media<'d>; MEDIA],
    count: usize,
}

impl<'d> Session<'d> {
    /// How many media descriptions a session may have; one with more is refused.
    pub const MAX_MEDIA: usize = MEDIA;

    /// Reads a description.
    ///
    /// Lines may end in LF alone, and `o=`, `s=` and `t=` may be missing, as they are met; `v=0`
    /// must come first, and every line must be a letter, an equals sign and a value.
    ///
    /// # Errors
    /// [`Fault::SdpLine`] and [`Fault::SdpField`], at the line or field.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        // Put together where it is returned: it is long enough for a copy to tell.
        let mut parsed = Ok(Self {
            octets,
            origin: None,
            name: b"-",
            connection: None,
            lines: octets,
            media: [Media::NONE; MEDIA],
            count: 0,
        });
        if let Ok(session) = &mut parsed
            && let Err(error) = session.read()
        {
            parsed = Err(error);
        }
        parsed
    }

    /// Who made the description.
    pub const fn origin(&self) -> Option<Origin<'d>> {
        self.origin
    }

    /// The name of the session, `-` for none.
    pub const fn name(&self) -> &'d [u8] {
        self.name
    }

    /// The connection of the media that have none of their own.
    pub const fn connection(&self) -> Option<Connection<'d>> {
        self.connection
    }

    /// The media descriptions in their order.
    pub fn media(&self) -> impl Iterator<Item = Media<'d>> + '_ {
        self.media.iter().take(self.count).copied()
    }

    /// The attributes of the session.
    pub const fn attributes(&self) -> Attributes<'d> {
        Attributes(Lines(self.lines))
    }

    /// The lines of the session, before the first media description.
    pub const fn lines(&self) -> Lines<'d> {
        Lines(self.lines)
    }

    /// The value of the first line of this letter among those of the session: `k`, `b`, `i`, ….
    pub fn line(&self, letter: u8) -> Option<&'d [u8]> {
        self.lines().find(|(found, _)| *found == letter).map(|(_, value)| value)
    }

    /// Where the media of this description are to be sent.
    pub fn connection_of(&self, media: &Media<'d>) -> Option<Connection<'d>> {
        media.connection.or(self.connection)
    }

    /// The direction of a media description: its own, or the session's, or both ways (RFC 8866
    /// section 6.7).
    pub fn direction(&self, media: &Media<'d>) -> Direction {
        media
            .attributes()
            .direction()
            .or_else(|| self.attributes().direction())
            .unwrap_or(Direction::SendRecv)
    }

    /// The octets that it was read from.
    pub const fn as_bytes(&self) -> &'d [u8] {
        self.octets
    }

    /// How many octets [`write`](Self::write) takes.
    pub fn encoded_len(&self) -> usize {
        self.all_lines().map(|(_, value)| value.len() + 4).sum()
    }

    /// Writes the description as it came, with every line ended by CR LF.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with what is needed.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let mut rest = buffer.get_mut(..needed).ok_or(BufferTooSmall { needed })?.iter_mut();
        for (letter, value) in self.all_lines() {
            let line = [letter, b'='].into_iter().chain(value.iter().copied()).chain(*b"\r\n");
            for (octet, place) in line.zip(&mut rest) {
                *place = octet;
            }
        }
        Ok(needed)
    }

    fn all_lines(&self) -> Lines<'d> {
        Lines(self.octets)
    }

    /// Reads all lines.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read(&mut self) -> Result<(), ParseError> {
        let octets = self.octets;
        let mut rest = octets;
        let mut at = 0;
        // Where the lines of the session or of the last media description begin.
        let mut section = 0;
        while !rest.is_empty() {
            let (line, next) = match find(rest, [b'\n']) {
                Some(end) => {
                    let (line, next) = rest.split_at_checked(end).unwrap_or_default();
                    (line, next.split_at_checked(1).unwrap_or_default().1)
                }
                None => (rest, &[][..]),
            };
            let line = match line {
                [line @ .., b'\r'] => line,
                line => line,
            };
            let fault = |what, offset: usize| ParseError::new(what, at + offset);
            match line {
                // An empty line is met at the end.
                [] if next.iter().all(u8::is_ascii_whitespace) => break,
                [letter, b'=', value @ ..] => {
                    if at == 0 && (*letter, value) != (b'v', b"0") {
                        return Err(fault(Fault::SdpLine, 0));
                    }
                    match letter {
                        b'a' => {}
                        b'm' => {
                            self.close(section, at);
                            section = octets.len() - next.len();
                            let media = Media::parse(value)
                                .map_err(|error| fault(error.what, error.at + 2))?;
                            let place = self
                                .media
                                .get_mut(self.count)
                                .ok_or(fault(Fault::OutOfRange, 0))?;
                            *place = media;
                            self.count += 1;
                        }
                        b'c' => {
                            let connection =
                                parse_connection(value).ok_or(fault(Fault::SdpField, 2))?;
                            // Of several lines in one media description the first counts.
                            match self.last() {
                                Some(media) => {
                                    media.connection = media.connection.or(Some(connection));
                                }
                                None => self.connection = Some(connection),
                            }
                        }
                        b'o' => {
                            let origin = parse_origin(value).ok_or(fault(Fault::SdpField, 2))?;
                            if self.count > 0 || self.origin.replace(origin).is_some() {
                                return Err(fault(Fault::SdpLine, 0));
                            }
                        }
                        b's' => self.name = value,
                        b'v' if at > 0 => return Err(fault(Fault::SdpLine, 0)),
                        b'a'..=b'z' | b'A'..=b'Z' => {}
                        _ => return Err(fault(Fault::SdpLine, 0)),
                    }
                }
                _ => return Err(fault(Fault::SdpLine, 0)),
            }
            at = octets.len() - next.len();
            rest = next;
        }
        if at == 0 {
            return Err(ParseError::new(Fault::Empty, 0));
        }
        self.close(section, at);
        Ok(())
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn last(&mut self) -> Option<&mut Media<'d>> {
        self.media.get_mut(self.count.wrapping_sub(1))
    }

    /// Ends the lines of the session or of the last media description.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn close(&mut self, from: usize, to: usize) {
        let lines = self.octets.get(from..to).unwrap_or_default();
        match self.last() {
            Some(media) => media.lines = lines,
            None => self.lines = lines,
        }
    }
}

/// Takes the octets up to the next space, and skips it.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(super) fn field<'d>(rest: &mut &'d [u8]) -> &'d [u8] {
    let end = rest.iter().position(|octet| *octet == b' ').unwrap_or(rest.len());
    let (field, tail) = rest.split_at_checked(end).unwrap_or_default();
    *rest = match tail {
        [b' ', tail @ ..] => tail,
        tail => tail,
    };
    field
}

#[cfg_attr(target_pointer_width = "64", inline(always))]
fn parse_origin(value: &[u8]) -> Option<Origin<'_>> {
    let mut rest = value;
    let (user, session, version) = (field(&mut rest), field(&mut rest), field(&mut rest));
    let digits = |number: &[u8]| !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    // Network type, address type and address.
    let whole = rest.iter().filter(|octet| **octet == b' ').count() == 2;
    (!user.is_empty() && digits(session) && digits(version) && whole).then_some(Origin {
        user,
        session,
        version,
        address: rest,
    })
}

#[cfg_attr(target_pointer_width = "64", inline(always))]
fn parse_connection(value: &[u8]) -> Option<Connection<'_>> {
    let first = value.iter().position(|octet| *octet == b' ')?;
    let second = first + 1 + value.get(first + 1..)?.iter().position(|octet| *octet == b' ')?;
    let address = value.get(second + 1..)?;
    let end = address.iter().position(|octet| *octet <= b' ' || *octet == b'/');
    let address = address.get(..end.unwrap_or(address.len()))?;
    if address.is_empty() { None } else { Some(Connection { kind: value.get(..second)?, address }) }
}
