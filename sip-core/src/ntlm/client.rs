//! The client's side of a sign-in.
//!
//! ```text
//!          401 offer            401 CHALLENGE             200, signed
//!  idle ─────────────▶ asking ─────────────────▶ answering ──────────▶ open
//!   ▲                                               │ 401: refused       │ 401 offer: begun anew
//!   └───────────────────────────────────────────────┘ ◀──────────────────┘
//! ```
//!
//! Kerberos has no CHALLENGE: it goes from idle to answering at once.

use base64ct::{Base64, Encoding as _};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::association::Association;
use super::{
    Error, Fields, Fresh, Kerberos, Key, Login, Mechanism, Name, NoKerberos, NtHash, Policy, Short,
    Side, Version, answer,
};
use crate::message::{self, Message, Method, StatusCode, Writer};

/// The longest token that a client sends, before base64: an AUTHENTICATE, or the AP-REQ of Kerberos.
const MAX_TOKEN: usize = 1536;
const MAX_TOKEN_TEXT: usize = MAX_TOKEN / 3 * 4;

/// One account's sign-in to its server. It takes some 6 KiB, most of it for the token.
///
/// The machine that sends and receives messages is another's: this one reads the challenges that come,
/// and writes the row that goes into each message.
pub struct Client<K = NoKerberos> {
    user: Short<128>,
    domain: Short<64>,
    workstation: Short<32>,
    hash: NtHash,
    /// Which sessions are good enough.
    pub policy: Policy,
    kerberos: K,
    context: u32,
    state: State,
    random: ChaCha8Rng,
}

/// What a server offers.
#[derive(Clone, Copy, Debug)]
struct Offer {
    mechanism: Mechanism,
    /// Whether a proxy asks.
    is_proxy: bool,
    version: Option<u32>,
    opaque: Option<Short<32>>,
    realm: Short<64>,
    targetname: Short<128>,
}

#[expect(clippy::large_enum_variant, reason = "in place, without an allocator")]
enum State {
    Idle,
    Asking(Offer),
    Answering { offer: Offer, token: Short<MAX_TOKEN_TEXT>, association: Association },
    Open { is_proxy: bool, association: Association },
}

impl Client {
    /// A client that signs in with NTLM. An empty domain is right where the user is named with one
    /// (`alice@example.com`).
    ///
    /// # Errors
    /// [`Error::TooLong`]: a user has at most 128 octets, a domain 64, a computer 32.
    pub fn new(
        user: &str,
        domain: &str,
        workstation: &str,
        hash: NtHash,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        Self::with_kerberos(user, domain, workstation, hash, NoKerberos, seed)
    }
}

impl<K: Kerberos> Client<K> {
    /// The same for a server that knows Kerberos too, which is taken first.
    ///
    /// # Errors
    /// As [`new`](Client::new).
    pub fn with_kerberos(
        user: &str,
        domain: &str,
        workstation: &str,
        hash: NtHash,
        kerberos: K,
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        Ok(Self {
            user: Short::new(user.as_bytes()).ok_or(Error::TooLong)?,
            domain: Short::new(domain.as_bytes()).ok_or(Error::TooLong)?,
            workstation: Short::new(workstation.as_bytes()).ok_or(Error::TooLong)?,
            hash,
            policy: Policy::STRICT,
            kerberos,
            context: 0,
            state: State::Idle,
            random: ChaCha8Rng::from_seed(seed),
        })
    }

    /// A 401 or 407 came. Says whether to send the request again, with a new CSeq number: its
    /// [`write_row`](Self::write_row) answers then. `time` is the time of day, in tenths of microseconds
    /// since 1601.
    ///
    /// # Errors
    /// [`Error::Password`] where the answer was refused; what is wrong with the challenge, or
    /// [`Error::Weak`].
    pub fn challenged(&mut self, time: u64, message: &Message<'_>) -> Result<bool, Error> {
        let (name, is_proxy) = match message.code() {
            Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => {
                (message::Name::ProxyAuthenticate, true)
            }
            Some(StatusCode::UNAUTHORIZED) => (message::Name::WwwAuthenticate, false),
            _ => return Ok(false),
        };
        let was_answering = matches!(self.state, State::Answering { .. });
        if !was_answering
            && let Some(fields) = Fields::of(message, name, Some(Mechanism::Kerberos))
            && self.initiate(is_proxy, &fields)?
        {
            return Ok(true);
        }
        let Some(fields) = Fields::of(message, name, Some(Mechanism::Ntlm)) else {
            return Ok(false);
        };
        if was_answering {
            self.reset();
            return Err(Error::Password);
        }
        let offer = Offer::new(&fields, is_proxy)?;
        match fields.gssapi_data.filter(|data| !data.is_empty()) {
            None => self.state = State::Asking(offer),
            Some(data) => self.answer(time, offer, &fields, data)?,
        }
        Ok(true)
    }

    /// Writes the row that belongs into a message: what the state of the sign-in asks for, or the
    /// signature. The message is the one that is being written, with all that is signed in it.
    ///
    /// # Errors
    /// Why it cannot be signed. Nothing is written then.
    pub fn write_row(&mut self, message: &Message<'_>, to: &mut Writer<'_>) -> Result<(), Error> {
        let random = self.random.next_u32();
        let name = |is_proxy| match is_proxy {
            true => message::Name::ProxyAuthorization,
            false => message::Name::Authorization,
        };
        match &mut self.state {
            State::Asking(offer) if message.method().is_some() => {
                to.name(name(offer.is_proxy));
                Fields { gssapi_data: Some(b""), ..offer.fields() }.write(to);
            }
            State::Answering { offer, token, association } if message.method().is_some() => {
                let signature = match association.version() {
                    Version::V4 => Some(association.sign(message, random, &mut self.kerberos)?),
                    _ => None,
                };
                let signed =
                    signature.as_ref().and_then(|signature| association.fields(signature).signed);
                to.name(name(offer.is_proxy));
                Fields { gssapi_data: Some(token.as_bytes()), signed, ..offer.fields() }.write(to);
            }
            State::Open { is_proxy, association } => {
                let signature = association.sign(message, random, &mut self.kerberos)?;
                to.name(name(*is_proxy));
                association.fields(&signature).write(to);
            }
            _ => return Ok(()),
        }
        to.end_row();
        Ok(())
    }

    /// Checks a message that came. Once the sign-in has begun, all must be signed but the challenges of
    /// another one, a 100, and responses that refuse a REGISTER.
    ///
    /// # Errors
    /// Those of [`Association::verify`]: the message is to be dropped.
    pub fn check(&mut self, message: &Message<'_>) -> Result<(), Error> {
        let fields = Fields::of_signed(message, Side::Server).map(|(_, fields)| fields);
        let association = match &mut self.state {
            State::Idle | State::Asking(_) => return Ok(()),
            State::Answering { association, .. } | State::Open { association, .. } => association,
        };
        let Some(fields) = fields else {
            return if may_be_unsigned(message) { Ok(()) } else { Err(Error::Unsigned) };
        };
        association.verify(message, &fields, &mut self.kerberos)?;
        if let State::Answering { offer, association, .. } = &self.state {
            let mut association = association.clone();
            association.adopt(fields.opaque)?;
            self.state = State::Open { is_proxy: offer.is_proxy, association };
        }
        Ok(())
    }

    /// Forgets the sign-in: the connection to the server, or the registration, has ended.
    pub fn reset(&mut self) {
        if let State::Answering { association, .. } | State::Open { association, .. } = &self.state
            && let Some(context) = association.context()
        {
            self.kerberos.forget(context);
        }
        self.state = State::Idle;
    }

    /// Whether messages are signed.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Whether a server has asked for a sign-in.
    #[must_use]
    pub const fn is_begun(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    fn initiate(&mut self, is_proxy: bool, fields: &Fields<'_>) -> Result<bool, Error> {
        let mut octets = [0; MAX_TOKEN];
        self.context = self.context.wrapping_add(1);
        let token = self.kerberos.initiate(self.context, fields.targetname, &mut octets);
        let Some(token) = token.and_then(|len| octets.get(..len)) else { return Ok(false) };
        let offer = Offer::new(fields, is_proxy)?;
        let association = Association::kerberos(self.context, Side::Client, fields)?;
        self.state = State::Answering { offer, token: text(token)?, association };
        Ok(true)
    }

    fn answer(
        &mut self,
        time: u64,
        offer: Offer,
        fields: &Fields<'_>,
        data: &[u8],
    ) -> Result<(), Error> {
        let mut challenge = [0; MAX_TOKEN];
        let challenge =
            Base64::decode(data, &mut challenge).map_err(|_| super::Malformed::Base64)?;
        let mut fresh = Fresh { challenge: [0; 8], key: Key::new([0; 16]), time };
        self.random.fill_bytes(&mut fresh.challenge);
        let mut key = [0; 16];
        self.random.fill_bytes(&mut key);
        fresh.key = Key::new(key);
        let login = Login {
            user: utf8(self.user.as_bytes()),
            domain: utf8(self.domain.as_bytes()),
            workstation: utf8(self.workstation.as_bytes()),
            hash: &self.hash,
        };
        let mut octets = [0; MAX_TOKEN];
        let (len, session) = answer(challenge, &login, &fresh, self.policy, &mut octets)?;
        let association = Association::new(session, Side::Client, fields)?;
        let token = text(octets.get(..len).unwrap_or_default())?;
        self.state = State::Answering { offer, token, association };
        Ok(())
    }
}

impl<K> core::fmt::Debug for Client<K> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<K> defmt::Format for Client<K> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Client({})", self.user);
    }
}

impl Offer {
    fn new(fields: &Fields<'_>, is_proxy: bool) -> Result<Self, Error> {
        Ok(Self {
            mechanism: fields.mechanism,
            is_proxy,
            version: Version::from_number(fields.version).number(),
            opaque: match fields.opaque {
                Some(opaque) => Some(Short::new(opaque).ok_or(Error::TooLong)?),
                None => None,
            },
            realm: Short::new(fields.realm).ok_or(Error::TooLong)?,
            targetname: Short::new(fields.targetname).ok_or(Error::TooLong)?,
        })
    }

    fn fields(&self) -> Fields<'_> {
        Fields {
            qop: true,
            realm: self.realm.as_bytes(),
            targetname: self.targetname.as_bytes(),
            opaque: self.opaque.as_ref().map(Short::as_bytes),
            version: self.version,
            ..Fields::new(self.mechanism)
        }
    }
}

/// Whether a message needs no signature though a sign-in has begun.
fn may_be_unsigned(message: &Message<'_>) -> bool {
    let Some(code) = message.code() else { return false };
    let is_challenge =
        matches!(code, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    let cseq = message.typed::<crate::header::CSeq<'_>>().and_then(Result::ok);
    let is_register = cseq.is_some_and(|cseq| cseq.method == Method::Register);
    let is_refusal = !code.is_provisional() && !code.is_success();
    is_challenge || code == StatusCode::TRYING || (is_register && is_refusal)
}

fn utf8(text: &[u8]) -> Name<'_> {
    Name::Utf8(core::str::from_utf8(text).unwrap_or_default())
}

fn text(token: &[u8]) -> Result<Short<MAX_TOKEN_TEXT>, Error> {
    let mut buffer = [0; MAX_TOKEN_TEXT];
    let text = Base64::encode(token, &mut buffer).map_err(|_| Error::TooLong)?;
    Short::new(text.as_bytes()).ok_or(Error::TooLong)
}
