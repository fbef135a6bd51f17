//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use host::codec::Codec;
use host::keys::Policy;
use rtp_core::srtp::Profile;
use sip_core::transport;

const EXAMPLES: &str = "\
Examples:
  Call a telephone directly, say a WAV file, record what comes back:
    softphone call sip:bob@192.0.2.7 --play hello.wav --record answer.wav
  Register at a server over TLS and answer whoever calls, with SRTP or not at all:
    softphone answer -a sip:alice@example.com --transport tls --srtp require
  Call through a server, dial 1 and 2 once it answers, watch loss, jitter and MOS, hang up after a minute:
    softphone call bob -a sip:alice@example.com --dtmf 12 --stats --duration 60
  In a script: a message, and what came of it by the exit status:
    softphone message bob 'Lunch?' -a sip:alice@example.com --json || echo \"status $?\"
  See how somebody is, and each change of it:
    softphone subscribe bob -a sip:alice@example.com

While calls are up it reads commands from standard input, one a line; `help` lists them:
  hold, resume, dtmf 123, transfer sip:carol@example.com, dial sip:carol@example.com, attended 1,
  stats, hangup, quit

The password is best given by the environment variable SOFTPHONE_PASSWORD or by --password-file.

Exit status:
  0  it went well (a call: it was answered, and somebody has hung up)
  1  something on this machine: a file, a port, a setting
  2  the command line is wrong
  3  the server refused the account or the password
  4  no answer: it rang in vain, or nobody answered in time
  5  busy, or declined
  6  refused for another reason
  7  the network: nobody is there, or a certificate is not trusted
  8  no agreement on sound: no common codec, or no SRTP where it is required";

/// A headless telephone: calls, transfers, messages and presence over SIP.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_long_help = EXAMPLES, after_help = "`softphone --help` has examples and the exit status.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Registers, and stays registered until it is told to end (Ctrl-C, or `quit`).
    Register {
        #[command(flatten)]
        identity: Identity,
        /// End once the server has agreed; the registration lasts as long as it said.
        #[arg(long)]
        once: bool,
        /// Take the registration back instead.
        #[arg(long, conflicts_with = "once")]
        remove: bool,
    },
    /// Calls somebody, and ends with the call.
    Call {
        /// Whom to call: a URI, or the name of a user in the account's domain.
        uri: String,
        #[command(flatten)]
        identity: Identity,
        #[command(flatten)]
        sound: SoundOptions,
        /// Register first.
        #[arg(long)]
        register: bool,
        /// Give up after it has rung so long.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        ring_timeout: u64,
    },
    /// Waits for calls and answers them; registers first where an account is given.
    Answer {
        #[command(flatten)]
        identity: Identity,
        #[command(flatten)]
        sound: SoundOptions,
        /// Do not register: who calls knows the address.
        #[arg(long)]
        no_register: bool,
        /// Let it ring so long before it is answered.
        #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
        ring: u64,
        /// Wait for the command `answer` instead of answering by itself.
        #[arg(long, conflicts_with = "ring")]
        manual: bool,
        /// Refuse each call with this status code.
        #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(300..700))]
        reject: Option<u16>,
        /// End after so many calls.
        #[arg(long, value_name = "COUNT")]
        calls: Option<u32>,
        /// Say that it rings in a manner that the caller has to acknowledge (RFC 3262), where it can.
        #[arg(long)]
        reliable: bool,
    },
    /// Sends an instant message, and waits until it is delivered.
    Message {
        /// Whom to send it to.
        uri: String,
        /// The text; `-` reads it from standard input.
        text: String,
        #[command(flatten)]
        identity: Identity,
        /// The type of its content.
        #[arg(long, value_name = "TYPE", default_value = "text/plain;charset=UTF-8")]
        content_type: String,
    },
    /// Subscribes to somebody's state, and tells each change of it.
    Subscribe {
        /// Whose state; the account's own where nobody is named.
        uri: Option<String>,
        #[command(flatten)]
        identity: Identity,
        /// What of it: presence, message-summary, dialog, or another event package.
        #[arg(long, default_value = "presence")]
        event: String,
        /// The type of the documents; known for the packages named above.
        #[arg(long, value_name = "TYPE")]
        accept: Option<String>,
        /// End after so many notifications.
        #[arg(long, value_name = "COUNT")]
        count: Option<u32>,
    },
    /// Publishes the account's presence; takes it back at the end.
    Publish {
        /// Whether the account can be reached.
        #[arg(value_enum)]
        state: Reachable,
        /// A text for those who look.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        identity: Identity,
        /// End once the server has agreed, and leave it published for as long as the server said.
        #[arg(long)]
        once: bool,
    },
    /// Asks what somebody can do, or whether it is there.
    Options {
        /// Whom to ask.
        uri: String,
        #[command(flatten)]
        identity: Identity,
    },
    /// Prints what the lines of --json hold.
    Events,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Reachable {
    Open,
    Closed,
}

/// Who we are, and over whom we speak.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Account and network")]
pub(crate) struct Identity {
    /// The address of record.
    #[arg(short, long, value_name = "URI", env = "SOFTPHONE_ACCOUNT")]
    pub(crate) account: Option<String>,
    /// The name that is shown to others.
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// The user name of authentication, where it is not the account's.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// The password. Other users of this machine can see it there.
    #[arg(long, env = "SOFTPHONE_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// The file whose first line is the password.
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    pub(crate) password_file: Option<PathBuf>,
    /// The server; without it the account's domain to register at, and the called URI's host to call.
    #[arg(short, long, value_name = "HOST[:PORT]", env = "SOFTPHONE_SERVER")]
    pub(crate) server: Option<String>,
    /// How to speak to it.
    #[arg(short, long, value_enum)]
    pub(crate) transport: Option<TransportName>,
    /// The own address, where another than the one towards the server is to be used; a port of 0 takes
    /// any. Without a port, the first free one of 7100 to 7103, or any.
    #[arg(long, value_name = "IP[:PORT]")]
    pub(crate) local: Option<LocalAddress>,
    /// The certificates that are trusted over TLS, as PEM; the system's where it is not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The name that the server's certificate has to be for; the server's where it is not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) tls_name: Option<String>,
    /// How long registrations, subscriptions and publications last; they are refreshed before that.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) expires: u32,
    /// Tell what happens as one JSON object a line: see `softphone events`.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show each SIP message on standard error; keys of SRTP stand in them.
    #[arg(long)]
    pub(crate) trace: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalAddress {
    pub(crate) ip: IpAddr,
    pub(crate) port: Option<u16>,
}

impl std::str::FromStr for LocalAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self { ip: address.ip(), port: Some(address.port()) });
        }
        let ip = text.parse().map_err(|_| "an address such as 192.0.2.7 or 192.0.2.7:5060")?;
        Ok(Self { ip, port: None })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TransportName {
    /// Datagrams (the default).
    Udp,
    /// One connection in clear.
    Tcp,
    /// One connection that is encrypted.
    Tls,
}

impl TransportName {
    pub(crate) fn transport(self) -> transport::Transport {
        match self {
            Self::Udp => transport::Transport::Udp,
            Self::Tcp => transport::Transport::Tcp,
            Self::Tls => transport::Transport::Tls,
        }
    }
}

/// What calls sound like.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Sound")]
pub(crate) struct SoundOptions {
    /// Say this WAV file, of any rate; silence where there is none.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) play: Option<PathBuf>,
    /// Say it again and again.
    #[arg(long, requires = "play")]
    pub(crate) repeat: bool,
    /// Hang up once it was said.
    #[arg(long, requires = "play", conflicts_with = "repeat")]
    pub(crate) until_said: bool,
    /// Write what is heard to this WAV file; a second call's to FILE-2.wav, and so on.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Send these digits once the call is answered: 0-9, *, #, A-D.
    #[arg(long, value_name = "DIGITS", value_parser = digits)]
    pub(crate) dtmf: Option<String>,
    /// Hang up so long after the call was answered.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) duration: Option<f64>,
    /// Whether sound is protected by SRTP, with keys in SIP: use TLS, or a network that you trust.
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    pub(crate) srtp: SrtpPolicy,
    /// The suites of SRTP, the best first.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SUITES", default_values_t = [Suite::AesCm80, Suite::AesCm32, Suite::Gcm128])]
    pub(crate) srtp_suites: Vec<Suite>,
    /// The codecs, the best first.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CODECS", default_values_t = [CodecName::G722, CodecName::Pcmu, CodecName::Pcma])]
    pub(crate) codecs: Vec<CodecName>,
    /// The UDP ports for sound, a pair for each call; the policy's 5350-5353 and then any where it is
    /// not given.
    #[arg(long, value_name = "FIRST-LAST")]
    pub(crate) media_ports: Option<PortRange>,
    /// Show loss, jitter, round trip and MOS each second while calls are up.
    #[arg(long)]
    pub(crate) stats: bool,
    /// Refuse to call somebody else on the other side's behalf (REFER).
    #[arg(long)]
    pub(crate) no_transfer: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SrtpPolicy {
    /// In clear; calls that require it are refused.
    #[default]
    Off,
    /// Where the other side can.
    Offer,
    /// Or no call.
    Require,
}

impl SrtpPolicy {
    pub(crate) fn policy(self) -> Policy {
        match self {
            Self::Off => Policy::Off,
            Self::Offer => Policy::Offer,
            Self::Require => Policy::Require,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// AES_CM_128_HMAC_SHA1_80, which everybody has.
    #[value(name = "aes-cm-80")]
    AesCm80,
    /// AES_CM_128_HMAC_SHA1_32.
    #[value(name = "aes-cm-32")]
    AesCm32,
    /// AES_256_CM_HMAC_SHA1_80.
    #[value(name = "aes256-cm-80")]
    Aes256Cm80,
    /// AEAD_AES_128_GCM.
    Gcm128,
    /// AEAD_AES_256_GCM.
    Gcm256,
}

impl Suite {
    pub(crate) fn profile(self) -> Profile {
        match self {
            Self::AesCm80 => Profile::AesCm128HmacSha1_80,
            Self::AesCm32 => Profile::AesCm128HmacSha1_32,
            Self::Aes256Cm80 => Profile::AesCm256HmacSha1_80,
            Self::Gcm128 => Profile::AeadAes128Gcm,
            Self::Gcm256 => Profile::AeadAes256Gcm,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodecName {
    /// G.711, µ-law.
    Pcmu,
    /// G.711, A-law.
    Pcma,
    /// Wideband.
    G722,
}

impl CodecName {
    pub(crate) fn codec(self) -> Codec {
        match self {
            Self::Pcmu => Codec::Pcmu,
            Self::Pcma => Codec::Pcma,
            Self::G722 => Codec::G722,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortRange {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

impl PortRange {
    /// Pairs whose even port is RTP's.
    pub(crate) fn pairs(self) -> impl Iterator<Item = (u16, u16)> {
        let first = self.first.next_multiple_of(2);
        (first..self.last).step_by(2).map(|rtp| (rtp, rtp + 1))
    }
}

impl std::str::FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "two ports such as 5350-5353, the first even and from 1024 on".to_owned();
        let (first, last) = text.split_once('-').ok_or_else(wrong)?;
        let range = Self {
            first: first.parse().map_err(|_| wrong())?,
            last: last.parse().map_err(|_| wrong())?,
        };
        if range.first < 1024 || !range.first.is_multiple_of(2) || range.pairs().next().is_none() {
            return Err(wrong());
        }
        Ok(range)
    }
}

pub(crate) fn digits(text: &str) -> Result<String, String> {
    let is_key = |key: char| rtp_core::payload::telephone_event::event_of(key).is_some();
    if text.is_empty() || !text.chars().all(is_key) {
        return Err("digits are 0 to 9, *, # and A to D".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn ranges_and_digits_are_checked() {
        let range: PortRange = "5350-5353".parse().unwrap();
        assert_eq!(range.pairs().collect::<Vec<_>>(), [(5350, 5351), (5352, 5353)]);
        for wrong in ["5350", "5351-5360", "10-20", "5352-5352", "5353-5350", "a-b"] {
            assert!(wrong.parse::<PortRange>().is_err(), "{wrong}");
        }
        assert_eq!(digits("12*#AD"), Ok("12*#AD".to_owned()));
        assert!(digits("12x").is_err() && digits("").is_err());
        let local: LocalAddress = "127.0.0.1:0".parse().unwrap();
        assert_eq!(local.port, Some(0));
        assert!("localhost".parse::<LocalAddress>().is_err());
    }
}
