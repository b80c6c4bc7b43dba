//! A large file that comes over several connections at once: a server often has as many processes, each of which is busy
//! with one of them.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Attempt, BrokenOff, Download, wait};
use crate::Error;
use crate::client::artifacts::gave_no_answer;
use crate::client::artifacts::ledger::Known;
use crate::client::artifacts::part_file::PartFile;
use crate::client::artifacts::store::{Content, Span};
use crate::client::artifacts::transfer::FileTally;

/// So many segments of a file are under way at once.
const PARALLEL: usize = 4;

/// How a large file comes.
pub(super) enum Arrival {
    /// All segments are there.
    Whole,
    /// The store begins at the first byte only.
    Stream(Content),
}

/// Fetches the segments that are not there yet of a file of `size` bytes.
pub(super) async fn fetch(file: &Arc<Download>, size: u64) -> Attempt<Arrival> {
    let known = file.staging.ledger(&file.path).read(file.segment_size);
    let (known, mut first) = match known {
        Some(known) => (known, None),
        None => match begin(file, size).await? {
            Ok((known, content)) => (known, Some(content)),
            Err(content) => return Ok(Ok(Arrival::Stream(content))),
        },
    };
    let permits = Arc::new(Semaphore::new(PARALLEL));
    let (mut tasks, mut tallies) = (JoinSet::new(), Vec::new());
    for number in 0..size.div_ceil(file.segment_size) {
        let start = number * file.segment_size;
        let end = size.min(start + file.segment_size);
        let tally = file.tally.from(start);
        tallies.push(tally.clone());
        if known.there.contains(&number) {
            tally.is_at(end);
            continue;
        }
        let span = Span { start, end: Some(end), tag: Some(known.tag.clone()) };
        let segment = Segment { file: Arc::clone(file), size, number, span, tally };
        let (permits, content) = (Arc::clone(&permits), first.take());
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            segment.run(content).await
        });
    }
    // Dropped, the set ends what is still under way.
    while let Some(outcome) = tasks.join_next().await {
        let is_there =
            outcome.map_err(|error| gave_no_answer("download", &file.artifact.path, error))??;
        if !is_there {
            tasks.shutdown().await;
            tallies.iter().for_each(FileTally::reset);
            file.staging.forget(&file.path).map_err(|error| file.unwritten(error))?;
            return Ok(Err(BrokenOff::new(&file.artifact.path, "it was changed meanwhile")));
        }
    }
    Ok(Ok(Arrival::Whole))
}

/// The first segment; all of the file if the store cannot send that, or not say later whether it is still the same file.
async fn begin(file: &Download, size: u64) -> Result<Result<(Known, Content), Content>, Error> {
    let path = &file.artifact.path;
    let first = Span { start: 0, end: Some(file.segment_size), tag: None };
    let content = file.store.read(path, Some(&first)).await?;
    match &content.tag {
        Some(tag) if content.is_of(&first, size) => {
            let known = file.staging.forget(&file.path).and_then(|()| {
                file.staging.begin(&file.path)?;
                file.staging.ledger(&file.path).begin(file.segment_size, tag)
            });
            Ok(Ok((known.map_err(|error| file.unwritten(error))?, content)))
        }
        _ if content.end.is_none() => Ok(Err(content)),
        _ => Ok(Err(file.store.read(path, None).await?)),
    }
}

struct Segment {
    file: Arc<Download>,
    /// Of the file.
    size: u64,
    number: u64,
    span: Span,
    tally: FileTally,
}

impl Segment {
    /// Whether it came; not if the file is another one now.
    async fn run(&self, content: Option<Content>) -> Result<bool, Error> {
        let (mut content, mut attempts) = (content, 0);
        loop {
            match self.attempt(content.take()).await? {
                Ok(is_there) => return Ok(is_there),
                Err(broken) => {
                    attempts += 1;
                    wait(&self.file.retries, attempts, broken).await?;
                }
            }
        }
    }

    /// Goes on where the last attempt ended.
    async fn attempt(&self, content: Option<Content>) -> Attempt<bool> {
        let Self { file, tally, .. } = self;
        let span = Span { start: tally.position(), ..self.span.clone() };
        if Some(span.start) != span.end {
            let content = match content {
                Some(content) => content,
                None => file.store.read(&file.artifact.path, Some(&span)).await?,
            };
            if !content.is_of(&span, self.size) {
                return Ok(Ok(false));
            }
            let part = file.staging.part(&file.path);
            let part = PartFile::at(&part, span.start).await;
            let mut part = part.map_err(|error| file.unwritten(error))?;
            if let Err(broken) = file.copy(content, &mut part, tally).await? {
                return Ok(Err(broken));
            }
        }
        let ledger = file.staging.ledger(&file.path);
        ledger.add(self.number).map_err(|error| file.unwritten(error))?;
        Ok(Ok(true))
    }
}
