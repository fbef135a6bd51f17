//! Messages on their way: written anew with changes, and signed.

use super::Error;
use crate::error::{BufferTooSmall, WriteError};
use crate::header::{Authorization, CSeq};
use crate::message::{Message, Method, Name, Row, StartLine, Writer};
use crate::ntlm::{Fields, hex_u32};
use crate::storage::hash;

/// What a filter has made of a message that goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sealed {
    /// How many octets at the start of the buffer are to be sent; 0 where nothing is.
    pub len: usize,
    /// How many octets behind them are an answer, which the machine is to be handed as if it had come
    /// over the same path; 0 where there is none.
    pub answer: usize,
}

/// The longest row that is written into a message: a token of 1536 octets in base64, and what stands
/// around it.
pub(super) const MAX_ROW: usize = 2560;

/// What of a message is written otherwise than it stands.
pub(super) struct Changes<'a> {
    /// Another method, in the request line and in CSeq.
    pub(super) method: Option<Method<'a>>,
    /// Another body, and its type.
    pub(super) body: Option<(&'a [u8], &'a [u8])>,
}

impl Changes<'_> {
    pub(super) const NONE: Self = Self { method: None, body: None };
}

/// Writes a message with its changes. `take` is shown each row, and says whether it has dealt with it;
/// `more` writes what comes behind all rows.
pub(super) fn rewrite(
    message: &Message<'_>,
    changes: &Changes<'_>,
    room: &mut [u8],
    mut take: impl FnMut(&Row<'_>, &mut Writer<'_>) -> bool,
    more: impl FnOnce(&mut Writer<'_>),
) -> Result<usize, Error> {
    let mut to = Writer::new(room);
    match message.start() {
        StartLine::Request { method, uri } => to.request_to(changes.method.unwrap_or(method), uri),
        StartLine::Response { code, reason } => to.response(code, reason),
    }
    for row in message.headers() {
        match row.name {
            Name::ContentLength | Name::ContentType => {}
            Name::CSeq if changes.method.is_some() => {
                let cseq = message.typed::<CSeq<'_>>().and_then(Result::ok);
                let number = cseq.map(|cseq| cseq.number).unwrap_or_default();
                let method = changes.method.unwrap_or(Method::Other(b""));
                to.header(&CSeq { number, method });
            }
            _ => {
                if !take(&row, &mut to) {
                    to.row(&row);
                }
            }
        }
    }
    more(&mut to);
    let kept = message.row(Name::ContentType).map(|row| (row.value, message.body()));
    Ok(match changes.body.or(kept) {
        Some((content_type, body)) => to.body(content_type, body)?,
        None if message.body().is_empty() => to.finish()?,
        None => {
            let len = u32::try_from(message.body().len()).unwrap_or(u32::MAX);
            to.raw_number(Name::ContentLength, len);
            to.end_row();
            to.octets(message.body());
            to.end()?
        }
    })
}

/// Puts a row behind all rows of the message in the first `len` octets, which it ends; gives the new
/// length.
pub(super) fn splice(room: &mut [u8], len: usize, row: &[u8]) -> Result<usize, Error> {
    let head = Message::parse(room.get(..len).unwrap_or_default())?.head().len();
    // Before the empty line.
    let at = head.saturating_sub(2);
    let needed = len.saturating_add(row.len());
    let Some(place) = room.get_mut(..needed) else {
        return Err(Error::BufferTooSmall(BufferTooSmall { needed }));
    };
    place.copy_within(at..len, at + row.len());
    if let Some(place) = place.get_mut(at..at + row.len()) {
        place.copy_from_slice(row);
    }
    Ok(needed)
}

/// Copies octets that are no message, or a message that stays as it is.
pub(super) fn pass(octets: &[u8], room: &mut [u8]) -> Result<usize, Error> {
    let needed = octets.len();
    let place = room.get_mut(..needed).ok_or(Error::BufferTooSmall(BufferTooSmall { needed }))?;
    place.copy_from_slice(octets);
    Ok(needed)
}

/// The realm of the challenges of Digest that stand for those of NTLM towards an agent. Its answers
/// to them never leave.
pub(super) const STAND_IN: &[u8] = b"lcs.invalid";

/// Whether a row is an agent's answer to a challenge that stood in for another.
pub(super) fn is_stand_in(row: &Row<'_>) -> bool {
    use crate::header::Header as _;
    matches!(row.name, Name::Authorization | Name::ProxyAuthorization)
        && Authorization::parse(row.value)
            .is_ok_and(|row| row.param(b"realm").is_some_and(|realm| realm.raw() == STAND_IN))
}

/// Whether a row holds credentials of NTLM or Kerberos.
pub(super) fn is_signature(row: &Row<'_>) -> bool {
    matches!(
        row.name,
        Name::Authorization
            | Name::ProxyAuthorization
            | Name::AuthenticationInfo
            | Name::ProxyAuthenticationInfo
    ) && Fields::parse(row.value).is_some()
}

/// Writes a row with `;epid=` behind its value, unless it has one.
pub(super) fn with_epid(row: &Row<'_>, has_one: bool, epid: &[u8], to: &mut Writer<'_>) -> bool {
    if has_one {
        return false;
    }
    to.name(row.name);
    to.text(row.value);
    to.param(b"epid", epid);
    to.end_row();
    true
}

/// What a request and its responses have in common: Call-ID, and the number of CSeq.
pub(super) fn call_hash(key: (u64, u64), message: &Message<'_>) -> u64 {
    let cseq = message.typed::<CSeq<'_>>().and_then(Result::ok);
    let number = hex_u32(cseq.map(|cseq| cseq.number).unwrap_or_default());
    hash(key, &[dialog_id(message), &number])
}

/// The Call-ID.
pub(super) fn dialog_id<'d>(message: &Message<'d>) -> &'d [u8] {
    message.row(Name::CallId).map(|row| row.value.trim_ascii()).unwrap_or_default()
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::BufferTooSmall(small) => Self::BufferTooSmall(small),
            _ => Self::Message,
        }
    }
}
