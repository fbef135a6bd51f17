//! What is no call: registrations, messages, subscriptions, publications, questions.

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, Result};
use host::happening::Happening;
use sip_core::agent::Failure;
use sip_core::presence::xml::Text;
use sip_core::presence::{Basic, MessageSummary, Pidf, Tuple};
use tokio::time::{sleep, timeout};

use crate::cli::{Identity, Reachable};
use crate::connect::{Connected, Wish, connect};
use crate::exit::{Exit, Wrong, advice};
use crate::signals::Stop;
use crate::told::{Output, Told};

/// Longer than any transaction lasts.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// How long to wait for the server at the end.
pub(crate) const FAREWELL: Duration = Duration::from_secs(3);

pub(crate) async fn register(identity: &Identity, once: bool, remove: bool) -> Result<Exit> {
    let mut out = Output::new(identity.json);
    let mut stop = Stop::new()?;
    let wish = Wish { registers: true, ..Wish::default() };
    let mut connected = connect(identity, wish).await?;
    if remove {
        let exit = unregister(&mut connected, &mut out, PATIENCE).await?;
        connected.client.end().await?;
        return Ok(exit);
    }
    let exit = sign_in(&mut connected, &mut out).await?;
    if exit != Exit::Well || once {
        connected.client.end().await?;
        return Ok(exit);
    }
    loop {
        tokio::select! {
            happening = connected.client.next() => match happening {
                Some(happening) => common(&mut out, &connected.account, &happening),
                None => break,
            },
            () = stop.wait() => break,
        }
    }
    unregister(&mut connected, &mut out, FAREWELL).await?;
    connected.client.end().await?;
    Ok(Exit::Well)
}

/// Registers, and waits for what comes of it.
pub(crate) async fn sign_in(connected: &mut Connected, out: &mut Output) -> Result<Exit> {
    let account = connected.client.account();
    connected.client.ask(move |agent, now| agent.register(now, account)).await??;
    let wait = async {
        while let Some(happening) = connected.client.next().await {
            common(out, &connected.account, &happening);
            match happening {
                Happening::Registered { .. } => return Some(Exit::Well),
                Happening::RegistrationFailed { failure, .. } => return Some(Exit::of(&failure)),
                _ => {}
            }
        }
        None
    };
    let waited = timeout(PATIENCE, wait).await;
    waited.ok().flatten().context("the server did not answer")
}

/// Takes the registration back.
pub(crate) async fn unregister(
    connected: &mut Connected,
    out: &mut Output,
    patience: Duration,
) -> Result<Exit> {
    let account = connected.client.account();
    connected.client.ask(move |agent, now| agent.unregister(now, account)).await??;
    let wait = async {
        while let Some(happening) = connected.client.next().await {
            common(out, &connected.account, &happening);
            match happening {
                Happening::Unregistered => return Exit::Well,
                Happening::RegistrationFailed { failure, .. } => return Exit::of(&failure),
                _ => {}
            }
        }
        Exit::Local
    };
    Ok(timeout(patience, wait).await.unwrap_or(Exit::NoAnswer))
}

/// Tells what may happen to every client.
pub(crate) fn common(out: &mut Output, account: &str, happening: &Happening) {
    let account = account.to_owned();
    match happening {
        Happening::Registered { expires } => {
            out.tell(&Told::Registered { account, expires_s: expires.as_secs() });
        }
        Happening::Unregistered => out.tell(&Told::Unregistered { account }),
        Happening::RegistrationFailed { failure, retry_in } => {
            out.tell(&Told::RegistrationFailed {
                account,
                reason: advice(failure),
                retry_in_s: retry_in.map(|wait| wait.as_secs()),
            })
        }
        Happening::Message { call: None, from, content_type, body } => out.tell(&Told::Message {
            call: None,
            from: from.clone(),
            content_type: content_type.clone(),
            text: String::from_utf8_lossy(body).into_owned(),
        }),
        Happening::Trouble { remote, error } => out.warn(format!("{remote}: {error}")),
        Happening::Trace { path, sent, text } => {
            let arrow = if *sent { "to" } else { "from" };
            let way = path.transport.via_token();
            eprintln!("--- {arrow} {} over {way}\n{}", path.remote, text.trim_end());
        }
        _ => {}
    }
}

pub(crate) async fn message(
    identity: &Identity,
    uri: &str,
    text: &str,
    content_type: &str,
) -> Result<Exit> {
    let mut out = Output::new(identity.json);
    let text = if text == "-" {
        let mut octets = Vec::new();
        std::io::stdin().read_to_end(&mut octets).context("the text cannot be read")?;
        octets
    } else {
        text.as_bytes().to_vec()
    };
    let connected = connect(identity, Wish { target: Some(uri), ..Wish::default() }).await?;
    let (account, to) = (connected.client.account(), connected.uri(uri));
    let (kind, target) = (content_type.to_owned(), to.clone());
    let request = connected
        .client
        .ask(move |agent, now| {
            agent.message(now, account, target.as_bytes(), kind.as_bytes(), &text)
        })
        .await??;
    single(connected, &mut out, request, |out, code, _| {
        out.tell(&Told::Delivered { to: to.clone(), code });
    })
    .await
}

pub(crate) async fn options(identity: &Identity, uri: &str) -> Result<Exit> {
    let mut out = Output::new(identity.json);
    let connected = connect(identity, Wish { target: Some(uri), ..Wish::default() }).await?;
    let (account, to) = (connected.client.account(), connected.uri(uri));
    let target = to.clone();
    let request = connected
        .client
        .ask(move |agent, now| agent.options(now, account, target.as_bytes()))
        .await??;
    single(connected, &mut out, request, |out, code, response| {
        out.tell(&Told::Options { to: to.clone(), code, response });
    })
    .await
}

/// Waits for what comes of a request that stands alone.
async fn single(
    mut connected: Connected,
    out: &mut Output,
    request: sip_core::agent::RequestId,
    well: impl Fn(&mut Output, u16, String),
) -> Result<Exit> {
    let wait = async {
        while let Some(happening) = connected.client.next().await {
            common(out, &connected.account, &happening);
            match happening {
                Happening::Response { request: of, code, text } if of == request => {
                    if (200..300).contains(&code) {
                        well(out, code, text);
                        return Ok(Exit::Well);
                    }
                    let code = sip_core::message::StatusCode::new(code).context("a status code")?;
                    return fail(&Failure::Refused(code));
                }
                Happening::RequestFailed { request: of, failure } if of == request => {
                    return fail(&failure);
                }
                _ => {}
            }
        }
        Ok(Exit::Local)
    };
    let exit = timeout(PATIENCE, wait).await.unwrap_or_else(|_| fail(&Failure::Timeout));
    connected.client.end().await?;
    exit
}

fn fail(failure: &Failure) -> Result<Exit> {
    Err(Wrong::error(Exit::of(failure), advice(failure)))
}

pub(crate) async fn subscribe(
    identity: &Identity,
    uri: Option<&str>,
    event: &str,
    accept: Option<&str>,
    count: Option<u32>,
) -> Result<Exit> {
    let mut out = Output::new(identity.json);
    let mut stop = Stop::new()?;
    let uri = uri.or(identity.account.as_deref()).context("whose state? Name a URI")?;
    let mut connected = connect(identity, Wish { target: Some(uri), ..Wish::default() }).await?;
    let accept = accept.unwrap_or(match event {
        "presence" => "application/pidf+xml",
        "message-summary" => "application/simple-message-summary",
        "dialog" => "application/dialog-info+xml",
        "reg" => "application/reginfo+xml",
        _ => "*/*",
    });
    let (account, to) = (connected.client.account(), connected.uri(uri));
    let (target, package, kind) = (to.clone(), event.to_owned(), accept.to_owned());
    let subscription = connected
        .client
        .ask(move |agent, now| {
            agent.subscribe(now, account, target.as_bytes(), package.as_bytes(), kind.as_bytes())
        })
        .await??;
    let mut notified = 0;
    let mut told = false;
    let exit = loop {
        let happening = tokio::select! {
            happening = connected.client.next() => happening,
            () = stop.wait() => break Exit::Well,
        };
        let Some(happening) = happening else { break Exit::Local };
        common(&mut out, &connected.account, &happening);
        match happening {
            Happening::Subscribed { subscription: of, .. } if of == subscription && !told => {
                told = true;
                out.tell(&Told::Subscribed { to: to.clone(), package: event.to_owned() });
            }
            Happening::Notify { subscription: of, content_type, body } if of == subscription => {
                out.tell(&Told::Notify {
                    to: to.clone(),
                    package: event.to_owned(),
                    summary: summary(&content_type, &body),
                    content_type,
                    body: String::from_utf8_lossy(&body).into_owned(),
                });
                notified += 1;
                if count.is_some_and(|count| notified >= count) {
                    break Exit::Well;
                }
            }
            Happening::SubscriptionEnded { subscription: of, failure } if of == subscription => {
                let reason = failure.as_ref().map(advice);
                out.tell(&Told::SubscriptionEnded { to: to.clone(), reason });
                connected.client.end().await?;
                return Ok(failure.as_ref().map_or(Exit::Well, Exit::of));
            }
            _ => {}
        }
    };
    let ended =
        connected.client.ask(move |agent, now| agent.unsubscribe(now, subscription)).await?;
    if ended.is_ok() {
        let wait = async {
            while let Some(happening) = connected.client.next().await {
                if matches!(&happening, Happening::SubscriptionEnded { subscription: of, .. } if *of == subscription)
                {
                    return;
                }
            }
        };
        // The server forgets by itself what it does not answer.
        let _ = timeout(FAREWELL, wait).await;
    }
    connected.client.end().await?;
    Ok(exit)
}

/// What a document says, in a few words.
fn summary(content_type: &str, body: &[u8]) -> String {
    let bare = content_type.split(';').next().unwrap_or_default().trim();
    if body.is_empty() {
        return "nothing is known".to_owned();
    }
    if bare.eq_ignore_ascii_case("application/pidf+xml")
        && let Ok(document) = Pidf::parse(body)
    {
        let basic = match document.basic() {
            Some(Basic::Open) => "open",
            Some(Basic::Closed) => "closed",
            _ => "unknown",
        };
        let note = document.note.or_else(|| document.tuples().find_map(|tuple| tuple.note));
        let note = note.map_or_else(String::new, |note| {
            String::from_utf8_lossy(&note.octets().collect::<Vec<_>>()).into_owned()
        });
        return if note.is_empty() { basic.to_owned() } else { format!("{basic}: {note}") };
    }
    if bare.eq_ignore_ascii_case("application/simple-message-summary")
        && let Ok(document) = MessageSummary::parse(body)
    {
        let waiting = if document.waiting { "messages are waiting" } else { "no message waits" };
        return waiting.to_owned();
    }
    format!("{} octets of {bare}", body.len())
}

pub(crate) async fn publish(
    identity: &Identity,
    state: Reachable,
    note: Option<&str>,
    once: bool,
) -> Result<Exit> {
    let mut out = Output::new(identity.json);
    let mut stop = Stop::new()?;
    let wish = Wish { registers: true, ..Wish::default() };
    let mut connected = connect(identity, wish).await?;
    let basic = match state {
        Reachable::Open => Basic::Open,
        Reachable::Closed => Basic::Closed,
    };
    let document = document(&connected.account, basic, note)?;
    let account = connected.client.account();
    connected
        .client
        .ask(move |agent, now| {
            agent.publish(now, account, b"presence", Pidf::CONTENT_TYPE, &document)
        })
        .await??;
    let mut published = false;
    let exit = loop {
        let happening = tokio::select! {
            happening = connected.client.next() => happening,
            () = stop.wait() => break Exit::Well,
            () = sleep(PATIENCE), if !published => return fail(&Failure::Timeout),
        };
        let Some(happening) = happening else { break Exit::Local };
        common(&mut out, &connected.account, &happening);
        match happening {
            Happening::Published => {
                if !published {
                    out.tell(&Told::Published { account: connected.account.clone() });
                }
                published = true;
                if once {
                    connected.client.end().await?;
                    return Ok(Exit::Well);
                }
            }
            Happening::PublicationFailed { failure } => return fail(&failure),
            _ => {}
        }
    };
    if published {
        let gone = connected.client.ask(move |agent, now| agent.unpublish(now, account)).await?;
        if gone.is_ok() {
            sleep(Duration::from_millis(300)).await;
        }
    }
    connected.client.end().await?;
    Ok(exit)
}

fn document(account: &str, basic: Basic, note: Option<&str>) -> Result<Vec<u8>> {
    let mut document = Pidf::new(account.as_bytes());
    let mut tuple = Tuple::new(b"softphone", basic);
    tuple.note = note.map(|note| Text::plain(note.as_bytes()));
    document.add_tuple(tuple);
    let mut octets = vec![0; document.encoded_len()];
    let len = document.write(&mut octets)?;
    octets.truncate(len);
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_summed_up() {
        let octets = document("sip:alice@example.com", Basic::Closed, Some("A & B")).unwrap();
        assert_eq!(summary("application/pidf+xml;charset=utf-8", &octets), "closed: A & B");
        let mwi = b"Messages-Waiting: yes\r\n";
        let said = summary("application/simple-message-summary", mwi);
        assert_eq!(said, "messages are waiting");
        assert_eq!(summary("text/plain", b"12"), "2 octets of text/plain");
        assert_eq!(summary("", b""), "nothing is known");
    }
}
