//! One sign-in, and the signatures of its messages (MS-SIP section 3.1).

use super::short::{decimal, from_hex, hex, hex_u32, number};
use super::{
    Error, Fields, Kerberos, Mechanism, Session, Short, Side, Signed, SignedText, Terms, Version,
};
use crate::message::Message;

/// Which numbers of the other side's messages were used: the last 256 are told apart, and older ones are
/// refused (MS-SIP section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Window {
    highest: u32,
    /// Bit `i` of word `w` is set when `highest - (64 * w + i)` was used.
    used: [u64; 4],
}

impl Window {
    /// How many numbers are told apart.
    pub const NUMBERS: u32 = 256;

    /// A window in which no number was used.
    #[must_use]
    pub const fn new() -> Self {
        Self { highest: 0, used: [0; 4] }
    }

    /// Whether this number is new. Zero is never new.
    #[must_use]
    pub fn is_new(&self, number: u32) -> bool {
        if number > self.highest {
            return true;
        }
        let age = self.highest - number;
        let word = usize::try_from(age / 64).ok().and_then(|word| self.used.get(word));
        number > 0 && word.is_some_and(|word| word >> (age % 64) & 1 == 0)
    }

    /// Uses a number.
    pub fn mark(&mut self, number: u32) {
        if number > self.highest {
            self.shift(number - self.highest);
            self.highest = number;
        }
        let age = self.highest - number;
        let word = usize::try_from(age / 64).ok().and_then(|word| self.used.get_mut(word));
        if let Some(word) = word {
            *word |= 1 << (age % 64);
        }
    }

    fn shift(&mut self, by: u32) {
        let [a, b, c, d] = self.used;
        let words = by / 64;
        let moved = match words {
            0 => [a, b, c, d],
            1 => [0, a, b, c],
            2 => [0, 0, a, b],
            3 => [0, 0, 0, a],
            _ => [0; 4],
        };
        let bits = by % 64;
        let mut carry = 0;
        for (place, word) in self.used.iter_mut().zip(moved) {
            *place = word << bits | carry;
            // Shifted by 64 there would be nothing left of it.
            carry = word.checked_shr(64 - bits).unwrap_or_default();
        }
    }
}

/// What signs the messages of a sign-in.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) enum Keys {
    Ntlm(Session),
    /// The number of the host's context.
    Kerberos(u32),
}

/// One sign-in, as one side has it.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Association {
    keys: Keys,
    side: Side,
    version: Version,
    opaque: Short<32>,
    realm: Short<64>,
    targetname: Short<128>,
    sent: u32,
    received: Window,
}

/// A signature, to be written into a row.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Signature {
    random: [u8; 8],
    number: Short<10>,
    signature: Short<128>,
}

impl Association {
    /// A sign-in with NTLM whose session stands. `fields` say its realm, target and `opaque`.
    ///
    /// # Errors
    /// [`Error::TooLong`] where a text is longer than what is kept of it: a realm of 64 octets, a
    /// target of 128, an `opaque` of 32.
    pub fn new(session: Session, side: Side, fields: &Fields<'_>) -> Result<Self, Error> {
        Self::with(Keys::Ntlm(session), side, fields)
    }

    /// A sign-in with Kerberos.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn kerberos(context: u32, side: Side, fields: &Fields<'_>) -> Result<Self, Error> {
        Self::with(Keys::Kerberos(context), side, fields)
    }

    fn with(keys: Keys, side: Side, fields: &Fields<'_>) -> Result<Self, Error> {
        Ok(Self {
            keys,
            side,
            version: Version::from_number(fields.version),
            opaque: Short::new(fields.opaque.unwrap_or_default()).ok_or(Error::TooLong)?,
            realm: Short::new(fields.realm).ok_or(Error::TooLong)?,
            targetname: Short::new(fields.targetname).ok_or(Error::TooLong)?,
            sent: 0,
            received: Window::new(),
        })
    }

    /// Signs a message that is to be sent, without the row of the signature. `random` is a random number.
    ///
    /// # Errors
    /// Those of [`SignedText::of`]; [`Error::Mechanism`] where the host's Kerberos does not sign.
    pub fn sign(
        &mut self,
        message: &Message<'_>,
        random: u32,
        kerberos: &mut dyn Kerberos,
    ) -> Result<Signature, Error> {
        let random = hex_u32(random);
        let number = decimal(self.sent.saturating_add(1));
        let text = SignedText::of(message, &self.terms(&random, number.as_bytes()))?;
        let signature = match &self.keys {
            Keys::Ntlm(session) => {
                // The pad means nothing; it tells apart the signatures of one text.
                let [a, b, c, d, ..] = random;
                hex(&session.sign(self.side, [a, b, c, d], text.as_bytes()))
            }
            Keys::Kerberos(context) => {
                let mut token = [0; 64];
                let len =
                    kerberos.sign(*context, text.as_bytes(), &mut token).ok_or(Error::Mechanism)?;
                hex(token.get(..len).ok_or(Error::TooLong)?)
            }
        };
        self.sent = self.sent.saturating_add(1);
        let signature = signature.ok_or(Error::TooLong)?;
        Ok(Signature { random, number, signature })
    }

    /// Checks the other side's signature over a message, and that the message is new. `fields` are
    /// those of the row that it stands in.
    ///
    /// # Errors
    /// [`Error::Unsigned`], [`Error::Unknown`] where it is of another sign-in, [`Error::Replayed`] or
    /// [`Error::Signature`]; those of [`SignedText::of`]. Nothing changes then.
    pub fn verify(
        &mut self,
        message: &Message<'_>,
        fields: &Fields<'_>,
        kerberos: &mut dyn Kerberos,
    ) -> Result<(), Error> {
        let other = self.side.other();
        let signed = fields.signed.filter(|signed| signed.side == other).ok_or(Error::Unsigned)?;
        if fields.mechanism != self.mechanism() || !self.is_named(fields.opaque) {
            return Err(Error::Unknown);
        }
        let count = number(signed.number).ok_or(Error::Signature)?;
        if !self.received.is_new(count) {
            return Err(Error::Replayed);
        }
        let text = SignedText::of(message, &self.terms(signed.random, signed.number))?;
        let mut octets = [0; 64];
        let octets = from_hex(signed.signature, &mut octets).ok_or(Error::Signature)?;
        let is_good = match &self.keys {
            Keys::Ntlm(session) => <&[u8; 16]>::try_from(octets)
                .is_ok_and(|octets| session.verify(other, octets, text.as_bytes())),
            Keys::Kerberos(context) => kerberos.verify(*context, text.as_bytes(), octets),
        };
        if !is_good {
            return Err(Error::Signature);
        }
        self.received.mark(count);
        Ok(())
    }

    /// Takes over what the server calls the sign-in, where it has no name yet.
    pub(super) fn adopt(&mut self, opaque: Option<&[u8]>) -> Result<(), Error> {
        if self.opaque.is_empty() {
            self.opaque = Short::new(opaque.unwrap_or_default()).ok_or(Error::TooLong)?;
        }
        Ok(())
    }

    /// The parameters of a row with this signature.
    #[must_use]
    pub fn fields<'a>(&'a self, signature: &'a Signature) -> Fields<'a> {
        Fields {
            qop: true,
            realm: self.realm.as_bytes(),
            targetname: self.targetname.as_bytes(),
            opaque: Some(self.opaque.as_bytes()).filter(|opaque| !opaque.is_empty()),
            version: self.version.number(),
            signed: Some(Signed {
                side: self.side,
                random: &signature.random,
                number: signature.number.as_bytes(),
                signature: signature.signature.as_bytes(),
            }),
            ..Fields::new(self.mechanism())
        }
    }

    /// Its mechanism.
    #[must_use]
    pub const fn mechanism(&self) -> Mechanism {
        match self.keys {
            Keys::Ntlm(_) => Mechanism::Ntlm,
            Keys::Kerberos(_) => Mechanism::Kerberos,
        }
    }

    /// The number of the host's context, where it is one of Kerberos.
    #[must_use]
    pub const fn context(&self) -> Option<u32> {
        match self.keys {
            Keys::Ntlm(_) => None,
            Keys::Kerberos(context) => Some(context),
        }
    }

    /// Which fields are signed.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Whether rows with this `opaque` belong to it. A server may name none.
    #[must_use]
    pub fn is_named(&self, opaque: Option<&[u8]>) -> bool {
        self.opaque.is_empty() || opaque.is_some_and(|opaque| opaque == self.opaque.as_bytes())
    }

    fn terms<'a>(&'a self, random: &'a [u8], number: &'a [u8]) -> Terms<'a> {
        Terms {
            mechanism: self.mechanism(),
            version: self.version,
            random,
            number,
            realm: self.realm.as_bytes(),
            targetname: self.targetname.as_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_tells_apart_the_last_numbers() {
        let mut window = Window::new();
        let mut accept = |number| {
            let is_new = window.is_new(number);
            if is_new {
                window.mark(number);
            }
            is_new
        };
        assert!(!accept(0));
        for number in [1, 3, 2, 70, 10, 7, 200, 131, 130, 300, 45] {
            assert!(accept(number), "{number}");
            assert!(!accept(number), "{number}");
        }
        assert!(!accept(44), "too old to tell");
        assert!(accept(u32::MAX));
        assert!(!accept(300));
        assert!(accept(u32::MAX - 255));
        assert!(!accept(u32::MAX - 256));
        assert!(!accept(u32::MAX));
    }

    #[test]
    fn a_window_agrees_with_a_set() {
        let mut window = Window::new();
        let mut used = std::collections::BTreeSet::new();
        let mut state = 7_u32;
        let mut base = 1_u32;
        for _ in 0..20_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            base += u32::from(state >> 29 == 0) * (state >> 16 & 127);
            let number = base + (state >> 20 & 511);
            let highest = used.last().copied().unwrap_or(0);
            let expected = number > highest || (highest - number < 256 && !used.contains(&number));
            assert_eq!(window.is_new(number), expected, "{number} of {highest}");
            if expected {
                window.mark(number);
                used.insert(number);
            }
        }
    }
}
