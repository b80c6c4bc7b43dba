//! What a booster predicts: the link between margins, which trees add up, and predictions.
//!
//! The operations, their order and their 32 bits are XGBoost's; together with the C library's `expf` and `logf`, which
//! Rust calls on Linux with glibc too, they give its bits.

use std::collections::BTreeMap;

use crate::Error;

/// The settings of an objective as the file has them: texts by group and name.
pub(crate) type Settings = BTreeMap<String, BTreeMap<String, String>>;

/// An objective of XGBoost.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Objective {
    name: String,
    settings: Settings,
    transform: Transform,
}

/// How margins become predictions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Transform {
    Identity,
    /// Log-odds to probabilities.
    Logistic,
    /// Logarithms to what they are of.
    Exponential,
    /// Positive margins to 1, others to 0.
    Hinge,
    /// Margins of classes to their probabilities.
    Softprob,
    /// Margins of classes to the class with the largest.
    Softmax,
    /// Quantiles to quantiles that do not cross.
    Sorted,
}

impl Objective {
    /// The objective `binary:logistic`.
    pub(crate) fn binary_logistic(scale_pos_weight: f32) -> Self {
        let setting = ("scale_pos_weight", scale_pos_weight.to_string());
        Self::trained("binary:logistic", "reg_loss_param", setting, Transform::Logistic)
    }

    /// The objective `reg:squarederror`.
    pub(crate) fn squared_error() -> Self {
        let setting = ("scale_pos_weight", "1".to_owned());
        Self::trained("reg:squarederror", "reg_loss_param", setting, Transform::Identity)
    }

    /// The objective `multi:softprob`.
    pub(crate) fn softprob(n_classes: usize) -> Self {
        let setting = ("num_class", n_classes.to_string());
        Self::trained("multi:softprob", "softmax_multiclass_param", setting, Transform::Softprob)
    }

    fn trained(
        name: &str,
        group: &str,
        (setting, value): (&str, String),
        transform: Transform,
    ) -> Self {
        let group = (group.to_owned(), BTreeMap::from([(setting.to_owned(), value)]));
        Self { name: name.to_owned(), settings: BTreeMap::from([group]), transform }
    }

    /// The objective called `name` in a file of that version of XGBoost.
    pub(crate) fn new(name: &str, settings: Settings, version: (u64, u64)) -> Result<Self, Error> {
        let transform = match name {
            "binary:logistic" | "reg:logistic" => Transform::Logistic,
            "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:aft" | "survival:cox" => {
                Transform::Exponential
            }
            "binary:hinge" => Transform::Hinge,
            "multi:softprob" => Transform::Softprob,
            "multi:softmax" => Transform::Softmax,
            "reg:quantileerror" if version >= SORTS_QUANTILES => Transform::Sorted,
            "binary:logitraw"
            | "rank:map"
            | "rank:ndcg"
            | "rank:pairwise"
            | "reg:absoluteerror"
            | "reg:linear"
            | "reg:pseudohubererror"
            | "reg:quantileerror"
            | "reg:squarederror"
            | "reg:squaredlogerror" => Transform::Identity,
            _ => return Err(Error::unsupported_objective(name)),
        };
        Ok(Self { name: name.to_owned(), settings, transform })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether predictions of a row are sorted, which depends on the version of the file.
    pub(crate) fn is_sorted(&self) -> bool {
        self.transform == Transform::Sorted
    }

    /// The margin of a base score, which the file has as a prediction.
    pub(crate) fn margin(&self, base_score: f32) -> f32 {
        match self.transform {
            Transform::Logistic => logit(base_score),
            Transform::Exponential => base_score.ln(),
            _ => base_score,
        }
    }

    /// The number of predictions per row of `n_outputs` margins.
    pub(crate) fn n_predictions(&self, n_outputs: usize) -> usize {
        if self.transform == Transform::Softmax { 1 } else { n_outputs }
    }

    /// Turns rows of `n_outputs` margins into predictions; the number tells how many they are, from the front.
    pub(crate) fn predict(&self, margins: &mut [f32], n_outputs: usize) -> usize {
        let mut each = |map: fn(f32) -> f32| {
            for margin in &mut *margins {
                *margin = map(*margin);
            }
        };
        match self.transform {
            Transform::Identity => {}
            Transform::Logistic => each(sigmoid),
            Transform::Exponential => each(f32::exp),
            Transform::Hinge => each(|margin| f32::from(u8::from(margin > 0.0))),
            Transform::Softprob => margins.chunks_exact_mut(n_outputs).for_each(softmax),
            Transform::Softmax => {
                let n_rows = margins.len() / n_outputs;
                for row in 0..n_rows {
                    margins[row] = largest(&margins[row * n_outputs..][..n_outputs]) as f32;
                }
                return n_rows;
            }
            Transform::Sorted => {
                margins.chunks_exact_mut(n_outputs).for_each(|row| row.sort_by(f32::total_cmp));
            }
        }
        margins.len()
    }

    /// The classes of rows of `n_outputs` margins, if the objective tells classes apart; several labels that a row may
    /// have at once are none.
    pub(crate) fn classes(&self, margins: &[f32], n_outputs: usize) -> Option<Vec<u32>> {
        let class: fn(&[f32]) -> u32 = if self.name.starts_with("multi:") {
            |row| u32::try_from(largest(row)).unwrap_or(u32::MAX)
        } else if self.name.starts_with("binary:") && n_outputs == 1 {
            |row| u32::from(row[0] > 0.0)
        } else {
            return None;
        };
        Some(margins.chunks_exact(n_outputs).map(class).collect())
    }

    /// Refuses base scores without a margin.
    pub(crate) fn check(&self, base_scores: &[f32]) -> Result<(), Error> {
        let is_usable = |score: &f32| {
            score.is_finite() && (self.transform != Transform::Exponential || *score > 0.0)
        };
        let expected = "finite, and positive where its logarithm is the margin";
        let wrong = Error::WrongType { key: "base_score", expected };
        if base_scores.iter().all(is_usable) { Ok(()) } else { Err(wrong) }
    }
}

/// The version from which `reg:quantileerror` sorts its predictions.
const SORTS_QUANTILES: (u64, u64) = (3, 4);

/// The margin of a probability: `-ln(1 / p - 1)`, for `p` moved into `[1e-6, 1 - 1e-6]`.
pub(crate) fn logit(probability: f32) -> f32 {
    let clamped = probability.clamp(1e-6, 1.0 - 1e-6);
    -(1.0 / clamped - 1.0).ln()
}

/// The probability of a margin: `1 / (1 + exp(-x))`, in `(0, 1]`.
pub(crate) fn sigmoid(margin: f32) -> f32 {
    // Above 88.7, the exponential of a 32-bit number is infinite. NaN stays NaN.
    let exponent = if -margin > 88.7 { 88.7 } else { -margin };
    1.0 / (exponent.exp() + 1.0)
}

/// Turns margins into probabilities that sum up to 1.
pub(crate) fn softmax(margins: &mut [f32]) {
    let largest = margins.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for margin in &mut *margins {
        *margin = (*margin - largest).exp();
        sum += f64::from(*margin);
    }
    #[expect(clippy::cast_possible_truncation, reason = "XGBoost divides in 32 bits")]
    let sum = sum as f32;
    for margin in margins {
        *margin /= sum;
    }
}

/// The position of the largest value, of several the first.
pub(crate) fn largest(row: &[f32]) -> usize {
    let mut largest = 0;
    for (position, value) in row.iter().enumerate() {
        if *value > row[largest] {
            largest = position;
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective(name: &str) -> Objective {
        Objective::new(name, Settings::new(), (3, 4)).unwrap()
    }

    fn predictions(objective: &Objective, margins: &[f32], n_outputs: usize) -> Vec<f32> {
        let mut margins = margins.to_vec();
        let n_predictions = objective.predict(&mut margins, n_outputs);
        margins.truncate(n_predictions);
        margins
    }

    #[test]
    fn the_ends_of_the_range_are_finite() {
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert!(sigmoid(f32::MIN) > 0.0);
        assert!(sigmoid(f32::NAN).is_nan());
        assert!(logit(0.0).is_finite() && logit(1.0).is_finite());
        assert_eq!(logit(0.5), 0.0);
    }

    #[test]
    fn classes_are_the_largest_or_the_positive() {
        let margins = [0.5, 2.0, 2.0, -1.0, -3.0, -2.0];
        assert_eq!(predictions(&objective("multi:softmax"), &margins, 3), [1.0, 0.0]);
        assert_eq!(objective("multi:softprob").classes(&margins, 3), Some(vec![1, 0]));
        assert_eq!(objective("binary:logistic").classes(&margins[2..4], 1), Some(vec![1, 0]));
        assert_eq!(objective("binary:logistic").classes(&margins, 3), None);
        assert_eq!(objective("multi:softprob").classes(&[0.7], 1), Some(vec![0]));
        assert_eq!(objective("reg:squarederror").classes(&margins, 1), None);
    }

    #[test]
    fn probabilities_of_classes_sum_up_to_one() {
        let predictions = predictions(&objective("multi:softprob"), &[1e4, 1e4, -1e4], 3);
        assert_eq!(predictions, [0.5, 0.5, 0.0]);
    }

    #[test]
    fn quantiles_are_sorted_from_the_version_on_that_sorts_them() {
        assert_eq!(predictions(&objective("reg:quantileerror"), &[2.0, 1.0], 2), [1.0, 2.0]);
        let older = Objective::new("reg:quantileerror", Settings::new(), (3, 2)).unwrap();
        assert_eq!(predictions(&older, &[2.0, 1.0], 2), [2.0, 1.0]);
    }

    #[test]
    fn base_scores_without_a_margin_are_refused() {
        objective("count:poisson").check(&[0.5]).unwrap();
        objective("reg:squarederror").check(&[-0.5, 0.0]).unwrap();
        objective("count:poisson").check(&[0.0]).unwrap_err();
        objective("binary:logistic").check(&[f32::NAN]).unwrap_err();
    }

    #[test]
    fn an_objective_that_is_not_known_is_named() {
        let error = Objective::new("reg:expectileerror", Settings::new(), (3, 4)).unwrap_err();
        assert_eq!(error.to_string(), "the objective `reg:expectileerror` is not supported");
    }

    proptest::proptest! {
        #[test]
        fn probability_and_margin_invert_each_other(probability in 0.001_f32..0.999) {
            proptest::prop_assert!((sigmoid(logit(probability)) - probability).abs() < 1e-6);
        }
    }
}
