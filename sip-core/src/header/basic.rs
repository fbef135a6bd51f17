//! Headers that hold a number, a token or a text.

use super::Header;
use super::cursor::Cursor;
use super::params::Params;
use super::scan::find_blank;
use crate::error::{Fault, ParseError};
use crate::message::{Method, Name, Writer};

/// Names the call or registration that a message belongs to (RFC 3261 section 20.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CallId<'d>(pub &'d [u8]);

impl<'d> Header<'d> for CallId<'d> {
    const NAME: Name<'static> = Name::CallId;

    #[inline]
    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let id = word(cursor);
        if id.is_empty() { Err(cursor.error(Fault::Empty)) } else { Ok(Self(id)) }
    }

    #[inline]
    fn write(&self, to: &mut Writer<'_>) {
        to.text(self.0);
    }
}

/// Takes all up to the next white space.
#[cfg_attr(target_pointer_width = "64", inline(always))]
fn word<'d>(cursor: &mut Cursor<'d>) -> &'d [u8] {
    let rest = cursor.rest();
    let length = find_blank(rest).unwrap_or(rest.len());
    cursor.advance(length);
    rest.get(..length).unwrap_or_default()
}

/// The place of a request in its dialog (RFC 3261 section 20.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CSeq<'d> {
    /// The sequence number, below 2^31 (RFC 3261 section 8.1.1.5).
    pub number: u32,
    /// The method.
    pub method: Method<'d>,
}

impl CSeq<'_> {
    /// The greatest sequence number.
    pub const MAX: u32 = i32::MAX as u32;
}

impl<'d> Header<'d> for CSeq<'d> {
    const NAME: Name<'static> = Name::CSeq;

    #[inline]
    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let number = cursor.number(Self::MAX)?;
        cursor.skip_whitespace();
        Ok(Self { number, method: Method::from_token(cursor.token()?) })
    }

    #[inline]
    fn write(&self, to: &mut Writer<'_>) {
        to.number(self.number);
        to.fixed(b" ");
        to.text(self.method.as_bytes());
    }
}

/// Which provisional response is acknowledged (RFC 3262 section 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RAck<'d> {
    /// The RSeq of the response.
    pub response: u32,
    /// The CSeq of the response.
    pub cseq: CSeq<'d>,
}

impl<'d> Header<'d> for RAck<'d> {
    const NAME: Name<'static> = Name::RAck;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let response = cursor.number(u32::MAX)?;
        cursor.skip_whitespace();
        Ok(Self { response, cseq: CSeq::take(cursor)? })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.number(self.response);
        to.fixed(b" ");
        self.cseq.write(to);
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $type:ident($number:ident);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type(pub $number);

        impl<'d> Header<'d> for $type {
            const NAME: Name<'static> = Name::$type;

            fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
                let at = cursor.offset();
                let number = cursor.number(u32::MAX)?;
                match $number::try_from(number) {
                    Ok(number) => Ok(Self(number)),
                    Err(_) => Err(ParseError::new(Fault::OutOfRange, at)),
                }
            }

            fn write(&self, to: &mut Writer<'_>) {
                to.number(self.0.into());
            }
        }
    )*};
}

numbers! {
    /// How many more hops the request may take (RFC 3261 section 20.22).
    MaxForwards(u8);
    /// How many branches the request may still be forked into (RFC 5393 section 5.2).
    MaxBreadth(u32);
    /// The length of the body in octets (RFC 3261 section 20.14).
    ContentLength(u32);
    /// For how many seconds something holds (RFC 3261 section 20.19).
    Expires(u32);
    /// The least number of seconds that a registrar takes (RFC 3261 section 20.23).
    MinExpires(u32);
    /// The number of a reliable provisional response (RFC 3262 section 7.1).
    RSeq(u32);
    /// After how many seconds without a keep-alive the server takes a flow for dead (RFC 5626
    /// section 10).
    FlowTimer(u32);
}

macro_rules! seconds {
    ($($(#[$doc:meta])* $type:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type<'d> {
            /// How many seconds.
            pub seconds: u32,
            /// The parameters.
            pub params: Params<'d>,
        }

        impl<'d> Header<'d> for $type<'d> {
            const NAME: Name<'static> = Name::$type;

            fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
                Ok(Self { seconds: cursor.number(u32::MAX)?, params: cursor.params()? })
            }

            fn write(&self, to: &mut Writer<'_>) {
                to.number(self.seconds);
                self.params.write(to);
            }
        }
    )*};
}

seconds! {
    /// The session interval, with the parameter `refresher` (RFC 4028 section 4).
    SessionExpires;
    /// The least session interval (RFC 4028 section 5).
    MinSe;
}

/// Who refreshes a session (RFC 4028 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refresher {
    /// Who sent the request.
    Uac,
    /// Who answers it.
    Uas,
}

impl SessionExpires<'_> {
    /// An interval without parameters, or with a refresher.
    pub const fn new(seconds: u32, refresher: Option<Refresher>) -> Self {
        let params = match refresher {
            None => Params::NONE,
            Some(Refresher::Uac) => Params::validated(b";refresher=uac"),
            Some(Refresher::Uas) => Params::validated(b";refresher=uas"),
        };
        Self { seconds, params }
    }

    /// The parameter `refresher`; `None` where it is absent or no known one.
    pub fn refresher(&self) -> Option<Refresher> {
        match self.params.value(b"refresher")? {
            value if value.eq_ignore_ascii_case(b"uac") => Some(Refresher::Uac),
            value if value.eq_ignore_ascii_case(b"uas") => Some(Refresher::Uas),
            _ => None,
        }
    }
}

/// When to try again (RFC 3261 section 20.33).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RetryAfter<'d> {
    /// After how many seconds.
    pub seconds: u32,
    /// The comment as it stands, without its parentheses.
    pub comment: Option<&'d [u8]>,
    /// The parameters, `duration` among them.
    pub params: Params<'d>,
}

impl<'d> Header<'d> for RetryAfter<'d> {
    const NAME: Name<'static> = Name::RetryAfter;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let seconds = cursor.number(u32::MAX)?;
        cursor.skip_whitespace();
        let mut comment = None;
        if cursor.eat(b'(') {
            let start = cursor.position();
            let mut depth = 1_usize;
            loop {
                match cursor.peek() {
                    None => return Err(cursor.error(Fault::Quote)),
                    Some(b'\\') => cursor.advance(1),
                    Some(b'(') => depth = depth.saturating_add(1),
                    Some(b')') => depth = depth.saturating_sub(1),
                    Some(_) => {}
                }
                if depth == 0 {
                    break;
                }
                cursor.advance(1);
            }
            comment = Some(cursor.since(start));
            cursor.advance(1);
        }
        Ok(Self { seconds, comment, params: cursor.params()? })
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.number(self.seconds);
        if let Some(comment) = self.comment {
            to.fixed(b" (");
            to.text(comment);
            to.fixed(b")");
        }
        self.params.write(to);
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $type:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type<'d>(pub &'d [u8]);

        impl<'d> Header<'d> for $type<'d> {
            const NAME: Name<'static> = Name::$type;
            const MAY_BE_EMPTY: bool = true;

            fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
                Ok(Self(cursor.take_rest()))
            }

            fn write(&self, to: &mut Writer<'_>) {
                to.text(self.0);
            }
        }
    )*};
}

texts! {
    /// What the call is about; any text, or none (RFC 3261 section 20.36).
    Subject;
    /// The software of the client (RFC 3261 section 20.41).
    UserAgent;
    /// The software of the server (RFC 3261 section 20.35).
    Server;
    /// The organization (RFC 3261 section 20.25).
    Organization;
}

macro_rules! tokens {
    ($($(#[$doc:meta])* $type:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type<'d>(pub &'d [u8]);

        impl<'d> Header<'d> for $type<'d> {
            const NAME: Name<'static> = Name::$type;

            fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
                cursor.token().map(Self)
            }

            fn write(&self, to: &mut Writer<'_>) {
                to.text(self.0);
            }
        }
    )*};
}

tokens! {
    /// Names a publication (RFC 3903 section 11.3.1).
    SipEtag;
    /// The publication that is to be changed (RFC 3903 section 11.3.2).
    SipIfMatch;
    /// The state that the subscriber has already, so that it need not be told (RFC 5839 section 7.2);
    /// `*` for whichever it is.
    SuppressIfMatch;
}
