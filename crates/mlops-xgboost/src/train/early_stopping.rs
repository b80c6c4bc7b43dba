use crate::metric::{log_loss, roc_auc};

/// What is measured on the validation rows after every round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvalMetric {
    /// The mean negative log-likelihood; lower is better.
    LogLoss,
    /// The area under the ROC curve; higher is better.
    Auc,
}

impl EvalMetric {
    /// XGBoost's name of the metric.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogLoss => "logloss",
            Self::Auc => "auc",
        }
    }

    pub(super) fn evaluate(self, probabilities: &[f32], labels: &[bool]) -> f64 {
        match self {
            Self::LogLoss => log_loss(probabilities, labels),
            // Datasets have rows of both classes.
            Self::Auc => roc_auc(probabilities, labels).unwrap_or(0.5),
        }
    }

    fn is_better(self, value: f64, than: f64) -> bool {
        match self {
            Self::LogLoss => value < than,
            Self::Auc => value > than,
        }
    }
}

/// Remembers the best round and knows when to stop.
#[derive(Debug)]
pub(super) struct EarlyStopping {
    metric: EvalMetric,
    patience: Option<usize>,
    values: Vec<f64>,
    best: usize,
}

impl EarlyStopping {
    pub(super) fn new(metric: EvalMetric, patience: Option<usize>) -> Self {
        Self { metric, patience, values: Vec::new(), best: 0 }
    }

    /// Takes the value of a round; says whether training should stop.
    pub(super) fn should_stop(&mut self, value: f64) -> bool {
        let round = self.values.len();
        self.values.push(value);
        if self.metric.is_better(value, self.values[self.best]) {
            self.best = round;
        }
        self.patience.is_some_and(|patience| round - self.best >= patience)
    }

    /// The round with the best value, if any round was measured and early stopping was asked for.
    pub(super) fn best_iteration(&self) -> Option<usize> {
        (self.patience.is_some() && !self.values.is_empty()).then_some(self.best)
    }

    pub(super) fn into_values(self) -> Vec<f64> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_stops_after_rounds_without_improvement() {
        let mut stopping = EarlyStopping::new(EvalMetric::LogLoss, Some(2));
        let stops: Vec<bool> =
            [0.5, 0.4, 0.4, 0.3, 0.35, 0.3].map(|value| stopping.should_stop(value)).into();
        assert_eq!(stops, [false, false, false, false, false, true]);
        assert_eq!(stopping.best_iteration(), Some(3));
    }

    #[test]
    fn without_patience_all_rounds_are_kept() {
        let mut stopping = EarlyStopping::new(EvalMetric::Auc, None);
        assert!(![0.9, 0.8, 0.7].map(|value| stopping.should_stop(value)).contains(&true));
        assert_eq!(stopping.best_iteration(), None);
        assert_eq!(stopping.into_values(), [0.9, 0.8, 0.7]);
    }
}
