//! `messenger send`: offers files to somebody, and sends those that he takes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use tftp_core::messenger::{ByeCode, Cancel};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::person::{with_scheme, without_scheme};
use super::show::{Progress, Report, Show};
use super::talk::{Line, Talk, description};
use super::{NoAnswer, Outcome, Patience, Person, is_stranger, run};
use crate::bind::{self, Otherwise};
use crate::file::{Cancelled, Offer, send_until};
use crate::ports::Policy;
use crate::stop::Stop;

/// What to send, and to whom.
#[derive(Clone, Debug, Args)]
pub struct Send {
    /// The files; as many pass at once as the policy has ports for
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Who gets them, as sip:bob@example.com
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// Sends in clear and without a check, for clients that know nothing else (MSNFTP)
    #[arg(long)]
    plain: bool,
    /// Nobody can connect to this machine: the other side is to listen
    #[arg(long)]
    behind_nat: bool,
    #[command(flatten)]
    person: Person,
}

impl Send {
    /// Sends them.
    ///
    /// # Errors
    /// What keeps it from beginning. What befalls a file is told, and is in the exit code.
    pub fn run(self) -> Result<ExitCode> {
        let mut files = Vec::new();
        for path in &self.files {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.with_context(|| format!("{} is no file's name", path.display()))?;
            let is = path.metadata().with_context(|| format!("{}", path.display()))?;
            ensure!(is.is_file(), "{} is no file", path.display());
            let mut offer = Offer::new(name, is.len())?;
            offer.encrypted = !self.plain;
            offer.can_listen = !self.behind_nat;
            files.push((path.clone(), offer));
        }
        run(|| self.send(files))
    }

    async fn send(self, files: Vec<(PathBuf, Offer)>) -> Result<Outcome> {
        let stop = Stop::by_signal()?;
        let show = Arc::new(Show::new(self.person.json));
        let mut me = self.person.sign_in().await?;
        show.tell(&Report::SignedIn { address: me.name.clone() });
        let to = with_scheme(&self.to);
        let patience = Patience {
            limit: Duration::from_secs(self.person.wait),
            stop: stop.clone(),
            code: ByeCode::SenderCancelled,
        };
        let call = me.client.invite(&to, description(me.ip, "null")?).await?;
        let answered = {
            let mut stop = stop.clone();
            tokio::select! {
                answered = me.client.answered(call, patience.limit) => answered.map(drop),
                () = stop.asked() => Err(Cancelled(patience.code).into()),
            }
        };
        let mut outcome = Outcome::Done;
        match answered {
            Err(error) => {
                outcome = match Outcome::of(&error) {
                    Outcome::Failed => Outcome::NoAnswer,
                    outcome => outcome,
                };
                for (_, offer) in files {
                    let reason = format!("{error:#}");
                    show.tell(&Report::Ended { file: offer.name, outcome, reason });
                }
                // There may be nothing to hang up.
                let _ = me.client.hang_up(call).await;
            }
            Ok(()) => {
                let mut talk = Talk::new(call);
                let sending = Arc::new(Sending {
                    show,
                    ip: me.ip,
                    ports: Semaphore::new(me.policy.files.ports().count()),
                    policy: me.policy,
                    to: without_scheme(&to).to_owned(),
                    patience,
                });
                let mut transfers = JoinSet::new();
                for (path, offer) in files {
                    let (sending, line) = (sending.clone(), talk.line(offer.cookie));
                    transfers.spawn(async move { sending.one(&path, &offer, line).await });
                }
                let refuse = |transfers: &mut JoinSet<Outcome>, offer: Offer, line: Line| {
                    // This program only sends.
                    transfers.spawn(async move {
                        if let Ok(body) = offer.decline() {
                            let _ = line.say(body).await;
                        }
                        Outcome::Done
                    });
                };
                let outcomes = talk.carry(&mut me.client, &mut transfers, None, refuse).await;
                outcome = outcomes.into_iter().find(|&o| o != Outcome::Done).unwrap_or(outcome);
                // How the files have ended is settled.
                let _ = talk.hang_up(&mut me.client).await;
            }
        }
        let _ = me.client.sign_out().await;
        me.client.end().await?;
        Ok(outcome)
    }
}

/// What all files share.
struct Sending {
    show: Arc<Show>,
    ip: std::net::IpAddr,
    policy: Policy,
    /// One for each port of the policy.
    ports: Semaphore,
    to: String,
    patience: Patience,
}

impl Sending {
    /// Sends one of them, and tells how it has ended.
    async fn one(&self, path: &std::path::Path, offer: &Offer, mut line: Line) -> Outcome {
        let Ok(_port) = self.ports.acquire().await else { return Outcome::Failed };
        let (file, octets, peer) = (offer.name.clone(), offer.size, self.to.clone());
        if !self.patience.stop.is_asked() {
            self.show.tell(&Report::Offered { file: file.clone(), octets, peer });
        }
        let mut progress = None;
        match self.give(path, offer, &mut line, &mut progress).await {
            Ok(()) => {
                let progress = progress.unwrap_or_else(|| self.show.begin(&file, octets));
                progress.complete(path.to_owned());
                Outcome::Done
            }
            Err(error) => {
                if let Some(progress) = progress {
                    progress.abandon();
                } else {
                    // It has not begun: the other side may still wait for a connection.
                    let why = if error.is::<NoAnswer>() { Cancel::TIMEOUT } else { Cancel::FAIL };
                    if let Ok(body) = offer.cancel(why) {
                        let _ = line.say(body).await;
                    }
                }
                let (outcome, reason) = (Outcome::of(&error), format!("{error:#}"));
                self.show.tell(&Report::Ended { file, outcome, reason });
                outcome
            }
        }
    }

    async fn give<'s>(
        &'s self,
        path: &std::path::Path,
        offer: &Offer,
        line: &mut Line,
        progress: &mut Option<Progress<'s>>,
    ) -> Result<()> {
        let Self { patience, to, .. } = self;
        let stop = || patience.stop.clone();
        if stop().is_asked() {
            return Err(Cancelled(patience.code).into());
        }
        line.say(offer.body()?).await?;
        let answer = patience.hear(line, "an answer to the offer").await?;
        let (keys, there) = offer.accepted(&answer)?;
        let mut show = |octets| {
            progress.get_or_insert_with(|| self.show.begin(&offer.name, offer.size)).set(octets);
        };
        if let Some(there) = there {
            let stream = patience.connect(&there).await?;
            let config = offer.config(to, there.auth_cookie, keys);
            return send_until(stream, &config, path, &mut show, stop()).await;
        }
        let listener =
            bind::listener(self.ip, self.policy.files.ports(), Otherwise::Refuse).await?;
        let port = listener.local_addr()?.port();
        let (cookie, body) = offer.listening(&self.ip.to_string(), port)?;
        line.say(body).await?;
        let config = offer.config(to, cookie, keys);
        loop {
            let (stream, remote) = patience.accept(&listener, offer, line).await?;
            match send_until(stream, &config, path, &mut show, stop()).await {
                Err(error) if is_stranger(&error) => {
                    self.show.note(format!("{remote}: {error:#}; waiting for {to}"));
                }
                sent => return sent,
            }
        }
    }
}
