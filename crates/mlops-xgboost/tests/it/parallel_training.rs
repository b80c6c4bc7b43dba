//! Training on several threads, of data that is large enough for it.

use std::sync::Arc;

use mlops_core::{Feature, Random, Records, Schema};
use mlops_xgboost::{
    Booster, Dataset, EvalMetric, Evaluation, Monotone, Params, Training, TrainingObjective,
};
use ndarray::Array2;

const N_ROWS: usize = 70_000;
const N_FEATURES: usize = 5;

/// Rows with missing values.
fn records() -> Records {
    let mut random = Random::new(1);
    let schema = Schema::new(["a", "b", "c", "d", "e"].map(Feature::numeric).into()).unwrap();
    let values = Array2::from_shape_simple_fn((N_ROWS, N_FEATURES), || {
        let value = random.unit();
        if value < 0.1 { f64::NAN } else { value }
    });
    Records::new(Arc::new(schema), values).unwrap()
}

/// A number of a row that two of its features and chance decide.
fn signal(records: &Records) -> Vec<f64> {
    let mut random = Random::new(2);
    let at = |value: f64| if value.is_nan() { 0.2 } else { value };
    records.rows().map(|row| at(row[0]) * at(row[1]) + 0.2 * random.unit()).collect()
}

/// What training is a function of its data, parameters and seed.
fn outcome(training: Training) -> (Vec<u8>, Vec<Evaluation>) {
    (training.booster.to_json(), training.evaluations)
}

#[track_caller]
fn is_the_same_on_any_number_of_threads(params: &Params, dataset: &Dataset) {
    let params = params.clone().rounds(3).max_depth(5);
    let sets = [("train", dataset)];
    let expected = outcome(params.fit(dataset, &sets).unwrap());
    for n_threads in 1..=3 {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let training = pool.install(|| params.par_fit(dataset, &sets)).unwrap();
        assert!(outcome(training) == expected, "{n_threads} threads");
    }
}

#[test]
fn a_booster_of_two_classes_is_the_same() {
    let records = records();
    let labels: Vec<bool> = signal(&records).into_iter().map(|signal| signal > 0.3).collect();
    let dataset = Dataset::new(&records, &labels).unwrap();
    let params = Booster::params().eval_metrics([EvalMetric::LogLoss, EvalMetric::Auc]);
    is_the_same_on_any_number_of_threads(&params, &dataset);
    let parts = params.subsample(0.8).colsample_bytree(0.8).colsample_bynode(0.7).seed(3);
    is_the_same_on_any_number_of_threads(&parts, &dataset);
    let weights: Vec<f32> = (0..N_ROWS).map(|row| (row % 7) as f32).collect();
    let monotone =
        [Monotone::Increasing, Monotone::No, Monotone::No, Monotone::Decreasing, Monotone::No];
    let weighted = dataset.weights(&weights).unwrap();
    is_the_same_on_any_number_of_threads(&parts.monotone_constraints(monotone), &weighted);
}

#[test]
fn a_booster_of_several_classes_is_the_same() {
    let records = records();
    let class = |signal: f64| if signal < 0.2 { 0 } else { 1 + u8::from(signal > 0.5) };
    let labels: Vec<u8> = signal(&records).into_iter().map(class).collect();
    let dataset = Dataset::new(&records, &labels).unwrap();
    let params = Booster::params().objective(TrainingObjective::Softprob { n_classes: 3 });
    is_the_same_on_any_number_of_threads(&params, &dataset);
}

#[test]
fn a_booster_of_numbers_in_many_bins_is_the_same() {
    let records = records();
    #[expect(clippy::cast_possible_truncation, reason = "labels have 32 bits")]
    let labels: Vec<f32> = signal(&records).into_iter().map(|signal| signal as f32).collect();
    let dataset = Dataset::new(&records, &labels).unwrap();
    let params = Booster::params().objective(TrainingObjective::SquaredError).max_bin(1000);
    is_the_same_on_any_number_of_threads(&params, &dataset);
}
