//! Header values with types (RFC 3261 section 20 and its extensions).
//!
//! Each type reads one value with [`Header::parse`], is found in a message with
//! [`Message::typed`](crate::message::Message::typed) and
//! [`Message::all`](crate::message::Message::all), and is written with
//! [`Writer::header`](crate::message::Writer::header). All borrow from the text they were read from.
//! A header that is not here is read as a row, or typed by the host: see [`Header`].

mod address;
mod auth;
mod basic;
mod check;
mod content;
pub(crate) mod cursor;
mod date;
mod event;
mod feature;
mod list;
mod params;
mod related;
pub(crate) mod scan;
#[cfg(test)]
mod tests;
mod text;
mod via;

pub use address::{
    Address, Contact, From, HistoryInfo, PAssertedIdentity, PPreferredIdentity, Path, RecordRoute,
    ReferTo, ReferredBy, ReplyTo, Route, ServiceRoute, To,
};
pub use auth::{
    AuthenticationInfo, Authorization, Credentials, ProxyAuthenticate, ProxyAuthenticationInfo,
    ProxyAuthorization, Scheme, WwwAuthenticate,
};
pub use basic::{
    CSeq, CallId, ContentLength, Expires, FlowTimer, MaxBreadth, MaxForwards, MinExpires, MinSe,
    Organization, RAck, RSeq, Refresher, RetryAfter, Server, SessionExpires, SipEtag, SipIfMatch,
    Subject, SuppressIfMatch, UserAgent,
};
pub use content::{ContentDisposition, ContentType};
pub use cursor::Cursor;
pub use date::Date;
pub use event::{Event, Reason, Replaces, SubscriptionState, Warning};
pub use feature::{
    AlertInfo, CallInfo, ContentId, ErrorInfo, InfoPackage, MimeVersion, Priority, Privacy,
    RecvInfo, ReferSub, Timestamp,
};
pub use list::{
    Accept, AcceptEncoding, AcceptLanguage, Allow, AllowEvents, ContentEncoding, ContentLanguage,
    InReplyTo, ProxyRequire, Require, Supported, Unsupported,
};
pub use params::{Param, Params};
pub use related::{Join, SessionId, TargetDialog};
pub use text::Text;
pub use via::Via;

use crate::error::ParseError;
use crate::message::{Name, Writer};

/// A typed header value.
///
/// A host types a header of its own by implementing this:
///
/// ```
/// use sip_core::error::ParseError;
/// use sip_core::header::{Cursor, Header, Params};
/// use sip_core::message::{Message, Name, Writer};
///
/// /// `ms-keep-alive: UAC;hop-hop=yes`
/// struct KeepAlive<'d> {
///     role: &'d [u8],
///     params: Params<'d>,
/// }
///
/// impl<'d> Header<'d> for KeepAlive<'d> {
///     const NAME: Name<'static> = Name::Other(b"ms-keep-alive");
///
///     fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
///         Ok(Self { role: cursor.token()?, params: cursor.params()? })
///     }
///
///     fn write(&self, to: &mut Writer<'_>) {
///         to.text(self.role);
///         self.params.write(to);
///     }
/// }
///
/// let message = Message::parse(b"SIP/2.0 200 OK\r\nMS-Keep-Alive: UAS; timeout=300\r\n\r\n")?;
/// let keep_alive = message.typed::<KeepAlive>().unwrap()?;
/// assert_eq!(keep_alive.params.value(b"timeout"), Some(&b"300"[..]));
/// # Ok::<(), ParseError>(())
/// ```
pub trait Header<'d>: Sized {
    /// The name of the header field.
    const NAME: Name<'static>;
    /// Whether a row may hold several values with commas between them.
    const LIST: bool = false;
    /// Whether a message may have several rows of it.
    const REPEATS: bool = Self::LIST;
    /// Whether a row may hold no value at all, as an empty `Supported:` does.
    const MAY_BE_EMPTY: bool = false;

    /// Takes one value; leaves the cursor where it ends.
    ///
    /// # Errors
    /// What is wrong with the value and where.
    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError>;

    /// Writes the value.
    fn write(&self, to: &mut Writer<'_>);

    /// Reads a value that stands alone.
    ///
    /// # Errors
    /// What is wrong and where, in octets from the start of `value`.
    fn parse(value: &'d [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(value);
        cursor.skip_whitespace();
        let parsed = Self::take(&mut cursor)?;
        cursor.end()?;
        Ok(parsed)
    }
}
