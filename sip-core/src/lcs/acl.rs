//! Who may see a user, and who may call: `application/vnd-microsoft-roaming-acls+xml` (MS-SIP section
//! 3.7.5.1 and appendix C).
//!
//! ```text
//! <ACLlist deltaNum="3">
//!   <userACL>
//!     <ace type="USER" mask="sip:bob@example.com" rights="AA"/>
//!     <ace type="DOMAIN" mask="example.com" rights="PA"/>
//!     <ace type="ALL" rights="BD"/>
//!   </userACL>
//! </ACLlist>
//! ```

use super::out::{
    attribute, check, measured, number_attribute, number_of, optional, root, same_user,
    without_scheme, written,
};
use crate::error::{BufferTooSmall, ParseError};
use crate::message::Writer;
use crate::presence::xml::{Attributes, Event, Reader, Text};

/// The media type.
pub const CONTENT_TYPE: &[u8] = b"application/vnd-microsoft-roaming-acls+xml";

/// Whom an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Scope<'d> {
    /// Everybody.
    All,
    /// The users of a domain, and of those below it.
    Domain(Text<'d>),
    /// One user: a SIP URI.
    User(Text<'d>),
}

impl<'d> Scope<'d> {
    /// The scope that a type and a mask name; an unknown type is none.
    #[must_use]
    pub fn parse(kind: &Text<'d>, mask: Option<Text<'d>>) -> Option<Self> {
        let mask = mask.filter(|mask| !mask.raw().is_empty());
        match kind.trimmed().raw() {
            b"ALL" => Some(Self::All),
            b"DOMAIN" => mask.map(Self::Domain),
            b"USER" => mask.map(Self::User),
            _ => None,
        }
    }

    /// The type.
    #[must_use]
    pub const fn kind(&self) -> &'static [u8] {
        match self {
            Self::All => b"ALL",
            Self::Domain(_) => b"DOMAIN",
            Self::User(_) => b"USER",
        }
    }

    /// The mask.
    #[must_use]
    pub const fn mask(&self) -> Option<Text<'d>> {
        match self {
            Self::All => None,
            Self::Domain(mask) | Self::User(mask) => Some(*mask),
        }
    }

    /// How closely it is about a user, whose SIP URI this is: nothing where it is not.
    #[must_use]
    pub fn rank(&self, uri: &Text<'_>) -> Option<u32> {
        match self {
            Self::All => Some(0),
            Self::Domain(mask) => {
                let bare = without_scheme(uri);
                let at = bare.raw().iter().rposition(|octet| *octet == b'@')?;
                let host = bare.raw().get(at + 1..)?.split(|octet| b":;".contains(octet)).next()?;
                // A dot may stand at the end of either.
                let host = host.strip_suffix(b".").unwrap_or(host);
                let domain = mask.raw().strip_suffix(b".").unwrap_or(mask.raw());
                let cut = host.len().checked_sub(domain.len())?;
                let (before, end) = host.split_at_checked(cut)?;
                let fits = end.eq_ignore_ascii_case(domain)
                    && (before.is_empty() || before.ends_with(b"."))
                    && !domain.is_empty();
                // A longer domain is nearer.
                fits.then(|| u32::try_from(domain.len()).unwrap_or(u32::MAX - 1).saturating_add(1))
            }
            Self::User(mask) => same_user(mask, uri).then_some(u32::MAX),
        }
    }
}

/// What a right says (MS-SIP appendix C).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Right {
    /// Yes.
    Allow,
    /// No.
    Deny,
    /// Ask the user.
    Prompt,
    /// No, and the other side sees the user offline.
    Block,
}

impl Right {
    const fn parse(letter: u8) -> Option<Self> {
        Some(match letter {
            b'A' => Self::Allow,
            b'D' => Self::Deny,
            b'P' => Self::Prompt,
            b'B' => Self::Block,
            _ => return None,
        })
    }

    const fn letter(self) -> u8 {
        match self {
            Self::Allow => b'A',
            Self::Deny => b'D',
            Self::Prompt => b'P',
            Self::Block => b'B',
        }
    }
}

/// The rights of an entry: two letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rights {
    /// To see the user's presence.
    pub presence: Right,
    /// To begin a session: [`Right::Allow`] or [`Right::Deny`].
    pub invite: Right,
}

impl Rights {
    /// All.
    pub const ALLOWED: Self = Self { presence: Right::Allow, invite: Right::Allow };

    /// Reads two letters; more may follow from a later version.
    #[must_use]
    pub fn parse(letters: &[u8]) -> Option<Self> {
        let [presence, invite, ..] = letters.trim_ascii() else { return None };
        let invite = Right::parse(*invite).filter(|r| matches!(r, Right::Allow | Right::Deny))?;
        Some(Self { presence: Right::parse(*presence)?, invite })
    }

    /// The two letters.
    #[must_use]
    pub const fn letters(self) -> [u8; 2] {
        [self.presence.letter(), self.invite.letter()]
    }
}

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ace<'d> {
    /// Whom it is about.
    pub scope: Scope<'d>,
    /// What they may.
    pub rights: Rights,
}

impl<'d> Ace<'d> {
    fn parse(attributes: Attributes<'d>) -> Option<Self> {
        let scope = Scope::parse(&attributes.get(b"type")?, attributes.get(b"mask"))?;
        let rights = match attributes.get(b"rights") {
            Some(rights) => Rights::parse(rights.raw())?,
            None => Rights::ALLOWED,
        };
        Some(Self { scope, rights })
    }
}

/// The rights that entries give to a user, whose SIP URI this is: those of the entry that is nearest,
/// and of equally near ones the first. Nothing where none is about the user.
pub fn rights_of<'a>(entries: impl IntoIterator<Item = Ace<'a>>, uri: &Text<'_>) -> Option<Rights> {
    let mut best: Option<(u32, Rights)> = None;
    for ace in entries {
        if let Some(rank) = ace.scope.rank(uri)
            && best.is_none_or(|(other, _)| rank > other)
        {
            best = Some((rank, ace.rights));
        }
    }
    best.map(|(_, rights)| rights)
}

/// A list of entries.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AclList<'d> {
    /// The number of its last change.
    pub delta: u32,
    reader: Reader<'d>,
}

impl<'d> AclList<'d> {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Fault::Xml`](crate::error::Fault::Xml), [`Fault::XmlDepth`](crate::error::Fault::XmlDepth), or
    /// [`Fault::Document`](crate::error::Fault::Document) where the root is not `ACLlist`.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(octets);
        let attributes = root(&mut reader, b"ACLlist")?;
        check(reader.clone())?;
        Ok(Self { delta: number_of(attributes, b"deltaNum").unwrap_or_default(), reader })
    }

    /// The entries in their order. One that is malformed is passed over.
    pub fn entries(&self) -> impl Iterator<Item = Ace<'d>> + use<'d> {
        let mut reader = self.reader.clone();
        core::iter::from_fn(move || {
            loop {
                match reader.next() {
                    Ok(Some(Event::Start { name, attributes })) if name.local == b"ace" => {
                        if let Some(ace) = Ace::parse(attributes) {
                            return Some(ace);
                        }
                    }
                    Ok(Some(_)) => {}
                    _ => return None,
                }
            }
        })
    }
}

/// How many octets [`write()`] takes.
pub fn encoded_len<'a>(delta: u32, entries: impl IntoIterator<Item = Ace<'a>>) -> usize {
    measured(|to| put(delta, entries, to))
}

/// Writes a list to the start of `buffer`, and gives its length.
///
/// # Errors
/// [`BufferTooSmall`] with what is needed.
pub fn write<'a>(
    delta: u32,
    entries: impl IntoIterator<Item = Ace<'a>>,
    buffer: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    written(buffer, |to| put(delta, entries, to))
}

fn put<'a>(delta: u32, entries: impl IntoIterator<Item = Ace<'a>>, to: &mut Writer<'_>) {
    to.fixed(b"<ACLlist");
    number_attribute(to, b"deltaNum", delta);
    to.fixed(b"><userACL>");
    for ace in entries {
        to.fixed(b"<ace");
        attribute(to, b"type", &Text::plain(ace.scope.kind()));
        optional(to, b"mask", ace.scope.mask().as_ref());
        attribute(to, b"rights", &Text::plain(&ace.rights.letters()));
        to.fixed(b"/>");
    }
    to.fixed(b"</userACL></ACLlist>");
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_list_is_read_and_written() {
        let text =
            b"<ACLlist deltaNum=\"3\"><userACL><ace type=\"USER\" mask=\"sip:bob@example.com\" \
            rights=\"AA\"/><ace type=\"DOMAIN\" mask=\"example.com\" rights=\"PD\"/>\
            <ace type=\"ALL\" rights=\"BD\"/></userACL></ACLlist>";
        let list = AclList::parse(text).unwrap();
        let entries: Vec<_> = list.entries().collect();
        assert_eq!((list.delta, entries.len()), (3, 3));
        let mut buffer = [0; 512];
        let len = write(3, list.entries(), &mut buffer).unwrap();
        assert_eq!(&buffer[..len], text);
        assert_eq!(encoded_len(3, entries), len);
    }

    #[test]
    fn the_nearest_entry_counts() {
        let text = b"<ACLlist deltaNum=\"3\"><userACL><ace type=\"ALL\" rights=\"BD\"/>\
            <ace type=\"DOMAIN\" mask=\"example.com\" rights=\"PD\"/>\
            <ace type=\"DOMAIN\" mask=\"sales.example.com.\" rights=\"DA\"/>\
            <ace type=\"USER\" mask=\"sip:Bob@example.com\"/><ace type=\"X\" rights=\"AA\"/>\
            <ace type=\"USER\" rights=\"AA\"/><ace type=\"ALL\" rights=\"AP\"/></userACL></ACLlist>";
        let list = AclList::parse(text).unwrap();
        assert_eq!(list.entries().count(), 4, "malformed ones are passed over");
        let of = |uri: &'static str| {
            let rights = rights_of(list.entries(), &Text::plain(uri.as_bytes()));
            rights.map(|rights| rights.letters())
        };
        assert_eq!(of("sip:bob@EXAMPLE.com;transport=tcp"), Some(*b"AA"));
        assert_eq!(of("sip:carol@example.com"), Some(*b"PD"));
        assert_eq!(of("sip:carol@sales.example.com:5060"), Some(*b"DA"));
        assert_eq!(of("sip:carol@badexample.com"), Some(*b"BD"));
        assert_eq!(rights_of([], &Text::plain(b"sip:a@x")), None);
    }
}
