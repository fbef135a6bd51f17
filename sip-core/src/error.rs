//! What can be wrong with input, and what can run out.

use core::fmt;

/// What is wrong with a text that was to be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// The start line is neither a request line nor a status line (RFC 3261 sections 7.1, 7.2).
    StartLine,
    /// The Request-URI is empty, holds white space or stands in angle brackets.
    RequestUri,
    /// The status code is not a number from 100 to 699.
    StatusCode,
    /// A line does not end in CR LF, or a CR or LF stands alone.
    LineEnd,
    /// A header field name is no token, or no colon follows it.
    HeaderName,
    /// More header rows than [`Message::MAX_HEADERS`](crate::message::Message::MAX_HEADERS).
    TooManyHeaders,
    /// Start line and headers are longer than the limit.
    HeadTooLong,
    /// The body is longer than the limit.
    BodyTooLong,
    /// The message ends before its empty line, or before its body does.
    Truncated,
    /// Content-Length is no number that a message can have.
    ContentLength,
    /// Content-Length is missing on a stream, where nothing else ends the message.
    ContentLengthMissing,
    /// The header field may stand once, but stands more often.
    Repeated,
    /// A value is missing.
    Empty,
    /// A token is missing or holds an octet that no token may hold.
    Token,
    /// A number is missing, or is none.
    Number,
    /// A number is beyond what the field can hold.
    OutOfRange,
    /// A quoted string does not end.
    Quote,
    /// An angle bracket is missing.
    Angle,
    /// A parameter is empty or malformed.
    Parameter,
    /// A parameter that must be there is missing.
    ParameterMissing,
    /// The URI has no scheme.
    Scheme,
    /// The user part of a URI holds an octet that must be escaped.
    User,
    /// The host is no host name and no address.
    Host,
    /// The port is no number from 0 to 65535.
    Port,
    /// The header part of a URI is malformed, or may not stand here.
    UriHeaders,
    /// An escape is not a percent sign and two hexadecimal digits.
    Escape,
    /// The protocol is not `SIP/2.0`.
    Version,
    /// The date is not an RFC 1123 date in GMT.
    Date,
    /// Something follows the value.
    Trailing,
    /// A line of a session description is not `letter=value`, or out of order.
    SdpLine,
    /// A field of a session description's line is missing or malformed.
    SdpField,
    /// The document is no well-formed XML, as far as this reader goes.
    Xml,
    /// The XML nests deeper than the limit.
    XmlDepth,
    /// The document is well-formed, but not of the kind that was asked for.
    Document,
    /// A multipart body lacks its boundary, or a part its empty line.
    Multipart,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartLine => "the start line is neither a request line nor a status line",
            Self::RequestUri => "the Request-URI is malformed",
            Self::StatusCode => "the status code is not a number from 100 to 699",
            Self::LineEnd => "a line does not end in CR LF",
            Self::HeaderName => "a header field name is malformed or has no colon",
            Self::TooManyHeaders => "there are more header rows than the limit",
            Self::HeadTooLong => "start line and headers are longer than the limit",
            Self::BodyTooLong => "the body is longer than the limit",
            Self::Truncated => "the message ends too early",
            Self::ContentLength => "Content-Length is malformed",
            Self::ContentLengthMissing => "Content-Length is missing on a stream",
            Self::Repeated => "the header field stands more than once",
            Self::Empty => "the value is missing",
            Self::Token => "a token is missing or malformed",
            Self::Number => "a number is missing or malformed",
            Self::OutOfRange => "a number is out of range",
            Self::Quote => "a quoted string does not end",
            Self::Angle => "an angle bracket is missing",
            Self::Parameter => "a parameter is empty or malformed",
            Self::ParameterMissing => "a required parameter is missing",
            Self::Scheme => "the URI has no scheme",
            Self::User => "the user part of the URI is malformed",
            Self::Host => "the host is malformed",
            Self::Port => "the port is malformed",
            Self::UriHeaders => "the header part of the URI is malformed or may not stand here",
            Self::Escape => "an escape is not a percent sign and two hexadecimal digits",
            Self::Version => "the protocol is not SIP/2.0",
            Self::Date => "the date is not an RFC 1123 date in GMT",
            Self::Trailing => "something follows the value",
            Self::SdpLine => "a line of the session description is malformed or out of order",
            Self::SdpField => "a field of the session description is malformed",
            Self::Xml => "the XML is malformed",
            Self::XmlDepth => "the XML nests too deep",
            Self::Document => "the document is of another kind",
            Self::Multipart => "the multipart body is malformed",
        })
    }
}

/// A text that does not parse: what is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseError {
    /// What is wrong.
    pub what: Fault,
    /// Where, in octets from the start of what was handed in (of the message, where the error
    /// comes from [`Message`](crate::message::Message)).
    pub at: usize,
}

impl ParseError {
    /// The error `what` at the octet `at`.
    pub const fn new(what: Fault, at: usize) -> Self {
        Self { what, at }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at octet {})", self.what, self.at)
    }
}

impl core::error::Error for ParseError {}

/// The buffer cannot hold what is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BufferTooSmall {
    /// How many octets it must have.
    pub needed: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the buffer is too small: {} octets are needed", self.needed)
    }
}

impl core::error::Error for BufferTooSmall {}

/// Why a message could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WriteError {
    /// The buffer is too small.
    BufferTooSmall(BufferTooSmall),
    /// A value holds a CR or LF: it would have become a header or a message of its own.
    LineEnd,
    /// The boundary of a multipart body stands in one of its parts, or is none.
    Boundary,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall(error) => error.fmt(f),
            Self::LineEnd => f.write_str("a value holds a line end and was refused"),
            Self::Boundary => {
                f.write_str("the boundary stands in a part, or is none: take another")
            }
        }
    }
}

impl core::error::Error for WriteError {}

impl From<BufferTooSmall> for WriteError {
    fn from(error: BufferTooSmall) -> Self {
        Self::BufferTooSmall(error)
    }
}
