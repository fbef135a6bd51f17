//! What a conference is like, and what one needs to join it (T.124 sections 7.2 and 7.3).

use super::Name;
use super::setup::conference_name;
use crate::error::{Error, Fault};
use crate::gcc::types::{PasswordSelector, Privilege};
use crate::per::List;

/// What those of a kind may do in a conference (T.124 section 7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Privileges(u8);

impl Privileges {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(0x1f);

    /// These, and one more.
    #[must_use]
    pub const fn with(self, privilege: Privilege) -> Self {
        Self(self.0 | 1 << privilege.number())
    }

    /// Whether it is among them.
    pub const fn has(self, privilege: Privilege) -> bool {
        self.0 >> privilege.number() & 1 == 1
    }

    pub(super) fn of(list: Option<List<'_, Privilege>>) -> Self {
        list.iter().flat_map(List::iter).fold(Self::NONE, Self::with)
    }

    /// Those that there are, in their order.
    pub(super) fn list(self, room: &mut [Privilege; 5]) -> Option<&[Privilege]> {
        let all = (0..5).filter_map(Privilege::from_number).filter(|one| self.has(*one));
        let mut count = 0;
        for (place, privilege) in room.iter_mut().zip(all) {
            *place = privilege;
            count += 1;
        }
        room.get(..count).filter(|list| !list.is_empty())
    }
}

/// What a conference is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Profile {
    /// Its name: digits.
    pub name: Name,
    /// What one needs to join: digits, or other letters; empty for none.
    pub password: Name,
    /// What gives the convener's privileges to one who calls the top itself; empty for none.
    pub convener_password: Name,
    /// The password is asked for as the answer to a challenge.
    pub challenges: bool,
    /// Nobody may join but those who are invited.
    pub locked: bool,
    /// Queries are told of it.
    pub listed: bool,
    /// A node may conduct it.
    pub conductible: bool,
    /// What the conductor may do.
    pub conductor_privileges: Privileges,
    /// What all others may do while it is conducted.
    pub conducted_privileges: Privileges,
    /// What all may do while it is not.
    pub non_conducted_privileges: Privileges,
}

impl Profile {
    pub(super) const EMPTY: Self = Self {
        name: Name::EMPTY,
        password: Name::EMPTY,
        convener_password: Name::EMPTY,
        challenges: false,
        locked: false,
        listed: true,
        conductible: false,
        conductor_privileges: Privileges::ALL,
        conducted_privileges: Privileges::NONE,
        non_conducted_privileges: Privileges::NONE,
    };

    /// An open conference of this name, which has digits only.
    ///
    /// # Errors
    /// [`Error::Value`] for another name.
    pub fn new(name: &str) -> Result<Self, Error> {
        Ok(Self { name: conference_name(name)?, ..Self::EMPTY })
    }
}

/// What one needs to join a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Credentials {
    /// The conference's name.
    pub name: Name,
    /// Its password; empty for none.
    pub password: Name,
    /// The convener's password; empty for none.
    pub convener_password: Name,
    /// The challenge that the password answers.
    pub challenge: Option<i64>,
}

impl Credentials {
    pub(super) const EMPTY: Self = Self {
        name: Name::EMPTY,
        password: Name::EMPTY,
        convener_password: Name::EMPTY,
        challenge: None,
    };

    /// For a conference of this name without a password.
    ///
    /// # Errors
    /// [`Error::Value`] for a name that has not digits only.
    pub fn new(name: &str) -> Result<Self, Error> {
        Ok(Self { name: conference_name(name)?, ..Self::EMPTY })
    }

    /// With a password.
    ///
    /// # Errors
    /// [`Error::Value`] for one of more than 63 octets.
    pub fn with_password(mut self, password: &str) -> Result<Self, Error> {
        self.password = Name::new(password).ok_or(Error::Value(Fault::OutOfRange))?;
        Ok(self)
    }
}

/// A password as it is written: digits where it has nothing else.
pub(super) fn selector(password: &Name) -> Option<PasswordSelector<'_>> {
    let text = password.as_str();
    if text.is_empty() {
        return None;
    }
    match crate::per::NumericString::new(text) {
        Some(digits) if text.bytes().all(|c| c.is_ascii_digit()) => {
            Some(PasswordSelector::Numeric(digits))
        }
        _ => crate::per::BmpString::new(text).map(PasswordSelector::UnicodeText),
    }
}

/// Whether a password is the right one. All of it is looked at, so that the time says nothing.
pub(super) fn is_password(given: Option<&PasswordSelector<'_>>, expected: &Name) -> bool {
    fn same(mut given: impl Iterator<Item = char>, expected: &str) -> bool {
        let mut different = false;
        for c in expected.chars() {
            different |= given.next() != Some(c);
        }
        !different && given.next().is_none()
    }
    match given {
        Some(PasswordSelector::Numeric(text)) => {
            same(text.characters().map(char::from), expected.as_str())
        }
        Some(PasswordSelector::UnicodeText(text)) => same(text.chars(), expected.as_str()),
        Some(PasswordSelector::Text(text)) => same(text.chars(), expected.as_str()),
        _ => false,
    }
}
