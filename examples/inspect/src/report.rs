//! What is printed: one JSON object with `valid`, `error`, the decoded fields and `reencoded`.

use serde_json::{Map, Value, json};

/// The fields of a JSON object, in the order in which they are put in.
pub(crate) type Fields = Map<String, Value>;

/// What is wrong, and where in the input.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// In octets from the beginning of the input.
    pub(crate) offset: usize,
}

impl Fault {
    pub(crate) fn new(message: impl ToString, offset: usize) -> Self {
        Self { message: message.to_string(), offset }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "message": self.message, "offset": self.offset })
    }
}

/// The outcome of decoding.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What makes the message invalid.
    pub(crate) error: Option<Fault>,
    pub(crate) fields: Fields,
    /// What our encoder made of what was decoded; nothing where the message is invalid.
    pub(crate) reencoded: Option<Vec<u8>>,
}

impl Report {
    /// A message of which nothing can be shown.
    pub(crate) fn broken(error: Fault) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    pub(crate) fn valid(&self) -> bool {
        self.error.is_none()
    }

    /// What is shown of the message, as of a part of something larger too.
    pub(crate) fn to_fields(&self) -> Fields {
        let mut all = Fields::new();
        all.insert("valid".into(), self.valid().into());
        all.insert("error".into(), self.error.as_ref().map_or(Value::Null, Fault::to_json));
        all.extend(self.fields.clone());
        all
    }

    /// The one object.
    pub(crate) fn to_json(&self, reencode: bool, pretty: bool) -> String {
        let mut all = self.to_fields();
        if reencode {
            let octets = self.reencoded.as_ref().filter(|_| self.valid());
            all.insert("reencoded".into(), octets.map_or(Value::Null, |o| hex::encode(o).into()));
        }
        let all = Value::Object(all);
        if pretty { format!("{all:#}") } else { all.to_string() }
    }
}

/// Puts octets in that are text as a rule. Where they are not UTF-8, `name` holds what can be shown
/// and `name_hex` the octets themselves, so that nothing is lost.
pub(crate) fn put_text(fields: &mut Fields, name: &str, octets: &[u8]) {
    fields.insert(name.into(), String::from_utf8_lossy(octets).into());
    if core::str::from_utf8(octets).is_err() {
        fields.insert(format!("{name}_hex"), hex::encode(octets).into());
    }
}

/// [`put_text`], or null where there is none.
pub(crate) fn put_text_or_null(fields: &mut Fields, name: &str, octets: Option<&[u8]>) {
    match octets {
        Some(octets) => put_text(fields, name, octets),
        None => {
            fields.insert(name.into(), Value::Null);
        }
    }
}

/// Puts a value in.
pub(crate) fn put(fields: &mut Fields, name: &str, value: impl Into<Value>) {
    fields.insert(name.into(), value.into());
}

/// Writes with a buffer that grows until it fits: `write` says how much it needs.
pub(crate) fn grow<E>(
    start: usize,
    needed: impl Fn(&E) -> Option<usize>,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
) -> Option<Vec<u8>> {
    let mut buffer = vec![0; start];
    loop {
        match write(&mut buffer) {
            Ok(len) => {
                buffer.truncate(len);
                return Some(buffer);
            }
            Err(error) => match needed(&error) {
                Some(more) if more > buffer.len() => buffer.resize(more, 0),
                _ => return None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_utf8_comes_out_with_its_octets() {
        let mut fields = Fields::new();
        put_text(&mut fields, "value", b"a\xffb");
        put_text(&mut fields, "plain", "\u{e9}".as_bytes());
        let shown = Value::Object(fields).to_string();
        assert_eq!(
            shown,
            "{\"value\":\"a\u{fffd}b\",\"value_hex\":\"61ff62\",\"plain\":\"\u{e9}\"}"
        );
    }

    #[test]
    fn an_invalid_message_is_not_encoded_again() {
        let mut report = Report { reencoded: Some(vec![1]), ..Report::default() };
        assert_eq!(report.to_json(true, false), r#"{"valid":true,"error":null,"reencoded":"01"}"#);
        report.error = Some(Fault::new("bad", 3));
        assert_eq!(
            report.to_json(true, false),
            r#"{"valid":false,"error":{"message":"bad","offset":3},"reencoded":null}"#
        );
    }
}
