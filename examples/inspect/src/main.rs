//! Shows what the crates make of octets: one message in, one JSON object out; or a capture in, and
//! the ladders of its calls out.
//!
//! The exit code is 0 for a valid message, 1 for an invalid one, 2 where the program was called
//! wrongly or the input cannot be read.

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod input;
mod pcap;
mod report;
mod rtcp;
mod rtp;
mod sdp;
mod sip;
mod t120;
mod tftp;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::report::Report;

const EXAMPLES: &str = "\
Examples:
  inspect sip invite.txt --pretty
  inspect sip capture.bin --stream
  printf '80 00 00 01 00 00 00 a0 01 02 03 04 ff ff' | inspect rtp - --hex --reencode
  inspect tftp request.bin
  inspect pcap calls.pcap --svg calls.svg
  inspect pcap calls.pcapng --from alice --method INVITE
  echo 2e00013ef003ef | inspect t120 --as mcs-domain --hex -

Exit code: 0 the message is valid, 1 it is not (the object says why and where), 2 the program was
called wrongly or the input cannot be read.";

/// Decodes one message and prints it as one JSON object, or draws the calls of a capture
#[derive(Debug, Parser)]
#[command(name = "inspect", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct How {
    /// The input is hexadecimal text; blanks and line ends in it do not count
    #[arg(long, global = true)]
    hex: bool,
    /// Add `reencoded`: the message as our encoder writes what was decoded, in hexadecimal
    #[arg(long, global = true)]
    reencode: bool,
    /// Spread the object over several lines
    #[arg(long, global = true)]
    pretty: bool,
    /// Print JSON: of a capture instead of text, of a message always
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    #[command(flatten)]
    Message(Form),
    /// The calls of a capture as ladder diagrams, and its RTP streams with loss and jitter
    Pcap(pcap::Options),
}

/// One message.
#[derive(Debug, Subcommand)]
enum Form {
    /// A SIP message (RFC 3261), with an SDP or multipart body decoded
    Sip {
        /// Frame it as on a stream: Content-Length has to be there, and a body that is cut short is
        /// an incomplete message
        #[arg(long)]
        stream: bool,
        /// The file, or `-` for standard input
        file: String,
    },
    /// A session description (RFC 4566, RFC 8866)
    Sdp {
        /// The file, or `-` for standard input
        file: String,
    },
    /// An RTP packet (RFC 3550)
    Rtp {
        /// The file, or `-` for standard input
        file: String,
    },
    /// A datagram of RTCP packets (RFC 3550)
    Rtcp {
        /// The file, or `-` for standard input
        file: String,
    },
    /// A TFTP packet (RFC 1350, options of RFC 2347)
    Tftp {
        /// The file, or `-` for standard input
        file: String,
    },
    /// A PDU of the T.120 family
    T120 {
        /// Which PDU the input holds
        #[arg(long = "as", value_enum, value_name = "PDU")]
        pdu: t120::Pdu,
        /// The file, or `-` for standard input
        file: String,
    },
}

impl Form {
    fn file(&self) -> &str {
        match self {
            Self::Sip { file, .. }
            | Self::Sdp { file }
            | Self::Rtp { file }
            | Self::Rtcp { file }
            | Self::Tftp { file }
            | Self::T120 { file, .. } => file,
        }
    }

    fn decode(&self, octets: &[u8]) -> Report {
        match self {
            Self::Sip { stream, .. } => sip::decode(octets, *stream),
            Self::Sdp { .. } => sdp::decode(octets),
            Self::Rtp { .. } => rtp::decode(octets),
            Self::Rtcp { .. } => rtcp::decode(octets),
            Self::Tftp { .. } => tftp::decode(octets),
            Self::T120 { pdu, .. } => t120::decode(*pdu, octets),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let form = match &cli.what {
        What::Message(form) => form,
        What::Pcap(_) if cli.how.hex || cli.how.reencode => {
            eprintln!("error: --hex and --reencode are for single messages, not for captures");
            return ExitCode::from(2);
        }
        What::Pcap(options) => {
            return pcap::run(options, cli.how.json, cli.how.pretty).unwrap_or_else(|error| {
                eprintln!("error: {error:#}");
                ExitCode::from(2)
            });
        }
    };
    let octets = match input::read(form.file(), cli.how.hex) {
        Ok(octets) => octets,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    let report = form.decode(&octets);
    let text = report.to_json(cli.how.reencode, cli.how.pretty);
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}") {
        // A reader that has seen enough, as `head` has, is no failure of ours.
        if error.kind() != std::io::ErrorKind::BrokenPipe {
            eprintln!("error: standard output: {error}");
            return ExitCode::from(2);
        }
    }
    if report.valid() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
