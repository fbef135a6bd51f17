//! Runs Messenger's [`Sender`] and [`Receiver`] over any stream of `embedded_io_async`.
//!
//! The host opens the connection, or takes it; it gives the clock, and the file as a [`Source`] or
//! a [`Sink`]. Both futures end with the transfer; the host closes the stream then. A future that
//! is dropped has left the transfer in the middle: the stream has to be closed.

use core::fmt;
use core::future::Future;
use core::time::Duration;

use embassy_futures::select::{Either, select};
use embedded_io_async::{Read, ReadReady, Write};

use crate::messenger::{
    ByeCode, CHUNK, CHUNK_HEADER, Error, Event, LINE_LIMIT, Receiver, Sender, TRANSMIT_LEN,
};

/// Time, as the host has it.
pub trait Clock {
    /// The time since the host's epoch.
    fn now(&self) -> Duration;
    /// Ends when that time has come.
    fn wait_until(&self, at: Duration) -> impl Future<Output = ()>;
}

/// Where the octets of a file come from.
pub trait Source {
    /// What may go wrong.
    type Error;
    /// Reads octets that begin at `offset`, as many as are at hand, but at least one unless the
    /// file has ended. Says how many.
    fn read(
        &mut self,
        offset: u64,
        into: &mut [u8],
    ) -> impl Future<Output = Result<usize, Self::Error>>;
}

/// Where the octets of a file go.
pub trait Sink {
    /// What may go wrong.
    type Error;
    /// Writes octets that belong at `offset`; they come in order.
    fn write(&mut self, offset: u64, data: &[u8]) -> impl Future<Output = Result<(), Self::Error>>;
}

/// How a transfer has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RunError<S, F> {
    /// As the machine says.
    Transfer(Error),
    /// One side has given up.
    Cancelled(ByeCode),
    /// The stream has failed.
    Stream(S),
    /// The file has failed; the peer has been told.
    File(F),
    /// The file turned out shorter than was announced; the peer has been told.
    FileTooShort,
    /// The buffer is shorter than the function's documentation asks for.
    BufferTooSmall,
}

impl<S, F> From<Error> for RunError<S, F> {
    fn from(error: Error) -> Self {
        Self::Transfer(error)
    }
}

impl<S: fmt::Debug, F: fmt::Debug> fmt::Display for RunError<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transfer(error) => error.fmt(f),
            Self::Cancelled(code) => code.fmt(f),
            Self::Stream(error) => write!(f, "the stream has failed: {error:?}"),
            Self::File(error) => write!(f, "the file has failed: {error:?}"),
            Self::FileTooShort => f.write_str("the file is shorter than was announced"),
            Self::BufferTooSmall => f.write_str("the buffer is too small"),
        }
    }
}

impl<S: fmt::Debug, F: fmt::Debug> core::error::Error for RunError<S, F> {}

/// How long the buffer of [`send`] has to be at least, in octets: a line, a chunk's octets, and the
/// chunk.
pub const SEND_BUFFER: usize = LINE_LIMIT + CHUNK + CHUNK + CHUNK_HEADER;
/// How long the buffer of [`receive`] has to be at least, in octets.
pub const RECEIVE_BUFFER: usize = LINE_LIMIT + TRANSMIT_LEN;

/// Sends a file. The buffer has [`SEND_BUFFER`] octets; more make fewer and longer writes.
///
/// # Errors
/// Why the receiver does not have the file.
pub async fn send<S, F>(
    sender: &mut Sender,
    stream: &mut S,
    clock: &impl Clock,
    file: &mut F,
    buffer: &mut [u8],
) -> Result<(), RunError<S::Error, F::Error>>
where
    S: Read + ReadReady + Write,
    F: Source,
{
    if buffer.len() < SEND_BUFFER {
        return Err(RunError::BufferTooSmall);
    }
    let (inbox, rest) = buffer.split_at_mut_checked(LINE_LIMIT).ok_or(RunError::BufferTooSmall)?;
    // The chunks need their headers besides what was read.
    let plain_len = rest.len().saturating_sub(CHUNK_HEADER) / 2;
    let (plain, out) = rest.split_at_mut_checked(plain_len).ok_or(RunError::BufferTooSmall)?;
    let mut held = 0usize;
    loop {
        let mut end = None;
        while end.is_none() {
            let octets = inbox.get(..held).unwrap_or_default();
            let (used, event) = match sender.handle_stream(clock.now(), octets) {
                Ok(handled) => handled,
                Err(error) => {
                    flush(stream, |b| sender.poll_transmit(clock.now(), b).map(|t| t.len), out)
                        .await?;
                    return Err(error.into());
                }
            };
            end = event.and_then(ending);
            inbox.copy_within(used.min(held)..held, 0);
            held = held.saturating_sub(used);
            flush(stream, |b| sender.poll_transmit(clock.now(), b).map(|t| t.len), out).await?;
            end = end.or_else(|| sender.poll_event().and_then(ending));
            if used == 0 {
                break;
            }
        }
        if let Some(end) = end {
            return end.map_err(Into::into);
        }
        let reading = sender.poll_read();
        let ready = match reading {
            None => true,
            // Between two chunks the receiver may have something to say.
            Some(_) => stream.read_ready().map_err(RunError::Stream)?,
        };
        if let (Some(read), false) = (reading, ready) {
            let left = usize::try_from(read.left).unwrap_or(usize::MAX).min(plain.len());
            let place = plain.get_mut(..left).unwrap_or_default();
            let got = match file.read(read.offset, place).await {
                Ok(got) => got.min(left),
                Err(error) => {
                    sender.cancel(clock.now());
                    flush(stream, |b| sender.poll_transmit(clock.now(), b).map(|t| t.len), out)
                        .await?;
                    return Err(RunError::File(error));
                }
            };
            if got == 0 {
                sender.cancel(clock.now());
                flush(stream, |b| sender.poll_transmit(clock.now(), b).map(|t| t.len), out).await?;
                return Err(RunError::FileTooShort);
            }
            let mut data = place.get(..got).unwrap_or_default();
            while !data.is_empty() {
                let (taken, transmit) = sender.supply(clock.now(), data, out)?;
                let chunks = out.get(..transmit.len).unwrap_or_default();
                stream.write_all(chunks).await.map_err(RunError::Stream)?;
                data = data.get(taken..).unwrap_or_default();
            }
            continue;
        }
        let place = inbox.get_mut(held..).unwrap_or_default();
        match read(stream, clock, sender.poll_timeout(), place).await.map_err(RunError::Stream)? {
            Came::Octets(len) => held = held.saturating_add(len),
            Came::End => sender.handle_closed(clock.now()),
            Came::Time => sender.handle_timeout(clock.now()),
        }
        if let Some(end) = sender.poll_event().and_then(ending) {
            return end.map_err(Into::into);
        }
    }
}

/// Receives a file. The buffer has [`RECEIVE_BUFFER`] octets; more make longer writes. What went
/// to the sink is the whole file only after `Ok`.
///
/// # Errors
/// Why the file is not whole.
pub async fn receive<S, F>(
    receiver: &mut Receiver,
    stream: &mut S,
    clock: &impl Clock,
    file: &mut F,
    buffer: &mut [u8],
) -> Result<(), RunError<S::Error, F::Error>>
where
    S: Read + Write,
    F: Sink,
{
    if buffer.len() < RECEIVE_BUFFER {
        return Err(RunError::BufferTooSmall);
    }
    let (out, inbox) = buffer.split_at_mut_checked(TRANSMIT_LEN).ok_or(RunError::BufferTooSmall)?;
    let mut held = 0usize;
    loop {
        let mut begin = 0usize;
        loop {
            let octets = inbox.get_mut(begin..held).unwrap_or_default();
            let (used, event) = match receiver.handle_stream(clock.now(), octets) {
                Ok(handled) => handled,
                Err(error) => return Err(error.into()),
            };
            begin = begin.saturating_add(used);
            let mut end = None;
            if let Some(event) = event {
                if let Event::Data { offset, data } = event {
                    if let Err(error) = file.write(offset, data).await {
                        receiver.cancel(clock.now(), ByeCode::DiskFull);
                        let now = clock.now();
                        flush(stream, |b| receiver.poll_transmit(now, b).map(|t| t.len), out)
                            .await?;
                        return Err(RunError::File(error));
                    }
                } else {
                    end = ending(event);
                }
            }
            flush(stream, |b| receiver.poll_transmit(clock.now(), b).map(|t| t.len), out).await?;
            end = end.or_else(|| receiver.poll_event().and_then(ending));
            if let Some(end) = end {
                return end.map_err(Into::into);
            }
            if used == 0 {
                break;
            }
        }
        inbox.copy_within(begin.min(held)..held, 0);
        held = held.saturating_sub(begin);
        let place = inbox.get_mut(held..).unwrap_or_default();
        let came = read(stream, clock, receiver.poll_timeout(), place).await;
        match came.map_err(RunError::Stream)? {
            Came::Octets(len) => held = held.saturating_add(len),
            Came::End => receiver.handle_closed(clock.now()),
            Came::Time => receiver.handle_timeout(clock.now()),
        }
        if let Some(end) = receiver.poll_event().and_then(ending) {
            return end.map_err(Into::into);
        }
    }
}

/// How the machine ended.
enum Ending {
    Error(Error),
    Cancelled(ByeCode),
}

impl<S, F> From<Ending> for RunError<S, F> {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Error(error) => Self::Transfer(error),
            Ending::Cancelled(code) => Self::Cancelled(code),
        }
    }
}

fn ending(event: Event<'_>) -> Option<Result<(), Ending>> {
    match event {
        Event::Complete => Some(Ok(())),
        Event::Cancelled { code } => Some(Err(Ending::Cancelled(code))),
        Event::Failed(error) => Some(Err(Ending::Error(error))),
        _ => None,
    }
}

enum Came {
    Octets(usize),
    End,
    Time,
}

async fn read<S: Read>(
    stream: &mut S,
    clock: &impl Clock,
    timeout: Option<Duration>,
    into: &mut [u8],
) -> Result<Came, S::Error> {
    let read = stream.read(into);
    let came = match timeout {
        None => read.await,
        Some(at) => match select(read, clock.wait_until(at)).await {
            Either::First(came) => came,
            Either::Second(()) => return Ok(Came::Time),
        },
    };
    came.map(|len| if len == 0 { Came::End } else { Came::Octets(len) })
}

/// Sends all lines that the machine has.
async fn flush<S: Write, F>(
    stream: &mut S,
    mut poll: impl FnMut(&mut [u8]) -> Option<usize>,
    out: &mut [u8],
) -> Result<(), RunError<S::Error, F>> {
    let mut any = false;
    while let Some(len) = poll(out) {
        any = true;
        let line = out.get(..len).unwrap_or_default();
        stream.write_all(line).await.map_err(RunError::Stream)?;
    }
    if any {
        stream.flush().await.map_err(RunError::Stream)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messenger::{Config, Key, Keys};
    use alloc::collections::VecDeque;
    use alloc::vec;
    use alloc::vec::Vec;
    use core::cell::RefCell;
    use core::convert::Infallible;
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};
    use embassy_futures::join::join;
    use embedded_io_async::ErrorType;

    #[derive(Default)]
    struct Pipe {
        octets: VecDeque<u8>,
        closed: bool,
    }

    /// One end of a stream in memory.
    struct End<'p> {
        from: &'p RefCell<Pipe>,
        to: &'p RefCell<Pipe>,
    }

    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.to.borrow_mut().closed = true;
        }
    }

    impl ErrorType for End<'_> {
        type Error = Infallible;
    }

    impl Read for End<'_> {
        async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
            core::future::poll_fn(|_| {
                let mut pipe = self.from.borrow_mut();
                if pipe.octets.is_empty() && !pipe.closed {
                    return Poll::Pending;
                }
                let len = buffer.len().min(pipe.octets.len()).min(700);
                for (to, from) in buffer.iter_mut().zip(pipe.octets.drain(..len)) {
                    *to = from;
                }
                Poll::Ready(Ok(len))
            })
            .await
        }
    }

    impl ReadReady for End<'_> {
        fn read_ready(&mut self) -> Result<bool, Infallible> {
            let pipe = self.from.borrow();
            Ok(!pipe.octets.is_empty() || pipe.closed)
        }
    }

    impl Write for End<'_> {
        async fn write(&mut self, octets: &[u8]) -> Result<usize, Infallible> {
            self.to.borrow_mut().octets.extend(octets);
            Ok(octets.len())
        }

        async fn flush(&mut self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Duration {
            Duration::ZERO
        }

        async fn wait_until(&self, _: Duration) {
            core::future::pending().await
        }
    }

    struct Flash(Vec<u8>, usize);

    impl Source for Flash {
        type Error = ();
        async fn read(&mut self, offset: u64, into: &mut [u8]) -> Result<usize, ()> {
            let from = usize::try_from(offset).unwrap();
            let rest = self.0.get(from..).unwrap_or_default();
            let len = rest.len().min(into.len()).min(1000);
            into[..len].copy_from_slice(&rest[..len]);
            Ok(len)
        }
    }

    impl Sink for Flash {
        type Error = ();
        async fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), ()> {
            assert_eq!(offset, self.0.len() as u64);
            self.0.extend_from_slice(data);
            if self.0.len() > self.1 { Err(()) } else { Ok(()) }
        }
    }

    type Outcome = Result<(), RunError<Infallible, ()>>;

    /// Sends `file`, announced with `size` octets, to flash with `room`.
    fn run(file: &[u8], size: u64, room: usize) -> (Outcome, Outcome, Vec<u8>) {
        let keys = Keys { encryption: Key::new([5; 24]), hash: Key::new([6; 24]) };
        let config = Config::new("bob@example.test", 7, size, keys);
        let (a, b) = (RefCell::new(Pipe::default()), RefCell::new(Pipe::default()));
        let mut sender = Sender::new(Duration::ZERO, &config).unwrap();
        let mut receiver = Receiver::new(Duration::ZERO, &config).unwrap();
        let (mut source, mut sink) = (Flash(file.to_vec(), 0), Flash(Vec::new(), room));
        let (mut out, mut inbox) = (vec![0; SEND_BUFFER], vec![0; RECEIVE_BUFFER]);
        let sending = async {
            let mut end = End { from: &a, to: &b };
            send(&mut sender, &mut end, &Still, &mut source, &mut out).await
        };
        let receiving = async {
            let mut end = End { from: &b, to: &a };
            receive(&mut receiver, &mut end, &Still, &mut sink, &mut inbox).await
        };
        let (sent, received) = {
            let mut both = pin!(join(sending, receiving));
            let mut context = Context::from_waker(Waker::noop());
            let mut polls = 0;
            loop {
                if let Poll::Ready(ends) = both.as_mut().poll(&mut context) {
                    break ends;
                }
                polls += 1;
                assert!(polls < 10_000, "it hangs");
            }
        };
        (sent, received, sink.0)
    }

    #[test]
    fn a_file_passes() {
        let file: Vec<u8> = (0..50_000u32).map(|i| i as u8).collect();
        for len in [0, 1, 2045, 50_000] {
            let (sent, received, copy) = run(&file[..len], len as u64, usize::MAX);
            assert_eq!((sent, received), (Ok(()), Ok(())));
            assert_eq!(copy, file[..len]);
        }
    }

    #[test]
    fn trouble_with_a_file_is_told_to_the_other_side() {
        let file = vec![1; 50_000];
        let (sent, received, _) = run(&file, 50_000, 10_000);
        assert_eq!(received, Err(RunError::File(())));
        assert_eq!(sent, Err(RunError::Cancelled(ByeCode::DiskFull)));
        let (sent, received, _) = run(&file, 60_000, usize::MAX);
        assert_eq!(sent, Err(RunError::FileTooShort));
        assert_eq!(received, Err(RunError::Cancelled(ByeCode::SenderCancelled)));
    }
}
