//! Requests that stand alone: MESSAGE (RFC 3428), OPTIONS (RFC 3261 section 11).

use core::time::Duration;

use super::send::Begin;
use super::{AccountId, Agent, Error, Owner, RequestId, What};
use crate::message::Method;

impl Agent<'_> {
    /// Sends an instant message in pager mode (RFC 3428), or a sign of typing (RFC 3994), which is
    /// one with a body of its own type. What comes of it is told as
    /// [`Event::Response`](super::Event::Response) or
    /// [`Event::RequestFailed`](super::Event::RequestFailed).
    ///
    /// # Errors
    /// [`Error::Gone`] where there is no such account, [`Error::Uri`] or [`Error::Unresolved`]
    /// where the URI leads nowhere, else what stands in the way of sending.
    pub fn message(
        &mut self,
        now: Duration,
        account: AccountId,
        uri: &[u8],
        content_type: &[u8],
        body: &[u8],
    ) -> Result<RequestId, Error> {
        self.single(now, account, uri, Method::Message, Some((content_type, body)))
    }

    /// Asks what the other side can do, or whether it is there.
    ///
    /// # Errors
    /// As [`Agent::message`].
    pub fn options(
        &mut self,
        now: Duration,
        account: AccountId,
        uri: &[u8],
    ) -> Result<RequestId, Error> {
        self.single(now, account, uri, Method::Options, None)
    }

    fn single(
        &mut self,
        now: Duration,
        account: AccountId,
        uri: &[u8],
        method: Method<'_>,
        body: Option<(&[u8], &[u8])>,
    ) -> Result<RequestId, Error> {
        self.now = now;
        let path = self.route(account.0, uri)?;
        let id = self.request_id();
        let owner = Owner { what: What::Single(id), account: account.0, tried: 0 };
        let (tag, call_id) = (self.layer.random(), self.layer.random());
        let octets = body.map_or(&b""[..], |(_, body)| body);
        let begin = Begin { path, method, uri, to: uri, tag, call_id, cseq: 1, body: octets };
        self.begin(now, &begin, owner, &mut |_, to| match body {
            Some((content_type, body)) => to.body(content_type, body),
            None => to.finish(),
        })?;
        Ok(id)
    }
}
