use mlops_outlier::{Contamination, Error, FalsePositiveRate, Percentile};

use super::*;

fn n_above(forest: &IsolationForest, rows: &Records) -> usize {
    forest.score(rows).unwrap().into_iter().filter(|score| *score > forest.threshold()).count()
}

#[test]
fn a_contamination_is_the_share_of_training_rows_above_the_threshold() {
    let training = records(normal(1000, 3, 1));
    let forest = IsolationForest::params().fit(&training).unwrap();
    for (share, n_outliers) in [(0.01, 10), (0.1, 100), (0.5, 500)] {
        let contamination = Contamination::new(share).unwrap();
        let params = IsolationForest::params().contamination(contamination);
        let fitted = params.fit(&training).unwrap();
        assert_eq!(n_above(&fitted, &training), n_outliers);
        let calibrated = forest.clone().calibrate(&training, contamination).unwrap();
        assert_eq!(calibrated.to_json(), fitted.to_json());
    }
}

#[test]
fn a_threshold_moves_without_the_rows() {
    let training = records(normal(3000, 3, 1));
    let share = |share| Contamination::new(share).unwrap();
    let forest = IsolationForest::params().contamination(share(0.05)).fit(&training).unwrap();
    let read = edited(&forest, |_| ());
    for contamination in [0.3, 0.02, 0.01, 0.004, 0.001] {
        let fitted = IsolationForest::params().contamination(share(contamination));
        let fitted = fitted.fit(&training).unwrap().threshold();
        let moved = read.clone().with_contamination(share(contamination)).unwrap();
        assert!((moved.threshold() - fitted).abs() < 1e-12, "{contamination}");
        let percentile = Percentile::new(100.0 * (1.0 - contamination)).unwrap();
        let moved = read.clone().with_percentile(percentile).unwrap();
        assert!((moved.threshold() - fitted).abs() < 1e-9, "{contamination}");
        let percentile = moved.percentile(moved.threshold()).unwrap();
        assert!((percentile - 100.0 * (1.0 - contamination)).abs() < 1e-6, "{percentile}");
    }
    let bare = IsolationForest::params().fit(&training).unwrap();
    assert_eq!(bare.percentile(0.1), None);
    assert_eq!(bare.with_contamination(share(0.1)).unwrap_err(), Error::NotCalibrated);
}

#[test]
fn thresholds_out_of_reach_are_refused() {
    let forest = IsolationForest::params().fit(&records(normal(300, 2, 1))).unwrap();
    let (lowest, highest) = (forest.lowest_score(), forest.highest_score());
    assert!(-0.5 < lowest && lowest < 0.0 && 0.0 < highest && highest < 0.5);
    for threshold in [lowest, 0.1, highest.next_down()] {
        let forest = forest.clone().with_threshold(threshold).unwrap();
        assert!(forest.is_threshold_reachable());
        assert_eq!(forest.threshold(), threshold);
    }
    for threshold in [lowest.next_down(), highest, 5.0, f64::INFINITY] {
        let error = forest.clone().with_threshold(threshold).unwrap_err();
        assert_eq!(error, Error::UnreachableThreshold { threshold, lowest, highest });
    }
    forest.clone().with_threshold(f64::NAN).unwrap_err();
    let text = forest.with_threshold(5.0).unwrap_err().to_string();
    assert!(text.starts_with("threshold 5 is out of reach, scores are between -0."), "{text}");
}

/// Of rows that no tree knows, a share of at most the rate is flagged, on average over what the
/// threshold was set by.
#[test]
fn a_false_positive_rate_holds_for_new_rows() {
    const N_NORMAL: usize = 59;
    let forest =
        IsolationForest::params().n_estimators(25).fit(&records(normal(300, 4, 1))).unwrap();
    let new = records(normal(2000, 4, 2));
    for rate in [0.02, 0.1] {
        let mut shares = Vec::new();
        for seed in 0..200 {
            let rows = records(normal(N_NORMAL, 4, 1000 + seed));
            let rate = FalsePositiveRate::new(rate).unwrap();
            let forest = forest.clone().with_false_positive_rate(&rows, rate).unwrap();
            shares.push(n_above(&forest, &new) as f64 / 2000.0);
        }
        let mean = shares.iter().sum::<f64>() / 200.0;
        let spread = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / 199.0;
        // The promise is floor(rate (n + 1)) / (n + 1), here 1/60 and 6/60, but for ties.
        let promise = (rate * 60.0_f64).floor() / 60.0;
        let error = (spread / 200.0).sqrt() + (rate / 2000.0_f64).sqrt();
        assert!((mean - promise).abs() < 3.0 * error, "{rate}: {mean} for {promise}");
    }
}

#[test]
fn a_false_positive_rate_needs_rows() {
    let forest = IsolationForest::params().fit(&records(normal(300, 2, 1))).unwrap();
    let rate = FalsePositiveRate::new(0.05).unwrap();
    let few = forest.clone().with_false_positive_rate(&records(normal(18, 2, 2)), rate);
    assert_eq!(few.unwrap_err(), Error::TooFewRows { got: 18, expected: 19 });
    forest.clone().with_false_positive_rate(&records(normal(19, 2, 2)), rate).unwrap();
    let other = forest.with_false_positive_rate(&records(normal(50, 3, 2)), rate);
    assert_eq!(other.unwrap_err(), Error::SchemaMismatch);
}
