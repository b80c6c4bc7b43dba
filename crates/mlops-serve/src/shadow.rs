use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;
use std::{fmt, io};

use mlops_core::Records;
use mlops_telemetry::{Event, Inference, Predictions, Role};

use crate::Error;
use crate::recorder::Recorder;
use crate::request::Context;
use crate::scoring::Scorer;

/// Has challengers score what champions have answered, on a thread of its own.
pub(crate) struct Shadow {
    queue: SyncSender<ShadowRequest>,
}

/// A request that was answered, and the challenger that shall answer it, too.
#[derive(Debug)]
pub(crate) struct ShadowRequest {
    pub(crate) context: Context,
    pub(crate) challenger: Arc<Scorer>,
    pub(crate) champion: Arc<Scorer>,
    pub(crate) records: Arc<Records>,
    pub(crate) predictions: Predictions,
}

impl Shadow {
    /// Starts the thread; it ends when the shadow is dropped.
    pub(crate) fn start(records: Recorder) -> Result<Self, Error> {
        let (queue, requests) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("shadow".to_owned())
            .spawn(move || run(&requests, &records))
            .map_err(|error: io::Error| Error::Thread { kind: error.kind() })?;
        Ok(Self { queue })
    }

    /// Hands a request to the thread, or drops it and counts its rows; never blocks.
    pub(crate) fn push(&self, request: ShadowRequest) {
        let (n_rows, champion) = (request.records.n_rows(), Arc::clone(&request.champion));
        if self.queue.try_send(request).is_err() {
            champion.metrics.lost.inc_by(n_rows as u64);
        }
    }
}

impl fmt::Debug for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shadow")
    }
}

fn run(requests: &Receiver<ShadowRequest>, recorder: &Recorder) {
    while let Ok(request) = requests.recv() {
        let ShadowRequest { context, challenger, champion, records, predictions } = request;
        let started = Instant::now();
        let metrics = &champion.metrics;
        let Some(other) = challenger.predict(&records) else {
            challenger.metrics.failures.inc();
            metrics.lost.inc_by(records.n_rows() as u64);
            continue;
        };
        for row in 0..records.n_rows() {
            let counter =
                if agree(&predictions, &other, row) { &metrics.agreed } else { &metrics.differed };
            counter.inc();
        }
        if recorder.takes(context.id) {
            let version = Arc::clone(challenger.version());
            let mut inference = Inference::new(context.id, version, records, other);
            inference.time = context.time;
            inference.duration = started.elapsed();
            inference.trace_id = context.trace_id;
            inference.role = Role::Challenger;
            // Nobody waits for this answer.
            let _ = recorder.push(Event::Inference(Box::new(inference)));
        }
    }
}

/// Whether both say the same of a row: the class, or else all numbers.
fn agree(one: &Predictions, other: &Predictions, row: usize) -> bool {
    match (&one.classes, &other.classes) {
        (Some(one), Some(other)) => one[row] == other[row],
        _ => one.outputs.values.row(row) == other.outputs.values.row(row),
    }
}

/// So many requests may wait for a challenger.
const QUEUE: usize = 64;
