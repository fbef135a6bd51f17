//! Generic conference control (T.124).
//!
//! [`connect`] has the PDUs that ride in MCS connect PDUs, [`pdu`] the repertoire of those that
//! are sent as MCS user data, and their neighbours what both are made of.

pub mod conference;
pub mod connect;
pub mod network;
pub mod pdu;
pub mod registry;
pub mod roster;
pub mod types;
