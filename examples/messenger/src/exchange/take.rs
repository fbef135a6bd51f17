//! `messenger take`: waits for somebody to offer files, and takes them.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use sip_core::message::StatusCode;
use tftp_core::messenger::{ByeCode, Cancel};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::person::without_scheme;
use super::show::{Progress, Report, Show};
use super::talk::{Line, Talk, description, is_conversation};
use super::{NoAnswer, Outcome, Patience, Person, is_stranger, run};
use crate::bind::{self, Otherwise};
use crate::file::{Cancelled, Declined, Offer, Target, receive_until};
use crate::ports::Policy;
use crate::stop::Stop;

/// How long a caller is waited for: for ever.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What to take, and where to.
#[derive(Clone, Debug, Args)]
pub struct Take {
    /// The folder for the files
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// Takes files only from these people; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    from: Vec<String>,
    /// What to do where there is a file of that name already
    #[arg(long, value_enum, default_value_t)]
    overwrite: Overwrite,
    /// Takes no file with more octets
    #[arg(long, value_name = "OCTETS")]
    size_limit: Option<u64>,
    /// Goes on after the first conversation, until it is stopped
    #[arg(long)]
    stay: bool,
    #[command(flatten)]
    person: Person,
}

/// What to do where there is a file of that name already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Overwrite {
    /// Replaces it.
    Yes,
    /// Declines the new one.
    No,
    /// Asks at the terminal; without one it is a no.
    #[default]
    Ask,
}

impl Take {
    /// Takes them.
    ///
    /// # Errors
    /// What keeps it from beginning. What befalls a file is told, and is in the exit code.
    pub fn run(self) -> Result<ExitCode> {
        ensure!(self.into.is_dir(), "{} is no folder", self.into.display());
        run(|| self.take())
    }

    async fn take(self) -> Result<Outcome> {
        let mut stop = Stop::by_signal()?;
        let show = Arc::new(Show::new(self.person.json));
        let mut me = self.person.sign_in().await?;
        show.tell(&Report::SignedIn { address: me.name.clone() });
        let taking = Arc::new(Taking {
            show: show.clone(),
            ip: me.ip,
            name: me.name.clone(),
            ports: Semaphore::new(me.policy.files.ports().count()),
            policy: me.policy,
            into: self.into,
            overwrite: self.overwrite,
            size_limit: self.size_limit.unwrap_or(u64::MAX),
            under_way: Mutex::default(),
            patience: Patience {
                limit: Duration::from_secs(self.person.wait),
                stop: stop.clone(),
                code: ByeCode::ReceiverCancelled,
            },
        });
        let mut outcomes = Vec::new();
        loop {
            let (call, from, offer) = tokio::select! {
                incoming = me.client.incoming(FOR_EVER) => incoming?,
                () = stop.asked() => break,
            };
            let wanted = |who: &String| without_scheme(who).eq_ignore_ascii_case(&from);
            if !self.from.is_empty() && !self.from.iter().any(wanted) {
                show.note(format!("{from} was turned away"));
                me.client.reject(call, StatusCode::DECLINE).await?;
                continue;
            }
            if !is_conversation(&offer) {
                me.client.reject(call, StatusCode::NOT_ACCEPTABLE_HERE).await?;
                continue;
            }
            let format = format!("sip:{}", me.name);
            if let Err(error) = me.client.answer(call, description(me.ip, &format)?).await {
                show.note(format!("the conversation with {from} came to nothing: {error:#}"));
                continue;
            }
            let mut talk = Talk::new(call);
            let mut transfers = JoinSet::new();
            let take = |transfers: &mut JoinSet<Outcome>, offer: Offer, line: Line| {
                let (taking, from) = (taking.clone(), from.clone());
                transfers.spawn(async move { taking.one(&offer, &from, line).await });
            };
            let until = Some(stop.clone());
            outcomes.extend(talk.carry(&mut me.client, &mut transfers, until, take).await);
            // How the files have ended is settled.
            let _ = talk.hang_up(&mut me.client).await;
            if !self.stay || stop.is_asked() {
                break;
            }
        }
        let _ = me.client.sign_out().await;
        me.client.end().await?;
        let nothing = if !outcomes.is_empty() || (self.stay && stop.is_asked()) {
            Outcome::Done
        } else {
            show.note("no file was offered");
            if stop.is_asked() { Outcome::Cancelled } else { Outcome::NoAnswer }
        };
        Ok(outcomes.into_iter().find(|&outcome| outcome != Outcome::Done).unwrap_or(nothing))
    }
}

/// What all files share.
struct Taking {
    show: Arc<Show>,
    ip: IpAddr,
    /// Who this is, as the transfer names people.
    name: String,
    policy: Policy,
    /// One for each port of the policy.
    ports: Semaphore,
    into: PathBuf,
    overwrite: Overwrite,
    size_limit: u64,
    /// The files that are being written now.
    under_way: Mutex<HashSet<PathBuf>>,
    patience: Patience,
}

impl Taking {
    /// Takes one of them, and tells how it has ended.
    async fn one(&self, offer: &Offer, from: &str, mut line: Line) -> Outcome {
        let (file, octets, peer) = (offer.name.clone(), offer.size, from.to_owned());
        self.show.tell(&Report::Offered { file: file.clone(), octets, peer });
        let path = self.into.join(plain_name(&offer.name));
        let mut progress = None;
        let is_first = self.under_way.lock().is_ok_and(|mut files| files.insert(path.clone()));
        let taken = if is_first {
            let taken = self.get(&path, offer, &mut line, &mut progress).await;
            if let Ok(mut files) = self.under_way.lock() {
                files.remove(&path);
            }
            taken
        } else {
            Err(Declined("another file of that name is under way".into()).into())
        };
        let Err(error) = taken else {
            progress.unwrap_or_else(|| self.show.begin(&file, octets)).complete(path);
            return Outcome::Done;
        };
        if let Some(progress) = progress {
            progress.abandon();
        } else {
            // It has not begun: the other side may still wait for an answer, or for a connection.
            let why = match Outcome::of(&error) {
                Outcome::Declined | Outcome::Cancelled => Cancel::REJECT,
                _ if error.is::<NoAnswer>() => Cancel::TIMEOUT,
                _ => Cancel::FAIL,
            };
            if let Ok(body) = offer.cancel(why) {
                let _ = line.say(body).await;
            }
        }
        let (outcome, reason) = (Outcome::of(&error), format!("{error:#}"));
        self.show.tell(&Report::Ended { file, outcome, reason });
        outcome
    }

    async fn get<'s>(
        &'s self,
        path: &Path,
        offer: &Offer,
        line: &mut Line,
        progress: &mut Option<Progress<'s>>,
    ) -> Result<()> {
        let Self { patience, name, .. } = self;
        let stop = || patience.stop.clone();
        let no = |why: &str| Err(Declined(why.into()).into());
        if offer.size > self.size_limit {
            return no("it is longer than the limit");
        }
        let may_replace = match self.overwrite {
            Overwrite::Yes => true,
            Overwrite::No => false,
            // Where there is none there is nothing to ask.
            Overwrite::Ask => {
                path.symlink_metadata().is_err() || self.show.may_replace(path, &stop()).await
            }
        };
        if stop().is_asked() {
            return Err(Cancelled(patience.code).into());
        }
        let Some(target) = Target::choose(path, |_| may_replace) else {
            return no("there is a file of that name already");
        };
        let mut show = |octets| {
            progress.get_or_insert_with(|| self.show.begin(&offer.name, offer.size)).set(octets);
        };
        if offer.can_listen {
            let (keys, body) = offer.accept()?;
            line.say(body).await?;
            let there = offer.address(&patience.hear(line, "the sender's address").await?)?;
            let stream = patience.connect(&there).await?;
            let config = offer.config(name, there.auth_cookie, keys);
            return receive_until(stream, &config, &target, &mut show, stop()).await;
        }
        let _port = self.ports.acquire().await.context("it has ended")?;
        let listener =
            bind::listener(self.ip, self.policy.files.ports(), Otherwise::Refuse).await?;
        let port = listener.local_addr()?.port();
        let (keys, cookie, body) = offer.accept_listening(&self.ip.to_string(), port)?;
        line.say(body).await?;
        let config = offer.config(name, cookie, keys);
        loop {
            let (stream, remote) = patience.accept(&listener, offer, line).await?;
            match receive_until(stream, &config, &target, &mut show, stop()).await {
                Err(error) if is_stranger(&error) => {
                    self.show.note(format!("{remote}: {error:#}; waiting for the sender"));
                }
                received => return received,
            }
        }
    }
}

/// A name that no file of a person's own has by accident: none that is hidden, and none with
/// characters that terminals obey.
fn plain_name(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    match name.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for (name, plain) in [
            ("holiday.bin", "holiday.bin"),
            (".bashrc", "_bashrc"),
            ("a\x1b[2J\u{85}b", "a_[2J_b"),
            ("Grüße 🎉", "Grüße 🎉"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }
}
