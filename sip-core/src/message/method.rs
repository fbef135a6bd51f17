//! Methods of requests.

/// The method of a request (RFC 3261 section 7.1). Methods are compared with case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Method<'d> {
    /// RFC 3261 section 13.
    Ack,
    /// RFC 3261 section 15.
    Bye,
    /// RFC 3261 section 9.
    Cancel,
    /// RFC 6086.
    Info,
    /// RFC 3261 section 13.
    Invite,
    /// RFC 3428.
    Message,
    /// RFC 6665.
    Notify,
    /// RFC 3261 section 11.
    Options,
    /// RFC 3262.
    Prack,
    /// RFC 3903.
    Publish,
    /// RFC 3515.
    Refer,
    /// RFC 3261 section 10.
    Register,
    /// RFC 6665.
    Subscribe,
    /// RFC 3311.
    Update,
    /// Any other token.
    Other(&'d [u8]),
}

impl<'d> Method<'d> {
    /// The method that this token names.
    #[inline]
    pub fn from_token(token: &'d [u8]) -> Self {
        match token {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"REGISTER" => Self::Register,
            b"OPTIONS" => Self::Options,
            b"MESSAGE" => Self::Message,
            b"NOTIFY" => Self::Notify,
            b"SUBSCRIBE" => Self::Subscribe,
            b"INFO" => Self::Info,
            b"PRACK" => Self::Prack,
            b"PUBLISH" => Self::Publish,
            b"REFER" => Self::Refer,
            b"UPDATE" => Self::Update,
            other => Self::Other(other),
        }
    }

    /// The method as it stands on the wire.
    #[inline]
    pub const fn as_bytes(&self) -> &'d [u8] {
        match self {
            Self::Ack => b"ACK",
            Self::Bye => b"BYE",
            Self::Cancel => b"CANCEL",
            Self::Info => b"INFO",
            Self::Invite => b"INVITE",
            Self::Message => b"MESSAGE",
            Self::Notify => b"NOTIFY",
            Self::Options => b"OPTIONS",
            Self::Prack => b"PRACK",
            Self::Publish => b"PUBLISH",
            Self::Refer => b"REFER",
            Self::Register => b"REGISTER",
            Self::Subscribe => b"SUBSCRIBE",
            Self::Update => b"UPDATE",
            Self::Other(token) => token,
        }
    }

    /// The same method without the borrow, where it is one of the known ones.
    pub const fn known(&self) -> Option<Method<'static>> {
        Some(match self {
            Self::Ack => Method::Ack,
            Self::Bye => Method::Bye,
            Self::Cancel => Method::Cancel,
            Self::Info => Method::Info,
            Self::Invite => Method::Invite,
            Self::Message => Method::Message,
            Self::Notify => Method::Notify,
            Self::Options => Method::Options,
            Self::Prack => Method::Prack,
            Self::Publish => Method::Publish,
            Self::Refer => Method::Refer,
            Self::Register => Method::Register,
            Self::Subscribe => Method::Subscribe,
            Self::Update => Method::Update,
            Self::Other(_) => return None,
        })
    }
}

impl core::fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.as_bytes().escape_ascii(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_method_comes_back_from_its_token() {
        for method in [
            Method::Ack,
            Method::Bye,
            Method::Cancel,
            Method::Info,
            Method::Invite,
            Method::Message,
            Method::Notify,
            Method::Options,
            Method::Prack,
            Method::Publish,
            Method::Refer,
            Method::Register,
            Method::Subscribe,
            Method::Update,
        ] {
            assert_eq!(Method::from_token(method.as_bytes()), method);
            assert_eq!(method.known(), Some(method));
        }
    }

    #[test]
    fn methods_are_compared_with_case() {
        assert_eq!(Method::from_token(b"invite"), Method::Other(b"invite"));
        assert_eq!(Method::Other(b"invite").known(), None);
    }
}
