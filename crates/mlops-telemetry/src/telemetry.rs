use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::lines::LineWriter;
use crate::queue::{BATCH_BYTES, Queue};
use crate::{Error, Event, LineFormat, Privacy, RequestId};

/// Takes events and writes them as lines, on a thread of its own.
///
/// Whoever records an event makes its lines, some microseconds for a request of a few rows, and leaves them in a queue
/// that is bounded in bytes. It never waits for whoever reads the lines: an event that finds no room is dropped and
/// counted. A clone is the same telemetry; what the last one left in the queue is still written.
#[derive(Clone, Debug)]
pub struct Telemetry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: Arc<Queue>,
    lines: LineWriter,
    sampled: u64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Telemetry {
    /// Telemetry of the service called `service_name`, which writes lines to `output`.
    ///
    /// # Examples
    /// The page of this crate shows one.
    pub fn builder(
        service_name: impl Into<String>,
        output: impl Write + Send + 'static,
    ) -> TelemetryBuilder {
        TelemetryBuilder {
            service_name: service_name.into(),
            output: Box::new(output),
            format: LineFormat::default(),
            privacy: Privacy::default(),
            capacity: 32 << 20,
            share: 1.0,
        }
    }

    /// Leaves the lines of `event` for the thread, or drops and counts it; what is not sampled is not counted.
    ///
    /// Making the lines takes time that grows with the rows, some microseconds for a few; the output is not waited for.
    pub fn record(&self, event: &Event) {
        let Inner { queue, lines, .. } = &*self.0;
        if !self.is_sampled(event.request_id()) || queue.refuses() {
            return;
        }
        LINES.with_borrow_mut(|buffer| {
            // Whoever records an event must not fall with its line.
            let append = AssertUnwindSafe(|| lines.append(event, buffer));
            if catch_unwind(append).is_ok_and(|outcome| outcome.is_ok()) {
                queue.push(buffer);
            } else {
                queue.count_failed();
            }
            buffer.clear();
            buffer.shrink_to(BATCH_BYTES);
        });
    }

    /// Whether the events of a request are recorded: by its name, so all of them are or none.
    pub fn is_sampled(&self, request_id: RequestId) -> bool {
        let sampled = self.0.sampled;
        sampled == u64::MAX || hash(request_id) < sampled
    }

    /// Waits until everything that was recorded before is written.
    ///
    /// # Errors
    /// [`Error::NotWritten`] if that takes longer than `grace`.
    pub fn flush(&self, grace: Duration) -> Result<(), Error> {
        if self.0.queue.flush(grace) { Ok(()) } else { Err(Error::NotWritten { grace }) }
    }

    /// What has become of the events so far.
    pub fn counts(&self) -> Counts {
        self.0.queue.counts()
    }
}

thread_local! {
    /// The lines of one event.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What has become of events.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// Events whose lines are written.
    pub written: u64,
    /// Events that found the queue full.
    pub dropped: u64,
    /// Events whose lines could not be made or written.
    pub failed: u64,
    /// The length of the lines that wait, or are being written, in bytes.
    pub queued_bytes: usize,
}

/// Collects what a [`Telemetry`] is made of.
#[must_use]
pub struct TelemetryBuilder {
    service_name: String,
    output: Box<dyn Write + Send>,
    format: LineFormat,
    privacy: Privacy,
    capacity: usize,
    share: f64,
}

impl TelemetryBuilder {
    /// How an event becomes lines; [`LineFormat::Compact`] by default.
    pub fn format(self, format: LineFormat) -> Self {
        Self { format, ..self }
    }

    /// Which columns are not written as they are; all are by default.
    pub fn privacy(self, privacy: Privacy) -> Self {
        Self { privacy, ..self }
    }

    /// While so many bytes of lines wait, no more are taken; 32 MiB by default.
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }

    /// The share of requests that are recorded, in `[0, 1]`; 1 by default.
    pub fn sample(self, share: f64) -> Self {
        Self { share, ..self }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// * [`Error::Share`] if the share of requests is not in `[0, 1]`
    /// * [`Error::Thread`] if the operating system gives no thread
    pub fn start(self) -> Result<Telemetry, Error> {
        if !(0.0..=1.0).contains(&self.share) {
            return Err(Error::Share { got: self.share.to_string() });
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of the numbers below 2^64, which ends at the largest"
        )]
        let sampled = (self.share * 2f64.powi(64)) as u64;
        let Self { service_name, format, privacy, mut output, capacity, .. } = self;
        let queue = Arc::new(Queue::new(capacity));
        let written = Arc::clone(&queue);
        thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || written.write_to(&mut *output))
            .map_err(|error: io::Error| Error::Thread { kind: error.kind() })?;
        let lines = LineWriter { service_name, format, privacy };
        Ok(Telemetry(Arc::new(Inner { queue, lines, sampled })))
    }
}

impl fmt::Debug for TelemetryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetryBuilder")
            .field("service_name", &self.service_name)
            .field("format", &self.format)
            .field("privacy", &self.privacy)
            .field("capacity", &self.capacity)
            .field("share", &self.share)
            .finish_non_exhaustive()
    }
}

/// FNV-1a with the finish of splitmix64: names that differ in a digit are far apart.
fn hash(request_id: RequestId) -> u64 {
    let bytes = request_id.as_str().bytes();
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::RequestIds;
    use crate::testing::{Blocked, SharedBuffer, inference};

    const SECOND: Duration = Duration::from_secs(1);

    fn event() -> Event {
        Event::Inference(Box::new(inference(&[9.4])))
    }

    fn start(writer: impl Write + Send + 'static, capacity: usize) -> Telemetry {
        Telemetry::builder("Wine", writer).capacity(capacity).start().unwrap()
    }

    #[test]
    fn what_was_recorded_is_written_when_flush_returns() {
        let buffer = SharedBuffer::default();
        let telemetry = start(buffer.clone(), 1 << 20);
        for _ in 0..1000 {
            telemetry.record(&event());
        }
        telemetry.flush(SECOND).unwrap();
        assert_eq!(buffer.text().lines().count(), 1000);
        assert_eq!(telemetry.counts(), Counts { written: 1000, ..Counts::default() });
    }

    #[test]
    fn a_blocked_writer_costs_events_and_no_time() {
        let buffer = SharedBuffer::default();
        let telemetry = start(buffer.clone(), 1 << 20);
        telemetry.record(&event());
        telemetry.flush(SECOND).unwrap();
        let line = buffer.text().len();

        let (blocked, release) = Blocked::new();
        let buffer = blocked.buffer();
        let telemetry = start(blocked, 19 * line + 1);
        let started = Instant::now();
        for _ in 0..1000 {
            telemetry.record(&event());
        }
        assert!(started.elapsed() < Duration::from_secs(2));
        let Counts { dropped: lost, queued_bytes, .. } = telemetry.counts();
        assert_eq!((lost, queued_bytes), (980, 20 * line));
        let grace = Duration::from_millis(10);
        assert_eq!(telemetry.flush(grace), Err(Error::NotWritten { grace }));

        release.send(()).unwrap();
        telemetry.flush(SECOND).unwrap();
        assert_eq!(buffer.text().lines().count() as u64 + lost, 1000);
        telemetry.record(&event());
        telemetry.flush(SECOND).unwrap();
        assert_eq!(telemetry.counts().dropped, lost, "there is room again");
        assert_eq!(telemetry.counts().queued_bytes, 0);
    }

    #[test]
    fn events_that_cannot_be_written_are_counted() {
        struct Full;

        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let telemetry = start(Full, 1 << 20);
        telemetry.record(&event());
        telemetry.record(&event());
        telemetry.flush(SECOND).unwrap();
        assert_eq!(telemetry.counts(), Counts { failed: 2, ..Counts::default() });
    }

    #[test]
    fn a_writer_that_panics_is_a_writer_that_fails() {
        struct Broken;

        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                panic!("a broken writer");
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let telemetry = start(Broken, 1 << 20);
        for failed in [1, 2] {
            telemetry.record(&event());
            telemetry.flush(SECOND).unwrap();
            assert_eq!(telemetry.counts().failed, failed);
        }
    }

    #[test]
    fn what_is_left_in_the_queue_is_written_after_the_last_handle_is_gone() {
        let buffer = SharedBuffer::default();
        let telemetry = start(buffer.clone(), 1 << 20);
        telemetry.record(&event());
        drop(telemetry);
        let started = Instant::now();
        while buffer.text().is_empty() {
            assert!(started.elapsed() < Duration::from_secs(10));
        }
    }

    #[test]
    fn requests_are_sampled_whole_and_about_as_often_as_asked() {
        let telemetry = |share| Telemetry::builder("Wine", io::sink()).sample(share).start();
        assert_eq!(telemetry(1.5).unwrap_err(), Error::Share { got: "1.5".to_owned() });
        assert_eq!(telemetry(f64::NAN).unwrap_err(), Error::Share { got: "NaN".to_owned() });
        let ids = RequestIds::new();
        for (share, expected) in [(0.0, 0..=0), (0.1, 850..=1150), (1.0, 10_000..=10_000)] {
            let telemetry = telemetry(share).unwrap();
            let is_sampled = |_: &usize| {
                let id = ids.next();
                assert_eq!(telemetry.is_sampled(id), telemetry.is_sampled(id));
                telemetry.is_sampled(id)
            };
            let n_sampled = (0..10_000).filter(is_sampled).count();
            assert!(expected.contains(&n_sampled), "{n_sampled} of 10,000 at {share}");
        }
    }
}
