//! Session descriptions (RFC 8866) and the offer/answer of audio calls (RFC 3264).
//!
//! ```text
//! v=0                                    version, always 0
//! o=alice 1 1 IN IP4 192.0.2.1           Origin
//! s=-                                    name
//! c=IN IP4 192.0.2.1                     Connection
//! t=0 0                                  time
//! a=…                                    attributes of the session
//! m=audio 5350 RTP/AVP 0 8 101           Media, as often as there are streams
//! c=…                                    its own connection, if it has one
//! a=rtpmap:101 telephone-event/8000      its attributes
//! ```
//!
//! [`Session`] is a view over a description; [`Writer`] writes one; [`offer`], [`answer`] and
//! [`accept`] negotiate an audio call, [`secure_offer`] and the like one
//! with keys for SRTP ([`Crypto`]).

mod crypto;
mod media;
mod negotiate;
mod session;
#[cfg(test)]
mod tests;
mod writer;

pub use crypto::{Crypto, CryptoChoice};
pub use media::{Attribute, Attributes, Direction, Formats, Media, RtpMap};
pub use negotiate::{
    Agreed, Codec, Local, NegotiationError, accept, answer, offer, secure_accept, secure_answer,
    secure_offer,
};
pub use session::{Connection, Lines, Origin, Session};
pub use writer::Writer;
