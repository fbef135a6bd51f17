//! Invitations to a whiteboard or a shared application (MS-SDP sections 3.1.5.2 and 3.1.5.4): what is
//! shared goes over T.120, on TCP port 1503.
//!
//! ```text
//! m=application 1503 tcp msdata
//! a=encryption:optional                 required, optional or rejected; without it, optional
//! a=sendonly                            only who invites shares
//! ```

use core::net::IpAddr;

use super::out::{measured, written};
use crate::error::BufferTooSmall;
use crate::message::{Name, StatusCode, Writer};
use crate::sdp::{Direction, Media, Session};

/// The port of T.120.
pub const PORT: u16 = 1503;

/// Whether what is shared is enciphered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Encryption {
    /// It must be.
    Required,
    /// It may be.
    #[default]
    Optional,
    /// It must not be.
    Rejected,
}

impl Encryption {
    const ALL: [(Self, &'static [u8]); 3] = [
        (Self::Required, b"required"),
        (Self::Optional, b"optional"),
        (Self::Rejected, b"rejected"),
    ];

    /// What is agreed with the other side: whether it is enciphered; nothing where the two cannot agree,
    /// which is answered with [`write_refusal`].
    #[must_use]
    pub const fn with(self, other: Self) -> Option<bool> {
        match (self, other) {
            (Self::Required, Self::Rejected) | (Self::Rejected, Self::Required) => None,
            (Self::Required, _) | (_, Self::Required) => Some(true),
            (Self::Rejected, _) | (_, Self::Rejected) => Some(false),
            (Self::Optional, Self::Optional) => Some(true),
        }
    }
}

/// An invitation, or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Invitation {
    /// The address.
    #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
    pub address: IpAddr,
    /// The port; 0 where it is declined.
    pub port: u16,
    /// Whether it is enciphered.
    pub encryption: Encryption,
    /// Whether only who invites shares.
    pub send_only: bool,
}

impl Invitation {
    /// One to this address, on T.120's own port.
    #[must_use]
    pub const fn new(address: IpAddr) -> Self {
        Self { address, port: PORT, encryption: Encryption::Optional, send_only: false }
    }

    /// That of a session description; nothing where there is none.
    #[must_use]
    pub fn of(session: &Session<'_>) -> Option<Self> {
        let media = session.media().find(is_sharing)?;
        let encryption = media.attributes().value(b"encryption").and_then(|value| {
            let known =
                |(_, name): &(Encryption, &[u8])| value.trim_ascii().eq_ignore_ascii_case(name);
            Encryption::ALL.into_iter().find(known).map(|(encryption, _)| encryption)
        });
        Some(Self {
            address: session.connection_of(&media)?.ip()?,
            port: media.port,
            encryption: encryption.unwrap_or_default(),
            send_only: session.direction(&media) == Direction::SendOnly,
        })
    }

    /// How many octets [`write`](Self::write) takes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        measured(|to| self.put(to))
    }

    /// Writes a session description with nothing else in it to the start of `buffer`, and gives its
    /// length.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with what is needed.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        written(buffer, |to| self.put(to))
    }

    fn put(&self, to: &mut Writer<'_>) {
        head(to, self.address);
        to.fixed(b"m=application ");
        to.number(self.port.into());
        to.fixed(b" tcp msdata\r\na=encryption:");
        let known = Encryption::ALL.into_iter().find(|(known, _)| *known == self.encryption);
        to.fixed(known.map(|(_, name)| name).unwrap_or_default());
        to.fixed(b"\r\n");
        if self.send_only {
            to.fixed(b"a=sendonly\r\n");
        }
    }
}

/// The answer to an invitation whose encryption does not fit: its code and reason.
pub const REFUSAL: (StatusCode, &[u8]) =
    (StatusCode::NOT_ACCEPTABLE_HERE, b"Encryption Levels Incompatible");

/// Writes the row that belongs into that answer.
pub fn write_refusal(to: &mut Writer<'_>) {
    to.raw(Name::Warning, b"308 ms.com \"Encryption Levels Incompatible\"");
}

fn is_sharing(media: &Media<'_>) -> bool {
    media.kind.eq_ignore_ascii_case(b"application")
        && media.protocol.eq_ignore_ascii_case(b"tcp")
        && media.formats().any(|format| format.eq_ignore_ascii_case(b"msdata"))
}

/// Writes what stands before the first stream of the dialect's session descriptions.
pub(super) fn head(to: &mut Writer<'_>, address: IpAddr) {
    let put = |to: &mut Writer<'_>| match address {
        IpAddr::V4(address) => {
            to.fixed(b"IN IP4 ");
            to.v4(address);
        }
        IpAddr::V6(address) => {
            to.fixed(b"IN IP6 ");
            to.v6(address);
        }
    };
    to.fixed(b"v=0\r\no=- 0 0 ");
    put(to);
    to.fixed(b"\r\ns=session\r\nc=");
    put(to);
    to.fixed(b"\r\nt=0 0\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_written_and_read() {
        for (encryption, name) in Encryption::ALL {
            for send_only in [false, true] {
                let address = [192, 0, 2, 7].into();
                let own = Invitation { encryption, send_only, ..Invitation::new(address) };
                let mut buffer = [0; 256];
                let len = own.write(&mut buffer).unwrap();
                assert_eq!(own.encoded_len(), len);
                let text = std::str::from_utf8(&buffer[..len]).unwrap();
                assert!(text.contains("m=application 1503 tcp msdata\r\n"));
                assert!(text.contains(std::str::from_utf8(name).unwrap()));
                assert_eq!(Invitation::of(&Session::parse(text.as_bytes()).unwrap()), Some(own));
            }
        }
    }

    #[test]
    fn a_client_of_windows_xp_says_nothing_of_encryption() {
        let text = b"v=0\r\no=- 0 0 IN IP4 10.0.0.1\r\ns=session\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n\
            m=application 1503 tcp msdata\r\n";
        let read = Invitation::of(&Session::parse(text).unwrap()).unwrap();
        assert_eq!(read, Invitation::new([10, 0, 0, 1].into()));
    }

    #[test]
    fn the_levels_of_encryption_agree_or_not() {
        use Encryption::{Optional, Rejected, Required};
        assert_eq!(Required.with(Rejected), None);
        assert_eq!(Rejected.with(Required), None);
        assert_eq!(Optional.with(Required), Some(true));
        assert_eq!(Rejected.with(Optional), Some(false));
        let mut buffer = [0; 128];
        let mut to = Writer::new(&mut buffer);
        write_refusal(&mut to);
        assert_eq!(to.as_bytes(), b"Warning: 308 ms.com \"Encryption Levels Incompatible\"\r\n");
        assert_eq!(REFUSAL.0.digits(), *b"488");
    }
}
