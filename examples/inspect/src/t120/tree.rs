//! A value of the T.120 crate as a tree.
//!
//! The hundreds of PDU types derive `Debug`, which names every component and alternative. Reading
//! that text back shows each of them with one piece of code that no new type has to be added to.

use core::fmt::Debug;
use core::iter::Peekable;
use core::str::Chars;

/// A value as its `Debug` text has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// `Name { field: value }`.
    Struct(String, Vec<(String, Self)>),
    /// `Name(value)`, with as many values as it has.
    Tuple(String, Vec<Self>),
    /// A name alone: an item, an alternative without a value, `true`, `false`, `None`.
    Name(String),
    /// Digits: a number, or the numbers of an object identifier with dots between.
    Number(String),
    /// A character string.
    Text(String),
    /// An octet string.
    Octets(String),
    /// `[value, value]`.
    List(Vec<Self>),
}

impl Tree {
    /// The tree of a value; nothing where its text follows other rules.
    pub(super) fn of(value: &impl Debug) -> Option<Self> {
        let text = format!("{value:?}");
        let mut parser = Parser { chars: text.chars().peekable() };
        let tree = parser.value()?;
        parser.chars.next().is_none().then_some(tree)
    }
}

struct Parser<'t> {
    chars: Peekable<Chars<'t>>,
}

impl Parser<'_> {
    fn value(&mut self) -> Option<Tree> {
        match *self.chars.peek()? {
            '"' => self.text(),
            '[' => {
                self.chars.next();
                self.values(']').map(Tree::List)
            }
            '-' | '0'..='9' => {
                let digits = self.while_true(|c| c == '-' || c == '.' || c.is_ascii_digit());
                Some(Tree::Number(digits))
            }
            c if c.is_alphabetic() || c == '_' => self.named(),
            _ => None,
        }
    }

    fn named(&mut self) -> Option<Tree> {
        let name = self.while_true(|c| c.is_alphanumeric() || c == '_');
        let mut ahead = self.chars.clone();
        match ahead.next() {
            Some('\'') if name == "h" => {
                self.chars.next();
                let digits = self.while_true(|c| c != '\'');
                self.expect('\'')?;
                Some(Tree::Octets(digits))
            }
            Some('(') => {
                self.chars.next();
                Some(Tree::Tuple(name, self.values(')')?))
            }
            // A blank may also stand before the brace that ends what is around.
            Some(' ') if ahead.next() == Some('{') => {
                self.chars.next();
                self.expect('{')?;
                Some(Tree::Struct(name, self.fields()?))
            }
            _ => Some(Tree::Name(name)),
        }
    }

    /// Values with commas between, up to `end`.
    fn values(&mut self, end: char) -> Option<Vec<Tree>> {
        let mut values = Vec::new();
        loop {
            if self.chars.next_if_eq(&end).is_some() {
                return Some(values);
            }
            if !values.is_empty() {
                self.expect(',')?;
                self.expect(' ')?;
            }
            values.push(self.value()?);
        }
    }

    /// ` name: value, name: value }`.
    fn fields(&mut self) -> Option<Vec<(String, Tree)>> {
        let mut fields = Vec::new();
        loop {
            self.expect(' ')?;
            let name = self.while_true(|c| c.is_alphanumeric() || c == '_');
            self.expect(':')?;
            self.expect(' ')?;
            fields.push((name, self.value()?));
            match self.chars.next()? {
                ',' => {}
                ' ' => {
                    self.expect('}')?;
                    return Some(fields);
                }
                _ => return None,
            }
        }
    }

    fn text(&mut self) -> Option<Tree> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            match self.chars.next()? {
                '"' => return Some(Tree::Text(text)),
                '\\' => text.push(self.escaped()?),
                c => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.chars.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            'u' => {
                self.expect('{')?;
                let digits = self.while_true(|c| c.is_ascii_hexdigit());
                self.expect('}')?;
                char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
            }
            c => c,
        })
    }

    fn expect(&mut self, c: char) -> Option<()> {
        self.chars.next_if_eq(&c).map(drop)
    }

    fn while_true(&mut self, accept: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(c) = self.chars.next_if(|c| accept(*c)) {
            taken.push(c);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[allow(dead_code, reason = "read through Debug")]
    struct Pdu {
        number: i32,
        text: &'static str,
        none: Option<u8>,
        some: Option<Choice>,
        list: [Choice; 2],
    }

    #[derive(Debug)]
    #[allow(dead_code, reason = "read through Debug")]
    enum Choice {
        Empty,
        Value(u8),
    }

    #[test]
    fn what_debug_writes_is_read_back() {
        let pdu = Pdu {
            number: -5,
            text: "a\"\\\n\u{7f}é",
            none: None,
            some: Some(Choice::Value(1)),
            list: [Choice::Empty, Choice::Value(2)],
        };
        let value = |digits: &str| Tree::Tuple("Value".into(), vec![Tree::Number(digits.into())]);
        let fields = vec![
            ("number".into(), Tree::Number("-5".into())),
            ("text".into(), Tree::Text("a\"\\\n\u{7f}é".into())),
            ("none".into(), Tree::Name("None".into())),
            ("some".into(), Tree::Tuple("Some".into(), vec![value("1")])),
            ("list".into(), Tree::List(vec![Tree::Name("Empty".into()), value("2")])),
        ];
        assert_eq!(Tree::of(&pdu), Some(Tree::Struct("Pdu".into(), fields)));
    }

    #[test]
    fn other_text_is_no_tree() {
        struct Odd;
        impl Debug for Odd {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("Odd { 1 }")
            }
        }
        assert_eq!(Tree::of(&Odd), None);
    }
}
