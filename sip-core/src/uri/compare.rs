//! When two URIs are the same (RFC 3261 section 19.1.4).

use super::{Uri, unescape};

/// Beyond so many parameters or headers, URIs are the same only where they stand the same: the
/// comparison takes each of one with each of the other.
const MANY: usize = 32;

impl Uri<'_> {
    /// Whether both mean the same by RFC 3261 section 19.1.4.
    ///
    /// Of URIs with more than 32 parameters or headers, those are compared as they stand. URIs of other
    /// schemes are compared as they stand too: [`Tel::same`](super::Tel::same) compares telephone
    /// numbers.
    pub fn same(&self, other: &Uri<'_>) -> bool {
        if self.scheme() != other.scheme() {
            return false;
        }
        if !self.is_sip() {
            return self.userinfo == other.userinfo;
        }
        same_escaped(self.userinfo, other.userinfo)
            && self.host == other.host
            && self.port == other.port
            && self.same_params(other)
            && self.same_headers(other)
    }

    fn same_params(&self, other: &Uri<'_>) -> bool {
        if self.params().count().max(other.params().count()) > MANY {
            return self.params.eq_ignore_ascii_case(other.params);
        }
        agrees(self, other) && agrees(other, self)
    }

    fn same_headers(&self, other: &Uri<'_>) -> bool {
        let (ours, theirs) = (self.headers().count(), other.headers().count());
        if ours != theirs {
            return false;
        }
        if ours > MANY {
            return self.headers_as_bytes() == other.headers_as_bytes();
        }
        // Each has a partner in the other; counting both ways tells repeated ones apart.
        let times = |of: &Uri<'_>, (name, value): (&[u8], Option<&[u8]>)| {
            of.headers()
                .filter(|(n, v)| equal_without_case(n, name) && same_escaped(*v, value))
                .count()
        };
        self.headers().all(|header| times(self, header) == times(other, header))
    }
}

/// Whether each parameter of `one` agrees with `other`.
fn agrees(one: &Uri<'_>, other: &Uri<'_>) -> bool {
    one.params().all(|(name, value)| {
        let mut partners = other.params().filter(|(found, _)| equal_without_case(found, name));
        let mut partner = partners.next();
        if partner.is_none() {
            // These change where a request goes or what it is: alone they never match.
            return ![&b"user"[..], b"ttl", b"method", b"maddr", b"transport"]
                .iter()
                .any(|known| equal_without_case(known, name));
        }
        // A parameter must not be repeated, yet some are: any of its values will do.
        while let Some((_, found)) = partner {
            if equal_without_case(found.unwrap_or_default(), value.unwrap_or_default()) {
                return true;
            }
            partner = partners.next();
        }
        false
    })
}

fn equal_without_case(one: &[u8], other: &[u8]) -> bool {
    let lower = |text| unescape(text).map(|octet| octet.to_ascii_lowercase());
    one.eq_ignore_ascii_case(other) || lower(one).eq(lower(other))
}

fn same_escaped(one: Option<&[u8]>, other: Option<&[u8]>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other || unescape(one).eq(unescape(other)),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let one = Uri::parse(one.as_bytes()).unwrap();
        let other = Uri::parse(other.as_bytes()).unwrap();
        assert_eq!(one.same(&other), other.same(&one), "the comparison has no direction");
        one.same(&other)
    }

    #[test]
    fn the_examples_of_19_1_4_that_are_the_same() {
        for (one, other) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn the_examples_of_19_1_4_that_differ() {
        for (one, other) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:alice@a.com", "sips:alice@a.com"),
            ("sip:alice@a.com", "sip:a.com"),
            // These never match where only one has them, whatever their default.
            ("sip:+1@a.com", "sip:+1@a.com;user=phone"),
            ("sip:alice@a.com", "sip:alice@a.com;user=ip"),
            ("sip:alice@a.com", "sip:alice@a.com;ttl=1"),
            ("sip:alice@a.com", "sip:alice@a.com;method=INVITE"),
            ("sip:alice@a.com", "sip:alice@a.com;maddr=a.com"),
            ("sip:alice:pw@a.com", "sip:alice@a.com"),
            ("sip:alice@a.com?a=1", "sip:alice@a.com?a=2"),
            ("sip:alice@a.com;x=a%62", "sip:alice@a.com;x=ac"),
            ("sip:a.com?x=1&x=2&y=3", "sip:a.com?x=1&y=3&y=3"),
            ("sip:%00@a.com", "sip:%00%00@a.com"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_uri_with_a_repeated_parameter_is_the_same_as_itself() {
        assert!(same("sip:a.com;t=5;t", "sip:a.com;t=5;t"));
        assert!(same("sip:a.com;t=5;t", "sip:a.com;t;t=5"));
        assert!(!same("sip:a.com;t=5;t", "sip:a.com;t=6;t"));
    }

    #[test]
    fn other_schemes_are_the_same_only_as_they_stand() {
        assert!(same("isbn:2983792873", "ISBN:2983792873"));
        assert!(!same("http://a.b", "http://a.B"));
    }
}
