//! One call of the telephone: what was agreed on, and its sound.

use std::path::PathBuf;

use anyhow::{Context, Result};
use host::audio::Sound;
use host::bind::{self, Otherwise};
use host::codec::Codec;
use host::media::{Ear, Media, News, Setup};
use host::negotiation::{Agreement, Negotiator};
use rtp_core::srtp::Profile;
use sip_core::agent::CallId;
use sip_core::sdp::Direction;
use std::net::IpAddr;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::cli::{PortRange, SoundOptions};

/// What all calls of a telephone have in common.
pub(crate) struct Common {
    pub(crate) ip: IpAddr,
    /// The canonical name in RTCP.
    pub(crate) name: String,
    pub(crate) options: SoundOptions,
    codecs: Vec<Codec>,
    suites: Vec<Profile>,
    speech: Option<Sound>,
    pub(crate) tell: mpsc::UnboundedSender<(u32, News)>,
}

impl Common {
    pub(crate) fn new(
        ip: IpAddr,
        name: &str,
        options: SoundOptions,
        tell: mpsc::UnboundedSender<(u32, News)>,
    ) -> Result<Self> {
        let speech = options.play.as_deref().map(Sound::read).transpose()?;
        let mut codecs: Vec<Codec> = Vec::new();
        for codec in options.codecs.iter().map(|codec| codec.codec()) {
            if !codecs.contains(&codec) {
                codecs.push(codec);
            }
        }
        let suites = options.srtp_suites.iter().map(|suite| suite.profile()).collect();
        // RTCP has room for 64 octets of it.
        let bare = name.split_once(':').map_or(name, |(_, rest)| rest);
        let name = bare.chars().filter(char::is_ascii).take(64).collect();
        Ok(Self { ip, name, options, codecs, suites, speech, tell })
    }
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// We have called, and nobody has picked up yet.
    Calling,
    /// It rings here.
    Ringing,
    /// Somebody has picked up.
    Talking,
    /// We have hung up.
    Ending,
}

/// A call.
pub(crate) struct Line {
    pub(crate) number: u32,
    pub(crate) id: CallId,
    pub(crate) with: String,
    pub(crate) ours: bool,
    pub(crate) phase: Phase,
    pub(crate) negotiator: Negotiator,
    pub(crate) media: Media,
    pub(crate) agreement: Option<Agreement>,
    /// Whether we hold the other side.
    pub(crate) held: bool,
    /// A change of ours that the other side has not answered: whether it holds.
    pub(crate) changing: Option<bool>,
    /// Whether the answer to our offer comes with the ACK.
    pub(crate) answer_in_ack: bool,
    /// The answer that waits until the caller has acknowledged that it rings.
    pub(crate) answer: Option<Vec<u8>>,
    /// The offer of the caller; empty where there was none.
    pub(crate) offer: Vec<u8>,
    pub(crate) answered: Option<Instant>,
    pub(crate) recording: Option<PathBuf>,
    /// The call that this one was made for (its other side has asked for a transfer).
    pub(crate) for_transfer: bool,
    /// Whether this call is to end once its transfer has come about.
    pub(crate) transferring: bool,
}

impl Line {
    /// The sockets and the keys of a call that is about to be.
    pub(crate) async fn prepare(common: &Common, number: u32) -> Result<Prepared> {
        let sockets = match common.options.media_ports {
            Some(ports) => bind::pair(common.ip, ports.pairs(), Otherwise::Refuse)
                .await
                .context("sound needs a pair of ports: see --media-ports")?,
            None => {
                let policy = PortRange { first: 5350, last: 5353 };
                bind::pair(common.ip, policy.pairs(), Otherwise::AnyFree).await?
            }
        };
        let ports = (sockets.0.local_addr()?.port(), sockets.1.local_addr()?.port());
        let policy = common.options.srtp.policy();
        let negotiator = Negotiator::new(common.ip, ports, &common.codecs, policy, &common.suites)?;
        let recording = common.options.record.as_ref().map(|file| numbered(file, number));
        let setup = Setup {
            sockets,
            name: common.name.clone(),
            speech: common.speech.clone(),
            repeats: common.options.repeat,
            ear: recording.clone().map_or(Ear::Deaf, Ear::Record),
            delay: None,
        };
        let tell = common.tell.clone();
        let media = Media::start(setup, move |news| {
            // Who does not listen any more has ended.
            let _ = tell.send((number, news));
        });
        Ok(Prepared { number, negotiator, media, recording })
    }

    /// Sound goes on as was agreed.
    pub(crate) fn agree(&mut self, agreement: Agreement) {
        self.media.agree(agreement.clone());
        self.agreement = Some(agreement);
    }

    /// An offer that holds the other side, or does not.
    pub(crate) fn offer(&mut self, hold: bool) -> Result<Vec<u8>> {
        self.negotiator.direction = if hold { Direction::SendOnly } else { Direction::SendRecv };
        self.negotiator.offer()
    }
}

/// What a call has before it has a name.
pub(crate) struct Prepared {
    number: u32,
    pub(crate) negotiator: Negotiator,
    media: Media,
    recording: Option<PathBuf>,
}

impl Prepared {
    pub(crate) fn line(self, id: CallId, with: &str, ours: bool) -> Line {
        Line {
            number: self.number,
            id,
            with: with.to_owned(),
            ours,
            phase: if ours { Phase::Calling } else { Phase::Ringing },
            negotiator: self.negotiator,
            media: self.media,
            agreement: None,
            held: false,
            changing: None,
            answer_in_ack: false,
            answer: None,
            offer: Vec::new(),
            answered: None,
            recording: self.recording,
            for_transfer: false,
            transferring: false,
        }
    }
}

/// `call.wav`, `call-2.wav` for the second call, and so on.
fn numbered(file: &std::path::Path, number: u32) -> PathBuf {
    if number == 1 {
        return file.to_owned();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = match file.extension() {
        Some(extension) => format!("{stem}-{number}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{number}"),
    };
    file.with_file_name(name)
}

/// A direction's name, from this side.
pub(crate) fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn recordings_of_further_calls_are_numbered() {
        let of = |file, number| numbered(Path::new(file), number);
        assert_eq!(of("/a/b.wav", 1), Path::new("/a/b.wav"));
        assert_eq!(of("/a/b.wav", 2), Path::new("/a/b-2.wav"));
        assert_eq!(of("heard", 3), Path::new("heard-3"));
    }
}
