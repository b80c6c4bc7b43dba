//! Where other detectors fail: what alibi-detect 0.13 answers stands in each test's first line.

use std::sync::Arc;

use mlops_core::{
    DriftReport, DriftStatus, Feature, FeatureDrift, PredictErrorKind, Records, Schema,
};
use mlops_drift::{TabularDrift, cramer_von_mises};
use ndarray::Array2;

/// A feature of numbers called `x`.
fn numbers() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Feature::numeric("x")]).unwrap())
}

/// A feature of four categories called `x`.
fn categories() -> Arc<Schema> {
    let feature = Feature::categorical("x", ["a", "b", "c", "d"]);
    Arc::new(Schema::new(vec![feature]).unwrap())
}

fn column(schema: &Arc<Schema>, values: &[f64]) -> Records {
    let values = Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap();
    Records::new(Arc::clone(schema), values).unwrap()
}

fn report(schema: &Arc<Schema>, reference: &[f64], batch: &[f64]) -> DriftReport {
    let detector = TabularDrift::builder().fit(&column(schema, reference)).unwrap();
    detector.test(&column(schema, batch)).unwrap()
}

fn drift(schema: &Arc<Schema>, reference: &[f64], batch: &[f64]) -> FeatureDrift {
    report(schema, reference, batch).features.remove(0)
}

fn p_value(schema: &Arc<Schema>, reference: &[f64], batch: &[f64]) -> f64 {
    drift(schema, reference, batch).p_value.unwrap()
}

fn assert_near(got: f64, expected: f64) {
    assert!((got / expected - 1.0).abs() < 1e-12, "{got}, expected {expected}");
}

/// Numbers from 0 on.
fn ascending(size: u32) -> Vec<f64> {
    (0..size).map(f64::from).collect()
}

/// So many values of each category.
fn of_each(counts: &[usize]) -> Vec<f64> {
    let counts = counts.iter().zip(ascending(9));
    counts.flat_map(|(count, category)| vec![category; *count]).collect()
}

#[test]
fn a_missing_value_hides_no_drift() {
    // p = NaN, no drift
    let mut batch: Vec<f64> = (200..240).map(f64::from).collect();
    batch[7] = f64::NAN;
    let drift = drift(&numbers(), &ascending(100), &batch);
    assert!(drift.p_value.unwrap() < 1e-20);
    assert_eq!((drift.n_values, drift.n_missing, drift.is_drift), (39, 1, Some(true)));
}

#[test]
fn a_missing_value_in_the_reference_disables_no_feature() {
    // p = NaN, for ever
    let mut reference = ascending(100);
    reference[7] = f64::NAN;
    let drift = drift(&numbers(), &reference, &[50.5; 3]);
    assert!(drift.p_value.unwrap() < 1.0);
    assert_eq!(drift.missing.unwrap().reference, 0.01);
}

#[test]
fn many_missing_values_are_drift() {
    // p = NaN, no drift
    let report = report(&numbers(), &ascending(100), &[50.0, f64::NAN, f64::NAN, f64::NAN]);
    let missing = report.features[0].missing.unwrap();
    // Three of the batch's four, of 104: C(4, 3) / C(104, 3) times what is possible.
    assert_near(missing.p_value, 4.0 / 182_104.0);
    assert_eq!(report.is_drift, Some(true));
}

#[test]
fn a_value_above_a_small_reference_is_no_alarm() {
    // p = 0, drift
    assert_near(p_value(&numbers(), &ascending(10), &[99.0]), 2.0 / 11.0);
    assert_near(p_value(&numbers(), &ascending(30), &[99.0]), 2.0 / 31.0);
    assert_eq!(report(&numbers(), &ascending(30), &[99.0]).is_drift, Some(false));
}

#[test]
fn p_values_far_out_differ() {
    // 0 for both, so that their logarithms are infinite
    let near = p_value(&numbers(), &ascending(100), &[200.0; 5]);
    let far = p_value(&numbers(), &ascending(100), &[200.0; 50]);
    assert!(far < 1e-35 && far > 0.0 && near > 1e-9, "{near:e} {far:e}");
}

#[test]
fn one_row_in_each_sample_says_nothing() {
    // p = NaN
    let drift = drift(&numbers(), &[1.0], &[2.0]);
    assert_eq!((drift.p_value, drift.status), (Some(1.0), DriftStatus::TooFewRows));
    assert_eq!(drift.is_drift, Some(false));
}

#[test]
fn a_category_that_neither_sample_has_is_left_out() {
    // ValueError
    let drift = drift(&categories(), &of_each(&[30, 30, 30, 0]), &of_each(&[1, 1, 0, 0]));
    assert!(drift.p_value.unwrap() > 0.5);
}

#[test]
fn a_missing_category_is_missing() {
    // ValueError
    let drift = drift(&categories(), &of_each(&[30, 30, 30, 0]), &[0.0, f64::NAN]);
    assert_eq!((drift.n_values, drift.n_missing), (1, 1));
    assert_near(drift.missing.unwrap().p_value, 2.0 / 92.0);
}

#[test]
fn a_new_category_is_counted_and_has_its_p_value() {
    // p = 1.5e-7
    let drift = drift(&categories(), &of_each(&[30, 28, 42, 0]), &of_each(&[1, 1, 0, 1]));
    assert!((drift.p_value.unwrap() - 0.014_876_930_297_255_881).abs() < 1e-15);
    assert_eq!(drift.n_unseen, 1);
}

#[test]
fn many_new_categories_are_no_crash() {
    // A sum of squares per category
    let feature = Feature::categorical("x", (0..500).map(|category| category.to_string()));
    let schema = Arc::new(Schema::new(vec![feature]).unwrap());
    let drift = drift(&schema, &of_each(&[50, 50]), &ascending(500)[300..]);
    assert_eq!(drift.n_unseen, 200);
    assert!(drift.p_value.unwrap() < 1e-3, "{drift:?}");
    assert_eq!(drift.effects.unwrap().distance, 1.0);
}

#[test]
fn one_or_two_rows_of_two_categories_are_exact() {
    // p = 0.099 with Yates' correction, 0.013 without
    let reference = of_each(&[3672, 1200]);
    let both = |n: f64, c: f64| c * (c - 1.0) / (n * (n - 1.0));
    // Two of the rarer category of 4874; two of the other are nearer to what is expected.
    assert_near(p_value(&categories(), &reference, &[1.0, 1.0]), both(4874.0, 1202.0));
    assert_eq!(drift(&categories(), &reference, &[1.0]).is_drift, Some(false));
    assert_near(p_value(&categories(), &reference, &[1.0]), 1201.0 / 4873.0);
}

#[test]
fn constants_are_tested() {
    // p = 1 and p = 0
    let same = drift(&numbers(), &[1.0; 50], &[1.0]);
    assert_eq!((same.p_value, same.status), (Some(1.0), DriftStatus::Constant));
    let other = drift(&numbers(), &[1.0; 50], &[0.0]);
    assert_near(other.p_value.unwrap(), 1.0 / 51.0);
    assert_eq!((other.status, other.is_drift), (DriftStatus::Tested, Some(true)));
    assert_eq!(other.effects.unwrap().wasserstein, None);
}

#[test]
fn columns_that_are_too_many_or_too_few_are_errors() {
    // Ignored, and IndexError
    let two = vec![Feature::numeric("x"), Feature::numeric("y")];
    let two = Arc::new(Schema::new(two).unwrap());
    let wide = Records::new(Arc::clone(&two), Array2::zeros((3, 2))).unwrap();
    let narrow = column(&numbers(), &[1.0, 2.0]);
    for (reference, batch) in [(&narrow, &wide), (&wide, &narrow)] {
        let detector = TabularDrift::builder().fit(reference).unwrap();
        let error = detector.test(batch).unwrap_err();
        assert_eq!(error.kind(), PredictErrorKind::SchemaMismatch);
    }
    Records::new(two, Array2::zeros((3, 1))).unwrap_err();
}

#[test]
fn infinite_values_are_no_records() {
    // Taken for extreme values
    for value in [f64::INFINITY, f64::NEG_INFINITY] {
        let rows = Array2::from_elem((1, 1), value);
        Records::new(numbers(), rows).unwrap_err();
    }
}

#[test]
fn an_empty_batch_is_a_status() {
    // ValueError
    let report = report(&numbers(), &ascending(10), &[]);
    assert_eq!(report.features[0].status, DriftStatus::EmptyBatch);
    assert_eq!((report.is_drift, report.features[0].missing), (None, None));
}

#[test]
fn a_shift_stays_drift_however_often_it_is_seen() {
    // No drift at the second time, as the first batch has become part of the reference
    let batch: Vec<f64> = (70..120).map(f64::from).collect();
    let detector = TabularDrift::builder().fit(&column(&numbers(), &ascending(100))).unwrap();
    let batch = column(&numbers(), &batch);
    for _ in 0..3 {
        assert_eq!(detector.test(&batch).unwrap().is_drift, Some(true));
    }
}

#[test]
fn cramer_von_mises_answers_for_one_row() {
    // NaN, no drift
    let outcome = cramer_von_mises(&ascending(99), &[1000.0]).unwrap();
    assert_near(outcome.p_value, 2.0 / 100.0);
}

#[test]
fn no_report_has_a_number_that_json_has_not() {
    // NaN in every place
    let cases: [(&[f64], &[f64]); 6] = [
        (&[1.0], &[]),
        (&[1.0], &[f64::NAN]),
        (&[f64::NAN], &[1.0]),
        (&[f64::NAN], &[f64::NAN]),
        (&[0.0; 3], &[3e38]),
        (&[-3e38, 3e38], &[3e38, -3e38, 0.0]),
    ];
    for schema in [numbers(), categories()] {
        for (reference, batch) in cases {
            let is_category = |value: &f64| value.is_nan() || (0.0..4.0).contains(value);
            let all = reference.iter().chain(batch);
            if schema == categories() && !all.clone().all(is_category) {
                continue;
            }
            let report = report(&schema, reference, batch);
            let json = serde_json::to_string(&report).unwrap();
            let read: DriftReport = serde_json::from_str(&json).unwrap();
            assert_eq!(read, report, "{json}");
        }
    }
}
