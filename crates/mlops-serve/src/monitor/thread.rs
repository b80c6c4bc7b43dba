use std::sync::Arc;

use mlops_core::Records;

use crate::Error;
use crate::background::Background;
use crate::scoring::Scorer;

/// Shows the rows of requests that were answered to the monitors of their model, on a thread of its own.
#[derive(Debug)]
pub(crate) struct MonitorThread(Background<Answered>);

/// Rows, and the version that has answered.
struct Answered {
    scorer: Arc<Scorer>,
    records: Arc<Records>,
}

impl MonitorThread {
    /// Starts the thread; it ends when this is dropped.
    pub(crate) fn start() -> Result<Self, Error> {
        Background::start("monitors", work).map(Self)
    }

    /// Hands rows to the thread if the model has monitors, or drops and counts them; never blocks.
    pub(crate) fn push(&self, scorer: &Arc<Scorer>, records: &Arc<Records>) {
        if scorer.model().monitors.is_empty() {
            return;
        }
        let answered = Answered { scorer: Arc::clone(scorer), records: Arc::clone(records) };
        if self.0.push(answered, records).is_err() {
            for metrics in &scorer.metrics.monitors {
                metrics.dropped.inc_by(records.n_rows() as u64);
            }
        }
    }
}

fn work(answered: &mut dyn Iterator<Item = Answered>) {
    // As a rule one for each model.
    let mut scorers: Vec<Arc<Scorer>> = Vec::new();
    for Answered { scorer, records } in answered {
        for (monitor, metrics) in scorer.model().monitors.iter().zip(&scorer.metrics.monitors) {
            monitor.observe(&records, scorer.version(), metrics);
        }
        if !scorers.iter().any(|known| Arc::ptr_eq(known, &scorer)) {
            scorers.push(scorer);
        }
    }
    for scorer in scorers {
        for (monitor, metrics) in scorer.model().monitors.iter().zip(&scorer.metrics.monitors) {
            monitor.publish(scorer.version(), metrics);
            // The metrics of one that has been replaced are those of the next version.
            scorer.metrics.if_active(|| monitor.show(metrics));
        }
    }
}
