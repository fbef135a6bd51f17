use crate::error::ParseError;
use crate::message::{Limits, Message};

/// What keeps a stream alive and asks the other side for a sign of life (RFC 5626 section 3.5.1).
pub const PING: &[u8] = b"\r\n\r\n";
/// The answer to [`PING`].
pub const PONG: &[u8] = b"\r\n";

/// What a stream begins with.
#[derive(Debug)]
pub enum Frame<'d> {
    /// Not enough to tell.
    Incomplete,
    /// A line end: an answer to a keep-alive, or padding. So many octets.
    Blank(usize),
    /// A keep-alive that wants an answer. So many octets.
    Ping(usize),
    /// A message. So many octets, with the line ends before it.
    Message(usize, Message<'d>),
}

impl<'d> Frame<'d> {
    /// Reads what `octets` begin with.
    ///
    /// # Errors
    /// Of [`Message::parse_stream`].
    pub fn next(octets: &'d [u8], limits: &Limits) -> Result<Self, ParseError> {
        if octets.starts_with(PING) {
            return Ok(Self::Ping(PING.len()));
        }
        if PING.starts_with(octets) {
            // It may still become a keep-alive.
            return Ok(Self::Incomplete);
        }
        if octets.starts_with(PONG) {
            return Ok(Self::Blank(PONG.len()));
        }
        Ok(match Message::parse_stream(octets, limits)? {
            Some((len, message)) => Self::Message(len, message),
            None => Self::Incomplete,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(octets: &[u8]) -> Frame<'_> {
        Frame::next(octets, &Limits::DEFAULT).unwrap()
    }

    #[test]
    fn a_keep_alive_is_told_from_padding() {
        assert!(matches!(frame(b""), Frame::Incomplete));
        assert!(matches!(frame(b"\r\n\r"), Frame::Incomplete));
        assert!(matches!(frame(b"\r\n\r\nSIP"), Frame::Ping(4)));
        assert!(matches!(frame(b"\r\nSIP"), Frame::Blank(2)));
        let response = b"SIP/2.0 200 OK\r\nContent-Length: 1\r\n\r\nx\r\n";
        assert!(matches!(frame(response), Frame::Message(38, _)));
    }

    #[test]
    fn a_stream_of_keep_alives_and_messages_is_cut_the_same_wherever_it_is_torn() {
        let stream =
            b"\r\n\r\n\r\n\r\n\r\nSIP/2.0 200 OK\r\nl: 4\r\n\r\n\r\n\r\n\r\n\r\n\r\nSIP/2.0 1";
        // Where the octets come one by one, and where they come in pieces.
        for piece in 1..stream.len() {
            let (mut used, mut seen) = (0, std::string::String::new());
            let mut end = 0;
            while end < stream.len() {
                end = (end + piece).min(stream.len());
                loop {
                    let (length, what) = match frame(&stream[used..end]) {
                        Frame::Incomplete => break,
                        Frame::Blank(length) => (length, 'b'),
                        Frame::Ping(length) => (length, 'p'),
                        Frame::Message(length, message) => {
                            assert_eq!(message.body(), PING, "line ends in a body are a body");
                            (length, 'm')
                        }
                    };
                    assert!(length > 0);
                    used += length;
                    seen.push(what);
                }
            }
            assert_eq!(seen, "ppbmpb", "{piece}");
            assert_eq!(&stream[used..], b"SIP/2.0 1");
        }
    }

    #[test]
    fn a_head_or_a_body_beyond_its_limit_is_an_error_and_no_endless_wait() {
        let limits = Limits { head_octets: 40, body_octets: 3 };
        let error = |octets| Frame::next(octets, &limits).unwrap_err().what;
        assert_eq!(error(&[b'X'; 41]), crate::error::Fault::HeadTooLong);
        let long = b"SIP/2.0 200 OK\r\nContent-Length: 4\r\n\r\n";
        assert_eq!(error(long), crate::error::Fault::BodyTooLong);
        let fits = b"SIP/2.0 200 OK\r\nContent-Length: 3\r\n\r\n";
        assert!(matches!(Frame::next(fits, &limits), Ok(Frame::Incomplete)));
    }
}
