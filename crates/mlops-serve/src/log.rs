mod lines;

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{Dialect, Error};

pub(crate) use lines::Event;

/// The log: a queue bounded in bytes and one thread that writes it.
///
/// No request waits for whoever reads the log: an event that finds no room is dropped and counted.
#[derive(Debug)]
pub(crate) struct Log {
    queue: mpsc::Sender<Message>,
    // One permit for each byte that may wait in the queue.
    room: Arc<Semaphore>,
    dropped: Counter,
}

enum Message {
    Event { event: Box<Event>, _room: OwnedSemaphorePermit },
    Flush(oneshot::Sender<()>),
}

impl Log {
    /// Starts the thread; it ends when the log is dropped and everything is written.
    pub(crate) fn start(
        service_name: String,
        dialect: Dialect,
        writer: Box<dyn Write + Send>,
        capacity: usize,
        dropped: Counter,
    ) -> Result<Self, Error> {
        let (queue, messages) = mpsc::channel();
        let mut writer = Writer {
            service_name,
            dialect,
            output: writer,
            lines: Vec::new(),
            n_lines: 0,
            dropped: dropped.clone(),
        };
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer.run(&messages))
            .map_err(|error| Error::LogThread { kind: error.kind() })?;
        Ok(Self { queue, room: Arc::new(Semaphore::new(capacity)), dropped })
    }

    /// Hands `event` to the thread, or drops it; never blocks.
    pub(crate) fn push(&self, event: Event) {
        let size = u32::try_from(event.size()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(size).ok();
        let message = room.map(|room| Message::Event { event: Box::new(event), _room: room });
        if message.and_then(|message| self.queue.send(message).ok()).is_none() {
            self.dropped.inc_by(Event::N_LINES);
        }
    }

    /// Waits until everything that was pushed before is written.
    pub(crate) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).is_ok() {
            // An error means that the thread has ended: there is nothing left to wait for.
            let _ = written.await;
        }
    }
}

/// The thread's side: writes what has gathered in the queue in one piece.
struct Writer {
    service_name: String,
    dialect: Dialect,
    output: Box<dyn Write + Send>,
    lines: Vec<u8>,
    // The number of lines in `lines`.
    n_lines: u64,
    dropped: Counter,
}

impl Writer {
    fn run(&mut self, messages: &mpsc::Receiver<Message>) {
        while let Ok(message) = messages.recv() {
            let mut next = Some(message);
            while let Some(message) = next {
                match message {
                    Message::Event { event, .. } => self.append(&event),
                    Message::Flush(done) => {
                        self.write();
                        // Whoever waited may have given up.
                        let _ = done.send(());
                    }
                }
                let is_full = self.lines.len() >= BATCH_BYTES;
                next = if is_full { None } else { messages.try_recv().ok() };
            }
            self.write();
        }
    }

    fn append(&mut self, event: &Event) {
        let before = self.lines.len();
        if event.append_to(&mut self.lines, &self.service_name, self.dialect).is_ok() {
            self.n_lines += Event::N_LINES;
        } else {
            self.lines.truncate(before);
            self.dropped.inc_by(Event::N_LINES);
        }
    }

    fn write(&mut self) {
        // A panic must not end the thread: what is pushed later would be lost uncounted.
        let written = catch_unwind(AssertUnwindSafe(|| self.try_write()));
        if !matches!(written, Ok(Ok(()))) {
            self.dropped.inc_by(self.n_lines);
        }
        self.lines.clear();
        self.n_lines = 0;
    }

    fn try_write(&mut self) -> io::Result<()> {
        self.output.write_all(&self.lines)?;
        self.output.flush()
    }
}

/// Lines are handed to the writer in pieces of about this many bytes, or sooner when the queue is
/// empty.
const BATCH_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::testing::{Blocked, SharedBuffer, event};

    fn start(writer: impl Write + Send + 'static, capacity: usize) -> (Log, Counter) {
        let dropped = Counter::default();
        let log = Log::start(
            "Wine".to_owned(),
            Dialect::Native,
            Box::new(writer),
            capacity,
            dropped.clone(),
        );
        (log.unwrap(), dropped)
    }

    #[tokio::test]
    async fn what_was_pushed_is_written_when_flush_returns() {
        let buffer = SharedBuffer::default();
        let (log, dropped) = start(buffer.clone(), 1 << 20);
        for _ in 0..1000 {
            log.push(event());
        }
        log.flush().await;
        assert_eq!(buffer.text().lines().count(), 3000);
        assert_eq!(dropped.get(), 0);
    }

    #[tokio::test]
    async fn a_blocked_writer_costs_lines_and_no_time() {
        let (blocked, release) = Blocked::new();
        let buffer = blocked.buffer();
        let (log, dropped) = start(blocked, 20 * event().size());
        let started = Instant::now();
        for _ in 0..1000 {
            log.push(event());
        }
        assert!(started.elapsed() < Duration::from_secs(2));
        let lost = dropped.get();
        assert!((2_000..=2_940).contains(&lost), "{lost} lines were dropped");

        release.send(()).unwrap();
        log.flush().await;
        assert_eq!(buffer.text().lines().count() as u64 + lost, 3000);
        log.push(event());
        log.flush().await;
        assert_eq!(dropped.get(), lost, "there is room again");
    }

    #[tokio::test]
    async fn lines_that_cannot_be_written_are_counted() {
        struct Full;

        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let (log, dropped) = start(Full, 1 << 20);
        log.push(event());
        log.push(event());
        log.flush().await;
        assert_eq!(dropped.get(), 6);
    }

    #[tokio::test]
    async fn a_writer_that_panics_is_a_writer_that_fails() {
        struct Broken;

        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                panic!("a broken writer");
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let (log, dropped) = start(Broken, 1 << 20);
        for lost in [3, 6] {
            log.push(event());
            log.flush().await;
            assert_eq!(dropped.get(), lost);
        }
    }
}
