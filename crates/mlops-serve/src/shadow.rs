use std::sync::Arc;
use std::time::Instant;

use mlops_core::Records;
use mlops_telemetry::{Event, Inference, Predictions, Role};

use crate::Error;
use crate::background::Background;
use crate::recorder::Recorder;
use crate::request::Context;
use crate::scoring::Scorer;

/// Has challengers score what champions have answered, on a thread of its own.
#[derive(Debug)]
pub(crate) struct Shadow(Background<ShadowRequest>);

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
    pub(crate) fn start(recorder: Recorder) -> Result<Self, Error> {
        Background::start("shadow", move |requests| work(requests, &recorder)).map(Self)
    }

    /// Hands a request to the thread, or drops it and counts its rows; never blocks.
    pub(crate) fn push(&self, request: ShadowRequest) {
        let records = Arc::clone(&request.records);
        if let Err(lost) = self.0.push(request, &records) {
            lost.champion.metrics.lost.inc_by(records.n_rows() as u64);
        }
    }
}

fn work(requests: &mut dyn Iterator<Item = ShadowRequest>, recorder: &Recorder) {
    for ShadowRequest { context, challenger, champion, records, predictions } in requests {
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
