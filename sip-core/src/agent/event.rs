use core::fmt;
use core::time::Duration;

use crate::dialog::DialogError;
use crate::message::{Message, StatusCode};
use crate::storage::{Full, Index, NotKept};
use crate::transaction;
use crate::transport::Path;

/// Names an account of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AccountId(pub(super) Index);

/// Names a call, from its INVITE to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CallId(pub(super) Index);

/// Names a subscription, ours or another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SubscriptionId(pub(super) Index);

/// Names a request that stands alone, a MESSAGE, an INFO or an OPTIONS, until its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RequestId(pub(super) u32);

/// Why something did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Failure {
    /// The other side refused with this code.
    Refused(StatusCode),
    /// The other side did not answer in time.
    Timeout,
    /// The path could not be used.
    Transport,
    /// There was no room for what had to be sent or kept.
    NoRoom,
    /// No server was found, or none of those that were found answers.
    #[cfg(feature = "failover")]
    NoServer,
}

impl From<transaction::Failure> for Failure {
    fn from(failure: transaction::Failure) -> Self {
        match failure {
            transaction::Failure::Timeout => Self::Timeout,
            transaction::Failure::Transport => Self::Transport,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "refused with {} {}", code.get(), code.reason()),
            Self::Timeout => f.write_str("no answer came in time"),
            Self::Transport => f.write_str("the path could not be used"),
            Self::NoRoom => f.write_str("there was no room for it"),
            #[cfg(feature = "failover")]
            Self::NoServer => f.write_str("no server was found that answers"),
        }
    }
}

/// Why a call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum End {
    /// We have hung up.
    Local,
    /// The other side has hung up.
    Remote,
    /// The other side has cancelled its INVITE, or we ours.
    Cancelled,
    /// It failed, or was refused.
    Failed(Failure),
}

/// What an agent has to tell. The messages borrow from what was handed in.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'d> {
    /// The account is registered, or its registration was refreshed.
    Registered {
        /// The account.
        account: AccountId,
        /// How long it lasts; it is refreshed before that.
        expires: Duration,
    },
    /// The account is not registered any more, as was asked.
    Unregistered {
        /// The account.
        account: AccountId,
    },
    /// The account could not be registered, or its registration was lost.
    RegistrationFailed {
        /// The account.
        account: AccountId,
        /// Why.
        failure: Failure,
        /// When it is tried again; never by itself where this is `None`.
        retry_in: Option<Duration>,
    },
    /// The server of an account was located (RFC 3263), or another one after that failed.
    #[cfg(feature = "failover")]
    Located {
        /// The account.
        account: AccountId,
        /// Where it is.
        path: Path,
    },
    /// There is no server for an account, or none is left that answers. The next registration looks
    /// for one anew.
    #[cfg(feature = "failover")]
    NotLocated {
        /// The account.
        account: AccountId,
    },
    /// A flow answers no more (RFC 5626 section 4.4.1): close its connection. What waited on it has
    /// failed, and it is registered anew after a while, as [`Event::RegistrationFailed`] says.
    #[cfg(feature = "outbound")]
    FlowFailed {
        /// The account, or its flow.
        account: AccountId,
        /// The way that is lost.
        path: Path,
        /// Why.
        failure: Failure,
    },
    /// Somebody calls: [`Agent::ring`](super::Agent::ring), [`Agent::answer`](super::Agent::answer)
    /// or [`Agent::reject`](super::Agent::reject).
    Incoming {
        /// The call.
        call: CallId,
        /// Whom it is for.
        account: AccountId,
        /// The call that it takes the place of when it is answered (RFC 3891); that one is hung up
        /// then.
        replaces: Option<CallId>,
        /// The INVITE; its body is the offer, if it has one.
        message: Message<'d>,
    },
    /// A provisional response to our INVITE, 180 Ringing or the like.
    Progress {
        /// The call.
        call: CallId,
        /// The response.
        message: Message<'d>,
    },
    /// A reliable provisional response of ours was acknowledged (RFC 3262): the next one may be sent,
    /// or the call be answered.
    ProgressAcknowledged {
        /// The call.
        call: CallId,
        /// The PRACK; its body is the answer, where the response was an offer.
        message: Message<'d>,
    },
    /// Our call is sent elsewhere (RFC 3261 section 8.1.3.4), where it goes on under the same name.
    #[cfg(feature = "calling")]
    Redirected {
        /// The call.
        call: CallId,
        /// The 3xx.
        message: Message<'d>,
    },
    /// Our call was answered, and the ACK is on its way.
    Answered {
        /// The call.
        call: CallId,
        /// The 2xx; its body is the answer to our offer.
        message: Message<'d>,
    },
    /// The ACK for our answer has come, or for our answer to a re-INVITE.
    Confirmed {
        /// The call.
        call: CallId,
        /// The ACK; its body is the answer, where the offer was ours.
        message: Message<'d>,
    },
    /// The other side wants to change the session (a re-INVITE):
    /// [`Agent::answer`](super::Agent::answer) or [`Agent::reject`](super::Agent::reject).
    Reinvited {
        /// The call.
        call: CallId,
        /// The INVITE; its body is the new offer, if it has one.
        message: Message<'d>,
    },
    /// The other side makes an offer before the call is answered, in an UPDATE (RFC 3311) or in a
    /// PRACK (RFC 3262 section 5): [`Agent::answer_offer`](super::Agent::answer_offer) or
    /// [`Agent::reject_offer`](super::Agent::reject_offer). Only where
    /// [`Config::all_offers`](super::Config::all_offers) is set.
    #[cfg(feature = "offers")]
    Offered {
        /// The call.
        call: CallId,
        /// The request; its body is the offer.
        message: Message<'d>,
    },
    /// The other side agrees to our re-INVITE.
    Changed {
        /// The call.
        call: CallId,
        /// The 2xx; its body is the answer.
        message: Message<'d>,
    },
    /// The other side does not agree to our re-INVITE; the session goes on as it was. After
    /// 491 Request Pending try again a little later.
    ChangeFailed {
        /// The call.
        call: CallId,
        /// Why.
        failure: Failure,
    },
    /// The session is to be refreshed (RFC 4028), which the other side does not let an UPDATE do:
    /// send the same offer again with [`Agent::reinvite`](super::Agent::reinvite).
    RefreshDue {
        /// The call.
        call: CallId,
    },
    /// The other side wants us to call somebody in its place (RFC 3515):
    /// [`Agent::accept_transfer`](super::Agent::accept_transfer) with what
    /// [`Event::transfer_target`] says, or [`Agent::reject_transfer`](super::Agent::reject_transfer).
    TransferRequested {
        /// The call.
        call: CallId,
        /// The REFER.
        message: Message<'d>,
    },
    /// What has come of a transfer that we asked for.
    TransferProgress {
        /// The call whose other side does it.
        call: CallId,
        /// The last response that it has from whom it calls.
        code: StatusCode,
        /// Whether nothing more will be told.
        is_over: bool,
    },
    /// A transfer that we asked for was refused.
    TransferFailed {
        /// The call.
        call: CallId,
        /// Why.
        failure: Failure,
    },
    /// An INFO within a call; it was answered 200.
    Info {
        /// The call.
        call: CallId,
        /// The request.
        message: Message<'d>,
    },
    /// The call is over and its name is not valid any more.
    Ended {
        /// The call.
        call: CallId,
        /// Why.
        end: End,
        /// The BYE, CANCEL or refusal that ended it.
        message: Option<Message<'d>>,
    },
    /// An instant message, or a sign of typing; it was answered 200.
    Message {
        /// Whom it is for.
        account: AccountId,
        /// The call that it belongs to, if any.
        call: Option<CallId>,
        /// The request.
        message: Message<'d>,
    },
    /// A request that stands alone was answered.
    Response {
        /// The request.
        request: RequestId,
        /// The final response.
        message: Message<'d>,
    },
    /// A request that stands alone was not answered.
    RequestFailed {
        /// The request.
        request: RequestId,
        /// Why.
        failure: Failure,
    },
    /// Somebody wants to be told of our state:
    /// [`Agent::accept_subscription`](super::Agent::accept_subscription) or
    /// [`Agent::reject_subscription`](super::Agent::reject_subscription).
    Subscribe {
        /// The subscription.
        subscription: SubscriptionId,
        /// Whom it is for.
        account: AccountId,
        /// The SUBSCRIBE.
        message: Message<'d>,
    },
    /// Another's subscription was refreshed: tell it our state with
    /// [`Agent::notify`](super::Agent::notify).
    Refreshed {
        /// The subscription.
        subscription: SubscriptionId,
    },
    /// Our subscription was accepted, or its refresh.
    Subscribed {
        /// The subscription.
        subscription: SubscriptionId,
        /// How long it lasts; it is refreshed before that.
        expires: Duration,
    },
    /// We are told of a state; it was answered 200.
    Notify {
        /// The subscription.
        subscription: SubscriptionId,
        /// The NOTIFY.
        message: Message<'d>,
    },
    /// Our subscription is lost, and is asked for again under the same name after a while. Only where
    /// [`Config::resubscribes`](super::Config::resubscribes) is set.
    #[cfg(feature = "resubscribe")]
    SubscriptionSuspended {
        /// The subscription.
        subscription: SubscriptionId,
        /// Why, where it was not ended by a NOTIFY.
        failure: Option<Failure>,
        /// When it is asked for again.
        retry_in: Duration,
        /// The last NOTIFY, or the refusal.
        message: Option<Message<'d>>,
    },
    /// The subscription, ours or another's, is over and its name is not valid any more.
    SubscriptionEnded {
        /// The subscription.
        subscription: SubscriptionId,
        /// Why, where it is not over because its time was or somebody wanted it.
        failure: Option<Failure>,
        /// The last NOTIFY, or the refusal.
        message: Option<Message<'d>>,
    },
    /// Our state is published, or its publication was refreshed.
    Published {
        /// The account.
        account: AccountId,
        /// How long it lasts; it is refreshed before that.
        expires: Duration,
    },
    /// Our state is not published (any more). After 412 publish it anew.
    PublicationFailed {
        /// The account.
        account: AccountId,
        /// Why.
        failure: Failure,
    },
    /// Something came on a stream that is no good, or for which there is no room.
    Refused {
        /// The way it came.
        path: Path,
        /// What is wrong.
        error: Error,
    },
    /// The buffer handed to `poll_transmit` is too small for what stands first; it stays queued.
    BufferTooSmall {
        /// How many octets it must have.
        needed: usize,
    },
}

/// What the host is told of its own call, or of bytes that it handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// From the transaction layer: no SIP message, no room, no address for the transport.
    Transaction(transaction::Error),
    /// A request that would make a dialog cannot.
    Dialog(DialogError),
    /// There is no room for another account.
    Accounts(Full),
    /// There is no room for another call. One that arrived was answered 486.
    Calls(Full),
    /// There is no room for another subscription. One that arrived was answered 503.
    Subscriptions(Full),
    /// There is no such account, call or subscription (any more).
    Gone,
    /// What was asked for is not possible in the state that this is in.
    State,
    /// A URI that was handed in is malformed.
    Uri,
    /// The URI names a host that is no address, and the account has no server: resolve it first.
    Unresolved,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transaction(error) => error.fmt(f),
            Self::Dialog(error) => error.fmt(f),
            Self::Accounts(full) => write!(f, "accounts: {full}"),
            Self::Calls(full) => write!(f, "calls: {full}"),
            Self::Subscriptions(full) => write!(f, "subscriptions: {full}"),
            Self::Gone => f.write_str("it is over"),
            Self::State => f.write_str("not possible in this state"),
            Self::Uri => f.write_str("the URI is malformed"),
            Self::Unresolved => {
                f.write_str("the URI's host is no address and the account has no server")
            }
        }
    }
}

impl core::error::Error for Error {}

impl From<transaction::Error> for Error {
    fn from(error: transaction::Error) -> Self {
        Self::Transaction(error)
    }
}

impl From<DialogError> for Error {
    fn from(error: DialogError) -> Self {
        Self::Dialog(error)
    }
}

impl From<NotKept> for Error {
    fn from(error: NotKept) -> Self {
        Self::Transaction(error.into())
    }
}
