//! Offers and answers of a call (RFC 3264), with keys for SRTP where they are wanted (RFC 4568).
//!
//! Keys that may be left alone stand in a description of `RTP/AVP`, as baresip and many telephones
//! have it; keys that must be taken stand in one of `RTP/SAVP`. Answers use the protocol of the offer.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};
use rtp_core::srtp::Profile;
use sip_core::sdp::{self, Agreed, Crypto, Direction, Local, NegotiationError, Session};

use crate::codec::Codec;
use crate::keys::{self, Keys, Policy};

/// What both sides of a call have agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The codec.
    pub codec: Codec,
    /// The payload type to send it with.
    pub payload_type: u8,
    /// The payload type that it comes with.
    pub comes_as: u8,
    /// The payload types of digits, to send and to receive.
    pub events: Option<(u8, u8)>,
    /// Where RTP goes; unspecified where the other side has it so to be on hold.
    pub rtp: SocketAddr,
    /// Where RTCP goes.
    pub rtcp: SocketAddr,
    /// Which way sound flows, seen from this side.
    pub direction: Direction,
    /// The keys, where sound is protected.
    pub keys: Option<keys::Agreement>,
}

/// One side of the negotiation of a call.
#[derive(Debug)]
pub struct Negotiator {
    session: u64,
    version: u64,
    address: IpAddr,
    ports: (u16, u16),
    codecs: Vec<sdp::Codec<'static>>,
    policy: Policy,
    keys: Keys,
    /// What this side wants: `SendOnly` holds the other.
    pub direction: Direction,
    last: Vec<u8>,
}

/// What every description fits into.
const ROOM: usize = 4096;

impl Negotiator {
    /// The beginning of a call; sound is received at the two ports of the address.
    ///
    /// # Errors
    /// The system gives no random numbers for keys.
    pub fn new(
        address: IpAddr,
        ports: (u16, u16),
        codecs: &[Codec],
        policy: Policy,
        suites: &[Profile],
    ) -> Result<Self> {
        let mut codecs: Vec<_> = codecs.iter().map(|codec| codec.sdp()).collect();
        codecs.push(sdp::Codec::TELEPHONE_EVENT);
        let seed = crate::random::seed()?;
        // Positive in 32 bits: some read no more.
        let session = u32::from_be_bytes([seed[0] & 0x7f, seed[1], seed[2], seed[3]]);
        Ok(Self {
            session: u64::from(session),
            version: 1,
            address,
            ports,
            codecs,
            policy,
            keys: Keys::new(suites)?,
            direction: Direction::SendRecv,
            last: Vec::new(),
        })
    }

    /// An offer of what this side wants now.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn offer(&mut self) -> Result<Vec<u8>> {
        self.describe(|this, buffer| {
            let keys = this.crypto();
            let mut len = sdp::secure_offer(&this.local(), &keys, buffer)?;
            if this.policy == Policy::Offer {
                let open = with_protocol(buffer.get(..len).unwrap_or_default(), false);
                len = open.len();
                buffer.get_mut(..len).context("no room for an offer")?.copy_from_slice(&open);
            }
            Ok((len, ()))
        })
        .map(|(offer, ())| offer)
    }

    /// An answer to an offer, and what is agreed on by it.
    ///
    /// # Errors
    /// It is to be refused with 488.
    pub fn answer(&mut self, offer: &[u8]) -> Result<(Vec<u8>, Agreement)> {
        let keys_are_optional = self.has_optional_keys(offer)?;
        let secured;
        let offer = if keys_are_optional {
            secured = with_protocol(offer, true);
            secured.as_slice()
        } else {
            offer
        };
        let (answer, agreement) = self.describe(|this, buffer| {
            let offer = Session::parse(offer)?;
            let keys = this.crypto_for(&offer);
            let (len, agreed) = sdp::secure_answer(&this.local(), &keys, &offer, buffer)?;
            Ok((len, this.agreement(&agreed, &offer)?))
        })?;
        let answer = if keys_are_optional { with_protocol(&answer, false) } else { answer };
        Ok((answer, agreement))
    }

    /// What is agreed on by the answer to the last offer.
    ///
    /// # Errors
    /// The other side has not kept to the offer: the call has to end.
    pub fn accept(&self, answer: &[u8]) -> Result<Agreement> {
        let secured;
        let answer = if self.has_optional_keys(answer)? {
            secured = with_protocol(answer, true);
            secured.as_slice()
        } else {
            answer
        };
        let answer = Session::parse(answer)?;
        let keys = self.crypto_for(&answer);
        let agreed = sdp::secure_accept(&self.local(), &keys, &answer)?;
        self.agreement(&agreed, &answer)
    }

    /// Whether there are keys of which the other side says that they may be left alone, and this
    /// side takes them.
    fn has_optional_keys(&self, description: &[u8]) -> Result<bool> {
        let session = Session::parse(description)?;
        let audio = session.media().find(|media| media.kind == b"audio" && media.port != 0);
        let suits = |theirs: &Crypto<'_>| {
            !theirs.has_demands() && self.crypto().iter().any(|ours| ours.suite == theirs.suite)
        };
        Ok(audio.is_some_and(|audio| {
            matches!(audio.protocol, b"RTP/AVP" | b"RTP/AVPF") && audio.crypto().any(|c| suits(&c))
        }))
    }

    /// Our keys for this description: none where it is in clear, and may be.
    fn crypto_for(&self, theirs: &Session<'_>) -> Vec<Crypto<'_>> {
        let clear = theirs
            .media()
            .any(|m| m.kind == b"audio" && m.port != 0 && !m.protocol.starts_with(b"RTP/SAVP"));
        let secure = theirs
            .media()
            .any(|m| m.kind == b"audio" && m.port != 0 && m.protocol.starts_with(b"RTP/SAVP"));
        if self.policy == Policy::Offer && clear && !secure { Vec::new() } else { self.crypto() }
    }

    fn crypto(&self) -> Vec<Crypto<'_>> {
        if self.policy == Policy::Off { Vec::new() } else { self.keys.attributes() }
    }

    fn agreement(&self, agreed: &Agreed<'_>, theirs: &Session<'_>) -> Result<Agreement> {
        let keys = match &agreed.crypto {
            None => None,
            Some(choice) => {
                let key = theirs.crypto(choice).ok_or(NegotiationError::NoCommonCrypto)?;
                Some(self.keys.agree(choice, &key)?)
            }
        };
        Ok(Agreement {
            codec: Codec::from_name(agreed.codec.name)
                .context("a codec that nobody has offered")?,
            payload_type: agreed.send_payload_type,
            comes_as: agreed.receive_payload_type,
            events: agreed.telephone_event,
            rtp: agreed.rtp,
            rtcp: agreed.rtcp,
            direction: agreed.direction,
            keys,
        })
    }

    fn local(&self) -> Local<'_> {
        Local {
            session: self.session,
            version: self.version,
            address: self.address,
            rtp_port: self.ports.0,
            rtcp_port: self.ports.1,
            codecs: &self.codecs,
            direction: self.direction,
            ptime_ms: 20,
        }
    }

    /// Writes a description; its version grows where it is not the one of before.
    fn describe<T>(
        &mut self,
        write: impl Fn(&Self, &mut [u8]) -> Result<(usize, T)>,
    ) -> Result<(Vec<u8>, T)> {
        let mut buffer = vec![0; ROOM];
        let (len, _) = write(self, &mut buffer)?;
        if !self.last.is_empty() && buffer.get(..len) != Some(&self.last) {
            self.version += 1;
        }
        let (len, said) = write(self, &mut buffer)?;
        buffer.truncate(len);
        self.last.clone_from(&buffer);
        Ok((buffer, said))
    }
}

/// The description with the media protocol of audio in clear turned into the one of keys that must be
/// taken, or the other way round.
fn with_protocol(description: &[u8], secure: bool) -> Vec<u8> {
    let (from, to) = if secure { (" RTP/AVP", " RTP/SAVP") } else { (" RTP/SAVP", " RTP/AVP") };
    let text = String::from_utf8_lossy(description);
    let lines = text.split_inclusive('\n').map(|line| {
        if line.starts_with("m=audio ") { line.replacen(from, to, 1) } else { line.to_owned() }
    });
    lines.collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(port: u16, codecs: &[Codec], policy: Policy) -> Negotiator {
        let suites = keys::SUITES;
        Negotiator::new([127, 0, 0, 1].into(), (port, port + 1), codecs, policy, suites).unwrap()
    }

    fn call(offers: Policy, answers: Policy) -> Result<(Agreement, Agreement)> {
        let mut alice = side(4000, &[Codec::G722, Codec::Pcma], offers);
        let mut bob = side(5000, &[Codec::Pcmu, Codec::Pcma], answers);
        let offer = alice.offer()?;
        let (answer, at_bob) = bob.answer(&offer)?;
        Ok((alice.accept(&answer)?, at_bob))
    }

    #[test]
    fn policies_come_to_the_agreement_that_they_should() {
        use Policy::{Off, Offer, Require};
        for (offers, answers, protected) in [
            (Off, Off, Some(false)),
            (Off, Offer, Some(false)),
            (Off, Require, None),
            (Offer, Off, Some(false)),
            (Offer, Offer, Some(true)),
            (Offer, Require, Some(true)),
            (Require, Off, None),
            (Require, Offer, Some(true)),
            (Require, Require, Some(true)),
        ] {
            let agreed = call(offers, answers);
            let found = agreed.as_ref().ok().map(|(alice, _)| alice.keys.is_some());
            assert_eq!(found, protected, "{offers:?} to {answers:?}: {agreed:?}");
            let Ok((alice, bob)) = agreed else { continue };
            assert_eq!((alice.codec, bob.codec), (Codec::Pcma, Codec::Pcma));
            assert_eq!((alice.rtp.port(), bob.rtp.port()), (5000, 4000));
            let keys = |one: &Agreement| one.keys.clone().map(|keys| (keys.ours, keys.theirs));
            let swapped = keys(&bob).map(|(ours, theirs)| (theirs, ours));
            assert_eq!(keys(&alice), swapped);
        }
    }

    #[test]
    fn hold_keeps_the_keys_and_raises_the_version() {
        let mut alice = side(4000, &Codec::ALL, Policy::Offer);
        let mut bob = side(5000, &Codec::ALL, Policy::Offer);
        let offer = alice.offer().unwrap();
        assert_eq!(alice.offer().unwrap(), offer);
        let (answer, first) = bob.answer(&offer).unwrap();
        alice.accept(&answer).unwrap();
        alice.direction = Direction::SendOnly;
        let hold = alice.offer().unwrap();
        let version = |offer: &[u8]| {
            let text = String::from_utf8_lossy(offer).into_owned();
            text.lines().nth(1).and_then(|o| o.split(' ').nth(2)?.parse::<u64>().ok()).unwrap()
        };
        assert_eq!(version(&hold), version(&offer) + 1);
        let (answer, held) = bob.answer(&hold).unwrap();
        assert_eq!(held.direction, Direction::RecvOnly);
        assert_eq!(held.keys, first.keys);
        assert_eq!(alice.accept(&answer).unwrap().direction, Direction::SendOnly);
    }

    #[test]
    fn keys_in_a_description_in_clear_are_taken_or_left() {
        let mut alice = side(4000, &Codec::ALL, Policy::Offer);
        let offer = alice.offer().unwrap();
        let text = String::from_utf8_lossy(&offer).into_owned();
        assert!(text.contains("RTP/AVP") && text.contains("a=crypto:1 AES_CM_128"), "{text}");
        let (answer, _) = side(5000, &Codec::ALL, Policy::Offer).answer(&offer).unwrap();
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(text.contains("RTP/AVP") && text.contains("a=crypto:1"), "{text}");
    }
}
