//! What a server says of an authentication that succeeded.

use super::Qop;
use crate::header::{AuthenticationInfo, Param, ProxyAuthenticationInfo, Text};

/// What a server says with the response to a request that was authenticated (RFC 7616 section 3.5):
/// the nonce for the next request, and that it knows the password itself.
///
/// ```text
/// Authentication-Info: nextnonce="…", qop=auth, rspauth="…", cnonce="…", nc=00000001
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Info<'d> {
    /// The nonce for the next request ([`Challenge::with_nonce`](super::Challenge::with_nonce)).
    pub nextnonce: Option<Text<'d>>,
    /// The quality of protection that `rspauth` has.
    pub qop: Option<Qop>,
    /// The server's own hash, in hexadecimal digits
    /// ([`Answer::verify`](super::Answer::verify)).
    pub rspauth: Option<&'d [u8]>,
    /// The client's nonce, back again.
    pub cnonce: Option<&'d [u8]>,
    /// The nonce count in the digits in which it stands ([`Info::count`]).
    pub nc: Option<&'d [u8]>,
}

impl<'d> Info<'d> {
    /// How many requests were sent with the nonce; `None` where it is not said, or no number of at
    /// most eight digits.
    pub fn count(&self) -> Option<u32> {
        let digits = self.nc?;
        let good = matches!(digits.len(), 1..=8) && digits.iter().all(u8::is_ascii_hexdigit);
        let add = |count: u32, digit: &u8| count << 4 | u32::from(crate::uri::hex(*digit));
        good.then(|| digits.iter().fold(0, add))
    }

    fn of(params: impl Iterator<Item = Param<'d>>) -> Self {
        let mut info = Self::default();
        for param in params {
            let Some(value) = param.value else { continue };
            if param.is(b"nextnonce") {
                info.nextnonce = Some(value);
            } else if param.is(b"rspauth") {
                info.rspauth = Some(value.raw());
            } else if param.is(b"cnonce") {
                info.cnonce = Some(value.raw());
            } else if param.is(b"nc") {
                info.nc = Some(value.raw());
            } else if param.is(b"qop") {
                let is = |qop: &Qop| value.raw().eq_ignore_ascii_case(qop.name());
                info.qop = [Qop::Auth, Qop::AuthInt].into_iter().find(is);
            }
        }
        info
    }
}

impl<'d> From<AuthenticationInfo<'d>> for Info<'d> {
    fn from(row: AuthenticationInfo<'d>) -> Self {
        Self::of(row.params())
    }
}

impl<'d> From<ProxyAuthenticationInfo<'d>> for Info<'d> {
    fn from(row: ProxyAuthenticationInfo<'d>) -> Self {
        Self::of(row.params())
    }
}
