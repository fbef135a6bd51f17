//! A [`Conference`] with one connection over an embassy-net TCP socket, with embassy-time's clock.

use core::future::Future;
use core::time::Duration;

use embassy_net::tcp::TcpSocket;
use embassy_time::{Instant, Timer};

use super::embedded_io::{Driver, DriverError, Step};
use crate::conference::{Conference, Event};

/// The time since the system started, as the node wants it.
pub fn now() -> Duration {
    Duration::from_micros(Instant::now().as_micros())
}

/// What the host has to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// Something has happened.
    Event(Event),
    /// What the host waited for has come.
    Other(T),
    /// The connection has ended.
    Closed,
}

/// Runs the node until there is something for the host: an event, or that `other` is ready.
/// Timeouts of the node are kept on the way.
///
/// # Errors
/// The socket failed, or what came on it cannot be taken.
pub async fn next<T>(
    driver: &mut Driver<'_, &mut TcpSocket<'_>>,
    node: &mut Conference<'_>,
    other: impl Future<Output = T>,
) -> Result<Next<T>, DriverError<embassy_net::tcp::Error>> {
    let mut other = core::pin::pin!(other);
    loop {
        let due = node.poll_timeout();
        let timer = async {
            match due {
                Some(due) => {
                    let micros = u64::try_from(due.as_micros()).unwrap_or(u64::MAX);
                    Timer::at(Instant::from_micros(micros)).await;
                }
                None => core::future::pending().await,
            }
        };
        let mut timer = core::pin::pin!(timer);
        let either = core::future::poll_fn(|context| {
            if let core::task::Poll::Ready(value) = other.as_mut().poll(context) {
                return core::task::Poll::Ready(Some(value));
            }
            timer.as_mut().poll(context).map(|()| None)
        });
        match driver.step(node, now(), either).await? {
            Step::Event(event) => return Ok(Next::Event(event)),
            Step::Other(Some(value)) => return Ok(Next::Other(value)),
            Step::Other(None) => node.handle_timeout(now()),
            Step::Closed => return Ok(Next::Closed),
        }
    }
}
