//! What happens to a client, in values that outlast the octets they came in.

use std::net::SocketAddr;
use std::time::Duration;

use sip_core::agent::{CallId, End, Event, RequestId, SubscriptionId};
use sip_core::header::From;
use sip_core::message::{Message, Name};

/// Something that happened to a client.
#[derive(Clone, Debug)]
pub enum Happening {
    /// Signed in, or the sign-in was renewed.
    Registered {
        /// For how long.
        expires: Duration,
    },
    /// Signed out.
    Unregistered,
    /// The sign-in failed, or was lost.
    RegistrationFailed {
        /// Why.
        failure: String,
    },
    /// What was published is known.
    Published,
    /// What was published is not known (any more).
    PublicationFailed {
        /// Why.
        failure: String,
    },
    /// A subscription was accepted.
    Subscribed {
        /// Which.
        subscription: SubscriptionId,
    },
    /// A subscription has a new state to tell.
    Notify {
        /// Which.
        subscription: SubscriptionId,
        /// The document; empty where there is none yet.
        body: Vec<u8>,
    },
    /// A subscription is over.
    SubscriptionEnded {
        /// Which.
        subscription: SubscriptionId,
        /// Why.
        failure: String,
    },
    /// Somebody calls.
    Incoming {
        /// The call.
        call: CallId,
        /// The caller's URI.
        from: String,
        /// The offer.
        body: Vec<u8>,
    },
    /// It rings at the other side, or the like.
    Progress {
        /// The call.
        call: CallId,
        /// The status code.
        code: u16,
    },
    /// The other side has picked up.
    Answered {
        /// The call.
        call: CallId,
        /// The answer to the offer.
        body: Vec<u8>,
    },
    /// The caller knows that this side has picked up.
    Confirmed {
        /// The call.
        call: CallId,
    },
    /// A call is over.
    Ended {
        /// The call.
        call: CallId,
        /// Why.
        why: String,
        /// Whether one of the two has hung up, and nothing has failed.
        good: bool,
    },
    /// A message came.
    Message {
        /// The call that it belongs to.
        call: Option<CallId>,
        /// The type of its content, with parameters.
        content_type: String,
        /// Its content.
        body: Vec<u8>,
    },
    /// A request was answered.
    Response {
        /// Which.
        request: RequestId,
        /// The status code.
        code: u16,
    },
    /// A request was not answered.
    RequestFailed {
        /// Which.
        request: RequestId,
        /// Why.
        failure: String,
    },
    /// Something does not work between this client and one address.
    Trouble {
        /// The address.
        remote: SocketAddr,
        /// What.
        error: String,
    },
}

impl Happening {
    /// What an event of the agent means; nothing where a client does not care.
    pub(crate) fn of(event: &Event<'_>) -> Option<Self> {
        Some(match event {
            Event::Registered { expires, .. } => Self::Registered { expires: *expires },
            Event::Unregistered { .. } => Self::Unregistered,
            Event::RegistrationFailed { failure, .. } => {
                Self::RegistrationFailed { failure: failure.to_string() }
            }
            Event::Published { .. } => Self::Published,
            Event::PublicationFailed { failure, .. } => {
                Self::PublicationFailed { failure: failure.to_string() }
            }
            Event::Subscribed { subscription, .. } => {
                Self::Subscribed { subscription: *subscription }
            }
            Event::Notify { subscription, message } => {
                Self::Notify { subscription: *subscription, body: message.body().to_vec() }
            }
            Event::SubscriptionEnded { subscription, failure, .. } => Self::SubscriptionEnded {
                subscription: *subscription,
                failure: failure
                    .map_or_else(|| "its time is over".to_owned(), |failure| failure.to_string()),
            },
            Event::Incoming { call, message, .. } => {
                Self::Incoming { call: *call, from: from(message), body: message.body().to_vec() }
            }
            Event::Progress { call, message } => {
                Self::Progress { call: *call, code: message.code().map_or(0, |code| code.get()) }
            }
            Event::Answered { call, message } => {
                Self::Answered { call: *call, body: message.body().to_vec() }
            }
            Event::Confirmed { call, .. } => Self::Confirmed { call: *call },
            Event::Ended { call, end, .. } => Self::Ended {
                call: *call,
                why: why(end),
                good: matches!(end, End::Local | End::Remote),
            },
            Event::Message { call, message, .. } => Self::Message {
                call: *call,
                content_type: content_type(message),
                body: message.body().to_vec(),
            },
            Event::Response { request, message } => Self::Response {
                request: *request,
                code: message.code().map_or(0, |code| code.get()),
            },
            Event::RequestFailed { request, failure } => {
                Self::RequestFailed { request: *request, failure: failure.to_string() }
            }
            Event::Refused { path, error } => {
                Self::Trouble { remote: path.remote, error: error.to_string() }
            }
            _ => return None,
        })
    }
}

fn why(end: &End) -> String {
    match end {
        End::Local => "this side has hung up".to_owned(),
        End::Remote => "the other side has hung up".to_owned(),
        End::Cancelled => "it was cancelled".to_owned(),
        End::Failed(failure) => failure.to_string(),
        other => format!("{other:?}"),
    }
}

/// The caller's address, without scheme and parameters.
fn from(message: &Message<'_>) -> String {
    let from = message.typed::<From<'_>>().and_then(Result::ok);
    let uri = from.and_then(|from| from.uri().as_bytes()).unwrap_or_default();
    let uri = String::from_utf8_lossy(uri);
    let bare = uri.split_once(':').map_or(&*uri, |(_, rest)| rest);
    bare.split(';').next().unwrap_or_default().to_owned()
}

fn content_type(message: &Message<'_>) -> String {
    // One that cannot be read is told as it stands.
    let row = message.row(Name::ContentType);
    row.map_or_else(String::new, |row| String::from_utf8_lossy(row.value).into_owned())
}
