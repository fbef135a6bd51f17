//! The phone's configuration file, as the provisioning server hands it out.
//!
//! ```text
//! # phone-525400123456.cfg
//! user = alice
//! password = secret
//! domain = example.test
//! server = 10.77.0.1:5060
//! expires = 120
//! transport = udp
//! srtp = off
//! ring = ring.pcmu
//! microphone = loop
//! ```

use core::fmt;
use core::net::SocketAddrV4;
use core::str::FromStr;

use heapless::String;

/// The longest value that a setting may have, in octets.
pub const VALUE_MAX: usize = 64;

/// How SIP is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A connection that the phone opens.
    Tcp,
}

/// What the microphone hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Microphone {
    /// A tone of 440 Hz.
    Tone,
    /// What the ear-piece plays: the received audio goes back.
    Loop,
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneConfig {
    /// The user part of the phone's address, and its name in Digest authentication.
    pub user: String<VALUE_MAX>,
    /// The password.
    pub password: String<VALUE_MAX>,
    /// The host part of the phone's address.
    pub domain: String<VALUE_MAX>,
    /// The registrar and outbound proxy.
    pub server: SocketAddrV4,
    /// How long a registration lasts before it is refreshed, in seconds.
    pub expires_s: u32,
    /// How SIP is carried.
    pub transport: Transport,
    /// Whether calls are offered and taken with SRTP only.
    pub srtp: bool,
    /// The file with the ring tone, raw PCMU at 8000 Hz; empty for none.
    pub ring: String<VALUE_MAX>,
    /// What the microphone hears.
    pub microphone: Microphone,
}

/// What is wrong with a file, and in which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// What is wrong.
    pub what: Fault,
    /// The line, from 1; 0 where something is missing in the whole file.
    pub line: u16,
}

/// What can be wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Neither empty, nor a comment, nor `name = value`.
    Line,
    /// A setting that the phone does not have.
    Name,
    /// A value that the setting does not have, or that is too long.
    Value,
    /// `user`, `password`, `domain` or `server` is missing.
    Missing(&'static str),
    /// The file is no UTF-8 text.
    Text,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            Fault::Line => write!(f, "line {}: expected `name = value`", self.line),
            Fault::Name => write!(f, "line {}: there is no such setting", self.line),
            Fault::Value => write!(f, "line {}: this setting cannot have this value", self.line),
            Fault::Missing(name) => write!(f, "the setting {name} is missing"),
            Fault::Text => f.write_str("the file is no text"),
        }
    }
}

impl PhoneConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(file: &[u8]) -> Result<Self, ConfigError> {
        let missing = |name| ConfigError { what: Fault::Missing(name), line: 0 };
        let text =
            core::str::from_utf8(file).map_err(|_| ConfigError { what: Fault::Text, line: 0 })?;
        let (mut user, mut password, mut domain, mut server) = (None, None, None, None);
        let mut expires_s = 120;
        let mut transport = Transport::Udp;
        let mut srtp = false;
        let mut ring = String::new();
        let mut microphone = Microphone::Tone;
        for (line, number) in text.lines().zip(1u16..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = |what| ConfigError { what, line: number };
            let (name, value) = line.split_once('=').ok_or(fault(Fault::Line))?;
            let value = value.trim();
            let text = || String::from_str(value).map_err(|_| fault(Fault::Value));
            match name.trim() {
                "user" => user = Some(text()?),
                "password" => password = Some(text()?),
                "domain" => domain = Some(text()?),
                "server" => server = Some(value.parse().map_err(|_| fault(Fault::Value))?),
                "expires" => expires_s = value.parse().map_err(|_| fault(Fault::Value))?,
                "transport" => {
                    transport = match value {
                        "udp" => Transport::Udp,
                        "tcp" => Transport::Tcp,
                        _ => return Err(fault(Fault::Value)),
                    }
                }
                "srtp" => {
                    srtp = match value {
                        "on" => true,
                        "off" => false,
                        _ => return Err(fault(Fault::Value)),
                    }
                }
                "ring" => ring = text()?,
                "microphone" => {
                    microphone = match value {
                        "tone" => Microphone::Tone,
                        "loop" => Microphone::Loop,
                        _ => return Err(fault(Fault::Value)),
                    }
                }
                _ => return Err(fault(Fault::Name)),
            }
        }
        Ok(Self {
            user: user.ok_or(missing("user"))?,
            password: password.ok_or(missing("password"))?,
            domain: domain.ok_or(missing("domain"))?,
            server: server.ok_or(missing("server"))?,
            expires_s,
            transport,
            srtp,
            ring,
            microphone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = b"# a phone\r\nuser = alice\npassword = s=cret\n\ndomain = example.test\n\
        server = 10.77.0.1:5060\nexpires = 20\ntransport=tcp\nsrtp = on\nring = ring.pcmu\nmicrophone = loop\n";

    #[test]
    fn a_whole_file_is_read() {
        let config = PhoneConfig::parse(GOOD).unwrap();
        assert_eq!((config.user.as_str(), config.password.as_str()), ("alice", "s=cret"));
        assert_eq!(config.server, "10.77.0.1:5060".parse().unwrap());
        assert_eq!(config.expires_s, 20);
        assert_eq!((config.transport, config.srtp), (Transport::Tcp, true));
        assert_eq!(config.microphone, Microphone::Loop);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (file, what, line) in [
            (&b"user alice"[..], Fault::Line, 1),
            (b"\nuser = a\ncolour = red", Fault::Name, 3),
            (b"server = nowhere", Fault::Value, 1),
            (b"expires = soon", Fault::Value, 1),
            (b"srtp = perhaps", Fault::Value, 1),
            (b"user = a\npassword = b\ndomain = c", Fault::Missing("server"), 0),
            (b"\xff", Fault::Text, 0),
        ] {
            assert_eq!(PhoneConfig::parse(file), Err(ConfigError { what, line }));
        }
        let long = [b"user = ".as_slice(), &[b'x'; VALUE_MAX + 1]].concat();
        assert_eq!(PhoneConfig::parse(&long), Err(ConfigError { what: Fault::Value, line: 1 }));
    }
}
