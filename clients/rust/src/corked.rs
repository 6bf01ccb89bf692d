//! A connection that sends together what was written together.
//!
//! Every answer wakes the task of its connection, which at once writes the one frame that it finds: a system call
//! for each of a group's answers. So a flush first lets the tasks that are ready to run have the thread, once, and
//! what they write by then goes out in one piece.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A write of so many bytes is passed on at once, together with what is gathered; of smaller ones, at most so many
/// bytes are gathered.
const LARGE_WRITE_BYTES: usize = 4 << 10;
const GATHERED_BYTES_MAX: usize = 16 << 10;

/// After a flush that waited for nothing, so many do not wait.
const HURRIED_FLUSHES: u32 = 16;

/// A connection whose small writes are gathered until they are flushed.
#[derive(Debug)]
pub struct Corked<S> {
    stream: S,
    gathered: Vec<u8>,
    /// How many of the gathered bytes are sent already.
    sent: usize,
    /// How many bytes were gathered when the other tasks got their turn before this flush.
    yielded_at: Option<usize>,
    /// So many flushes do not wait for other tasks, since the last time none of them had anything to add.
    hurried: u32,
}

impl<S> Corked<S> {
    /// Gathers what is written to this stream.
    pub fn new(stream: S) -> Self {
        Self { stream, gathered: Vec::new(), sent: 0, yielded_at: None, hurried: 0 }
    }
}

impl<S: AsyncWrite + Unpin> Corked<S> {
    /// Sends what is gathered, and then bytes of `more`: returns how many of those.
    fn poll_send(&mut self, context: &mut Context<'_>, more: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let rest = &self.gathered[self.sent..];
            if rest.is_empty() && more.is_empty() {
                return Poll::Ready(Ok(0));
            }
            let slices = [IoSlice::new(rest), IoSlice::new(more)];
            let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, &slices))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let (from_rest, is_all) = (written.min(rest.len()), written >= rest.len());
            self.sent += from_rest;
            if is_all {
                self.gathered.clear();
                self.sent = 0;
                if written > from_rest {
                    return Poll::Ready(Ok(written - from_rest));
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Corked<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

/// It does not say that it takes several slices at once: then HTTP/2 copies small frames side by side instead of
/// sending each by itself.
impl<S: AsyncWrite + Unpin> AsyncWrite for Corked<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.len() >= LARGE_WRITE_BYTES || self.gathered.len() + bytes.len() > GATHERED_BYTES_MAX {
            return self.poll_send(context, bytes);
        }
        self.gathered.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gathered = self.gathered.len();
        match self.yielded_at {
            None if gathered > 0 && self.hurried == 0 => {
                self.yielded_at = Some(gathered);
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => {}
            Some(before) if gathered > before => {}
            Some(_) => self.hurried = HURRIED_FLUSHES,
        }
        ready!(self.poll_send(context, &[]))?;
        self.yielded_at = None;
        self.hurried = self.hurried.saturating_sub(1);
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context, &[]))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(feature = "server")]
impl<S: tonic::transport::server::Connected> tonic::transport::server::Connected for Corked<S> {
    type ConnectInfo = S::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Takes at most so many bytes at once, and is not ready every other time.
    struct Narrow {
        taken: Vec<Vec<u8>>,
        most: usize,
        is_ready: bool,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.is_ready = !self.is_ready;
            if !self.is_ready {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let taken = &bytes[..bytes.len().min(self.most)];
            self.taken.push(taken.to_vec());
            Poll::Ready(Ok(taken.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn corked(most: usize) -> Corked<Narrow> {
        Corked::new(Narrow { taken: Vec::new(), most, is_ready: false })
    }

    /// Asks until it is done; returns how often it was not.
    fn until_ready<T>(mut ask: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>) -> (T, usize) {
        let mut context = Context::from_waker(Waker::noop());
        for asked in 0.. {
            if let Poll::Ready(done) = ask(&mut context) {
                return (done.expect("it takes all"), asked);
            }
        }
        unreachable!("it is asked for ever");
    }

    fn write(to: &mut Corked<Narrow>, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[until_ready(|context| Pin::new(&mut *to).poll_write(context, rest)).0..];
        }
    }

    fn flush(what: &mut Corked<Narrow>) -> usize {
        until_ready(|context| Pin::new(&mut *what).poll_flush(context)).1
    }

    #[test]
    fn what_is_written_until_the_flush_comes_back_goes_out_in_one_piece() {
        let mut corked = corked(usize::MAX);
        write(&mut corked, b"one ");
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut corked).poll_flush(&mut context).is_pending(), "others may write first");
        write(&mut corked, b"two");
        flush(&mut corked);
        assert_eq!(corked.stream.taken, [b"one two"]);
    }

    #[test]
    fn a_flush_that_waited_for_nothing_is_followed_by_some_that_do_not_wait() {
        let mut corked = corked(usize::MAX);
        corked.stream.is_ready = true;
        let waits: Vec<bool> = (0..40)
            .map(|_| {
                write(&mut corked, b"alone");
                corked.stream.is_ready = false;
                flush(&mut corked) > 0
            })
            .collect();
        let waited = waits.iter().enumerate().filter(|(_, waits)| **waits).map(|(at, _)| at);
        assert_eq!(waited.collect::<Vec<_>>(), [0, 16, 32]);
    }

    #[test]
    fn everything_arrives_once_and_in_order_whatever_its_size() {
        for most in [1, 7, 1000, usize::MAX] {
            let (mut corked, mut written) = (corked(most), Vec::new());
            for size in [3, 5000, 1, 70_000, 4095, 4096, 0, 66_000, 9].iter().cycle().take(40) {
                let bytes: Vec<u8> = (0..*size).map(|at| (at + written.len()) as u8).collect();
                write(&mut corked, &bytes);
                written.extend_from_slice(&bytes);
                if size % 2 == 1 {
                    flush(&mut corked);
                }
            }
            until_ready(|context| Pin::new(&mut corked).poll_shutdown(context));
            assert!(corked.stream.taken.concat() == written, "at most {most} bytes at once");
        }
    }
}
