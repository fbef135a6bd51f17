//! What happens to a client, in values that outlast the octets they came in.

use std::net::SocketAddr;
use std::time::Duration;

use sip_core::agent::{CallId, End, Event, Failure, RequestId, SubscriptionId};
use sip_core::header::From;
use sip_core::message::{Message, Name};
use sip_core::transport::Path;

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
        failure: Failure,
        /// When it is tried again; never by itself where this is `None`.
        retry_in: Option<Duration>,
    },
    /// What was published is known.
    Published,
    /// What was published is not known (any more).
    PublicationFailed {
        /// Why.
        failure: Failure,
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
        /// The type of the document.
        content_type: String,
        /// The document; empty where there is none yet.
        body: Vec<u8>,
    },
    /// A subscription is over.
    SubscriptionEnded {
        /// Which.
        subscription: SubscriptionId,
        /// Why; nothing where its time is over, or somebody wanted it.
        failure: Option<Failure>,
    },
    /// Somebody calls.
    Incoming {
        /// The call.
        call: CallId,
        /// The caller's URI.
        from: String,
        /// The call that it takes the place of when it is answered.
        replaces: Option<CallId>,
        /// The offer; empty where the caller makes none.
        body: Vec<u8>,
    },
    /// It rings at the other side, or the like.
    Progress {
        /// The call.
        call: CallId,
        /// The status code.
        code: u16,
        /// Early media: an answer to the offer, or empty.
        body: Vec<u8>,
    },
    /// A reliable provisional response of this side is known to the caller: the call may be answered.
    ProgressAcknowledged {
        /// The call.
        call: CallId,
    },
    /// The other side has picked up.
    Answered {
        /// The call.
        call: CallId,
        /// The answer to the offer.
        body: Vec<u8>,
    },
    /// The caller knows that this side has picked up, or has agreed to a change.
    Confirmed {
        /// The call.
        call: CallId,
        /// The answer, where the offer was this side's; empty else.
        body: Vec<u8>,
    },
    /// The other side wants to change the session.
    Reinvited {
        /// The call.
        call: CallId,
        /// The offer; empty where it makes none.
        body: Vec<u8>,
    },
    /// The other side has agreed to a change.
    Changed {
        /// The call.
        call: CallId,
        /// The answer.
        body: Vec<u8>,
    },
    /// The other side has not agreed to a change: the session goes on as it was.
    ChangeFailed {
        /// The call.
        call: CallId,
        /// Why.
        failure: Failure,
    },
    /// The session is to be refreshed with the same offer once more.
    RefreshDue {
        /// The call.
        call: CallId,
    },
    /// The other side wants this one to call somebody in its place.
    TransferRequested {
        /// The call.
        call: CallId,
        /// Whom to call, with all that stands in that URI.
        target: Vec<u8>,
        /// Who asks for it, as the message says; empty where it does not.
        by: Vec<u8>,
    },
    /// What has come of a transfer that this side asked for.
    TransferProgress {
        /// The call.
        call: CallId,
        /// The last response that the other side has.
        code: u16,
        /// Whether nothing more will be told.
        is_over: bool,
    },
    /// A transfer that this side asked for was refused.
    TransferFailed {
        /// The call.
        call: CallId,
        /// Why.
        failure: Failure,
    },
    /// An INFO within a call.
    Info {
        /// The call.
        call: CallId,
        /// The type of its content.
        content_type: String,
        /// Its content.
        body: Vec<u8>,
    },
    /// A call is over.
    Ended {
        /// The call.
        call: CallId,
        /// How.
        end: End,
    },
    /// A message came.
    Message {
        /// The call that it belongs to.
        call: Option<CallId>,
        /// Who sent it.
        from: String,
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
        /// The response, as it came.
        text: String,
    },
    /// A request was not answered.
    RequestFailed {
        /// Which.
        request: RequestId,
        /// Why.
        failure: Failure,
    },
    /// Something does not work between this client and one address.
    Trouble {
        /// The address.
        remote: SocketAddr,
        /// What.
        error: String,
    },
    /// A message as it was sent or came, where that was asked for.
    Trace {
        /// The way it takes.
        path: Path,
        /// Whether it was sent, and did not come.
        sent: bool,
        /// The message.
        text: String,
    },
}

impl Happening {
    /// What an event of the agent means; nothing where a client does not care.
    pub(crate) fn of(event: &Event<'_>) -> Option<Self> {
        Some(match event {
            Event::Registered { expires, .. } => Self::Registered { expires: *expires },
            Event::Unregistered { .. } => Self::Unregistered,
            Event::RegistrationFailed { failure, retry_in, .. } => {
                Self::RegistrationFailed { failure: *failure, retry_in: *retry_in }
            }
            Event::Published { .. } => Self::Published,
            Event::PublicationFailed { failure, .. } => {
                Self::PublicationFailed { failure: *failure }
            }
            Event::Subscribed { subscription, .. } => {
                Self::Subscribed { subscription: *subscription }
            }
            Event::Notify { subscription, message } => Self::Notify {
                subscription: *subscription,
                content_type: content_type(message),
                body: body(message),
            },
            Event::SubscriptionEnded { subscription, failure, .. } => {
                Self::SubscriptionEnded { subscription: *subscription, failure: *failure }
            }
            Event::Incoming { call, message, replaces, .. } => Self::Incoming {
                call: *call,
                from: from(message),
                replaces: *replaces,
                body: body(message),
            },
            Event::Progress { call, message } => {
                Self::Progress { call: *call, code: code(message), body: body(message) }
            }
            Event::ProgressAcknowledged { call, .. } => Self::ProgressAcknowledged { call: *call },
            Event::Answered { call, message } => {
                Self::Answered { call: *call, body: body(message) }
            }
            Event::Confirmed { call, message } => {
                Self::Confirmed { call: *call, body: body(message) }
            }
            Event::Reinvited { call, message } => {
                Self::Reinvited { call: *call, body: body(message) }
            }
            Event::Changed { call, message } => Self::Changed { call: *call, body: body(message) },
            Event::ChangeFailed { call, failure } => {
                Self::ChangeFailed { call: *call, failure: *failure }
            }
            Event::RefreshDue { call } => Self::RefreshDue { call: *call },
            Event::TransferRequested { call, .. } => {
                let (target, by) = event.transfer_target().unwrap_or_default();
                Self::TransferRequested { call: *call, target: target.to_vec(), by: by.to_vec() }
            }
            Event::TransferProgress { call, code, is_over } => {
                Self::TransferProgress { call: *call, code: code.get(), is_over: *is_over }
            }
            Event::TransferFailed { call, failure } => {
                Self::TransferFailed { call: *call, failure: *failure }
            }
            Event::Info { call, message } => {
                Self::Info { call: *call, content_type: content_type(message), body: body(message) }
            }
            Event::Ended { call, end, .. } => Self::Ended { call: *call, end: *end },
            Event::Message { call, message, .. } => Self::Message {
                call: *call,
                from: from(message),
                content_type: content_type(message),
                body: body(message),
            },
            Event::Response { request, message } => Self::Response {
                request: *request,
                code: code(message),
                text: String::from_utf8_lossy(message.as_bytes()).into_owned(),
            },
            Event::RequestFailed { request, failure } => {
                Self::RequestFailed { request: *request, failure: *failure }
            }
            Event::Refused { path, error } => {
                Self::Trouble { remote: path.remote, error: error.to_string() }
            }
            _ => return None,
        })
    }
}

/// Why a call is over, in words.
pub fn why(end: &End) -> String {
    match end {
        End::Local => "this side has hung up".to_owned(),
        End::Remote => "the other side has hung up".to_owned(),
        End::Cancelled => "it was cancelled".to_owned(),
        End::Failed(failure) => failure.to_string(),
        other => format!("{other:?}"),
    }
}

fn code(message: &Message<'_>) -> u16 {
    message.code().map_or(0, |code| code.get())
}

fn body(message: &Message<'_>) -> Vec<u8> {
    message.body().to_vec()
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
