//! Files between two people who are signed in to a server: `messenger send` and `messenger take`.
//!
//! ```text
//!  send                              server                              take
//!   | INVITE: a conversation            |                                  |
//!   |---------------------------------->|--------------------------------->|
//!   | for each file: MESSAGEs that offer it, accept it, say where one of them listens
//!   |<--------------------------------->|<-------------------------------->|
//!   | each file over a TCP connection of its own, without the server
//!   |<-------------------------------------------------------------------->|
//!   | BYE once all have ended           |                                  |
//!   |---------------------------------->|--------------------------------->|
//! ```

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use tftp_core::messenger::ByeCode;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

mod person;
mod send;
mod show;
mod take;
mod talk;

pub use person::Person;
pub use send::Send;
pub use take::{Overwrite, Take};

use crate::file::{Cancelled, Declined, Listening, Offer};
use crate::stop::Stop;
use talk::Line;

/// How a file has ended, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// It is whole at the other side.
    Done,
    /// The network, a disk or the other side's program is to blame.
    Failed,
    /// The other side does not want it; or this side, which says so.
    Declined,
    /// The other side was not reached, or did not answer.
    NoAnswer,
    /// One of the two has given up.
    Cancelled,
}

impl Outcome {
    /// What an error means.
    fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<Cancelled>() {
            Some(Cancelled(ByeCode::TimedOut)) => return Self::NoAnswer,
            Some(Cancelled(ByeCode::DiskFull)) => return Self::Failed,
            Some(_) => return Self::Cancelled,
            None => {}
        }
        if error.is::<Declined>() {
            Self::Declined
        } else if error.is::<NoAnswer>() {
            Self::NoAnswer
        } else {
            Self::Failed
        }
    }

    /// The exit code: 2 is wrong usage, as everywhere.
    fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Declined => 3,
            Self::NoAnswer => 4,
            Self::Cancelled => 5,
        })
    }
}

/// The other side did not do in time what it was expected to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NoAnswer(String);

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoAnswer {}

/// How long the other side is waited for, and how that is cut short.
#[derive(Clone, Debug)]
struct Patience {
    limit: Duration,
    stop: Stop,
    /// What a stop on this side means.
    code: ByeCode,
}

impl Patience {
    /// Waits for `work`, until the time is over or somebody has had enough.
    async fn wait<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut stop = self.stop.clone();
        tokio::select! {
            done = work => done,
            () = sleep(self.limit) => {
                Err(NoAnswer(format!("{what} did not come within {} s", self.limit.as_secs())).into())
            }
            () = stop.asked() => Err(Cancelled(self.code).into()),
        }
    }

    /// Waits for the other side's next letter.
    async fn hear(&self, line: &mut Line, what: &str) -> Result<Vec<u8>> {
        let heard = async { line.hear().await.context("the other side has hung up") };
        self.wait(what, heard).await
    }

    /// Connects to where the other side listens.
    async fn connect(&self, there: &Listening) -> Result<TcpStream> {
        let address = (there.host.as_str(), there.port);
        let connect = async {
            TcpStream::connect(address).await.map_err(|error| {
                let Listening { host, port, .. } = there;
                NoAnswer(format!("{host} port {port} cannot be connected to: {error}")).into()
            })
        };
        self.wait("a connection", connect).await
    }

    /// Waits for the other side to connect, or to say that it will not.
    async fn accept(
        &self,
        listener: &TcpListener,
        offer: &Offer,
        line: &mut Line,
    ) -> Result<(TcpStream, SocketAddr)> {
        let accept = async {
            tokio::select! {
                accepted = listener.accept() => accepted.context("nobody can connect"),
                body = line.hear() => match body {
                    // Only a farewell comes now.
                    Some(body) => match offer.accepted(&body) {
                        Err(error) => Err(error),
                        Ok(_) => bail!("the other side has accepted the file twice"),
                    },
                    None => bail!("the other side has hung up"),
                },
            }
        };
        self.wait("a connection", accept).await
    }
}

/// Whether it was somebody else than the one who was expected that has connected.
fn is_stranger(error: &anyhow::Error) -> bool {
    use tftp_core::messenger::Error;
    matches!(error.downcast_ref(), Some(Error::WrongCookie | Error::WrongName))
}

/// Runs one of the two commands, and gives its exit code.
///
/// # Errors
/// What keeps the command from beginning.
fn run<W: Future<Output = Result<Outcome>>>(work: impl FnOnce() -> W) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async { work().await });
    // A question that nobody answers any more does not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(outcome?.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_exit_code() {
        let broken = tftp_core::messenger::Error::WrongMac;
        let ends: [(anyhow::Error, Outcome); 6] = [
            (Cancelled(ByeCode::SenderCancelled).into(), Outcome::Cancelled),
            (Cancelled(ByeCode::DiskFull).into(), Outcome::Failed),
            (Cancelled(ByeCode::TimedOut).into(), Outcome::NoAnswer),
            (Declined("REJECT".into()).into(), Outcome::Declined),
            (NoAnswer("nothing".into()).into(), Outcome::NoAnswer),
            (broken.into(), Outcome::Failed),
        ];
        for (error, outcome) in ends {
            assert_eq!(Outcome::of(&error), outcome, "{error}");
            assert_eq!(Outcome::of(&error.context("of a file")), outcome);
        }
    }

    #[tokio::test]
    async fn nobody_is_waited_for_for_ever() {
        let (ask, stop) = Stop::new();
        let limit = Duration::from_millis(20);
        let patience = Patience { limit, stop, code: ByeCode::ReceiverCancelled };
        let never = || std::future::pending::<Result<()>>();
        let error = patience.wait("an answer", never()).await.expect_err("it never comes");
        assert_eq!(Outcome::of(&error), Outcome::NoAnswer);
        ask.send_replace(true);
        let patience = Patience { limit: Duration::from_secs(60), ..patience };
        let error = patience.wait("an answer", never()).await.expect_err("it never comes");
        assert_eq!(error.downcast_ref(), Some(&Cancelled(ByeCode::ReceiverCancelled)));
    }
}
