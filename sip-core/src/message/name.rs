//! Names of header fields.

macro_rules! names {
    ($($variant:ident = $long:literal, $compact:expr, $section:literal;)*) => {
        /// The name of a header field (RFC 3261 section 7.3.1). Names are compared without case;
        /// a compact form is the same name as the long one.
        #[derive(Clone, Copy, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum Name<'d> {
            $(
                #[doc = concat!($section, ".")]
                $variant,
            )*
            /// A name that is none of the others, as it stands.
            Other(&'d [u8]),
        }

        /// A small number for each name.
        #[repr(u8)]
        #[derive(Clone, Copy)]
        #[allow(clippy::enum_variant_names, reason = "they are the headers' names")]
        enum Id {
            Other = 0,
            $($variant,)*
        }

        /// The names in the order of their numbers.
        static KNOWN: [Name<'static>; COUNT] = [$(Name::$variant,)*];
        /// The long forms as they stand in a row: with their colon and a space.
        static WITH_COLON: [&[u8]; COUNT] = [$(Name::$variant.with_colon(),)*];
        static KNOWN_COMPACT: [Option<u8>; COUNT] = [$($compact,)*];
        const COUNT: usize = {
            let compact: &[Option<u8>] = &[$($compact,)*];
            compact.len()
        };

        impl Name<'_> {
            /// The long form of a known name as it stands in a row: with its colon and a space. For the
            /// compiler: what calls it later brings a table of its own.
            pub(crate) const fn with_colon(&self) -> &'static [u8] {
                match self {
                    $(Self::$variant => concat!($long, ": ").as_bytes(),)*
                    Self::Other(_) => b": ",
                }
            }

            /// The number of the name, from 1; 0 for all that are not known.
            #[inline]
            pub(crate) const fn id(&self) -> u8 {
                match self {
                    $(Self::$variant => Id::$variant as u8,)*
                    Self::Other(_) => Id::Other as u8,
                }
            }
        }
    };
}

names! {
    Accept = "Accept", None, "RFC 3261 section 20.1";
    AcceptContact = "Accept-Contact", Some(b'a'), "RFC 3841";
    AcceptEncoding = "Accept-Encoding", None, "RFC 3261 section 20.2";
    AcceptLanguage = "Accept-Language", None, "RFC 3261 section 20.3";
    AcceptResourcePriority = "Accept-Resource-Priority", None, "RFC 4412";
    AlertInfo = "Alert-Info", None, "RFC 3261 section 20.4";
    Allow = "Allow", None, "RFC 3261 section 20.5";
    AllowEvents = "Allow-Events", Some(b'u'), "RFC 6665 section 8.2.2";
    AnswerMode = "Answer-Mode", None, "RFC 5373";
    AuthenticationInfo = "Authentication-Info", None, "RFC 3261 section 20.6";
    Authorization = "Authorization", None, "RFC 3261 section 20.7";
    CallId = "Call-ID", Some(b'i'), "RFC 3261 section 20.8";
    CallInfo = "Call-Info", None, "RFC 3261 section 20.9";
    Contact = "Contact", Some(b'm'), "RFC 3261 section 20.10";
    ContentDisposition = "Content-Disposition", None, "RFC 3261 section 20.11";
    ContentEncoding = "Content-Encoding", Some(b'e'), "RFC 3261 section 20.12";
    ContentId = "Content-ID", None, "RFC 8262";
    ContentLanguage = "Content-Language", None, "RFC 3261 section 20.13";
    ContentLength = "Content-Length", Some(b'l'), "RFC 3261 section 20.14";
    ContentType = "Content-Type", Some(b'c'), "RFC 3261 section 20.15";
    CSeq = "CSeq", None, "RFC 3261 section 20.16";
    Date = "Date", None, "RFC 3261 section 20.17";
    ErrorInfo = "Error-Info", None, "RFC 3261 section 20.18";
    Event = "Event", Some(b'o'), "RFC 6665 section 8.2.1";
    Expires = "Expires", None, "RFC 3261 section 20.19";
    FeatureCaps = "Feature-Caps", None, "RFC 6809";
    FlowTimer = "Flow-Timer", None, "RFC 5626 section 10";
    From = "From", Some(b'f'), "RFC 3261 section 20.20";
    Geolocation = "Geolocation", None, "RFC 6442";
    GeolocationError = "Geolocation-Error", None, "RFC 6442";
    GeolocationRouting = "Geolocation-Routing", None, "RFC 6442";
    HistoryInfo = "History-Info", None, "RFC 7044";
    Identity = "Identity", Some(b'y'), "RFC 8224";
    IdentityInfo = "Identity-Info", Some(b'n'), "RFC 4474";
    InfoPackage = "Info-Package", None, "RFC 6086";
    InReplyTo = "In-Reply-To", None, "RFC 3261 section 20.21";
    Join = "Join", None, "RFC 3911";
    MaxBreadth = "Max-Breadth", None, "RFC 5393";
    MaxForwards = "Max-Forwards", None, "RFC 3261 section 20.22";
    MimeVersion = "MIME-Version", None, "RFC 3261 section 20.24";
    MinExpires = "Min-Expires", None, "RFC 3261 section 20.23";
    MinSe = "Min-SE", None, "RFC 4028 section 5";
    Organization = "Organization", None, "RFC 3261 section 20.25";
    PAccessNetworkInfo = "P-Access-Network-Info", None, "RFC 7315";
    PAnswerState = "P-Answer-State", None, "RFC 4964";
    PAssertedIdentity = "P-Asserted-Identity", None, "RFC 3325";
    PAssertedService = "P-Asserted-Service", None, "RFC 6050";
    PAssociatedUri = "P-Associated-URI", None, "RFC 7315";
    PCalledPartyId = "P-Called-Party-ID", None, "RFC 7315";
    PChargingFunctionAddresses = "P-Charging-Function-Addresses", None, "RFC 7315";
    PChargingVector = "P-Charging-Vector", None, "RFC 7315";
    PEarlyMedia = "P-Early-Media", None, "RFC 5009";
    PMediaAuthorization = "P-Media-Authorization", None, "RFC 3313";
    PPreferredIdentity = "P-Preferred-Identity", None, "RFC 3325";
    PPreferredService = "P-Preferred-Service", None, "RFC 6050";
    PProfileKey = "P-Profile-Key", None, "RFC 5002";
    PRefusedUriList = "P-Refused-URI-List", None, "RFC 5318";
    PServedUser = "P-Served-User", None, "RFC 5502";
    PUserDatabase = "P-User-Database", None, "RFC 4457";
    PVisitedNetworkId = "P-Visited-Network-ID", None, "RFC 7315";
    Path = "Path", None, "RFC 3327";
    PermissionMissing = "Permission-Missing", None, "RFC 5360";
    PolicyContact = "Policy-Contact", None, "RFC 6794";
    PolicyId = "Policy-ID", None, "RFC 6794";
    Priority = "Priority", None, "RFC 3261 section 20.26";
    Privacy = "Privacy", None, "RFC 3323";
    PrivAnswerMode = "Priv-Answer-Mode", None, "RFC 5373";
    ProxyAuthenticate = "Proxy-Authenticate", None, "RFC 3261 section 20.27";
    ProxyAuthenticationInfo = "Proxy-Authentication-Info", None, "RFC 7615";
    ProxyAuthorization = "Proxy-Authorization", None, "RFC 3261 section 20.28";
    ProxyRequire = "Proxy-Require", None, "RFC 3261 section 20.29";
    RAck = "RAck", None, "RFC 3262";
    Reason = "Reason", None, "RFC 3326";
    ReasonPhrase = "Reason-Phrase", None, "RFC 8606";
    RecordRoute = "Record-Route", None, "RFC 3261 section 20.30";
    RecvInfo = "Recv-Info", None, "RFC 6086";
    ReferredBy = "Referred-By", Some(b'b'), "RFC 3892";
    ReferEventsAt = "Refer-Events-At", None, "RFC 7614";
    ReferSub = "Refer-Sub", None, "RFC 4488";
    ReferTo = "Refer-To", Some(b'r'), "RFC 3515";
    RejectContact = "Reject-Contact", Some(b'j'), "RFC 3841";
    Replaces = "Replaces", None, "RFC 3891";
    ReplyTo = "Reply-To", None, "RFC 3261 section 20.31";
    RequestDisposition = "Request-Disposition", Some(b'd'), "RFC 3841";
    Require = "Require", None, "RFC 3261 section 20.32";
    ResourcePriority = "Resource-Priority", None, "RFC 4412";
    RetryAfter = "Retry-After", None, "RFC 3261 section 20.33";
    Route = "Route", None, "RFC 3261 section 20.34";
    RSeq = "RSeq", None, "RFC 3262";
    SecurityClient = "Security-Client", None, "RFC 3329";
    SecurityServer = "Security-Server", None, "RFC 3329";
    SecurityVerify = "Security-Verify", None, "RFC 3329";
    Server = "Server", None, "RFC 3261 section 20.35";
    ServiceRoute = "Service-Route", None, "RFC 3608";
    SessionExpires = "Session-Expires", Some(b'x'), "RFC 4028 section 4";
    SessionId = "Session-ID", None, "RFC 7989";
    SipEtag = "SIP-ETag", None, "RFC 3903 section 11.3.1";
    SipIfMatch = "SIP-If-Match", None, "RFC 3903 section 11.3.2";
    Subject = "Subject", Some(b's'), "RFC 3261 section 20.36";
    SubscriptionState = "Subscription-State", None, "RFC 6665 section 8.2.3";
    Supported = "Supported", Some(b'k'), "RFC 3261 section 20.37";
    SuppressIfMatch = "Suppress-If-Match", None, "RFC 5839";
    TargetDialog = "Target-Dialog", None, "RFC 4538";
    Timestamp = "Timestamp", None, "RFC 3261 section 20.38";
    To = "To", Some(b't'), "RFC 3261 section 20.39";
    TriggerConsent = "Trigger-Consent", None, "RFC 5360";
    Unsupported = "Unsupported", None, "RFC 3261 section 20.40";
    UserAgent = "User-Agent", None, "RFC 3261 section 20.41";
    UserToUser = "User-to-User", None, "RFC 7433";
    Via = "Via", Some(b'v'), "RFC 3261 section 20.42";
    Warning = "Warning", None, "RFC 3261 section 20.43";
    WwwAuthenticate = "WWW-Authenticate", None, "RFC 3261 section 20.44";
}

/// The numbers by the hash of the long form; 0 where no name has that hash.
static BY_HASH: [u8; 512] = by_hash();

/// The numbers by the letter of the compact form.
static BY_LETTER: [u8; 26] = by_letter();

/// Four octets tell all known names apart: first, middle and last without case, and the length.
#[inline]
const fn hash(first: u8, middle: u8, last: u8, len: usize) -> usize {
    ((first | 0x20) as usize * 143
        + (middle | 0x20) as usize * 200
        + (last | 0x20) as usize * 30
        + len * 43)
        & 511
}

#[allow(clippy::indexing_slicing, clippy::panic, reason = "runs in the compiler only")]
const fn by_hash() -> [u8; 512] {
    let mut table = [0; 512];
    let mut id = 1;
    while id <= COUNT {
        let name = WITH_COLON[id - 1];
        let len = name.len() - 2;
        let at = hash(name[0], name[len / 2], name[len - 1], len);
        assert!(table[at] == 0, "two names have the same hash: look for other factors");
        table[at] = id as u8;
        id += 1;
    }
    table
}

#[allow(clippy::indexing_slicing, reason = "runs in the compiler only")]
const fn by_letter() -> [u8; 26] {
    let mut table = [0; 26];
    let mut id = 1;
    while id <= COUNT {
        if let Some(letter) = KNOWN_COMPACT[id - 1] {
            assert!(table[(letter - b'a') as usize] == 0, "two names have the same compact form");
            table[(letter - b'a') as usize] = id as u8;
        }
        id += 1;
    }
    table
}

/// The long form of the name that has this number; empty for 0.
#[inline(always)]
fn known_long(id: u8) -> &'static [u8] {
    let long = WITH_COLON.get(usize::from(id).wrapping_sub(1)).copied().unwrap_or(b": ");
    long.get(..long.len().wrapping_sub(2)).unwrap_or_default()
}

/// Whether both are the same to the letter; without a call for so few octets.
#[cfg_attr(target_pointer_width = "64", inline(always))]
fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    // The first and the last eight, or four, may overlap; between them stands what is left.
    match (one.first_chunk::<8>(), one.last_chunk::<8>()) {
        (Some(head), Some(tail)) => {
            Some(head) == other.first_chunk()
                && Some(tail) == other.last_chunk()
                && (one.len() <= 16 || one == other)
        }
        _ => match (one.first_chunk::<4>(), one.last_chunk::<4>()) {
            (Some(head), Some(tail)) => {
                Some(head) == other.first_chunk() && Some(tail) == other.last_chunk()
            }
            _ => one.iter().eq(other),
        },
    }
}

impl<'d> Name<'d> {
    /// The name that this token is, in its long or its compact form.
    #[inline]
    pub fn parse(token: &'d [u8]) -> Self {
        match KNOWN.get(usize::from(Self::id_of(token)).wrapping_sub(1)) {
            Some(name) => *name,
            None => Self::Other(token),
        }
    }

    /// The number of the name that this token is; 0 for unknown ones.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn id_of(token: &[u8]) -> u8 {
        let id = Self::likely_id_of(token);
        if id != 0 && same(token, known_long(id)) { id } else { Self::odd_id_of(token, id) }
    }

    /// The number of the only long form that the token may be.
    #[inline(always)]
    fn likely_id_of(token: &[u8]) -> u8 {
        let ([first, .., last], Some(middle)) = (token, token.get(token.len() / 2)) else {
            return 0;
        };
        BY_HASH.get(hash(*first, *middle, *last, token.len())).copied().unwrap_or(0)
    }

    /// The same where the token does not stand as it is known.
    #[cfg_attr(target_pointer_width = "64", inline(never))]
    fn odd_id_of(token: &[u8], likely: u8) -> u8 {
        if let [letter] = token {
            let index = usize::from((letter | 0x20).wrapping_sub(b'a'));
            return BY_LETTER.get(index).copied().unwrap_or(0);
        }
        if token.eq_ignore_ascii_case(known_long(likely)) { likely } else { 0 }
    }

    /// The name of this number, or `token` as it stands.
    #[inline]
    pub(crate) fn from_id(id: u8, token: &'d [u8]) -> Self {
        match KNOWN.get(usize::from(id).wrapping_sub(1)) {
            Some(name) => *name,
            None => Self::Other(token),
        }
    }

    /// The long form.
    #[inline]
    pub fn long(&self) -> &'d [u8] {
        match self {
            Self::Other(token) => token,
            known => known_long(known.id()),
        }
    }

    /// What [`Name::with_colon`] gives.
    #[inline]
    pub(crate) fn in_row(&self) -> &'static [u8] {
        WITH_COLON.get(usize::from(self.id()).wrapping_sub(1)).copied().unwrap_or(b": ")
    }

    /// The compact form, a letter, where there is one.
    pub fn compact(&self) -> Option<u8> {
        KNOWN_COMPACT.get(usize::from(self.id()).wrapping_sub(1)).copied().flatten()
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Name<'_>) -> bool {
        match (self, other) {
            (Name::Other(a), Name::Other(b)) => a.eq_ignore_ascii_case(b),
            _ => self.id() == other.id(),
        }
    }
}

impl Eq for Name<'_> {}

impl core::fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.long().escape_ascii(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case_and_by_its_letter() {
        for (index, name) in KNOWN.iter().enumerate() {
            let (long, compact) = (known_long(index as u8 + 1), &KNOWN_COMPACT[index]);
            assert_eq!(name.in_row(), [long, b": "].concat());
            assert_eq!(usize::from(name.id()), index + 1);
            assert_eq!(name.long(), long);
            assert_eq!(Name::parse(long), *name);
            assert_eq!(Name::parse(&long.to_ascii_uppercase()), *name);
            assert_eq!(Name::parse(&long.to_ascii_lowercase()), *name);
            if let Some(letter) = compact {
                assert_eq!(Name::parse(&[*letter]), *name);
                assert_eq!(Name::parse(&[letter.to_ascii_uppercase()]), *name);
                assert_eq!(name.compact(), Some(*letter));
            }
        }
    }

    #[test]
    fn unknown_names_stay_as_they_are_and_compare_without_case() {
        for token in [&b"C%6Fntact"[..], b"X-Foo", b"z", b"-", b"", b"Vi", b"\x16", b"Fro\x4d\x00"]
        {
            assert!(matches!(Name::parse(token), Name::Other(kept) if kept == token));
        }
        assert_eq!(Name::parse(b"X-Foo"), Name::parse(b"x-fOO"));
        assert_ne!(Name::parse(b"X-Foo"), Name::Via);
    }
}
