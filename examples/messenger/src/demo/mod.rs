//! The whole story on one machine: a server, Alice over TCP, Bob over TLS, and everything that they do together.

mod call;
mod conversation;
mod file;
mod presence;
mod server;
mod whiteboard;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sip_core::transport;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::bind::{self, Otherwise};
use crate::client::{Client, Setup, Trust};
use crate::ports::Policy;
use crate::story::{Row, Story};
use server::Server;

/// Where all of it happens.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const DOMAIN: &str = "example.test";
const ALICE: &str = "sip:alice@example.test";
const BOB: &str = "sip:bob@example.test";

/// After this time the story ends, wherever it is.
const LIMIT: Duration = Duration::from_secs(38);

/// What a step has measured: name, and value.
type Figures = Vec<(&'static str, Value)>;

/// Tells the story, and leaves what came of it in the folder `out`; says whether all of it was right. With
/// `stats` it tells each second of the call how good the sound is.
pub fn run(out: &Path, json: bool, stats: bool) -> Result<bool> {
    std::fs::create_dir_all(out)
        .with_context(|| format!("the folder {} cannot be made", out.display()))?;
    let story = Arc::new(Story::new(json));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(tell(&story, out, stats));
    runtime.shutdown_timeout(Duration::from_millis(500));

    let summary = story.summary();
    let file = out.join("summary.json");
    std::fs::write(&file, format!("{summary:#}\n"))
        .with_context(|| format!("{} cannot be written", file.display()))?;
    story.table();
    story.chapter(&format!("All files are in {}", out.display()));
    Ok(summary["ok"] == true)
}

/// Does one step after the other. What cannot be done without one that failed is said to have failed too.
async fn tell(story: &Arc<Story>, out: &Path, stats: bool) {
    let demo = Demo {
        story,
        out: out.to_owned(),
        policy: Policy::default(),
        ends: Instant::now() + LIMIT,
        stats,
    };

    story.chapter("The server starts");
    let Some(server) = demo.step("server", 5, server::start(story.clone())).await else {
        return demo.skip(&[
            "sign-in",
            "presence",
            "messages",
            "call",
            "file",
            "whiteboard",
            "sign-out",
        ]);
    };

    story.chapter("Alice and Bob sign in");
    let Some((mut alice, mut bob)) = demo.step("sign-in", 8, demo.sign_in(&server)).await else {
        demo.skip(&["presence", "messages", "call", "file", "whiteboard", "sign-out"]);
        return server.stop().await;
    };
    let pair = &mut (&mut alice, &mut bob);

    story.chapter("They see each other");
    demo.step("presence", 8, presence::show(&demo, pair)).await;
    story.chapter("They write to each other");
    demo.step("messages", 8, conversation::show(&demo, pair)).await;
    story.chapter("Alice calls Bob");
    demo.step("call", 16, call::show(&demo, pair)).await;
    story.chapter("Alice sends Bob a file");
    demo.step("file", 15, file::show(&demo, pair)).await;
    story.chapter("They draw together");
    demo.step("whiteboard", 10, whiteboard::show(&demo, pair)).await;
    story.chapter("They sign out");
    demo.step("sign-out", 5, demo.sign_out(alice, bob, &server)).await;
    server.stop().await;
}

/// What all steps share.
struct Demo<'a> {
    story: &'a Arc<Story>,
    out: PathBuf,
    policy: Policy,
    ends: Instant,
    stats: bool,
}

/// Alice and Bob, who take part in each step.
type Pair<'p> = (&'p mut Client, &'p mut Client);

impl Demo<'_> {
    /// Does a step within `seconds`, and keeps its result for the table.
    async fn step<T>(
        &self,
        step: &'static str,
        seconds: u64,
        work: impl Future<Output = Result<(T, Figures)>>,
    ) -> Option<T> {
        let left = self.ends.saturating_duration_since(Instant::now());
        let limit = left.min(Duration::from_secs(seconds));
        let (done, failure, figures) = match timeout(limit, work).await {
            Ok(Ok((done, figures))) => (Some(done), None, figures),
            Ok(Err(error)) => {
                let figures = error.downcast_ref::<Wrong>().map(|wrong| wrong.figures.clone());
                (None, Some(format!("{error:#}")), figures.unwrap_or_default())
            }
            Err(_) => (
                None,
                Some(format!("it was not done within {:.1} s", limit.as_secs_f32())),
                Vec::new(),
            ),
        };
        self.story.result(Row { step, failure, figures });
        done
    }

    /// Steps that there is nothing to do for.
    fn skip(&self, steps: &[&'static str]) {
        for step in steps {
            let failure = Some("not tried: a step before it failed".to_owned());
            self.story.result(Row { step, failure, figures: Vec::new() });
        }
    }

    async fn sign_in(&self, server: &Server) -> Result<((Client, Client), Figures)> {
        let (udp, listener) = bind::both(HERE, self.policy.sip.ports(), Otherwise::AnyFree).await?;
        let own_port = listener.local_addr()?.port();
        let server_tcp = transport::Path::tcp(server.tcp);
        let mut alice = Client::start(Setup {
            address: ALICE,
            server: Some(server_tcp),
            password: &server.passwords.0,
            ip: HERE,
            udp: Some(udp),
            listener: Some(listener),
            trust: None,
        })?;
        let mut bob = Client::start(Setup {
            address: BOB,
            server: Some(transport::Path::tls(server.tls)),
            password: &server.passwords.1,
            ip: HERE,
            udp: None,
            listener: None,
            trust: Some(trust(server.certificate.clone())?),
        })?;
        self.story.tell(
            "alice",
            format!("signs in over TCP; the server reaches her on port {own_port} too"),
        );
        self.story
            .tell("bob", "signs in over TLS, and believes the server's certificate and no other");
        let began = Instant::now();
        let (alice_for, bob_for) = tokio::join!(alice.sign_in(), bob.sign_in());
        let took = began.elapsed();
        let alice_for = alice_for.context("Alice")?;
        let bob_for = bob_for.context("Bob")?;
        let signed_in =
            |expires: Duration| format!("is signed in for {} s, with Digest", expires.as_secs());
        self.story.tell("alice", signed_in(alice_for));
        self.story.tell("bob", signed_in(bob_for));

        self.turn_away(server).await?;
        let figures = vec![
            ("took ms", json!(milliseconds(took))),
            ("alice SIP port", json!(own_port)),
            ("wrong password", json!("refused")),
        ];
        Ok(((alice, bob), figures))
    }

    /// Who has the wrong password does not get in: without this the right one would prove nothing.
    async fn turn_away(&self, server: &Server) -> Result<()> {
        let (udp, listener) = bind::both(HERE, [], Otherwise::AnyFree).await?;
        let mut mallory = Client::start(Setup {
            address: ALICE,
            server: Some(transport::Path::tcp(server.tcp)),
            password: "what-mallory-has-guessed",
            ip: HERE,
            udp: Some(udp),
            listener: Some(listener),
            trust: None,
        })?;
        let refusal = mallory.sign_in().await;
        mallory.end().await?;
        match refusal {
            Ok(_) => bail!("somebody has signed in as Alice with a wrong password"),
            Err(refusal) => ensure!(refusal.to_string().contains("refused"), "{refusal}"),
        }
        self.story
            .tell("server", "turns somebody away who calls himself Alice and has not her password");
        Ok(())
    }

    async fn sign_out(
        &self,
        mut alice: Client,
        mut bob: Client,
        server: &Server,
    ) -> Result<((), Figures)> {
        let began = Instant::now();
        let (first, second) = tokio::join!(alice.sign_out(), bob.sign_out());
        first.context("Alice")?;
        second.context("Bob")?;
        let took = began.elapsed();
        self.story.tell("alice", "has signed out");
        self.story.tell("bob", "has signed out");
        let (first, second) = tokio::join!(alice.end(), bob.end());
        first.and(second)?;
        let left = server.signed_in();
        let figures = vec![("took ms", json!(milliseconds(took))), ("devices left", json!(left))];
        right(left == 0, || format!("{left} devices are still signed in at the server"), &figures)?;
        Ok(((), figures))
    }
}

/// A step whose figures are not what they should be.
#[derive(Debug)]
struct Wrong {
    what: String,
    figures: Figures,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Wrong {}

/// Fails the step, with its figures for the table, unless something holds.
fn right(holds: bool, what: impl FnOnce() -> String, figures: &Figures) -> Result<()> {
    if holds { Ok(()) } else { Err(Wrong { what: what(), figures: figures.clone() }.into()) }
}

/// Trust in this certificate and in no other.
fn trust(certificate: CertificateDer<'static>) -> Result<Trust> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).context("the server's certificate is no good")?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Trust { config: Arc::new(config), name: ServerName::try_from(DOMAIN)? })
}

/// To the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

/// To the fourth digit.
fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

/// A session description with one stream that is no RTP.
fn description(
    kind: &str,
    port: u16,
    protocol: &str,
    format: &str,
    attributes: &[(&str, &str)],
) -> Result<Vec<u8>> {
    let mut buffer = vec![0; 1024];
    let mut writer = sip_core::sdp::Writer::new(&mut buffer);
    writer.start(b"-", 1, 1, HERE);
    writer.connection(HERE);
    writer.time(0, 0);
    writer.media(kind.as_bytes(), port, protocol.as_bytes(), format.as_bytes());
    for (name, value) in attributes {
        writer.attribute(name.as_bytes(), value.as_bytes());
    }
    let len = writer.finish()?;
    buffer.truncate(len);
    Ok(buffer)
}

/// Where the first stream of a description goes; an error where it is not of this kind.
fn stream_of(description: &[u8], kind: &str) -> Result<SocketAddr> {
    let session = sip_core::sdp::Session::parse(description)?;
    let media = session.media().next().context("the description has no stream")?;
    ensure!(
        media.kind == kind.as_bytes(),
        "a stream of {kind} was expected, not of {}",
        media.kind.escape_ascii()
    );
    let address = session.connection_of(&media).and_then(|connection| connection.ip());
    Ok(SocketAddr::new(address.context("the description has no address")?, media.port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_says_where_its_stream_goes() {
        let offer = description("application", 1503, "tcp", "msdata", &[("setup", "passive")])
            .expect("it fits");
        let address = stream_of(&offer, "application").expect("it has one");
        assert_eq!(address, SocketAddr::new(HERE, 1503));
        assert!(
            stream_of(&offer, "audio")
                .expect_err("another kind")
                .to_string()
                .contains("application")
        );
        assert!(stream_of(b"v=0\r\n", "audio").is_err());
    }

    #[tokio::test]
    async fn a_step_that_takes_too_long_fails_with_its_limit() {
        let story = Arc::new(Story::new(true));
        let ends = Instant::now() + Duration::from_millis(50);
        let (out, policy) = (PathBuf::new(), Policy::default());
        let demo = Demo { story: &story, out, policy, ends, stats: false };
        let never = std::future::pending::<Result<((), Figures)>>();
        assert!(demo.step("waiting", 5, never).await.is_none());
        let rows = story.rows();
        let failure = rows[0].failure.as_deref().expect("it failed");
        assert!(failure.contains("not done within"), "{failure}");
    }

    #[tokio::test]
    async fn wrong_figures_are_kept_for_the_table() {
        let story = Arc::new(Story::new(true));
        let ends = Instant::now() + LIMIT;
        let (out, policy) = (PathBuf::new(), Policy::default());
        let demo = Demo { story: &story, out, policy, ends, stats: false };
        let work = async {
            let figures = vec![("loss %", json!(7))];
            right(false, || "too much was lost".to_owned(), &figures)?;
            Ok(((), figures))
        };
        assert!(demo.step("call", 5, work).await.is_none());
        assert_eq!(story.rows()[0].figures, [("loss %", json!(7))]);
        assert_eq!(story.rows()[0].failure.as_deref(), Some("too much was lost"));
    }

    #[tokio::test]
    async fn over_tls_no_other_certificate_is_believed() {
        let story = Arc::new(Story::new(true));
        let (server, _) = server::start(story.clone()).await.expect("a server");
        let (other, _) = server::start(story).await.expect("another server");
        for (certificate, is_right) in [(&other.certificate, false), (&server.certificate, true)] {
            let mut bob = Client::start(Setup {
                address: BOB,
                server: Some(transport::Path::tls(server.tls)),
                password: &server.passwords.1,
                ip: HERE,
                udp: None,
                listener: None,
                trust: Some(trust(certificate.clone()).expect("a certificate")),
            })
            .expect("it starts");
            assert_eq!(bob.sign_in().await.is_ok(), is_right);
            bob.end().await.expect("it ends");
        }
        tokio::join!(server.stop(), other.stop());
    }
}
