//! Header rows, each with the typed value that the crate reads from it.

use core::ops::Deref;

use serde_json::{Value, json};
use sip_core::error::{Fault, ParseError};
use sip_core::header::{
    Accept, AcceptEncoding, AcceptLanguage, Address, Allow, AllowEvents, AuthenticationInfo,
    Authorization, CSeq, CallId, Contact, ContentDisposition, ContentEncoding, ContentLanguage,
    ContentLength, ContentType, Credentials, Cursor, Date, Event, Expires, From, Header, InReplyTo,
    MaxBreadth, MaxForwards, MinExpires, MinSe, Organization, PAssertedIdentity,
    PPreferredIdentity, Path, ProxyAuthenticate, ProxyAuthenticationInfo, ProxyAuthorization,
    ProxyRequire, RAck, RSeq, Reason, RecordRoute, ReferTo, ReferredBy, Replaces, ReplyTo, Require,
    RetryAfter, Route, Server, ServiceRoute, SessionExpires, SipEtag, SipIfMatch, Subject,
    SubscriptionState, Supported, To, Unsupported, UserAgent, Via, Warning, WwwAuthenticate,
};
use sip_core::message::{Message, Name, Row, Writer};

use super::part;
use crate::report::{Fields, put, put_text, put_text_or_null};

/// One row: what is printed of it, and how it is written again.
pub(super) struct Shown<'d> {
    row: Row<'d>,
    raw_name: &'d [u8],
    parsed: Parsed<'d>,
    error: Option<ParseError>,
    skipped: usize,
}

type Write<'d> = Box<dyn Fn(&mut Writer<'_>) + 'd>;

/// What was read from a row.
struct Parsed<'d> {
    json: Value,
    /// Nothing where the value has no type, or is malformed.
    write: Option<Write<'d>>,
}

impl<'d> Shown<'d> {
    pub(super) fn name(&self) -> Name<'d> {
        self.row.name
    }

    pub(super) fn to_json(&self) -> Value {
        let mut fields = Fields::new();
        put_text(&mut fields, "name", self.row.name.long());
        put_text(&mut fields, "raw_name", self.raw_name);
        put_text(&mut fields, "value", &unfolded(self.row.value));
        put(&mut fields, "offset", self.skipped + self.row.at);
        put(&mut fields, "parsed", self.parsed.json.clone());
        let error = self.error.map_or(Value::Null, |error| part::error(error, self.skipped));
        put(&mut fields, "error", error);
        fields.into()
    }

    pub(super) fn write(&self, to: &mut Writer<'_>) {
        match &self.parsed.write {
            Some(write) => write(to),
            None => to.row(&self.row),
        }
    }
}

/// Every row of a message that begins `skipped` octets into the input.
pub(super) fn all<'d>(message: &Message<'d>, skipped: usize) -> Vec<Shown<'d>> {
    let mut shown: Vec<Shown<'d>> = Vec::new();
    for row in message.headers() {
        let raw_name = raw_name(message.as_bytes(), row.at);
        let again = shown.iter().any(|before| before.row.name == row.name);
        let (parsed, error) = match read(&row) {
            Ok((parsed, repeats)) => {
                let repeated = ParseError::new(Fault::Repeated, row.at);
                // Parameters that are numbers are looked at by the check.
                let within = row.check().err();
                (parsed, within.or((again && !repeats).then_some(repeated)))
            }
            Err(error) => (Parsed { json: Value::Null, write: None }, Some(error)),
        };
        shown.push(Shown { row, raw_name, parsed, error, skipped });
    }
    shown
}

/// The name as it stands before the value that begins at `value`.
fn raw_name(octets: &[u8], value: usize) -> &[u8] {
    let before = octets.get(..value).unwrap_or_default();
    let colon = before.iter().rposition(|octet| *octet == b':').unwrap_or_default();
    let before = before.get(..colon).unwrap_or_default();
    let line = before.rsplit(|octet| *octet == b'\n').next().unwrap_or_default();
    line.trim_ascii()
}

/// The value with each fold made one space.
fn unfolded(value: &[u8]) -> Vec<u8> {
    let lines = value.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(&b' ')
}

/// Reads the row as the type that its name asks for; true where the name may stand in several rows.
fn read<'d>(row: &Row<'d>) -> Result<(Parsed<'d>, bool), ParseError> {
    match row.name {
        Name::Via => {
            let (mut parsed, repeats) = values::<Via<'_>>(row, via, rebuilt_via)?;
            // The encoder makes SIP/2.0 only; another protocol is kept as it stands.
            let values = parsed.json.as_array().into_iter().flatten();
            if values.into_iter().any(|value| value["protocol"] != "SIP/2.0") {
                parsed.write = None;
            }
            Ok((parsed, repeats))
        }
        Name::From => address::<From<'_>>(row, tagged),
        Name::To => address::<To<'_>>(row, tagged),
        Name::Contact => values::<Contact<'_>>(row, |v, _| contact(v), rebuilt_contact),
        Name::Route => address::<Route<'_>>(row, plain),
        Name::RecordRoute => address::<RecordRoute<'_>>(row, plain),
        Name::Path => address::<Path<'_>>(row, plain),
        Name::ServiceRoute => address::<ServiceRoute<'_>>(row, plain),
        Name::ReplyTo => address::<ReplyTo<'_>>(row, plain),
        Name::ReferTo => address::<ReferTo<'_>>(row, plain),
        Name::ReferredBy => address::<ReferredBy<'_>>(row, plain),
        Name::PAssertedIdentity => address::<PAssertedIdentity<'_>>(row, plain),
        Name::PPreferredIdentity => address::<PPreferredIdentity<'_>>(row, plain),
        Name::CallId => typed(row, |v: &CallId<'_>| named("call_id", v.0)),
        Name::CSeq => typed(row, |v: &CSeq<'_>| cseq(v)),
        Name::RAck => typed(
            row,
            |v: &RAck<'_>| json!({ "response_number": v.response, "cseq": cseq(&v.cseq) }),
        ),
        Name::MaxForwards => typed(row, |v: &MaxForwards| json!({ "value": v.0 })),
        Name::MaxBreadth => typed(row, |v: &MaxBreadth| json!({ "value": v.0 })),
        Name::ContentLength => typed(row, |v: &ContentLength| json!({ "value": v.0 })),
        Name::Expires => typed(row, |v: &Expires| json!({ "delta_seconds": v.0 })),
        Name::MinExpires => typed(row, |v: &MinExpires| json!({ "delta_seconds": v.0 })),
        Name::RSeq => typed(row, |v: &RSeq| json!({ "value": v.0 })),
        Name::SessionExpires => typed(
            row,
            |v: &SessionExpires<'_>| json!({ "delta_seconds": v.seconds, "parameters": part::params(&v.params) }),
        ),
        Name::MinSe => typed(
            row,
            |v: &MinSe<'_>| json!({ "delta_seconds": v.seconds, "parameters": part::params(&v.params) }),
        ),
        Name::Date => typed(row, |v: &Date| json!({ "unix_seconds": v.unix_seconds })),
        Name::RetryAfter => typed(row, retry_after),
        Name::Subject => typed(row, |v: &Subject<'_>| named("text", v.0)),
        Name::UserAgent => typed(row, |v: &UserAgent<'_>| named("text", v.0)),
        Name::Server => typed(row, |v: &Server<'_>| named("text", v.0)),
        Name::Organization => typed(row, |v: &Organization<'_>| named("text", v.0)),
        Name::SipEtag => typed(row, |v: &SipEtag<'_>| named("entity_tag", v.0)),
        Name::SipIfMatch => typed(row, |v: &SipIfMatch<'_>| named("entity_tag", v.0)),
        Name::ContentType => typed(row, |v: &ContentType<'_>| media(v.kind, v.subtype, &v.params)),
        Name::Accept => typed(row, |v: &Accept<'_>| media(v.kind, v.subtype, &v.params)),
        Name::ContentDisposition => typed(row, |v: &ContentDisposition<'_>| {
            with_params("disposition_type", v.kind, &v.params)
        }),
        Name::AcceptEncoding => {
            typed(row, |v: &AcceptEncoding<'_>| with_params("encoding", v.name, &v.params))
        }
        Name::AcceptLanguage => {
            typed(row, |v: &AcceptLanguage<'_>| with_params("language", v.name, &v.params))
        }
        Name::Allow => typed(row, |v: &Allow<'_>| token(v.0.as_bytes())),
        Name::AllowEvents => typed(row, |v: &AllowEvents<'_>| token(v.0)),
        Name::Supported => typed(row, |v: &Supported<'_>| token(v.0)),
        Name::Require => typed(row, |v: &Require<'_>| token(v.0)),
        Name::ProxyRequire => typed(row, |v: &ProxyRequire<'_>| token(v.0)),
        Name::Unsupported => typed(row, |v: &Unsupported<'_>| token(v.0)),
        Name::ContentEncoding => typed(row, |v: &ContentEncoding<'_>| token(v.0)),
        Name::ContentLanguage => typed(row, |v: &ContentLanguage<'_>| token(v.0)),
        Name::InReplyTo => typed(row, |v: &InReplyTo<'_>| token(v.0)),
        Name::Event => typed(row, |v: &Event<'_>| with_params("package", v.package, &v.params)),
        Name::SubscriptionState => {
            typed(row, |v: &SubscriptionState<'_>| with_params("state", v.state, &v.params))
        }
        Name::Reason => typed(row, |v: &Reason<'_>| with_params("protocol", v.protocol, &v.params)),
        Name::Replaces => typed(row, replaces),
        Name::Warning => typed(row, warning),
        Name::WwwAuthenticate => typed(row, |v: &WwwAuthenticate<'_>| credentials(&v.0)),
        Name::ProxyAuthenticate => typed(row, |v: &ProxyAuthenticate<'_>| credentials(v)),
        Name::Authorization => typed(row, |v: &Authorization<'_>| credentials(v)),
        Name::ProxyAuthorization => typed(row, |v: &ProxyAuthorization<'_>| credentials(v)),
        Name::AuthenticationInfo => {
            typed(row, |v: &AuthenticationInfo<'_>| v.params().map(|p| part::param(&p)).collect())
        }
        Name::ProxyAuthenticationInfo => typed(row, |v: &ProxyAuthenticationInfo<'_>| {
            v.params().map(|p| part::param(&p)).collect()
        }),
        // No type is known for the others: any number of rows, each as it stands.
        _ => Ok((Parsed { json: Value::Null, write: None }, true)),
    }
}

/// A row whose values the crate writes from what was read.
fn typed<'d, T: Header<'d> + 'd>(
    row: &Row<'d>,
    show: fn(&T) -> Value,
) -> Result<(Parsed<'d>, bool), ParseError> {
    values(row, move |value, _| show(value), |values, writer| writer.list(values))
}

/// A row of addresses.
fn address<'d, T>(
    row: &Row<'d>,
    show: fn(&Address<'d>) -> Value,
) -> Result<(Parsed<'d>, bool), ParseError>
where
    T: Header<'d> + Deref<Target = Address<'d>> + 'd,
{
    values::<T>(row, move |value, _| show(value), addressed)
}

/// All values of a row: with `show` as JSON, from each value and its text, and with `write` written
/// again.
fn values<'d, T: Header<'d> + 'd>(
    row: &Row<'d>,
    show: impl Fn(&T, &[u8]) -> Value,
    write: impl Fn(&[T], &mut Writer<'_>) + 'd,
) -> Result<(Parsed<'d>, bool), ParseError> {
    let mut values = Vec::new();
    let mut shown = Vec::new();
    let mut cursor = Cursor::with_base(row.value, row.at);
    if !(T::LIST && T::MAY_BE_EMPTY && row.value.is_empty()) {
        loop {
            let start = cursor.position();
            let value = T::take(&mut cursor)?;
            shown.push(show(&value, cursor.since(start)));
            values.push(value);
            if !(T::LIST && cursor.comma()) {
                break;
            }
        }
        cursor.end()?;
    }
    let json = match shown.pop() {
        Some(only) if !T::LIST => only,
        last => shown.into_iter().chain(last).collect(),
    };
    let write: Option<Write<'d>> =
        if values.is_empty() { None } else { Some(Box::new(move |writer| write(&values, writer))) };
    Ok((Parsed { json, write }, T::REPEATS))
}

fn token(octets: &[u8]) -> Value {
    String::from_utf8_lossy(octets).into()
}

fn named(name: &str, octets: &[u8]) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, name, octets);
    fields.into()
}

fn with_params(name: &str, octets: &[u8], params: &sip_core::header::Params<'_>) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, name, octets);
    put(&mut fields, "parameters", part::params(params));
    fields.into()
}

fn media(kind: &[u8], subtype: &[u8], params: &sip_core::header::Params<'_>) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, "type", kind);
    put_text(&mut fields, "subtype", subtype);
    put(&mut fields, "parameters", part::params(params));
    fields.into()
}

fn cseq(value: &CSeq<'_>) -> Value {
    json!({ "sequence_number": value.number, "method": token(value.method.as_bytes()) })
}

fn retry_after(value: &RetryAfter<'_>) -> Value {
    let mut fields = Fields::new();
    put(&mut fields, "delta_seconds", value.seconds);
    put_text_or_null(&mut fields, "comment", value.comment);
    put(&mut fields, "parameters", part::params(&value.params));
    fields.into()
}

fn replaces(value: &Replaces<'_>) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, "call_id", value.call_id);
    put_text(&mut fields, "to_tag", value.to_tag);
    put_text(&mut fields, "from_tag", value.from_tag);
    put(&mut fields, "early_only", value.early_only);
    fields.into()
}

fn warning(value: &Warning<'_>) -> Value {
    let mut fields = Fields::new();
    put(&mut fields, "warn_code", value.code);
    put_text(&mut fields, "warn_agent", value.agent);
    put_text(&mut fields, "warn_text", &part::octets(&value.text));
    fields.into()
}

fn credentials(value: &Credentials<'_>) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, "scheme", value.scheme.as_bytes());
    let params = value.params().map(|p| part::param(&p)).collect::<Vec<_>>();
    if params.is_empty() {
        put_text(&mut fields, "text", value.as_bytes());
    }
    put(&mut fields, "parameters", params);
    fields.into()
}

fn via(value: &Via<'_>, text: &[u8]) -> Value {
    let mut fields = Fields::new();
    put_text(&mut fields, "protocol", &protocol(text));
    put_text(&mut fields, "transport", value.transport());
    put(&mut fields, "host", part::host(value.host()));
    put(&mut fields, "port", value.port());
    put_text_or_null(&mut fields, "branch", value.branch());
    put(&mut fields, "received", value.received().map(|address| address.to_string()));
    match value.rport() {
        None => {}
        Some(port) => put(&mut fields, "rport", port),
    }
    put(&mut fields, "parameters", part::params(&value.params()));
    fields.into()
}

/// `SIP/2.0` of `SIP / 2.0 / UDP`.
fn protocol(text: &[u8]) -> Vec<u8> {
    text.split(|octet| *octet == b'/')
        .take(2)
        .map(<[u8]>::trim_ascii)
        .collect::<Vec<_>>()
        .join(&b'/')
}

fn rebuilt_via(values: &[Via<'_>], writer: &mut Writer<'_>) {
    writer.list(&values.iter().map(|via| via.with_params(via.params())).collect::<Vec<_>>());
}

fn plain(address: &Address<'_>) -> Value {
    let mut fields = Fields::new();
    part::address(&mut fields, address);
    put(&mut fields, "parameters", part::params(&address.params()));
    fields.into()
}

fn tagged(address: &Address<'_>) -> Value {
    let mut fields = Fields::new();
    part::address(&mut fields, address);
    put_text_or_null(&mut fields, "tag", address.tag());
    put(&mut fields, "parameters", part::params(&address.params()));
    fields.into()
}

fn contact(contact: &Contact<'_>) -> Value {
    match contact {
        Contact::Wildcard => json!({ "wildcard": true }),
        Contact::Address(address) => plain(address),
    }
}

/// The same address, to be written from its parts. `display` holds what the display name says.
fn rebuilt<'d>(address: &Address<'d>, display: Option<&'d [u8]>) -> Address<'d> {
    let mut new = Address::new(part::rebuilt(&address.uri())).with_params(address.params());
    if let Some(display) = display {
        new = new.with_display(display);
    }
    if let Some(tag) = address.tag() {
        new = new.with_tag(tag);
    }
    new
}

fn display(address: &Address<'_>) -> Option<Vec<u8>> {
    address.display().as_ref().map(part::octets)
}

fn addressed<'d, T>(values: &[T], writer: &mut Writer<'_>)
where
    T: Header<'d> + Deref<Target = Address<'d>>,
{
    writer.name(T::NAME);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            writer.text(b", ");
        }
        let display = display(value);
        // All these types write the address alone.
        Route(rebuilt(value, display.as_deref())).write(writer);
    }
    writer.end_row();
}

fn rebuilt_contact(values: &[Contact<'_>], writer: &mut Writer<'_>) {
    let displays = values.iter().map(|contact| contact.address().and_then(display));
    let displays = displays.collect::<Vec<_>>();
    let rebuilt = values.iter().zip(&displays).map(|(contact, display)| match contact {
        Contact::Wildcard => Contact::Wildcard,
        Contact::Address(address) => Contact::Address(rebuilt(address, display.as_deref())),
    });
    writer.list(&rebuilt.collect::<Vec<_>>());
}
