use std::sync::LazyLock;

use mlops_core::{CheckpointErrorKind, DriftTest, Feature, PValueMethod, PredictErrorKind};
use mlops_testing::{Mutator, SplitMix64, n_mutations};
use ndarray::{Axis, array, concatenate, s};
use proptest::prelude::{prop, proptest};

use super::*;
use crate::{Alpha, TabularDrift};

fn schema() -> Arc<Schema> {
    let features = vec![
        Feature::numeric("alcohol"),
        Feature::numeric("pH"),
        Feature::categorical("region", ["Douro", "Minho"]),
    ];
    Arc::new(Schema::new(features).unwrap())
}

/// Rows whose pH is shifted by so many standard deviations.
fn rows(seed: u64, n_rows: usize, shift: f64) -> Array2<f64> {
    let mut random = SplitMix64::new(seed);
    Array2::from_shape_fn((n_rows, 3), |(_, column)| {
        // Of three, the sum has a variance of a quarter.
        let sum = (0..3).map(|_| random.next_f64()).sum::<f64>();
        match column {
            0 if random.next_f64() < 0.1 => f64::NAN,
            1 => 2.0 * sum + shift,
            2 => f64::from(u8::from(sum > 1.8)),
            _ => sum,
        }
    })
}

fn records(values: Array2<f64>) -> Records {
    Records::new(schema(), values).unwrap()
}

fn monitor(n_rows: usize) -> WindowMonitor<Arc<TabularDrift>> {
    static DETECTOR: LazyLock<Arc<TabularDrift>> = LazyLock::new(|| {
        let builder = TabularDrift::builder().alpha(Alpha::new(0.001).unwrap());
        Arc::new(builder.fit(&records(rows(1, 5_000, 0.0))).unwrap())
    });
    WindowMonitor::new(Arc::clone(&DETECTOR), NonZeroUsize::new(n_rows).unwrap())
}

/// Observes `values` in batches of so many rows.
fn observe<D: DriftDetector>(monitor: &mut WindowMonitor<D>, values: &Array2<f64>, batch: usize) {
    for batch in values.axis_chunks_iter(Axis(0), batch) {
        monitor.observe(&records(batch.to_owned())).unwrap();
    }
}

#[test]
fn a_shifted_stream_alarms_and_names_the_feature_and_one_without_drift_does_not() {
    let mut monitor = monitor(500);
    observe(&mut monitor, &rows(2, 10_000, 0.0), 2);
    assert_eq!(monitor.snapshot().n_alarms, 0);
    assert_eq!(monitor.snapshot().last_window.unwrap().is_drift, Some(false));

    // A pair of rows with this shift is like any other.
    let shifted = rows(3, 1_000, 0.5);
    let pair = records(shifted.slice(s![..2, ..]).to_owned());
    assert_eq!(monitor.detector().test(&pair).unwrap().is_drift, Some(false));
    observe(&mut monitor, &shifted, 2);
    let snapshot = monitor.snapshot();
    let named = snapshot.alarms.iter().map(|alarm| (alarm.feature.as_deref(), alarm.n_rows));
    assert_eq!(named.collect::<Vec<_>>(), [(Some("pH"), 10_500), (Some("pH"), 11_000)]);
    let report = snapshot.last_window.unwrap();
    assert_eq!((report.n_rows, report.is_drift), (500, Some(true)));
    let alarm = &snapshot.alarms[1];
    assert_eq!(Some(alarm.statistic), report.features[1].adjusted_p_value);
    assert_eq!((alarm.what.as_str(), alarm.threshold), ("adjusted_p_value", 0.001));
}

#[test]
fn values_that_go_missing_are_an_alarm() {
    let mut values = rows(4, 500, 0.0);
    values.column_mut(1).iter_mut().step_by(10).for_each(|value| *value = f64::NAN);
    let mut monitor = monitor(500);
    observe(&mut monitor, &values, 500);
    let snapshot = monitor.snapshot();
    assert_eq!(snapshot.alarms.len(), 1);
    let missing = snapshot.last_window.unwrap().features[1].missing.unwrap();
    assert_eq!(snapshot.alarms[0].feature.as_deref(), Some("pH"));
    assert_eq!(snapshot.alarms[0].statistic, missing.adjusted_p_value);
}

#[test]
fn the_latest_alarms_are_kept_and_all_are_counted() {
    let mut monitor = monitor(100);
    observe(&mut monitor, &rows(5, 4_000, 3.0), 7);
    let snapshot = monitor.snapshot();
    assert_eq!((snapshot.n_alarms, snapshot.alarms.len()), (40, MAX_ALARMS));
    assert_eq!((snapshot.alarms[0].n_rows, snapshot.alarms[31].n_rows), (900, 4_000));
    let mut restored = monitor.clone();
    restored.restore(&monitor.checkpoint()).unwrap();
    assert_eq!(restored.snapshot(), snapshot);
}

proptest! {
    #[test]
    fn it_does_not_matter_in_which_batches_rows_come_nor_whether_the_process_ends(
        cuts in prop::collection::vec(0_usize..=700, 0..12),
        end in 0_usize..=700,
    ) {
        let values = concatenate(Axis(0), &[rows(6, 400, 0.0).view(), rows(7, 300, 1.0).view()]);
        let values = values.unwrap();
        let mut whole = monitor(150);
        whole.observe(&records(values.clone())).unwrap();
        assert!(whole.snapshot().n_alarms > 0);

        let mut monitor = monitor(150);
        let mut cuts = cuts;
        cuts.extend([0, end, 700]);
        cuts.sort_unstable();
        let mut has_ended = false;
        for cut in cuts.windows(2) {
            if cut[0] == end && !has_ended {
                has_ended = true;
                let checkpoint = monitor.checkpoint();
                monitor = self::monitor(150);
                monitor.restore(&checkpoint).unwrap();
            }
            monitor.observe(&records(values.slice(s![cut[0]..cut[1], ..]).to_owned())).unwrap();
        }
        assert_eq!(monitor.snapshot(), whole.snapshot());
        assert_eq!(monitor.checkpoint(), whole.checkpoint());
    }
}

/// Fails on a window that has a missing value; else it judges the batch as a whole.
#[derive(Clone, Debug)]
struct Whole(Arc<Schema>);

impl DriftDetector for Whole {
    fn schema(&self) -> &Arc<Schema> {
        &self.0
    }

    fn detect(&self, records: &Records) -> Result<DriftReport, PredictError> {
        if records.values().iter().any(|value| value.is_nan()) {
            return Err(PredictError::model("a value is missing"));
        }
        let (test, method) = (DriftTest::KolmogorovSmirnov, PValueMethod::Exact);
        let drift = FeatureDrift::tested("alcohol", test, 0.5, 0.01, method);
        let mut report = DriftReport::new(0.05, vec![drift]);
        report.features[0].is_drift = None;
        Ok(report)
    }
}

#[test]
fn a_window_that_drifts_as_a_whole_is_an_alarm_without_feature() {
    let mut monitor = WindowMonitor::new(Whole(schema()), NonZeroUsize::MIN);
    monitor.observe(&records(array![[1.0, 2.0, 0.0]])).unwrap();
    let expected = Alarm::new(None, "adjusted_p_value", 0.01, 0.05, 1);
    assert_eq!(monitor.snapshot().alarms, [expected]);
}

#[test]
fn a_window_that_the_detector_fails_on_is_passed_over() {
    let mut monitor = WindowMonitor::new(Whole(schema()), NonZeroUsize::new(2).unwrap());
    let (good, bad) = ([1.0, 2.0, 0.0], [f64::NAN, 2.0, 0.0]);
    let error = monitor.observe(&records(array![bad, good, good, good, good])).unwrap_err();
    assert_eq!(error.kind(), PredictErrorKind::Model);
    let snapshot = monitor.snapshot();
    assert_eq!((snapshot.n_rows, snapshot.n_alarms, snapshot.alarms[0].n_rows), (5, 1, 4));
    monitor.observe(&records(array![good])).unwrap();
    assert_eq!(monitor.snapshot().n_alarms, 2);
}

#[test]
fn rows_of_another_schema_are_refused() {
    let other = Arc::new(Schema::new(vec![Feature::numeric("pH")]).unwrap());
    let error = monitor(10).observe(&Records::new(other, array![[1.0]]).unwrap()).unwrap_err();
    assert_eq!(error.kind(), PredictErrorKind::SchemaMismatch);
}

#[test]
fn a_checkpoint_is_json_that_holds_every_bit() {
    let mut monitor = WindowMonitor::new(Whole(schema()), NonZeroUsize::new(2).unwrap());
    let values = array![[1.0, 2.0, 0.0], [1.0, 2.0, 0.0], [f64::NAN, 0.1 + 0.2, 1.0]];
    monitor.observe(&records(values)).unwrap();
    let checkpoint = monitor.checkpoint();
    let text = String::from_utf8(checkpoint.clone()).unwrap();
    let report = serde_json::to_string(&monitor.snapshot().last_window).unwrap();
    insta::assert_snapshot!(text.replace(&report, "REPORT"), @r#"{"format":"mlops_drift.window_monitor","format_version":1,"window":2,"schema":[{"name":"alcohol","kind":"numeric"},{"name":"pH","kind":"numeric"},{"name":"region","kind":"categorical","levels":["Douro","Minho"]}],"n_rows":3,"n_alarms":1,"alarms":[{"feature":null,"what":"adjusted_p_value","statistic":0.01,"threshold":0.05,"n_rows":2}],"last_window":REPORT,"values":[null,0.30000000000000004,1.0]}"#);
    let mut restored = WindowMonitor::new(Whole(schema()), NonZeroUsize::new(2).unwrap());
    restored.restore(&checkpoint).unwrap();
    assert_eq!(restored.checkpoint(), checkpoint);
}

#[test]
fn a_checkpoint_of_something_else_is_refused_and_changes_nothing() {
    let mut monitor = monitor(150);
    observe(&mut monitor, &rows(8, 500, 1.0), 9);
    let text = String::from_utf8(monitor.checkpoint()).unwrap();
    let mut kind_of = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let error = monitor.restore(text.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!(monitor.checkpoint(), text.as_bytes());
        error.kind()
    };
    for (from, to, kind) in [
        ("window_monitor", "e_detector", CheckpointErrorKind::OtherMonitor),
        ("\"format_version\":1", "\"format_version\":2", CheckpointErrorKind::OtherMonitor),
        ("\"window\":150", "\"window\":151", CheckpointErrorKind::OtherMonitor),
        ("Minho", "Dao", CheckpointErrorKind::SchemaMismatch),
        ("\"n_rows\":500", "\"n_rows\":501", CheckpointErrorKind::Malformed),
        ("\"n_rows\":500", "\"n_rows\":18446744073709551600", CheckpointErrorKind::Malformed),
        ("\"n_alarms\":3", "\"n_alarms\":4", CheckpointErrorKind::Malformed),
        ("\"values\":[", "\"values\":[1e39,", CheckpointErrorKind::Malformed),
        ("\"values\":[", "\"valves\":[", CheckpointErrorKind::Malformed),
        ("]}", "", CheckpointErrorKind::Malformed),
    ] {
        assert_eq!(kind_of(from, to), kind, "{from} {to}");
    }
    for bytes in [&b""[..], b"[]", b"null", b"\xff\x00"] {
        let error = monitor.restore(bytes).unwrap_err();
        assert_eq!(error.kind(), CheckpointErrorKind::Malformed);
    }
    monitor.restore(text.as_bytes()).unwrap();
}

#[test]
fn changed_checkpoints_are_monitors_or_errors() {
    let mut original = monitor(20);
    observe(&mut original, &rows(9, 70, 2.0), 9);
    let checkpoint = original.checkpoint();
    let batch = records(rows(10, 11, 0.0));
    let (mut mutator, mut n_read) = (Mutator::new(0x317D), 0);
    for _ in 0..n_mutations() {
        let mut monitor = original.clone();
        if monitor.restore(mutator.mutate(&checkpoint)).is_err() {
            assert_eq!(monitor.snapshot(), original.snapshot());
            continue;
        }
        n_read += 1;
        let again = monitor.checkpoint();
        monitor.observe(&batch).unwrap();
        monitor.restore(&again).unwrap();
        assert_eq!(monitor.checkpoint(), again);
    }
    assert!(n_read > n_mutations() / 100, "{n_read}");
}
