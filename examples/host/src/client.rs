//! A signed-in person's side of SIP: the one task that owns the agent, and feeds and drains it.
//!
//! ```text
//!   sockets, TLS (net)                    one task                       whoever uses it
//!  ┌──────────────────┐  Input   ┌────────────────────────────┐  ask   ┌───────────────┐
//!  │ own port, server │ ───────▶ │ sip_core::agent::Agent     │ ◀───── │ Client        │
//!  │ connections      │ ◀─────── │ drain rule, one timer      │ ─────▶ │               │
//!  └──────────────────┘  queues  └────────────────────────────┘ events └───────────────┘
//! ```

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use sip_core::agent::{
    self, Account, AccountId, Agent, CallId, End, Failure, RequestId, SubscriptionId,
};
use sip_core::message::StatusCode;
use sip_core::transaction::SentBy;
use sip_core::transport::Path;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::driver::{Driver, Question};
use crate::happening::{Happening, why};
use crate::net::Network;
use crate::random;

/// How long the server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The media type of session descriptions.
const SDP: &[u8] = b"application/sdp";

pub use crate::net::Trust;

/// What a client is made of.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The address of record, `sip:alice@example.com`.
    pub address: &'a str,
    /// The server, and over which transport; without one everything goes straight to the address in its URI.
    pub server: Option<Path>,
    /// The password for the server.
    pub password: &'a str,
    /// The address that its connections leave from.
    pub ip: IpAddr,
    /// Its own port for datagrams, in clear mode.
    pub udp: Option<UdpSocket>,
    /// Its own port for connections, in clear mode.
    pub listener: Option<TcpListener>,
    /// Whom it believes, in TLS mode.
    pub trust: Option<Trust>,
}

/// What else a client may be told at its beginning.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The name that is shown to others.
    pub display_name: String,
    /// The user name of authentication, where it is not the address's.
    pub user: String,
    /// How long registrations, subscriptions and publications last, in seconds.
    pub expires_s: Option<u32>,
    /// What it calls itself.
    pub user_agent: Option<&'static [u8]>,
    /// Whether it says that it rings in a manner that is acknowledged (RFC 3262).
    pub reliable_provisional: bool,
    /// How often a registered client shows its server that it is there.
    pub keep_alive: Option<Duration>,
    /// Whether each message is told of as [`Happening::Trace`].
    pub traces: bool,
}

/// Asks a client's agent for things, from anywhere.
#[derive(Clone, Debug)]
pub struct Asker(mpsc::Sender<Question>);

impl Asker {
    /// Does something with the agent, in its own task.
    ///
    /// # Errors
    /// The client has ended.
    pub async fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Agent<'static>, Duration) -> R + Send + 'static,
    ) -> Result<R> {
        self.ask_driver(move |driver, now| question(driver.agent(), now)).await
    }

    async fn ask_driver<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Driver, Duration) -> R + Send + 'static,
    ) -> Result<R> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |driver, now| {
            // Whoever asked may not wait any more.
            let _ = answer.send(question(driver, now));
        });
        self.0.send(question).await.map_err(|_| anyhow!("the client has ended"))?;
        answered.await.context("the client has ended")
    }
}

/// A client that runs.
#[derive(Debug)]
pub struct Client {
    account: AccountId,
    asker: Asker,
    happenings: mpsc::UnboundedReceiver<Happening>,
    /// What has happened and nobody has asked for yet.
    kept: VecDeque<Happening>,
    task: JoinHandle<()>,
}

impl Client {
    /// Starts it; it does nothing until it is asked to.
    pub fn start(setup: Setup<'_>) -> Result<Self> {
        Self::start_with(setup, &Options::default())
    }

    /// The same, with options.
    pub fn start_with(setup: Setup<'_>, options: &Options) -> Result<Self> {
        let mut sent_by = SentBy::default();
        sent_by.udp = setup.udp.as_ref().and_then(|udp| udp.local_addr().ok());
        sent_by.tcp = setup.listener.as_ref().and_then(|listener| listener.local_addr().ok());
        // Nobody can reach this one: the server sends over the connection that the client opens.
        sent_by.tls = setup.trust.as_ref().map(|_| SocketAddr::new(setup.ip, 5061));
        let mut config = agent::Config::new(sent_by);
        config.user_agent = options.user_agent.unwrap_or(b"Handset messenger");
        config.reliable_provisional = options.reliable_provisional;
        config.keep_alive = options.keep_alive.unwrap_or_default();
        let mut agent =
            Agent::growing(config, random::seed()?).context("the agent cannot be set up")?;
        let mut account = Account::new(setup.address.as_bytes());
        account.server = setup.server;
        account.password = setup.password.as_bytes();
        account.display_name = options.display_name.as_bytes();
        account.user = options.user.as_bytes();
        account.expires_s = options.expires_s.unwrap_or(account.expires_s);
        // Whoever calls without a server may not know by what name.
        account.takes_all = setup.server.is_none();
        let account = agent
            .add_account(&account)
            .with_context(|| format!("no account for {}", setup.address))?;

        let (sender, inputs) = mpsc::channel(256);
        let mut network = Network::new(sender, setup.ip, setup.trust);
        let udp = setup.udp.map(Arc::new);
        if let Some(udp) = &udp {
            network.receive(udp.clone());
        }
        if let Some(listener) = setup.listener {
            network.accept(listener);
        }
        let (questions, asked) = mpsc::channel(16);
        let (tell, happenings) = mpsc::unbounded_channel();
        let mut driver = Driver::new(agent, udp, network, tell);
        driver.traces = options.traces;
        let task = tokio::spawn(driver.run(inputs, asked));
        Ok(Self { account, asker: Asker(questions), happenings, kept: VecDeque::new(), task })
    }

    /// Who it is to the agent.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// What happens next; nothing more where the client has ended.
    pub async fn next(&mut self) -> Option<Happening> {
        match self.kept.pop_front() {
            Some(happening) => Some(happening),
            None => self.happenings.recv().await,
        }
    }

    /// Signs in, and stays signed in; says for how long at a time.
    pub async fn sign_in(&mut self) -> Result<Duration> {
        let account = self.account;
        self.ask(move |agent, now| agent.register(now, account)).await??;
        self.wait("the server's answer to the sign-in", PATIENCE, |happening| match happening {
            Happening::Registered { expires } => Some(Ok(*expires)),
            Happening::RegistrationFailed { failure, .. } => {
                Some(Err(anyhow!("the sign-in failed: {failure}")))
            }
            _ => None,
        })
        .await
    }

    /// Signs out.
    pub async fn sign_out(&mut self) -> Result<()> {
        let account = self.account;
        self.ask(move |agent, now| agent.unregister(now, account)).await??;
        self.wait("the server's answer to the sign-out", PATIENCE, |happening| match happening {
            Happening::Unregistered => Some(Ok(())),
            Happening::RegistrationFailed { failure, .. } => {
                Some(Err(anyhow!("the sign-out failed: {failure}")))
            }
            _ => None,
        })
        .await
    }

    /// Says how this person is, in a presence document.
    pub async fn publish(&mut self, content_type: &'static [u8], document: Vec<u8>) -> Result<()> {
        let account = self.account;
        self.ask(move |agent, now| {
            agent.publish(now, account, b"presence", content_type, &document)
        })
        .await??;
        self.wait("the server's answer to the publication", PATIENCE, |happening| match happening {
            Happening::Published => Some(Ok(())),
            Happening::PublicationFailed { failure } => {
                Some(Err(anyhow!("the publication failed: {failure}")))
            }
            _ => None,
        })
        .await
    }

    /// Asks to be told how somebody is.
    pub async fn subscribe(
        &mut self,
        who: &str,
        content_type: &'static [u8],
    ) -> Result<SubscriptionId> {
        let (account, uri) = (self.account, who.to_owned());
        let id = self
            .ask(move |agent, now| {
                agent.subscribe(now, account, uri.as_bytes(), b"presence", content_type)
            })
            .await??;
        self.wait(
            "the server's answer to the subscription",
            PATIENCE,
            |happening| match happening {
                Happening::Subscribed { subscription } if *subscription == id => Some(Ok(id)),
                Happening::SubscriptionEnded { subscription, failure } if *subscription == id => {
                    Some(Err(anyhow!("the subscription failed: {}", reason(*failure))))
                }
                _ => None,
            },
        )
        .await
    }

    /// Calls somebody with an offer.
    pub async fn invite(&self, who: &str, offer: Vec<u8>) -> Result<CallId> {
        let (account, uri) = (self.account, who.to_owned());
        let call = move |agent: &mut Agent<'static>, now| {
            agent.invite(now, account, uri.as_bytes(), Some((SDP, &offer)))
        };
        Ok(self.ask(call).await??)
    }

    /// Waits for the other side to pick up, and gives its answer to the offer.
    pub async fn answered(&mut self, call: CallId, limit: Duration) -> Result<Vec<u8>> {
        self.wait("an answer to the call", limit, |happening| match happening {
            Happening::Answered { call: answered, body } if *answered == call => {
                Some(Ok(body.clone()))
            }
            Happening::Ended { call: ended, end } if *ended == call => {
                Some(Err(anyhow!("the call was not answered: {}", why(end))))
            }
            _ => None,
        })
        .await
    }

    /// Waits for it to ring at the other side.
    pub async fn ringing(&mut self, call: CallId) -> Result<()> {
        self.wait("a sign of ringing", PATIENCE, |happening| match happening {
            Happening::Progress { call: rings, code: 180, .. } if *rings == call => Some(Ok(())),
            Happening::Ended { call: ended, end } if *ended == call => {
                Some(Err(anyhow!("it did not ring: {}", why(end))))
            }
            _ => None,
        })
        .await
    }

    /// Waits for somebody to call: the call, who it is, and the offer.
    pub async fn incoming(&mut self, limit: Duration) -> Result<(CallId, String, Vec<u8>)> {
        self.wait("a call", limit, |happening| match happening {
            Happening::Incoming { call, from, body, .. } => {
                Some(Ok((*call, from.clone(), body.clone())))
            }
            _ => None,
        })
        .await
    }

    /// Tells the caller that it rings here.
    pub async fn ring(&self, call: CallId) -> Result<()> {
        Ok(self.ask(move |agent, now| agent.ring(now, call, StatusCode::RINGING, None)).await??)
    }

    /// Picks up, with an answer to the offer, and waits for the caller to know.
    pub async fn answer(&mut self, call: CallId, answer: Vec<u8>) -> Result<()> {
        self.ask(move |agent, now| agent.answer(now, call, Some((SDP, &answer)))).await??;
        self.wait("the caller's acknowledgement", PATIENCE, |happening| match happening {
            Happening::Confirmed { call: confirmed, .. } if *confirmed == call => Some(Ok(())),
            Happening::Ended { call: ended, end } if *ended == call => {
                Some(Err(anyhow!("the call came to nothing: {}", why(end))))
            }
            _ => None,
        })
        .await
    }

    /// Declines a call, or what it offers.
    pub async fn reject(&self, call: CallId, code: StatusCode) -> Result<()> {
        Ok(self.ask(move |agent, now| agent.reject(now, call, code)).await??)
    }

    /// Ends a call, and waits for that to be done.
    pub async fn hang_up(&mut self, call: CallId) -> Result<()> {
        self.ask(move |agent, now| agent.hang_up(now, call)).await??;
        self.ended(call, PATIENCE).await
    }

    /// Waits for a call to end.
    pub async fn ended(&mut self, call: CallId, limit: Duration) -> Result<()> {
        self.wait("the end of the call", limit, |happening| match happening {
            Happening::Ended { call: ended, end } if *ended == call => {
                let good = matches!(end, End::Local | End::Remote);
                Some(if good { Ok(()) } else { Err(anyhow!("the call failed: {}", why(end))) })
            }
            _ => None,
        })
        .await
    }

    /// Sends a message within a call, and waits until the other side has it.
    pub async fn send(&mut self, call: CallId, content_type: &str, body: Vec<u8>) -> Result<()> {
        let kind = content_type.to_owned();
        let request = self
            .ask(move |agent, now| agent.message_in_call(now, call, kind.as_bytes(), &body))
            .await??;
        self.delivered(request).await
    }

    /// Waits for a message within a call whose content is of this type, whatever its parameters.
    pub async fn receive(&mut self, call: CallId, content_type: &str) -> Result<Vec<u8>> {
        self.wait(&format!("a message of {content_type}"), PATIENCE, |happening| match happening {
            Happening::Message { call: of, content_type: is, body, .. }
                if *of == Some(call) && same_type(is, content_type) =>
            {
                Some(Ok(body.clone()))
            }
            Happening::Ended { call: ended, end } if *ended == call => {
                Some(Err(anyhow!("the conversation ended: {}", why(end))))
            }
            _ => None,
        })
        .await
    }

    /// Waits to be told of a state that `is` it.
    pub async fn told<T>(
        &mut self,
        subscription: SubscriptionId,
        what: &str,
        is: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T> {
        self.wait(what, PATIENCE, |happening| match happening {
            Happening::Notify { subscription: of, body, .. } if *of == subscription => {
                is(body).map(Ok)
            }
            Happening::SubscriptionEnded { subscription: of, failure } if *of == subscription => {
                Some(Err(anyhow!("the subscription ended: {}", reason(*failure))))
            }
            _ => None,
        })
        .await
    }

    /// Does something with the agent, in its own task.
    pub async fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Agent<'static>, Duration) -> R + Send + 'static,
    ) -> Result<R> {
        self.asker.ask(question).await
    }

    /// What asks the agent from other tasks; the client ends when all of them are gone.
    pub fn sender(&self) -> Asker {
        self.asker.clone()
    }

    /// Closes all connections, as a network that fails does, and waits until the agent knows.
    pub async fn disconnect(&mut self) -> Result<()> {
        self.asker.ask_driver(Driver::disconnect).await?;
        self.wait("the loss of the connection", PATIENCE, |happening| match happening {
            Happening::RegistrationFailed { .. } => Some(Ok(())),
            _ => None,
        })
        .await
    }

    /// How many connections others have opened to this client's own port.
    pub async fn accepted(&self) -> Result<u64> {
        self.asker.ask_driver(|driver, _| driver.accepted()).await
    }

    /// Waits for something to happen that `pick` makes something of; what it passes over stays for later.
    pub async fn wait<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut pick: impl FnMut(&Happening) -> Option<Result<T>>,
    ) -> Result<T> {
        let kept =
            self.kept.iter().enumerate().find_map(|(at, happening)| Some((at, pick(happening)?)));
        if let Some((at, picked)) = kept {
            self.kept.remove(at);
            return picked;
        }
        let until = tokio::time::Instant::now() + limit;
        let mut trouble = String::new();
        loop {
            match tokio::time::timeout_at(until, self.happenings.recv()).await {
                Err(_) => bail!("{what} did not come within {} s{trouble}", limit.as_secs_f32()),
                Ok(None) => bail!("the client has ended"),
                Ok(Some(happening)) => match pick(&happening) {
                    Some(picked) => return picked,
                    None => {
                        if let Happening::Trouble { remote, error } = &happening {
                            trouble = format!(" ({remote}: {error})");
                        }
                        self.kept.push_back(happening);
                    }
                },
            }
        }
    }

    /// Ends it, once what waits has been sent.
    pub async fn end(self) -> Result<()> {
        drop(self.asker);
        self.task.await.context("the client's task broke")
    }

    async fn delivered(&mut self, request: RequestId) -> Result<()> {
        self.wait("the delivery of the message", PATIENCE, |happening| match happening {
            Happening::Response { request: of, code, .. } if *of == request => Some(match code {
                200..=299 => Ok(()),
                code => Err(anyhow!("the message was refused with {code}")),
            }),
            Happening::RequestFailed { request: of, failure } if *of == request => {
                Some(Err(anyhow!("the message was not delivered: {failure}")))
            }
            _ => None,
        })
        .await
    }
}

fn reason(failure: Option<Failure>) -> String {
    failure.map_or_else(|| "its time is over".to_owned(), |failure| failure.to_string())
}

/// Whether two content types are the same but for parameters.
fn same_type(one: &str, other: &str) -> bool {
    let bare = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    bare(one) == bare(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::{Otherwise, both};
    use std::net::Ipv4Addr;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const SOON: Duration = Duration::from_secs(5);
    /// Any description will do here.
    const BODY: &[u8] = b"v=0\r\n";

    async fn client(name: &str) -> (Client, u16) {
        let (udp, listener) = both(LOCAL, [], Otherwise::AnyFree).await.expect("free ports");
        let port = listener.local_addr().expect("an address").port();
        let client = Client::start(Setup {
            address: &format!("sip:{name}@127.0.0.1"),
            server: None,
            password: "",
            ip: LOCAL,
            udp: Some(udp),
            listener: Some(listener),
            trust: None,
        });
        (client.expect("it starts"), port)
    }

    #[tokio::test]
    async fn long_messages_pass_between_two_clients_without_a_server() {
        let ((mut alice, _), (mut bob, port)) = (client("alice").await, client("bob").await);
        let to_bob = format!("sip:bob@127.0.0.1:{port};transport=tcp");
        let of_alice = alice.invite(&to_bob, BODY.to_vec()).await.expect("it is sent");
        let (of_bob, from, body) = bob.incoming(SOON).await.expect("a call");
        assert_eq!((from.as_str(), body.as_slice()), ("alice@127.0.0.1", BODY));
        let (answered, confirmed) =
            tokio::join!(alice.answered(of_alice, SOON), bob.answer(of_bob, BODY.to_vec()));
        answered.expect("it is answered");
        confirmed.expect("it is known");
        for len in [0, 1, 3000, 5000, 20_000] {
            let text: Vec<u8> = (b' '..b'~').cycle().take(len).collect();
            alice.send(of_alice, "text/plain", text.clone()).await.expect("it is delivered");
            let received =
                bob.receive(of_bob, "Text/Plain;charset=UTF-8").await.expect("a message");
            assert!(received == text, "{len} octets");
        }
        let (hung_up, ended) = tokio::join!(bob.hang_up(of_bob), alice.ended(of_alice, SOON));
        hung_up.and(ended).expect("it ends");
        let (one, other) = tokio::join!(alice.end(), bob.end());
        one.and(other).expect("they end");
    }

    #[tokio::test]
    async fn a_declined_call_and_one_to_nobody_say_why() {
        let ((mut alice, _), (mut bob, port)) = (client("alice").await, client("bob").await);
        let to_bob = format!("sip:bob@127.0.0.1:{port};transport=tcp");
        let call = alice.invite(&to_bob, BODY.to_vec()).await.expect("it is sent");
        let (of_bob, ..) = bob.incoming(SOON).await.expect("a call");
        bob.reject(of_bob, StatusCode::BUSY_HERE).await.expect("it is declined");
        let error = alice.answered(call, SOON).await.expect_err("it was declined");
        assert!(error.to_string().contains("486"), "{error}");

        bob.end().await.expect("it ends");
        let call = alice.invite(&to_bob, BODY.to_vec()).await.expect("it is sent");
        let error = alice.answered(call, SOON).await.expect_err("nobody is there");
        assert!(error.to_string().contains("could not be used"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_said_with_its_address() {
        let nobody = std::net::TcpListener::bind((LOCAL, 0)).expect("a free port");
        let address = nobody.local_addr().expect("an address");
        drop(nobody);
        let (udp, listener) = both(LOCAL, [], Otherwise::AnyFree).await.expect("free ports");
        let mut client = Client::start(Setup {
            address: "sip:alice@example.test",
            server: Some(Path::tcp(address)),
            password: "secret",
            ip: LOCAL,
            udp: Some(udp),
            listener: Some(listener),
            trust: None,
        })
        .expect("it starts");
        let error = client.sign_in().await.expect_err("nobody is there");
        assert!(error.to_string().contains("the sign-in failed"), "{error}");
    }
}
