//! Reads a row for its errors only.

use super::*;
use crate::message::Row;

impl Row<'_> {
    /// Reads every value of the row as its type, and gives the first error.
    ///
    /// Rows of names that have no type here, and rows whose values are any text, are never wrong.
    ///
    /// # Errors
    /// What is wrong; the offset counts from the start of the message.
    pub fn check(&self) -> Result<(), ParseError> {
        match self.name {
            Name::Accept => self.check_as::<Accept<'_>>(),
            Name::AcceptEncoding => self.check_as::<AcceptEncoding<'_>>(),
            Name::AcceptLanguage => self.check_as::<AcceptLanguage<'_>>(),
            Name::AlertInfo => self.check_as::<AlertInfo<'_>>(),
            Name::Allow => self.check_as::<Allow<'_>>(),
            Name::AllowEvents => self.check_as::<AllowEvents<'_>>(),
            Name::AuthenticationInfo => self.check_as::<AuthenticationInfo<'_>>(),
            Name::Authorization => self.check_as::<Authorization<'_>>(),
            Name::CallInfo => self.check_as::<CallInfo<'_>>(),
            Name::CSeq => self.check_as::<CSeq<'_>>(),
            Name::CallId => self.check_as::<CallId<'_>>(),
            Name::Contact => self.check_contact(),
            Name::ContentDisposition => self.check_as::<ContentDisposition<'_>>(),
            Name::ContentEncoding => self.check_as::<ContentEncoding<'_>>(),
            Name::ContentId => self.check_as::<ContentId<'_>>(),
            Name::ContentLanguage => self.check_as::<ContentLanguage<'_>>(),
            Name::ContentLength => self.check_as::<ContentLength>(),
            Name::ContentType => self.check_as::<ContentType<'_>>(),
            Name::Date => self.check_as::<Date>(),
            Name::ErrorInfo => self.check_as::<ErrorInfo<'_>>(),
            Name::Event => self.check_as::<Event<'_>>(),
            Name::Expires => self.check_as::<Expires>(),
            Name::FlowTimer => self.check_as::<FlowTimer>(),
            Name::From => self.check_as::<From<'_>>(),
            Name::HistoryInfo => self.check_as::<HistoryInfo<'_>>(),
            Name::InfoPackage => self.check_as::<InfoPackage<'_>>(),
            Name::InReplyTo => self.check_as::<InReplyTo<'_>>(),
            Name::Join => self.check_as::<Join<'_>>(),
            Name::MaxBreadth => self.check_as::<MaxBreadth>(),
            Name::MaxForwards => self.check_as::<MaxForwards>(),
            Name::MimeVersion => self.check_as::<MimeVersion>(),
            Name::MinExpires => self.check_as::<MinExpires>(),
            Name::MinSe => self.check_as::<MinSe<'_>>(),
            Name::PAssertedIdentity => self.check_as::<PAssertedIdentity<'_>>(),
            Name::PPreferredIdentity => self.check_as::<PPreferredIdentity<'_>>(),
            Name::Path => self.check_as::<Path<'_>>(),
            Name::Priority => self.check_as::<Priority<'_>>(),
            Name::Privacy => self.check_as::<Privacy<'_>>(),
            Name::ProxyAuthenticate => self.check_as::<ProxyAuthenticate<'_>>(),
            Name::ProxyAuthorization => self.check_as::<ProxyAuthorization<'_>>(),
            Name::ProxyRequire => self.check_as::<ProxyRequire<'_>>(),
            Name::RAck => self.check_as::<RAck<'_>>(),
            Name::RSeq => self.check_as::<RSeq>(),
            Name::Reason => self.check_as::<Reason<'_>>(),
            Name::RecordRoute => self.check_as::<RecordRoute<'_>>(),
            Name::RecvInfo => self.check_as::<RecvInfo<'_>>(),
            Name::ReferSub => self.check_as::<ReferSub<'_>>(),
            Name::ReferTo => self.check_as::<ReferTo<'_>>(),
            Name::ReferredBy => self.check_as::<ReferredBy<'_>>(),
            Name::Replaces => self.check_as::<Replaces<'_>>(),
            Name::ReplyTo => self.check_as::<ReplyTo<'_>>(),
            Name::Require => self.check_as::<Require<'_>>(),
            Name::RetryAfter => self.check_as::<RetryAfter<'_>>(),
            Name::Route => self.check_as::<Route<'_>>(),
            Name::ServiceRoute => self.check_as::<ServiceRoute<'_>>(),
            Name::SessionExpires => self.check_as::<SessionExpires<'_>>(),
            Name::SessionId => self.check_as::<SessionId<'_>>(),
            Name::SipEtag => self.check_as::<SipEtag<'_>>(),
            Name::SipIfMatch => self.check_as::<SipIfMatch<'_>>(),
            Name::SubscriptionState => self.check_as::<SubscriptionState<'_>>(),
            Name::Supported => self.check_as::<Supported<'_>>(),
            Name::SuppressIfMatch => self.check_as::<SuppressIfMatch<'_>>(),
            Name::TargetDialog => self.check_as::<TargetDialog<'_>>(),
            Name::Timestamp => self.check_as::<Timestamp<'_>>(),
            Name::To => self.check_as::<To<'_>>(),
            Name::Unsupported => self.check_as::<Unsupported<'_>>(),
            Name::Via => self.check_as::<Via<'_>>(),
            Name::Warning => self.check_as::<Warning<'_>>(),
            Name::WwwAuthenticate => self.check_as::<WwwAuthenticate<'_>>(),
            _ => Ok(()),
        }
    }

    fn check_as<'d, T: Header<'d>>(&'d self) -> Result<(), ParseError> {
        self.values::<T>().try_for_each(|value| value.map(|_| ()))
    }

    fn check_contact(&self) -> Result<(), ParseError> {
        self.values::<Contact<'_>>().try_for_each(|contact| {
            let contact = contact?;
            // The numbers among its parameters are read by their own functions.
            let number = contact.expires().map(|expires| expires.map(|_| ()));
            let q = contact.q_thousandths().map(|q| q.map(|_| ()));
            number
                .into_iter()
                .chain(q)
                .try_for_each(|read| read.map_err(|error| ParseError::new(error.what, self.at)))
        })
    }
}

impl<'d> Row<'d> {
    /// Every value of the row, read as the type; the host answers for its being the right one.
    pub fn values<T: Header<'d>>(
        &self,
    ) -> impl Iterator<Item = Result<T, ParseError>> + use<'d, T> {
        let mut cursor = Cursor::with_base(self.value, self.at);
        let mut more = !(T::LIST && T::MAY_BE_EMPTY && self.value.is_empty());
        core::iter::from_fn(move || {
            if !core::mem::take(&mut more) {
                return None;
            }
            let value = T::take(&mut cursor);
            Some(value.and_then(|value| {
                if T::LIST && cursor.comma() {
                    more = true;
                } else {
                    cursor.end()?;
                }
                Ok(value)
            }))
        })
    }
}
