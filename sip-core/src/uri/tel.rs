//! Telephone numbers: `tel` URIs, and SIP URIs with `user=phone` (RFC 3966, RFC 3261 section 19.1.6).

use super::{Scheme, Uri, unescape};
use crate::error::{Fault, ParseError};
use crate::message::Writer;

/// A telephone number with its parameters (RFC 3966 section 3).
///
/// ```text
/// tel:+1-201-555-0123;ext=42          tel:7042;phone-context=example.com
///     number         params               number    context
/// ```
///
/// ```
/// use sip_core::uri::{Tel, Uri};
///
/// let tel = Tel::parse(b"tel:+1-201-555-0123").unwrap();
/// assert!(tel.is_global());
/// assert!(tel.digits().eq(*b"+12015550123"));
/// let sip = Uri::parse(b"sip:+12015550123@gw.example.com;user=phone").unwrap();
/// assert!(Tel::of(&sip).unwrap().unwrap().same(&tel));
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tel<'d> {
    /// With its visual separators.
    number: &'d [u8],
    /// From the first semicolon.
    params: &'d [u8],
}

/// How many parameters are put in order when a number is written into a SIP URI, and compared.
const MANY: usize = 16;

impl<'d> Tel<'d> {
    /// Reads a `tel` URI that stands alone.
    ///
    /// # Errors
    /// [`Fault::Scheme`] where it is another URI; the others as for [`Tel::of`].
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        let uri = Uri::parse(text)?;
        match uri.scheme() {
            Scheme::Tel => Self::read(uri.opaque().unwrap_or_default(), 4),
            _ => Err(ParseError::new(Fault::Scheme, 0)),
        }
    }

    /// The number that a URI holds: a `tel` URI, or a SIP URI with `user=phone`. `None` for others.
    ///
    /// # Errors
    /// [`Fault::User`] where the number has no digits or other octets than digits, `*`, `#`, letters A
    /// to F (these in local numbers only) and the visual separators `-`, `.`, `(`, `)`;
    /// [`Fault::Parameter`] where a parameter is malformed or repeated, or there are more than 16;
    /// [`Fault::ParameterMissing`] where a local number has no `phone-context`. Offsets count from the
    /// start of the number.
    pub fn of(uri: &Uri<'d>) -> Option<Result<Self, ParseError>> {
        match uri.scheme() {
            Scheme::Tel => Some(Self::read(uri.opaque().unwrap_or_default(), 0)),
            _ => {
                let phone = uri.param(b"user")?.eq_ignore_ascii_case(b"phone");
                phone.then(|| Self::read(uri.user().unwrap_or_default(), 0))
            }
        }
    }

    fn read(text: &'d [u8], base: usize) -> Result<Self, ParseError> {
        let error = |what, at| Err(ParseError::new(what, base + at));
        let end = text.iter().position(|octet| *octet == b';').unwrap_or(text.len());
        let (number, params) = text.split_at_checked(end).unwrap_or_default();
        let tel = Self { number, params };
        let digits = number.strip_prefix(b"+").unwrap_or(number);
        let is_global = tel.is_global();
        let is_digit = |octet: &u8| {
            octet.is_ascii_digit()
                || (!is_global && (octet.is_ascii_hexdigit() || b"*#".contains(octet)))
        };
        // In a SIP URI a hash stands as an escape.
        if let Some(bad) = tel.bad_octet(digits, is_digit) {
            return error(Fault::User, number.len() - digits.len() + bad);
        }
        if !unescape(digits).any(|octet| is_digit(&octet)) {
            return error(Fault::User, 0);
        }
        if params.split(|octet| *octet == b';').skip(1).any(|param| !is_param(param)) {
            return error(Fault::Parameter, end);
        }
        let is_odd = |(name, value): (&[u8], Option<&[u8]>)| {
            value.is_some_and(|value| has_digits(name, value) && !is_number(value))
        };
        if tel.params().any(is_odd) {
            return error(Fault::Parameter, end);
        }
        if tel.params().count() > MANY {
            return error(Fault::Parameter, end);
        }
        let twice = |name: &[u8]| tel.params().filter(|(found, _)| is(found, name)).count() > 1;
        if tel.params().any(|(name, _)| twice(name)) {
            return error(Fault::Parameter, end);
        }
        let context = tel.param(b"phone-context");
        if !is_global && context.is_none_or(<[u8]>::is_empty) {
            return error(Fault::ParameterMissing, end);
        }
        Ok(tel)
    }

    fn bad_octet(&self, digits: &[u8], is_digit: impl Fn(&u8) -> bool) -> Option<usize> {
        let mut at = 0;
        while let Some(octet) = digits.get(at) {
            let rest = digits.get(at..).unwrap_or_default();
            let step = match (rest, unescape(rest).next()) {
                ([b'%', _, _, ..], Some(b'#')) if !self.is_global() => 3,
                _ if is_digit(octet) || is_separator(octet) => 1,
                _ => return Some(at),
            };
            at += step;
        }
        None
    }

    /// Whether the number is global, that is, begins with a plus.
    pub fn is_global(&self) -> bool {
        self.number.first() == Some(&b'+')
    }

    /// The number as it stands, with its visual separators.
    pub const fn number(&self) -> &'d [u8] {
        self.number
    }

    /// The number without visual separators: its plus, and its digits in lower case.
    pub fn digits(&self) -> impl Iterator<Item = u8> + Clone + use<'d> {
        digits(self.number)
    }

    /// Each parameter in turn, name and value as they stand.
    pub fn params(&self) -> impl Iterator<Item = (&'d [u8], Option<&'d [u8]>)> + use<'d> {
        super::pairs(self.params, b';')
    }

    /// The value of a parameter, empty where it has none; names are compared without case.
    pub fn param(&self, name: &[u8]) -> Option<&'d [u8]> {
        let mut params = self.params();
        params.find(|(found, _)| is(found, name)).map(|(_, value)| value.unwrap_or_default())
    }

    /// The extension behind the number, with its visual separators (RFC 3966 section 5.3).
    pub fn extension(&self) -> Option<&'d [u8]> {
        self.param(b"ext")
    }

    /// The ISDN subaddress (RFC 3966 section 5.3).
    pub fn isdn_subaddress(&self) -> Option<&'d [u8]> {
        self.param(b"isub")
    }

    /// Where a local number is valid: a domain, or the first digits of global numbers (RFC 3966 section
    /// 5.1.5).
    pub fn context(&self) -> Option<&'d [u8]> {
        self.param(b"phone-context")
    }

    /// Whether both are the same number (RFC 3966 section 4): digits without visual separators, and the
    /// same parameters in any order. All is compared without case.
    pub fn same(&self, other: &Tel<'_>) -> bool {
        let has = |(name, value): (&[u8], Option<&[u8]>)| {
            let mut others = other.params().filter(|(found, _)| is(found, name));
            others.any(|(_, found)| same_value(name, value, found))
        };
        self.is_global() == other.is_global()
            && self.digits().eq(other.digits())
            && self.params().count() == other.params().count()
            && self.params().all(has)
    }

    /// Writes the number as a `tel` URI, as it stands.
    pub fn write(&self, to: &mut Writer<'_>) {
        to.fixed(b"tel:");
        to.text(self.number);
        to.text(self.params);
    }

    /// Writes the number as the user part of a SIP URI with `user=phone` (RFC 3261 section 19.1.6):
    /// without visual separators, in lower case, with the extension and the subaddress before the other
    /// parameters and those by their names, so that equal numbers make equal URIs.
    pub fn write_user(&self, to: &mut Writer<'_>) {
        self.digits().for_each(|octet| put(octet, to));
        // Each round takes the least name behind the last one: there are few, and no place to sort them.
        let mut last = None;
        while let Some((name, value)) =
            self.params().filter(|(name, _)| after(name, last)).min_by(|(one, _), (other, _)| {
                rank(one).cmp(&rank(other)).then(lower(one).cmp(lower(other)))
            })
        {
            last = Some(name);
            to.fixed(b";");
            lower(name).for_each(|octet| put(octet, to));
            if let Some(value) = value {
                to.fixed(b"=");
                if has_digits(name, value) {
                    digits(value).for_each(|octet| put(octet, to));
                } else {
                    lower(value).for_each(|octet| put(octet, to));
                }
            }
        }
    }
}

impl PartialEq for Tel<'_> {
    /// As [`Tel::same`].
    fn eq(&self, other: &Tel<'_>) -> bool {
        self.same(other)
    }
}

impl Eq for Tel<'_> {}

/// Writes one octet; some of those of a number cannot stand in a user part.
fn put(octet: u8, to: &mut Writer<'_>) {
    match octet {
        b'#' => to.fixed(b"%23"),
        b':' => to.fixed(b"%3a"),
        b'[' => to.fixed(b"%5b"),
        b']' => to.fixed(b"%5d"),
        octet => to.text(&[octet]),
    }
}

/// Whether a parameter comes behind the one that was written last.
fn after(name: &[u8], last: Option<&[u8]>) -> bool {
    last.is_none_or(|last| rank(last).cmp(&rank(name)).then(lower(last).cmp(lower(name))).is_lt())
}

const fn rank(name: &[u8]) -> u8 {
    if name.eq_ignore_ascii_case(b"ext") {
        0
    } else if name.eq_ignore_ascii_case(b"isub") {
        1
    } else {
        2
    }
}

const fn is(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn is_separator(octet: &u8) -> bool {
    b"-.()".contains(octet)
}

fn digits(number: &[u8]) -> impl Iterator<Item = u8> + Clone {
    unescape(number).filter(|octet| !is_separator(octet)).map(|octet| octet.to_ascii_lowercase())
}

fn lower(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().map(u8::to_ascii_lowercase)
}

/// Whether the value of this parameter is a number, in which visual separators mean nothing.
fn has_digits(name: &[u8], value: &[u8]) -> bool {
    is(name, b"ext") || (is(name, b"phone-context") && value.first() == Some(&b'+'))
}

/// Whether these are digits and visual separators, behind a plus or not.
fn is_number(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"+").unwrap_or(value);
    value.iter().any(u8::is_ascii_digit)
        && value.iter().all(|octet| octet.is_ascii_digit() || is_separator(octet))
}

fn same_value(name: &[u8], one: Option<&[u8]>, other: Option<&[u8]>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) if has_digits(name, one) && has_digits(name, other) => {
            digits(one).eq(digits(other))
        }
        (Some(one), Some(other)) => {
            let lower = |text| unescape(text).map(|octet: u8| octet.to_ascii_lowercase());
            lower(one).eq(lower(other))
        }
        _ => false,
    }
}

/// Whether this is `name` or `name=value`, the name of letters, digits and hyphens, the value of octets
/// that may stand in a URI.
fn is_param(param: &[u8]) -> bool {
    let mut halves = param.splitn(2, |octet| *octet == b'=');
    let name = halves.next().unwrap_or_default();
    let named = !name.is_empty()
        && name.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-');
    let allowed =
        |octet: &u8| octet.is_ascii_alphanumeric() || b"-_.!~*'()%[]/:&+$".contains(octet);
    named && halves.next().is_none_or(|value| !value.is_empty() && value.iter().all(allowed))
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    fn tel(text: &str) -> Tel<'_> {
        Tel::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut buffer = [0; 256];
        let mut writer = Writer::new(&mut buffer);
        write(&mut writer);
        String::from_utf8(writer.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_examples_of_rfc_3966_section_6_are_read() {
        let global = tel("tel:+1-201-555-0123");
        assert!(global.is_global());
        assert!(global.digits().eq(*b"+12015550123"));
        assert_eq!(global.context(), None);
        let local = tel("tel:7042;phone-context=example.com");
        assert!(!local.is_global());
        assert_eq!(local.context(), Some(&b"example.com"[..]));
        let prefix = tel("tel:863-1234;phone-context=+1-914-555");
        assert!(prefix.digits().eq(*b"8631234"));
        assert_eq!(prefix.context(), Some(&b"+1-914-555"[..]));
        let extension = tel("TEL:+358-555-1234567;ext=1.2;isub=9%2C1;PostD=pp22");
        assert_eq!(extension.extension(), Some(&b"1.2"[..]));
        assert_eq!(extension.isdn_subaddress(), Some(&b"9%2C1"[..]));
        assert_eq!(extension.param(b"postd"), Some(&b"pp22"[..]));
        let keys = tel("tel:*21*(0)#aF;phone-context=+49");
        assert!(keys.digits().eq(*b"*21*0#af"));
        for text in ["tel:+1-201-555-0123", "tel:7042;phone-context=example.com;x;y=1"] {
            assert_eq!(written(|to| tel(text).write(to)), text);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for (text, what) in [
            ("sip:+1@b", Fault::Scheme),
            ("tel:+", Fault::User),
            ("tel:+-.()", Fault::User),
            ("tel:+1a", Fault::User),
            ("tel:+1*", Fault::User),
            ("tel:1+1;phone-context=a", Fault::User),
            ("tel:0x;phone-context=a", Fault::User),
            ("tel:+1%20", Fault::User),
            ("tel:7042", Fault::ParameterMissing),
            ("tel:7042;phone-context", Fault::ParameterMissing),
            ("tel:+1;", Fault::Parameter),
            ("tel:+1;;ext=1", Fault::Parameter),
            ("tel:+1;ext=", Fault::Parameter),
            ("tel:+1;ext=-", Fault::Parameter),
            ("tel:+1;a=b=c", Fault::Parameter),
            ("tel:+1;ext=1;EXT=1", Fault::Parameter),
            ("tel:+1;a_b=1", Fault::Parameter),
            ("tel:+1;a=b@c", Fault::Parameter),
            ("tel:+1;a=b,c", Fault::Parameter),
        ] {
            assert_eq!(Tel::parse(text.as_bytes()).unwrap_err().what, what, "{text}");
        }
        let many: String = (0..17).map(|number| std::format!(";p{number}")).collect();
        let text = std::format!("tel:+1{many}");
        assert_eq!(Tel::parse(text.as_bytes()).unwrap_err().what, Fault::Parameter);
    }

    #[test]
    fn numbers_are_compared_by_rfc_3966_section_4() {
        for (one, other) in [
            ("tel:+1-201-555-0123", "tel:+1(201)555.0123"),
            ("tel:+1;ext=1-2;isub=A", "tel:+1;ISUB=a;ext=12"),
            ("tel:7042;phone-context=Example.COM", "TEL:70-42;phone-context=example.com"),
            ("tel:8;phone-context=+1-914-555", "tel:8;phone-context=+1914555"),
            ("tel:#a;phone-context=b", "tel:#A;phone-context=b"),
        ] {
            assert!(tel(one).same(&tel(other)) && tel(other).same(&tel(one)), "{one} {other}");
        }
        for (one, other) in [
            ("tel:+12015550123", "tel:12015550123;phone-context=+1"),
            ("tel:+12015550123", "tel:+12015550124"),
            ("tel:+1", "tel:+1;ext=2"),
            ("tel:+1;ext=1", "tel:+1;ext=2"),
            ("tel:+1;x", "tel:+1;x=1"),
            ("tel:+1;x", "tel:+1;y"),
            ("tel:8;phone-context=a.com", "tel:8;phone-context=b.com"),
        ] {
            assert!(!tel(one).same(&tel(other)) && !tel(other).same(&tel(one)), "{one} {other}");
        }
    }

    #[test]
    fn a_sip_uri_with_user_phone_holds_a_number() {
        let uri = Uri::parse(b"sip:+1-212-555-1212;ext=5:pw@gateway.com;user=phone").unwrap();
        let number = Tel::of(&uri).unwrap().unwrap();
        assert!(number.same(&tel("tel:+12125551212;ext=5")));
        let uri = Uri::parse(b"sip:%2321;phone-context=a.b@gateway.com;user=PHONE").unwrap();
        assert!(Tel::of(&uri).unwrap().unwrap().same(&tel("tel:#21;phone-context=a.b")));
        let uri = Uri::parse(b"sip:+1@gateway.com").unwrap();
        assert!(Tel::of(&uri).is_none(), "a user is no number unless it is said");
        let uri = Uri::parse(b"sip:gateway.com;user=phone").unwrap();
        assert!(Tel::of(&uri).unwrap().is_err());
    }

    #[test]
    fn equal_numbers_make_equal_user_parts() {
        // The examples of RFC 3261 section 19.1.6.
        for text in [
            "tel:+358-555-1234567;postd=pp22;isub=1411;ext=9",
            "tel:+358-555-1234567;EXT=9;isub=1411;PostD=PP22",
        ] {
            let user = written(|to| tel(text).write_user(to));
            assert_eq!(user, "+3585551234567;ext=9;isub=1411;postd=pp22");
        }
        let text = "tel:#1-2;phone-context=+1-914;tsp=a.b";
        let user = written(|to| tel(text).write_user(to));
        assert_eq!(user, "%2312;phone-context=+1914;tsp=a.b");
        let uri = std::format!("sip:{user}@gw.example.com;user=phone");
        let uri = Uri::parse(uri.as_bytes()).unwrap();
        assert!(Tel::of(&uri).unwrap().unwrap().same(&tel(text)));
        let colon = "tel:+1;tsp=[::1]";
        let uri = std::format!("sip:{}@gw;user=phone", written(|to| tel(colon).write_user(to)));
        let uri = Uri::parse(uri.as_bytes()).unwrap();
        assert!(Tel::of(&uri).unwrap().unwrap().same(&tel(colon)), "a colon begins no password");
        let names: Vec<_> = tel(text).params().map(|(name, _)| name).collect();
        assert_eq!(names, [&b"phone-context"[..], b"tsp"]);
    }
}
