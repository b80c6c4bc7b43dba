//! The threshold of an isolation forest.

use mlops_core::{OutlierDetector, Records};

use crate::training_scores::{TrainingScores, quantile};
use crate::{Contamination, Error, FalsePositiveRate, IsolationForest, Percentile};

impl IsolationForest {
    /// A lower bound of the scores of all rows there can be: that of a row which every tree isolates
    /// last.
    pub fn lowest_score(&self) -> f64 {
        self.path_lengths().lowest_anomaly() + self.offset()
    }

    /// An upper bound of the scores of all rows there can be: that of a row which every tree isolates
    /// soonest.
    pub fn highest_score(&self) -> f64 {
        self.path_lengths().highest_anomaly() + self.offset()
    }

    /// Whether the threshold can tell rows apart: it is below [`highest_score`](Self::highest_score),
    /// or no row would ever be an outlier, and not below [`lowest_score`](Self::lowest_score), or
    /// every row would be one.
    pub fn is_threshold_reachable(&self) -> bool {
        self.reaches(self.threshold())
    }

    /// The same forest with another threshold, a score.
    ///
    /// # Errors
    /// * [`Error::UnreachableThreshold`] if it cannot tell rows apart: see
    ///   [`is_threshold_reachable`](Self::is_threshold_reachable)
    pub fn with_threshold(self, threshold: f64) -> Result<Self, Error> {
        if self.reaches(threshold) {
            return Ok(self.replace_threshold(threshold));
        }
        let (lowest, highest) = (self.lowest_score(), self.highest_score());
        Err(Error::UnreachableThreshold { threshold, lowest, highest })
    }

    /// The same forest with the threshold that this share of the training rows exceeds, from what the
    /// forest remembers of their scores.
    ///
    /// # Errors
    /// * [`Error::NotCalibrated`] if it does not remember them
    /// * [`Error::UnreachableThreshold`] if more training rows than that share the highest score
    pub fn with_contamination(self, contamination: Contamination) -> Result<Self, Error> {
        self.with_level(contamination.level())
    }

    /// The same forest with this percentile of the training scores for a threshold, from what the
    /// forest remembers of them.
    ///
    /// # Errors
    /// * [`Error::NotCalibrated`] if it does not remember them
    /// * [`Error::UnreachableThreshold`] if that many training rows share the highest score
    pub fn with_percentile(self, percentile: Percentile) -> Result<Self, Error> {
        self.with_level(percentile.level())
    }

    /// The same forest with the threshold that a share of `records` exceeds, which takes their scores
    /// for those of the training rows.
    ///
    /// ```text
    /// threshold = quantile of the scores at 1 - contamination, interpolated linearly
    /// ```
    ///
    /// These quantiles are remembered, and saved with the forest: they turn each score into a
    /// percentile, and let the threshold move without the rows. They are exact in thousandths, above
    /// 0.99 in ten-thousandths, above 0.999 in hundred-thousandths, and interpolated in between.
    ///
    /// # Errors
    /// * [`Error::NoRows`] without records
    /// * [`Error::SchemaMismatch`] if the records have other columns
    /// * [`Error::UnreachableThreshold`] if more records than that share the highest score
    pub fn calibrate(self, records: &Records, contamination: Contamination) -> Result<Self, Error> {
        let scores = self.score(records).map_err(|_| Error::SchemaMismatch)?;
        self.calibrate_by(scores, contamination)
    }

    /// The same forest with the threshold that a share of the `scores` of the training rows exceeds.
    pub(crate) fn calibrate_by(
        self,
        mut scores: Vec<f64>,
        contamination: Contamination,
    ) -> Result<Self, Error> {
        scores.sort_unstable_by(f64::total_cmp);
        let threshold = quantile(&scores, contamination.level()).ok_or(Error::NoRows)?;
        let training_scores = TrainingScores::new(&scores);
        self.replace_training_scores(training_scores).with_threshold(threshold)
    }

    /// The same forest with a threshold that a row which is no outlier exceeds with at most this
    /// probability.
    ///
    /// `normal` are rows that are no outliers and that the forest was *not* fitted to. Of their `n`
    /// scores, the threshold is
    ///
    /// ```text
    /// the k-th lowest,    k = n + 1 - floor(rate (n + 1))
    /// ```
    ///
    /// If the new row is as likely to stand at any place among them (they are exchangeable), no more
    /// than `floor(rate (n + 1))` of the `n + 1` places lie above the threshold: the promise holds for
    /// every distribution and every `n`, on average over the choice of the rows (Vovk, Gammerman and
    /// Shafer 2005, split conformal prediction). A quantile of training scores promises less: trees
    /// know the rows that they were grown from.
    ///
    /// # Errors
    /// * [`Error::TooFewRows`] if there are fewer than `1 / rate - 1` records
    /// * [`Error::SchemaMismatch`] if the records have other columns
    /// * [`Error::UnreachableThreshold`] if the k-th score is the highest that there can be
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use mlops_core::{Feature, Records, Schema};
    /// use mlops_outlier::{Error, FalsePositiveRate, IsolationForest};
    /// use ndarray::Array2;
    ///
    /// let schema = Arc::new(Schema::new(vec![Feature::numeric("x")])?);
    /// let wave = |first: usize, n: usize| {
    ///     let values = Array2::from_shape_fn((n, 1), |(row, _)| ((first + row) as f64).sin());
    ///     Records::new(Arc::clone(&schema), values)
    /// };
    /// let forest = IsolationForest::params().fit(&wave(0, 1000)?)?;
    /// let rate = FalsePositiveRate::new(0.01)?;
    /// let error = forest.clone().with_false_positive_rate(&wave(1000, 98)?, rate).unwrap_err();
    /// assert_eq!(error, Error::TooFewRows { got: 98, expected: 99 });
    /// let forest = forest.with_false_positive_rate(&wave(1000, 500)?, rate)?;
    /// assert!(forest.is_threshold_reachable());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_false_positive_rate(
        self,
        normal: &Records,
        rate: FalsePositiveRate,
    ) -> Result<Self, Error> {
        let mut scores = self.score(normal).map_err(|_| Error::SchemaMismatch)?;
        scores.sort_unstable_by(f64::total_cmp);
        let allowed = rate.of(scores.len());
        let Some(&threshold) = allowed.checked_sub(1).and_then(|at| scores.iter().nth_back(at))
        else {
            return Err(Error::TooFewRows { got: scores.len(), expected: rate.least_rows() });
        };
        self.with_threshold(threshold)
    }

    fn with_level(self, level: f64) -> Result<Self, Error> {
        let scores = self.training_scores().ok_or(Error::NotCalibrated)?;
        let threshold = scores.quantile(level);
        self.with_threshold(threshold)
    }

    fn reaches(&self, threshold: f64) -> bool {
        (self.lowest_score()..self.highest_score()).contains(&threshold)
    }
}
