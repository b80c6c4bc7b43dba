mod thread;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use mlops_core::{DriftMonitor, MonitorSnapshot, PredictError, Records, Schema};
use mlops_telemetry::ModelVersion;
use serde::{Serialize, Serializer};

use crate::metrics::MonitorMetrics;

pub(crate) use thread::MonitorThread;

/// A drift monitor of a model, and what it said last.
pub(crate) struct Monitor {
    /// The name among those of the model: its kind, and a number from the second of the kind on.
    pub(crate) name: String,
    pub(crate) schema: Arc<Schema>,
    // Only the thread of the monitors takes it, so nobody waits.
    inner: Mutex<Box<dyn DriftMonitor>>,
    state: ArcSwap<MonitorState>,
    has_missed_rows: AtomicBool,
}

/// What a monitor said last, or why it says nothing any more.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MonitorState {
    Snapshot(MonitorSnapshot),
    Failure(Failure),
}

/// What ends a monitor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failure {
    Panic,
}

impl Failure {
    /// All of them.
    pub(crate) const ALL: [Self; 1] = [Self::Panic];
}

impl Monitor {
    /// A monitor beside others of the same model.
    pub(crate) fn new(monitor: Box<dyn DriftMonitor>, others: &[Self]) -> Self {
        let snapshot = monitor.snapshot();
        let is_taken = |name: &str| others.iter().any(|other| other.name == name);
        let (mut name, mut number) = (snapshot.monitor.clone(), 1);
        while is_taken(&name) {
            number += 1;
            name = format!("{}_{number}", snapshot.monitor);
        }
        Self {
            name,
            schema: Arc::clone(monitor.schema()),
            inner: Mutex::new(monitor),
            state: ArcSwap::from_pointee(MonitorState::Snapshot(snapshot)),
            has_missed_rows: AtomicBool::new(false),
        }
    }

    /// What the monitor said last.
    pub(crate) fn state(&self) -> Arc<MonitorState> {
        self.state.load_full()
    }

    /// Shows rows to the monitor, unless it has panicked before.
    fn observe(&self, records: &Records, version: &ModelVersion, metrics: &MonitorMetrics) {
        let n_rows = records.n_rows() as u64;
        if self.is_working() {
            match catch_unwind(AssertUnwindSafe(|| self.lock().observe(records))) {
                Ok(Ok(())) => {
                    metrics.observed.inc_by(n_rows);
                    return;
                }
                Ok(Err(error)) => self.miss(&error, version),
                Err(_) => self.fail(version, metrics),
            }
        }
        metrics.failed.inc_by(n_rows);
    }

    /// Has the monitor say what it has found, and tells of alarms that are new.
    fn publish(&self, version: &ModelVersion, metrics: &MonitorMetrics) {
        let state = self.state();
        let MonitorState::Snapshot(before) = &*state else { return };
        let Ok(snapshot) = catch_unwind(AssertUnwindSafe(|| self.lock().snapshot())) else {
            self.fail(version, metrics);
            return;
        };
        let n_new = snapshot.n_alarms.saturating_sub(before.n_alarms);
        metrics.alarms.inc_by(n_new);
        let n_new = usize::try_from(n_new).unwrap_or(usize::MAX);
        for alarm in snapshot.alarms.iter().rev().take(n_new).rev() {
            tracing::warn!(
                model = version.name,
                version = version.version,
                monitor = self.name,
                feature = alarm.feature.as_deref(),
                what = alarm.what,
                statistic = alarm.statistic,
                threshold = alarm.threshold,
                n_rows = alarm.n_rows,
                "drift",
            );
        }
        let n_unknown = n_new.saturating_sub(snapshot.alarms.len());
        if n_unknown > 0 {
            tracing::warn!(
                model = version.name,
                version = version.version,
                monitor = self.name,
                n_alarms = n_unknown,
                "drift, in more alarms than the monitor keeps",
            );
        }
        self.state.store(Arc::new(MonitorState::Snapshot(snapshot)));
    }

    /// Shows in the metrics what had drifted in the last window, if there was one.
    fn show(&self, metrics: &MonitorMetrics) {
        let MonitorState::Snapshot(snapshot) = &*self.state() else { return };
        for drift in snapshot.last_window.iter().flat_map(|report| &report.features) {
            if let Some(column) = self.schema.position(&drift.feature) {
                metrics.set_drift(column, drift.is_drift == Some(true));
            }
        }
    }

    fn is_working(&self) -> bool {
        matches!(**self.state.load(), MonitorState::Snapshot(_))
    }

    /// Tells of rows that the monitor could not take; once is enough.
    fn miss(&self, error: &PredictError, version: &ModelVersion) {
        if !self.has_missed_rows.swap(true, Ordering::Relaxed) {
            tracing::error!(
                model = version.name,
                version = version.version,
                monitor = self.name,
                error = error as &dyn std::error::Error,
                "a drift monitor failed on rows and goes on with others",
            );
        }
    }

    fn fail(&self, version: &ModelVersion, metrics: &MonitorMetrics) {
        tracing::error!(
            model = version.name,
            version = version.version,
            monitor = self.name,
            "a drift monitor panicked and is not asked again",
        );
        self.state.store(Arc::new(MonitorState::Failure(Failure::Panic)));
        metrics.forget_drift();
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn DriftMonitor>> {
        // One that has panicked is not asked again.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The name and what the monitor said last.
impl Serialize for Monitor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Said { name: &self.name, state: &self.state() }.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Said<'a> {
    name: &'a str,
    #[serde(flatten)]
    state: &'a MonitorState,
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;
    use crate::testing::{BAD, BatchMonitor, Fault, Stub, model, records, scorer};

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<String>>, Arc<AtomicU64>);

    struct Fields<'a>(&'a mut String);

    impl Visit for Fields<'_> {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            write!(self.0, " {}={value:?}", field.name()).unwrap();
        }
    }

    impl Subscriber for Log {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(self.1.fetch_add(1, Ordering::Relaxed) + 1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut text = self.0.lock().unwrap();
            write!(text, "{}", event.metadata().level()).unwrap();
            event.record(&mut Fields(&mut text));
            text.push('\n');
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn an_alarm_is_logged_once_and_so_is_a_failure() {
        let stub = Stub::new().fault(Fault::Error);
        let scorer = scorer(model().version("7").monitor(BatchMonitor::new(stub)));
        let (monitor, metrics) = (&scorer.model().monitors[0], &scorer.metrics.monitors[0]);
        let log = Log::default();
        tracing::subscriber::with_default(log.clone(), || {
            for alcohol in [9.4, 0.5, 9.4, BAD, BAD, 0.5] {
                monitor.observe(&records(&[alcohol]), scorer.version(), metrics);
                monitor.publish(scorer.version(), metrics);
            }
        });
        insta::assert_snapshot!(log.0.lock().unwrap(), @r#"
        WARN message=drift model="wines" version="7" monitor="batch" feature="alcohol" what="adjusted_p_value" statistic=0.03125 threshold=0.05 n_rows=2
        ERROR message=a drift monitor failed on rows and goes on with others model="wines" version="7" monitor="batch" error=the model failed
        WARN message=drift model="wines" version="7" monitor="batch" feature="alcohol" what="adjusted_p_value" statistic=0.03125 threshold=0.05 n_rows=4
        "#);
    }
}
