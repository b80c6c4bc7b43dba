mod checkpoint;

use std::collections::VecDeque;
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;

use mlops_core::{
    Alarm, CheckpointError, DriftDetector, DriftMonitor, DriftReport, FeatureDrift,
    MonitorSnapshot, PredictError, Records, Schema,
};
use ndarray::Array2;

/// So many alarms are kept, the latest ones.
const MAX_ALARMS: usize = 32;

/// Gathers rows into windows of a fixed number, one after the other, and tests each whole window with a detector.
///
/// The rows of many small requests, whose own p-values say little, add up to evidence this way. A window of some
/// thousand rows is a good start: larger ones see smaller shifts, and see them later. The monitor keeps the report on the
/// last whole window, the latest 32 alarms, and the rows of the window that is not complete.
///
/// # What the alarms promise
/// Each window is tested once, and its rows are tested with no other. So an alarm says what the verdict of the detector
/// says: without drift, a window has one with at most the probability of the detector's level, for all features
/// together if its [correction](mlops_core::Correction) promises that. This is a promise for each window and not for all
/// of them: of 1,000 clean windows at a level of 0.001, one is expected to alarm. Choose the level by how many windows
/// there are in the time between two false alarms that you can bear. Two things break it:
///
/// - rows that depend on each other, such as the batch of one client that fills a window: their number is larger than
///   their evidence.
/// - a reference that is not much larger than a window: all windows are compared with the same one, so that what is
///   special about it comes back in each of them, and the share of windows with an alarm is that of this reference.
///   Keep it ten times as large, or larger.
///
/// # Examples
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
///
/// use mlops_core::{DriftMonitor, Feature, Records, Schema};
/// use mlops_drift::{Alpha, TabularDrift, WindowMonitor};
/// use ndarray::{Array2, array};
///
/// let schema = Arc::new(Schema::new(vec![Feature::numeric("pH")])?);
/// let rows = Array2::from_shape_fn((1000, 1), |(row, _)| 3.0 + (row % 100) as f64 / 100.0);
/// let detector = TabularDrift::builder().alpha(Alpha::new(0.001)?);
/// let detector = detector.fit(&Records::new(Arc::clone(&schema), rows)?)?;
///
/// let n_rows = NonZeroUsize::new(20).ok_or("a window needs rows")?;
/// let mut monitor = WindowMonitor::new(detector, n_rows);
/// // No single row is unusual.
/// for _ in 0..30 {
///     monitor.observe(&Records::new(Arc::clone(&schema), array![[3.5]])?)?;
/// }
/// let snapshot = monitor.snapshot();
/// assert_eq!((snapshot.n_rows, snapshot.n_alarms), (30, 1));
/// assert_eq!(snapshot.alarms[0].feature.as_deref(), Some("pH"));
/// assert_eq!(snapshot.alarms[0].n_rows, 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct WindowMonitor<D> {
    detector: D,
    window: NonZeroUsize,
    state: State,
}

/// What a monitor knows.
#[derive(Clone, Debug, Default)]
struct State {
    n_rows: u64,
    n_alarms: u64,
    // Invariant: at most `MAX_ALARMS`.
    alarms: VecDeque<Alarm>,
    last_window: Option<DriftReport>,
    // The values of the window that is not complete, row by row. Invariant: those of `n_rows` modulo the window.
    values: Vec<f64>,
}

impl<D: DriftDetector> WindowMonitor<D> {
    /// Watches windows of `n_rows` rows with `detector`, whose level is that of each window.
    pub fn new(detector: D, n_rows: NonZeroUsize) -> Self {
        Self { detector, window: n_rows, state: State::default() }
    }

    /// The number of rows in a window.
    pub fn window(&self) -> NonZeroUsize {
        self.window
    }

    /// The detector.
    pub fn detector(&self) -> &D {
        &self.detector
    }

    /// Whether no window is begun.
    fn is_between_windows(&self) -> bool {
        self.state.n_rows.is_multiple_of(self.window.get() as u64)
    }

    fn test_window(&mut self) -> Result<(), PredictError> {
        let schema = self.detector.schema();
        let shape = (self.window.get(), schema.len());
        let values = mem::take(&mut self.state.values);
        let values = Array2::from_shape_vec(shape, values).map_err(PredictError::model)?;
        let window = Records::new(Arc::clone(schema), values).map_err(PredictError::model)?;
        let report = self.detector.detect(&window)?;
        self.state.raise(&report);
        self.state.last_window = Some(report);
        Ok(())
    }
}

impl<D: DriftDetector> DriftMonitor for WindowMonitor<D> {
    fn schema(&self) -> &Arc<Schema> {
        self.detector.schema()
    }

    /// Takes note of rows, and tests each window that they complete. A window on which the detector fails is passed over.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema, or of the first window on which the detector failed.
    fn observe(&mut self, records: &Records) -> Result<(), PredictError> {
        records.check_schema(self.schema())?;
        let mut outcome = Ok(());
        for row in records.rows() {
            self.state.values.extend_from_slice(row);
            self.state.n_rows += 1;
            if self.is_between_windows() {
                let tested = self.test_window();
                outcome = outcome.and(tested);
            }
        }
        outcome
    }

    fn snapshot(&self) -> MonitorSnapshot {
        let State { n_rows, n_alarms, alarms, last_window, .. } = &self.state;
        let mut snapshot = MonitorSnapshot::new("window", *n_rows);
        snapshot.n_alarms = *n_alarms;
        snapshot.alarms = alarms.iter().cloned().collect();
        snapshot.last_window.clone_from(last_window);
        snapshot
    }

    /// The state as JSON: `format`, `format_version`, `window`, `schema`, and what a snapshot has, with the rows of the
    /// window that is not complete. Mind that rows may be private.
    fn checkpoint(&self) -> Vec<u8> {
        checkpoint::write(&self.state, self.window, self.schema())
    }

    /// Goes on where a monitor with windows of the same size was. The detector is no part of a checkpoint: whether it is
    /// the same is for the caller to know.
    ///
    /// # Errors
    /// [`CheckpointError`] if the bytes are no checkpoint, or one of another kind of monitor, size of windows or schema.
    fn restore(&mut self, checkpoint: &[u8]) -> Result<(), CheckpointError> {
        self.state = checkpoint::read(checkpoint, self.window, self.detector.schema())?;
        Ok(())
    }
}

impl State {
    /// Alarms for each feature that has drifted, or for the whole window if it has drifted without saying where.
    fn raise(&mut self, report: &DriftReport) {
        let n_rows = self.n_rows;
        let alarm = |feature: Option<Arc<str>>, p_value| {
            Alarm::new(feature, "adjusted_p_value", p_value, report.alpha, n_rows)
        };
        let drifted = report.features.iter().filter(|feature| feature.is_drift == Some(true));
        let mut alarms: Vec<Alarm> = drifted
            .filter_map(|drift| {
                Some(alarm(Some(Arc::clone(&drift.feature)), smallest_p_value(drift)?))
            })
            .collect();
        if alarms.is_empty() && report.is_drift == Some(true) {
            alarms.extend(report.p_value.map(|p_value| alarm(None, p_value)));
        }
        self.n_alarms += alarms.len() as u64;
        self.alarms.extend(alarms);
        let n_surplus = self.alarms.len().saturating_sub(MAX_ALARMS);
        self.alarms.drain(..n_surplus);
    }
}

/// The smallest adjusted p-value of a feature, be it that of its values or of what is missing.
fn smallest_p_value(drift: &FeatureDrift) -> Option<f64> {
    let missing = drift.missing.map(|missing| missing.adjusted_p_value);
    drift.adjusted_p_value.into_iter().chain(missing).reduce(f64::min)
}

#[cfg(test)]
mod tests;
