mod clock;
mod csv;
mod envelope;
mod frames;
mod joiner;
mod logged;
mod message;
mod non_finite;
mod recent;
mod table;
#[cfg(test)]
mod tests;
mod values;

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::sync::Arc;

use mlops_core::Schema;

pub use clock::rfc_3339;
pub use logged::{Logged, LoggedFeedback, LoggedRequest};

use envelope::{NoLine, Unwrapper};
use frames::{Frame, Frames};
use joiner::Joiner;
use message::{Body, Fault};
use recent::Recent;

/// Turns log lines back into requests.
///
/// It reads the lines of [`Telemetry`](crate::Telemetry) and the segments of
/// [`AuditLog`](crate::AuditLog), those of the original service, and both of them as container runtimes
/// (CRI, Docker's `json-file`) and exports of Azure's `ContainerLog` and `ContainerLogV2` (JSON lines, a
/// JSON array, CSV with a header) wrap them; which of these a file is, it finds out. Anything else is
/// counted and left out.
///
/// The lines of a request are joined, in whatever order and however far apart they stand, also across
/// files. What was delivered twice is given out once, if no more than 65,536 lines that say something lie
/// between.
///
/// Memory is bounded: lines that are longer than [`max_line_bytes`](Self::max_line_bytes) or hold more
/// than 2^23 values are counted and left out, and no more than [`max_pending`](Self::max_pending)
/// requests, or 64 MiB of them, wait for more lines.
#[derive(Debug)]
pub struct LogReader {
    schema: Arc<Schema>,
    max_line_bytes: usize,
    max_pending: usize,
    joiner: Joiner,
    recent: Recent,
    ready: VecDeque<Logged>,
    counts: ReadCounts,
}

impl LogReader {
    /// A reader of requests whose rows have the columns of `schema`.
    ///
    /// # Examples
    /// The page of this crate shows one.
    pub fn new(schema: Arc<Schema>) -> Self {
        Self {
            schema,
            max_line_bytes: 4 << 20,
            max_pending: 1024,
            joiner: Joiner::default(),
            recent: Recent::default(),
            ready: VecDeque::new(),
            counts: ReadCounts::default(),
        }
    }

    /// The longest line that is read, in bytes; 4 MiB by default.
    #[must_use]
    pub fn max_line_bytes(self, max_line_bytes: usize) -> Self {
        Self { max_line_bytes, ..self }
    }

    /// The most requests that wait for lines that are still to come; 1,024 by default. One more, and the
    /// oldest is given out as it is.
    #[must_use]
    pub fn max_pending(self, max_pending: usize) -> Self {
        Self { max_pending, ..self }
    }

    /// Reads one file; what is complete comes out, in the order in which it is completed.
    ///
    /// The iterator ends after an error of `input`. What it has not read yet when it is dropped is not
    /// read at all.
    pub fn read<R: BufRead>(&mut self, input: R) -> LogEntries<'_, R> {
        let (frames, unwrapper) =
            (Frames::new(input, self.max_line_bytes), Unwrapper::new(self.max_line_bytes));
        LogEntries { reader: self, frames, unwrapper, is_over: false }
    }

    /// Gives out the requests of which lines are missing, the oldest first, with what is there.
    pub fn finish(&mut self) -> impl ExactSizeIterator<Item = Logged> + use<> {
        self.give_out_all_but(0, 0);
        std::mem::take(&mut self.ready).into_iter()
    }

    /// What has become of the lines so far.
    pub fn counts(&self) -> ReadCounts {
        self.counts
    }

    /// Takes a piece of a file.
    fn take(
        &mut self,
        unwrapper: &mut Unwrapper,
        piece: &[u8],
        time: Option<&str>,
    ) -> Result<(), Fault> {
        let text = str::from_utf8(piece).map_err(|_| Fault::Malformed)?;
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        let mut line = match unwrapper.unwrap(text) {
            Ok(line) => line,
            Err(NoLine::Partial) => return Ok(()),
            Err(NoLine::Malformed) => return Err(Fault::Malformed),
            Err(NoLine::TooLong) => {
                self.counts.too_long += 1;
                return Ok(());
            }
        };
        line.time = line.time.or_else(|| time.and_then(rfc_3339));
        let message = message::read(&self.schema, &line)?;
        if !self.recent.insert(message.fingerprint) {
            self.counts.duplicates += 1;
            return Ok(());
        }
        match message.body {
            Body::Feedback(feedback) => {
                self.counts.feedbacks += 1;
                self.ready.push_back(Logged::Feedback(feedback));
            }
            Body::Part(part) => {
                self.counts.unreadable_values +=
                    part.content.table.as_ref().map_or(0, |table| table.n_unreadable);
                if let Some(request) = self.joiner.add(&self.schema, *part) {
                    self.counts.requests += 1;
                    self.ready.push_back(Logged::Request(Box::new(request)));
                }
                self.give_out_all_but(self.max_pending, MAX_PENDING_BYTES);
            }
        }
        Ok(())
    }

    fn give_out_all_but(&mut self, n_requests: usize, n_bytes: usize) {
        while self.joiner.n_pending() > n_requests || self.joiner.size() > n_bytes {
            let Some(request) = self.joiner.pop(&self.schema) else { return };
            self.counts.requests += 1;
            self.counts.incomplete += 1;
            self.ready.push_back(Logged::Request(Box::new(request)));
        }
    }
}

/// The memory that requests may hold which wait for more lines, in bytes.
const MAX_PENDING_BYTES: usize = 64 << 20;

/// What a file tells of, as [`LogReader::read`] finds it.
#[derive(Debug)]
pub struct LogEntries<'r, R> {
    reader: &'r mut LogReader,
    frames: Frames<R>,
    unwrapper: Unwrapper,
    is_over: bool,
}

impl<R: BufRead> LogEntries<'_, R> {
    /// Reads one piece; `false` at the end of the file.
    fn advance(&mut self) -> io::Result<bool> {
        let Self { reader, frames, unwrapper, .. } = self;
        let Some(frame) = frames.next()? else {
            reader.counts.torn += u64::from(unwrapper.is_within_line());
            return Ok(false);
        };
        if frame == Frame::TooLong {
            reader.counts.too_long += 1;
            return Ok(true);
        }
        let outcome = match frames.header() {
            None => reader.take(unwrapper, frames.bytes(), None),
            Some(header) => {
                let record = str::from_utf8(frames.bytes()).ok();
                match record.and_then(|record| header.record(record)) {
                    Some(record) => {
                        reader.take(unwrapper, record.message.as_bytes(), record.time.as_deref())
                    }
                    None => Err(Fault::Malformed),
                }
            }
        };
        let counts = &mut reader.counts;
        match outcome {
            Ok(()) => {}
            // The end of a whole line may be missing, and the line is whole all the same.
            Err(_) if frame == Frame::Torn => counts.torn += 1,
            Err(Fault::Foreign) => counts.skipped += 1,
            Err(Fault::Malformed) => counts.malformed += 1,
        }
        Ok(true)
    }
}

impl<R: BufRead> Iterator for LogEntries<'_, R> {
    type Item = io::Result<Logged>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.reader.ready.pop_front() {
                return Some(Ok(entry));
            }
            if self.is_over {
                return None;
            }
            match self.advance() {
                Ok(is_going_on) => self.is_over = !is_going_on,
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// What has become of the lines of a log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReadCounts {
    /// Requests that were given out.
    pub requests: u64,
    /// Those of them of which lines were missing.
    pub incomplete: u64,
    /// Truths about rows that were given out.
    pub feedbacks: u64,
    /// Lines that were there before.
    pub duplicates: u64,
    /// Lines that tell of no request.
    pub skipped: u64,
    /// Lines that are broken, or do not hold what their type says.
    pub malformed: u64,
    /// Lines that are longer than allowed.
    pub too_long: u64,
    /// Lines within which their file ends.
    pub torn: u64,
    /// Values that fit no feature of the schema, or not into 32 bits.
    pub unreadable_values: u64,
}
