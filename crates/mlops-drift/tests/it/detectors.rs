//! Detectors that alibi-detect saved.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mlops_core::{DriftDetector, Feature, Records, Schema};
use mlops_drift::{AlibiModel, Alternative, Error, TabularDrift, ks_two_sample_asymptotic};
use mlops_pyobject::Error as FileError;
use mlops_testing::{Mutator, n_mutations};
use ndarray::Array2;
use serde::Deserialize;

#[derive(Deserialize)]
struct Document {
    reference: Vec<[f64; 4]>,
    rows: Vec<[f64; 4]>,
    tabular: Answers,
    ks: Answers,
    chi_squared: Answers,
}

#[derive(Deserialize)]
struct Answers {
    p_value: Vec<f64>,
    is_drift: Vec<u8>,
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

fn document() -> Document {
    serde_json::from_slice(&sample("detectors.json")).unwrap()
}

fn schema(columns: &[usize]) -> Arc<Schema> {
    let features = columns.iter().map(|column| Feature::numeric(NAMES[*column]));
    Arc::new(Schema::new(features.collect()).unwrap())
}

/// Some columns of `rows`.
fn records(rows: &[[f64; 4]], columns: &[usize]) -> Records {
    let values = Array2::from_shape_fn((rows.len(), columns.len()), |(row, column)| {
        rows[row][columns[column]]
    });
    Records::new(schema(columns), values).unwrap()
}

const NAMES: [&str; 4] = ["acid", "salt", "region", "unused"];

fn model(file: &str, columns: &[usize]) -> AlibiModel {
    AlibiModel::from_bytes(&sample(file), schema(columns)).unwrap()
}

/// What differs by two units of 32 bits at the most counts as equal.
fn assert_near(got: f64, expected: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "p-values of alibi-detect have 32 bits")]
    let (got, expected) = (got as f32, expected as f32);
    assert!(got.to_bits().abs_diff(expected.to_bits()) <= 2, "{got:e} {expected:e}");
}

#[test]
fn detectors_answer_as_alibi_detect_does() {
    let document = document();
    for (file, columns, expected) in
        [("ks.pkl", &[0, 1][..], &document.ks), ("chi_squared.pkl", &[2], &document.chi_squared)]
    {
        let detector = model(file, columns).detector().unwrap();
        let report = detector.detect(&records(&document.rows, columns)).unwrap();
        assert_eq!(report.features.len(), expected.p_value.len());
        for (feature, expected) in report.features.iter().zip(&expected.p_value) {
            assert_near(feature.p_value.unwrap(), *expected);
        }
        let is_drift = report.is_below_alpha().map(|is_drift| u8::from(is_drift.unwrap()));
        assert_eq!(is_drift.collect::<Vec<_>>(), expected.is_drift);
    }
}

#[test]
fn columns_that_a_pipeline_moves_and_drops_are_reported_by_name() {
    let document = document();
    let detector = model("tabular.pkl", &[0, 1, 2, 3]).detector().unwrap();
    let report = detector.detect(&records(&document.rows, &[0, 1, 2, 3])).unwrap();
    let names: Vec<&str> = report.features.iter().map(|feature| &*feature.feature).collect();
    assert_eq!(names, NAMES);
    // In the pipeline: region, salt, acid.
    for (position, expected) in [2, 1, 0].into_iter().zip(&document.tabular.p_value) {
        assert_near(report.features[position].p_value.unwrap(), *expected);
    }
    assert_eq!(report.features[3].p_value, None);
    let is_drift: Vec<_> = report.is_below_alpha().collect();
    let expected = document.tabular.is_drift.iter().map(|flag| Some(*flag == 1));
    assert!(expected.eq([is_drift[2], is_drift[1], is_drift[0]]));
}

#[test]
fn the_exact_twin_answers_as_if_it_had_been_fitted_here() {
    let document = document();
    let columns = [0, 1, 2];
    let fitted = TabularDrift::builder().fit(&records(&document.reference, &columns)).unwrap();
    let fitted = fitted.detect(&records(&document.rows, &columns)).unwrap();
    let exact = model("tabular.pkl", &[0, 1, 2, 3]).detector().unwrap().exact();
    let exact = exact.detect(&records(&document.rows, &[0, 1, 2, 3])).unwrap();
    // Scaling changes neither order nor ties.
    for (exact, fitted) in exact.features.iter().zip(&fitted.features).take(2) {
        assert_eq!((exact.statistic, exact.p_value), (fitted.statistic, fitted.p_value));
        let moved = [exact, fitted].map(|drift| drift.effects.unwrap().wasserstein.unwrap());
        assert!((moved[0] / moved[1] - 1.0).abs() < 1e-13, "{moved:?}");
    }
    assert_ne!(exact.features[2].test, fitted.features[2].test);
    assert_eq!(exact.alpha, 0.05);
}

#[test]
fn reference_rows_can_be_had_as_they_were() {
    let reference = model("tabular.pkl", &[0, 1, 2, 3]).reference().unwrap();
    let expected = document().reference;
    assert_eq!(reference.n_rows(), expected.len());
    for (row, expected) in reference.rows().zip(expected) {
        for column in 0..3 {
            assert!((row[column] - expected[column]).abs() < 1e-13);
        }
        assert!(row[3].is_nan());
    }
}

#[test]
fn one_sided_detectors_are_read() {
    let model = model("one_sided.pkl", &[0]);
    let reference = model.reference().unwrap();
    let values: Vec<f64> = reference.values().iter().copied().collect();
    let batch = values.iter().map(|value| value - 1.0).collect::<Vec<_>>();
    let outcome = ks_two_sample_asymptotic(&values, &batch, Alternative::Less).unwrap();
    let rows = Array2::from_shape_vec((batch.len(), 1), batch).unwrap();
    let batch = Records::new(schema(&[0]), rows).unwrap();
    let report = model.detector().unwrap().detect(&batch).unwrap();
    assert_near(report.features[0].p_value.unwrap(), outcome.p_value);
}

#[test]
fn what_is_not_understood_is_named() {
    let error = |bytes: &[u8], columns: &[usize]| {
        AlibiModel::from_bytes(bytes, schema(columns)).unwrap_err()
    };
    let found = error(b"cos\nsystem\n(S'rm -rf /'\ntR.", &[0]).to_string();
    assert!(found.contains("os.system") && found.contains("TabularDrift"), "{found}");
    let found = error(&sample("refused.function.pkl"), &[0]).to_string();
    assert!(found.starts_with("`preprocess_fn` is "), "{found}");
    let found = error(&sample("ks.pkl"), &[0, 1, 2]);
    assert_eq!(found, Error::Python(FileError::ColumnCount { got: 2, expected: 3 }));
    let found = error(b"calibi_detect.cd.ks\nKSDrift\n)\x81.", &[0]).to_string();
    assert!(found.contains("no attribute `x_ref`"), "{found}");
}

#[test]
fn changed_files_are_detectors_or_errors() {
    let files = ["tabular.pkl", "ks.pkl", "chi_squared.pkl"].map(sample);
    let columns = [&[0, 1, 2, 3][..], &[0, 1], &[2]];
    let rows = document().rows;
    let mut mutator = Mutator::new(0xD71F7);
    for round in 0..n_mutations() / 10 {
        let at = round % files.len();
        let batch = records(&rows, columns[at]);
        let bytes = mutator.mutate(&files[at]);
        let model = AlibiModel::from_bytes(bytes, schema(columns[at]));
        let Ok(Ok(detector)) = model.map(|model| model.detector()) else { continue };
        for detector in [detector.clone(), detector.exact()] {
            let report = detector.detect(&batch).unwrap();
            let p_values = report.features.iter().filter_map(|feature| feature.p_value);
            assert!(p_values.into_iter().all(|p_value| (0.0..=1.0).contains(&p_value)));
        }
    }
}

#[test]
fn the_detectors_of_the_original_service_are_read() {
    let Some(fixtures) = mlops_testing::fixtures("drift detectors of the Python system") else {
        return;
    };
    let names = (0..12).map(|column| Feature::numeric(format!("x{column}")));
    let schema = Arc::new(Schema::new(names.collect()).unwrap());
    for folder in ["seed_models", "seed_era"] {
        let path = fixtures.join(folder).join("wine_quality_drift/model.pkl");
        let model = AlibiModel::from_bytes(&fs::read(path).unwrap(), Arc::clone(&schema)).unwrap();
        let reference = model.reference().unwrap();
        assert_eq!(reference.values().dim(), (4872, 12), "{folder}");
        // Of a batch that is the reference itself.
        let report = model.detector().unwrap().exact().detect(&reference).unwrap();
        let tests: Vec<_> = report.features.iter().map(|feature| feature.test).collect();
        assert_eq!(tests[11], mlops_core::DriftTest::ChiSquared, "{folder}");
        // Turning rows back and forth moves some in their last bit, and none far.
        let p_values = report.features.iter().map(|feature| feature.p_value.unwrap());
        assert!(p_values.into_iter().all(|p_value| p_value > 0.999), "{folder}");
    }
}
