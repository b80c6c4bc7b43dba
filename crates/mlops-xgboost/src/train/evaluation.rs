use super::dataset::Dataset;
use super::{EvalMetric, Params};

/// What a metric of a data set was after each round.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The name of the data set.
    pub set: String,
    /// The metric.
    pub metric: EvalMetric,
    /// Its values, also of rounds after the best one.
    pub values: Vec<f64>,
}

impl Evaluation {
    /// All metrics of all sets, before the first round.
    pub(super) fn all(params: &Params, sets: &[(&str, &Dataset)]) -> Vec<Self> {
        let metrics = params.metrics();
        let of_set = |(name, _): &(&str, &Dataset)| {
            let set = (*name).to_owned();
            metrics.clone().into_iter().map(move |metric| Self {
                set: set.clone(),
                metric,
                values: Vec::new(),
            })
        };
        sets.iter().flat_map(of_set).collect()
    }

    /// The round with the best value, of several the first.
    pub(super) fn best(&self) -> usize {
        let mut best = 0;
        for (round, value) in self.values.iter().enumerate() {
            if self.metric.is_better(*value, self.values[best]) {
                best = round;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_round_is_the_first_of_the_best_ones() {
        let best = |metric, values: &[f64]| {
            Evaluation { set: String::new(), metric, values: values.to_vec() }.best()
        };
        assert_eq!(best(EvalMetric::LogLoss, &[0.5, 0.3, 0.4, 0.3]), 1);
        assert_eq!(best(EvalMetric::Auc, &[0.5, 0.3, 0.9, 0.9]), 2);
    }
}
