use super::*;

/// Rows of two models, half of them positive, whose scores are normal with the standard deviation 1, and higher by a
/// shift for positive rows; half of the variance is that of the row, the same for both models.
fn simulated(random: &mut Random, n: usize, shifts: [f64; 2]) -> ([Vec<f32>; 2], Vec<bool>) {
    let labels: Vec<bool> = (0..n).map(|row| row % 2 == 0).collect();
    let mut models = [Vec::new(), Vec::new()];
    for label in &labels {
        let of_row = normal(random);
        for (model, shift) in models.iter_mut().zip(shifts) {
            let noise = f64::midpoint(of_row, normal(random)) * std::f64::consts::SQRT_2;
            let score = if *label { shift + noise } else { noise };
            // Any increasing function leaves the area alone.
            #[expect(clippy::cast_possible_truncation, reason = "a probability has 32 bits")]
            model.push((1.0 / (1.0 + (-score).exp())) as f32);
        }
    }
    (models, labels)
}

/// Box and Muller.
fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.unit()).cos()
}

fn compare(models: &[Vec<f32>; 2], labels: &[bool], bootstrap: PairedBootstrap) -> ModelComparison {
    let [baseline, candidate] =
        models.each_ref().map(|model| ScoredRows::new(model, labels).unwrap());
    bootstrap.compare(&baseline, &candidate).unwrap()
}

/// The share of intervals that hold the true difference of the areas.
fn coverage(shifts: [f64; 2], truth: f64) -> f64 {
    let mut random = Random::new(11);
    let n_repeats = 400;
    let held = (0..n_repeats).filter(|_| {
        let (models, labels) = simulated(&mut random, 200, shifts);
        let bootstrap = PairedBootstrap::new().resamples(400).seed(random.bits());
        let Difference { low, high, .. } = compare(&models, &labels, bootstrap).roc_auc;
        low <= truth && truth <= high
    });
    held.count() as f64 / f64::from(n_repeats)
}

/// The share among 400 repeats has a standard deviation of 0.011, and a percentile interval of 100 rows a class covers a
/// little less than it says: the bounds are about three of them from 0.95.
#[test]
fn intervals_hold_the_true_difference_about_as_often_as_they_say() {
    // statistics.NormalDist().cdf(shift / sqrt(2)), Python 3.11: 0.7602499389065233 of 1, 0.8555778168267576 of 1.5
    let truth = 0.855_577_816_826_757_6 - 0.760_249_938_906_523_3;
    let covered = coverage([1.0, 1.5], truth);
    assert!((0.91..0.985).contains(&covered), "{covered}");
    let covered = coverage([1.0, 1.0], 0.0);
    assert!((0.91..0.985).contains(&covered), "{covered}");
}

#[test]
fn the_same_scores_do_not_differ_at_all() {
    let (models, labels) = simulated(&mut Random::new(1), 300, [1.0, 1.0]);
    let same = [models[0].clone(), models[0].clone()];
    let comparison = compare(&same, &labels, PairedBootstrap::new());
    for difference in [comparison.roc_auc, comparison.log_loss] {
        assert_eq!(difference, Difference { estimate: 0.0, low: 0.0, high: 0.0 });
    }
}

#[test]
fn estimates_are_the_differences_of_the_metrics_and_stand_in_the_intervals() {
    let (models, labels) = simulated(&mut Random::new(2), 500, [0.5, 1.5]);
    let bootstrap = PairedBootstrap::new().seed(3);
    let comparison = compare(&models, &labels, bootstrap);
    let [baseline, candidate] =
        models.each_ref().map(|model| metric::roc_auc(model, &labels).unwrap());
    assert_eq!(comparison.roc_auc.estimate, candidate - baseline);
    let [baseline, candidate] = models.each_ref().map(|model| metric::log_loss(model, &labels));
    assert!((comparison.log_loss.estimate - (candidate - baseline)).abs() < 1e-12);
    for difference in [comparison.roc_auc, comparison.log_loss] {
        assert!(difference.low < difference.estimate && difference.estimate < difference.high);
    }
    assert!(comparison.roc_auc.low > 0.0 && comparison.log_loss.high < 0.0);
    assert_eq!(compare(&models, &labels, bootstrap), comparison);
    assert_ne!(compare(&models, &labels, bootstrap.seed(4)), comparison);
    let wide = compare(&models, &labels, bootstrap.level(0.99));
    assert!(wide.roc_auc.low < comparison.roc_auc.low);
    let swapped = compare(&[models[1].clone(), models[0].clone()], &labels, bootstrap);
    assert!((swapped.roc_auc.low + comparison.roc_auc.high).abs() < 1e-12);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let scores = [0.1, 0.2, 0.3];
    let rows = |labels| ScoredRows::new(&scores, labels).unwrap();
    let (first, second) = (rows(&[true, false, true]), rows(&[true, false, false]));
    let compare = |left, right| PairedBootstrap::new().compare(left, right).unwrap_err();
    assert_eq!(compare(&first, &second), EvaluationError::DifferentRows { row: 2 });
    let shorter = first.select(&[0, 1]).unwrap();
    assert_eq!(compare(&first, &shorter), EvaluationError::DifferentRows { row: 2 });
    assert_eq!(compare(&rows(&[true; 3]), &rows(&[true; 3])), EvaluationError::OneClass);
    for got in [0.0, 1.0, -0.5, f64::INFINITY] {
        let error = PairedBootstrap::new().level(got).compare(&first, &first).unwrap_err();
        assert_eq!(error, EvaluationError::Level { got });
    }
    let error = PairedBootstrap::new().level(f64::NAN).compare(&first, &first).unwrap_err();
    assert_eq!(error.to_string(), "level NaN, expected more than 0 and less than 1");
}

#[test]
fn quantiles_are_linear_between_values() {
    // numpy.quantile([1, 2, 4, 8, 16], [0, 0.1, 0.5, 0.975, 1]), 2.4.6
    let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
    let quantiles = [0.0, 0.1, 0.5, 0.975, 1.0].map(|share| quantile(&sorted, share));
    for (got, expected) in quantiles.into_iter().zip([1.0, 1.4, 4.0, 15.2, 16.0]) {
        assert!((got - expected).abs() < 1e-12, "{got} {expected}");
    }
    assert_eq!(quantile(&[3.0], 0.975), 3.0);
}
