use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::deadline::Deadline;

/// A stream that gives up on a client that takes too long.
///
/// Between requests it waits for the idle time; from the first byte of a request on, its headers must be there within
/// the header time, however many bytes come meanwhile. While a request is worked on it waits for no one: bodies have
/// a deadline of their own. A response that the client does not take ends it after the write time.
pub(crate) struct TimedStream<S> {
    stream: S,
    times: Times,
    turn: Turn,
    // What it counted when this was last looked at.
    turns: usize,
    reading: Reading,
    read_deadline: Deadline,
    write_deadline: Deadline,
    is_writing: bool,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) header: Duration,
    pub(crate) idle: Duration,
    pub(crate) write: Duration,
}

/// The requests of a connection: odd while one is being worked on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn(Arc<AtomicUsize>);

impl Turn {
    pub(crate) fn begin(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the stream waits for when it reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reading {
    /// Nothing that has a deadline.
    Work,
    /// The first byte of a request.
    Idle,
    /// The end of its headers.
    Headers,
}

impl<S> TimedStream<S> {
    /// Takes a new connection, whose first request is due within the header time.
    pub(crate) fn new(stream: S, times: Times, turn: Turn) -> Self {
        Self {
            stream,
            times,
            turn,
            turns: 0,
            reading: Reading::Headers,
            read_deadline: Deadline::after(times.header),
            write_deadline: Deadline::after(times.write),
            is_writing: false,
        }
    }

    /// Takes note of what is being waited for from here on.
    fn observe(&mut self, has_bytes: bool) {
        let count = self.turn.count();
        // A request may have come and gone while nothing was read.
        let has_turned = count != self.turns;
        self.turns = count;
        let next = match self.reading {
            _ if count % 2 == 1 => Reading::Work,
            _ if has_turned && !has_bytes => Reading::Idle,
            Reading::Work | Reading::Idle if has_bytes => Reading::Headers,
            reading => reading,
        };
        if next == self.reading && !has_turned {
            return;
        }
        self.reading = next;
        let time = match next {
            Reading::Work => return,
            Reading::Idle => self.times.idle,
            Reading::Headers => self.times.header,
        };
        self.read_deadline.put_off(time);
    }

    fn poll_write_deadline(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        if !self.is_writing {
            self.is_writing = true;
            self.write_deadline.put_off(self.times.write);
        }
        self.write_deadline.poll(context).map(|()| io::ErrorKind::TimedOut.into())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        this.observe(buffer.filled().len() > before);
        if this.reading == Reading::Work {
            return read;
        }
        let is_late = match read {
            Poll::Ready(_) => this.read_deadline.is_over(),
            Poll::Pending => this.read_deadline.poll(context).is_ready(),
        };
        if is_late { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { read }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if let Poll::Ready(written) = Pin::new(&mut this.stream).poll_write(context, bytes) {
            this.is_writing = false;
            return Poll::Ready(written);
        }
        Poll::Ready(Err(ready!(this.poll_write_deadline(context))))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        if let Poll::Ready(written) = written {
            this.is_writing = false;
            return Poll::Ready(written);
        }
        Poll::Ready(Err(ready!(this.poll_write_deadline(context))))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Instant, sleep, timeout};

    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const TIMES: Times = Times {
        header: Duration::from_millis(100),
        idle: Duration::from_millis(500),
        write: Duration::from_millis(100),
    };

    #[tokio::test(start_paused = true)]
    async fn headers_are_due_however_many_bytes_come_meanwhile() {
        let (mut client, server) = duplex(1024);
        let mut stream = TimedStream::new(server, TIMES, Turn::default());
        let began = Instant::now();
        let mut byte = [0];
        for _ in 0..9 {
            client.write_all(b"x").await.unwrap();
            stream.read_exact(&mut byte).await.unwrap();
            sleep(10 * MS).await;
        }
        let error = stream.read_exact(&mut byte).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() <= 110 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn work_has_no_deadline_and_the_wait_for_the_next_request_another() {
        let (mut client, server) = duplex(1024);
        let turn = Turn::default();
        let mut stream = TimedStream::new(server, TIMES, turn.clone());
        turn.begin();
        let mut byte = [0];
        timeout(1000 * MS, stream.read_exact(&mut byte)).await.unwrap_err();
        turn.end();
        timeout(400 * MS, stream.read_exact(&mut byte)).await.unwrap_err();
        client.write_all(b"GET").await.unwrap();
        stream.read_exact(&mut byte).await.unwrap();
        let mut rest = [0; 3];
        let began = Instant::now();
        let error = stream.read_exact(&mut rest).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() <= 101 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_came_and_went_unread_begins_a_new_wait() {
        let (_client, server) = duplex(1024);
        let turn = Turn::default();
        let mut stream = TimedStream::new(server, TIMES, turn.clone());
        turn.begin();
        turn.end();
        let began = Instant::now();
        let error = stream.read_exact(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= TIMES.idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (_client, server) = duplex(16);
        let mut stream = TimedStream::new(server, TIMES, Turn::default());
        let error = stream.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
