//! Headers that name other dialogs and sessions, and where a request has been.

use super::Header;
use super::cursor::Cursor;
use super::params::Params;
use crate::error::{Fault, ParseError};
use crate::message::{Name, Writer};

/// The call that this one is to join (RFC 3911 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Join<'d> {
    /// The Call-ID.
    pub call_id: &'d [u8],
    /// The tag of the receiver.
    pub to_tag: &'d [u8],
    /// The tag of the other side.
    pub from_tag: &'d [u8],
}

impl<'d> Header<'d> for Join<'d> {
    const NAME: Name<'static> = Name::Join;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let (call_id, [to_tag, from_tag]) = dialog(cursor, [b"to-tag", b"from-tag"])?;
        Ok(Self { call_id, to_tag, from_tag })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.call_id);
        to.param(b"to-tag", self.to_tag);
        to.param(b"from-tag", self.from_tag);
    }
}

/// The dialog that a request outside of it belongs to, which shows that its sender knows of it (RFC 4538
/// section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TargetDialog<'d> {
    /// The Call-ID.
    pub call_id: &'d [u8],
    /// The tag of the sender.
    pub local_tag: &'d [u8],
    /// The tag of the receiver.
    pub remote_tag: &'d [u8],
}

impl<'d> Header<'d> for TargetDialog<'d> {
    const NAME: Name<'static> = Name::TargetDialog;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let (call_id, [local_tag, remote_tag]) = dialog(cursor, [b"local-tag", b"remote-tag"])?;
        Ok(Self { call_id, local_tag, remote_tag })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.call_id);
        to.param(b"local-tag", self.local_tag);
        to.param(b"remote-tag", self.remote_tag);
    }
}

/// A Call-ID, and the two tags that the parameters of these names hold.
fn dialog<'d>(
    cursor: &mut Cursor<'d>,
    names: [&[u8]; 2],
) -> Result<(&'d [u8], [&'d [u8]; 2]), ParseError> {
    let rest = cursor.rest();
    let end = |octet: &u8| *octet <= b' ' || matches!(octet, b';' | b',');
    let length = rest.iter().position(end).unwrap_or(rest.len());
    let call_id = rest.get(..length).unwrap_or_default();
    if call_id.is_empty() {
        return Err(cursor.error(Fault::Empty));
    }
    cursor.advance(length);
    let params = cursor.params()?;
    match names.map(|name| params.value(name)) {
        [Some(one), Some(other)] => Ok((call_id, [one, other])),
        _ => Err(cursor.error(Fault::ParameterMissing)),
    }
}

/// Names a session from end to end, through whatever stands between (RFC 7989 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SessionId<'d> {
    /// The UUID of the sender: 32 hexadecimal digits.
    pub local: &'d [u8],
    /// The parameters, `remote` among them.
    pub params: Params<'d>,
}

impl<'d> SessionId<'d> {
    /// What stands for a UUID that is not known (RFC 7989 section 5).
    pub const NIL: &'static [u8] = b"00000000000000000000000000000000";

    /// The UUID of the receiver, the parameter `remote`; an implementation of RFC 7329 sends none.
    pub fn remote(&self) -> Option<&'d [u8]> {
        self.params.value(b"remote").filter(|uuid| is_uuid(uuid))
    }
}

impl<'d> Header<'d> for SessionId<'d> {
    const NAME: Name<'static> = Name::SessionId;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let at = cursor.offset();
        let local = cursor.token()?;
        if !is_uuid(local) {
            return Err(ParseError::new(Fault::Token, at));
        }
        Ok(Self { local, params: cursor.params()? })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.local);
        self.params.write(to);
    }
}

/// Whether these are 32 hexadecimal digits; the capital ones are no UUID by RFC 7989, and are met.
fn is_uuid(text: &[u8]) -> bool {
    text.len() == 32 && text.iter().all(u8::is_ascii_hexdigit)
}
