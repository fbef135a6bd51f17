//! Kerberos as a source of tokens and signatures that the host gives.

use crate::server::User;

/// Kerberos, as the host's library has it (RFC 4120, RFC 1964). A context is named by a number that
/// this crate picks; the host keeps what belongs to it.
pub trait Kerberos {
    /// A client begins a context with the service `targetname` (`sip/lcs.example.com`): writes the token
    /// of the AP-REQ to the start of `buffer` and gives its length; nothing where there is no ticket.
    fn initiate(&mut self, context: u32, targetname: &[u8], buffer: &mut [u8]) -> Option<usize>;

    /// A server takes the token of a client's AP-REQ: the user whom it names; nothing where it is not
    /// good.
    fn accept(&mut self, context: u32, token: &[u8]) -> Option<User>;

    /// Writes the token of RFC 1964 section 1.2.1 (MIC) over `text` to the start of `signature`, of 64
    /// octets, and gives its length.
    fn sign(&mut self, context: u32, text: &[u8], signature: &mut [u8]) -> Option<usize>;

    /// Whether `signature` is the other side's token over `text`.
    fn verify(&mut self, context: u32, text: &[u8], signature: &[u8]) -> bool;

    /// A context is over.
    fn forget(&mut self, context: u32);
}

/// No Kerberos: nobody signs in with it.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NoKerberos;

impl Kerberos for NoKerberos {
    fn initiate(&mut self, _: u32, _: &[u8], _: &mut [u8]) -> Option<usize> {
        None
    }

    fn accept(&mut self, _: u32, _: &[u8]) -> Option<User> {
        None
    }

    fn sign(&mut self, _: u32, _: &[u8], _: &mut [u8]) -> Option<usize> {
        None
    }

    fn verify(&mut self, _: u32, _: &[u8], _: &[u8]) -> bool {
        false
    }

    fn forget(&mut self, _: u32) {}
}
