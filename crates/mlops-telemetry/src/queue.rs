use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::Event;
use crate::lines::LineWriter;
use crate::telemetry::Counters;

#[derive(Debug)]
pub(crate) enum Message {
    /// An event, and the room that it takes in the queue.
    Event {
        event: Event,
        size: usize,
    },
    Flush(mpsc::Sender<()>),
}

/// The thread's side of the queue: writes what has gathered there in one piece.
pub(crate) struct Worker {
    writer: LineWriter,
    output: Box<dyn Write + Send>,
    lines: Vec<u8>,
    // The number of events in `lines`.
    n_events: u64,
    counters: Arc<Counters>,
}

impl Worker {
    pub(crate) fn new(
        writer: LineWriter,
        output: Box<dyn Write + Send>,
        counters: Arc<Counters>,
    ) -> Self {
        Self { writer, output, lines: Vec::new(), n_events: 0, counters }
    }

    /// Runs until all senders are gone and everything is written.
    pub(crate) fn run(&mut self, messages: &mpsc::Receiver<Message>) {
        while let Ok(message) = messages.recv() {
            // Who records an event wakes this thread only if it waits: under load, once in a while.
            thread::sleep(GATHER_TIME);
            let mut next = Some(message);
            while let Some(message) = next {
                match message {
                    Message::Event { event, size } => self.append(&event, size),
                    Message::Flush(done) => {
                        self.write();
                        // Whoever waited may have given up.
                        let _ = done.send(());
                    }
                }
                if self.lines.len() >= BATCH_BYTES {
                    self.write();
                }
                next = messages.try_recv().ok();
            }
            self.write();
        }
    }

    fn append(&mut self, event: &Event, size: usize) {
        let before = self.lines.len();
        // A panic must not end the thread: what is recorded later would be lost uncounted.
        let append = AssertUnwindSafe(|| self.writer.append(event, &mut self.lines));
        if catch_unwind(append).is_ok_and(|outcome| outcome.is_ok()) {
            self.n_events += 1;
        } else {
            self.lines.truncate(before);
            self.counters.failed.fetch_add(1, Ordering::Relaxed);
        }
        self.counters.queued_bytes.fetch_sub(size, Ordering::Relaxed);
    }

    fn write(&mut self) {
        let written = catch_unwind(AssertUnwindSafe(|| self.try_write()));
        let is_written = matches!(written, Ok(Ok(())));
        let Counters { written, failed, .. } = &*self.counters;
        let counter = if is_written { written } else { failed };
        counter.fetch_add(self.n_events, Ordering::Relaxed);
        self.lines.clear();
        self.n_events = 0;
    }

    fn try_write(&mut self) -> io::Result<()> {
        self.output.write_all(&self.lines)?;
        self.output.flush()
    }
}

/// Lines are handed to the output in pieces of about this many bytes, or sooner when the queue is empty.
const BATCH_BYTES: usize = 64 << 10;
/// How long events gather before they are written.
const GATHER_TIME: Duration = Duration::from_millis(5);
