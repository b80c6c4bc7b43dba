use std::fmt;
use std::sync::Arc;

use ndarray::ArrayView1;

use crate::{
    Classification, Contributions, DriftReport, ModelDir, ModelDirWriter, ModelError,
    OutlierReport, PredictError, Prediction, Reason, Records, Schema,
};

/// A model that predicts one or more values per row.
pub trait Predictor: fmt::Debug + Send + Sync {
    /// The features that the model reads.
    fn schema(&self) -> &Arc<Schema>;

    /// Predicts every row of `records`.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema or the model fails.
    fn predict(&self, records: &Records) -> Result<Prediction, PredictError>;
}

/// A model that says what each feature of a row contributes to its outputs.
pub trait Explainer: fmt::Debug + Send + Sync {
    /// The features that the model reads.
    fn schema(&self) -> &Arc<Schema>;

    /// Explains every row of `records`.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema or the model cannot explain itself.
    fn explain(&self, records: &Records) -> Result<Contributions, PredictError>;
}

/// A detector that tests one batch against a reference; it keeps no state between batches.
pub trait DriftDetector: fmt::Debug + Send + Sync {
    /// The features that the detector tests.
    fn schema(&self) -> &Arc<Schema>;

    /// Tests every feature of `records` against the reference.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema or the detector fails.
    fn detect(&self, records: &Records) -> Result<DriftReport, PredictError>;
}

/// A detector that scores how abnormal a row is.
pub trait OutlierDetector: fmt::Debug + Send + Sync {
    /// The features that the detector reads.
    fn schema(&self) -> &Arc<Schema>;

    /// A row is an outlier if its score is above this.
    fn threshold(&self) -> f64;

    /// Scores every row of `records`; higher is more abnormal.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema or the detector fails.
    fn score(&self, records: &Records) -> Result<Vec<f64>, PredictError>;

    /// Where `score` stands among those of the training rows, in `[0, 100]`: 0 for the lowest and below, 100 for the
    /// highest and above. `None` if the detector does not know how they scored.
    fn percentile(&self, score: f64) -> Option<f64> {
        let _ = score;
        None
    }

    /// Which features make each row abnormal, the strongest first; nothing for a detector that cannot tell.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema or the detector fails.
    fn reasons(&self, records: &Records) -> Result<Vec<Vec<Reason>>, PredictError> {
        let _ = records;
        Ok(Vec::new())
    }
}

/// What follows from an [`OutlierDetector`]'s scores; implemented for all of them.
pub trait OutlierDetectorExt: OutlierDetector {
    /// Scores every row of `records`, holds the scores against the threshold, and asks for the reasons of outliers.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema or the detector fails.
    fn detect(&self, records: &Records) -> Result<OutlierReport, PredictError> {
        let mut report = OutlierReport::new(self.threshold(), self.score(records)?);
        for row in &mut report.rows {
            row.percentile = self.percentile(row.score);
        }
        let is_outlier = report.is_outlier().enumerate();
        let outliers: Vec<usize> =
            is_outlier.filter_map(|(row, is_outlier)| is_outlier.then_some(row)).collect();
        if !outliers.is_empty() {
            let reasons = self.reasons(&records.select(&outliers))?;
            for (row, reasons) in outliers.into_iter().zip(reasons) {
                report.rows[row].reasons = reasons;
            }
        }
        Ok(report)
    }
}

impl<T: OutlierDetector + ?Sized> OutlierDetectorExt for T {}

impl<T: Predictor + ?Sized> Predictor for Box<T> {
    fn schema(&self) -> &Arc<Schema> {
        (**self).schema()
    }

    fn predict(&self, records: &Records) -> Result<Prediction, PredictError> {
        (**self).predict(records)
    }
}

impl<T: Predictor + ?Sized> Predictor for Arc<T> {
    fn schema(&self) -> &Arc<Schema> {
        (**self).schema()
    }

    fn predict(&self, records: &Records) -> Result<Prediction, PredictError> {
        (**self).predict(records)
    }
}

impl<T: Explainer + ?Sized> Explainer for Arc<T> {
    fn schema(&self) -> &Arc<Schema> {
        (**self).schema()
    }

    fn explain(&self, records: &Records) -> Result<Contributions, PredictError> {
        (**self).explain(records)
    }
}

impl<T: DriftDetector + ?Sized> DriftDetector for Box<T> {
    fn schema(&self) -> &Arc<Schema> {
        (**self).schema()
    }

    fn detect(&self, records: &Records) -> Result<DriftReport, PredictError> {
        (**self).detect(records)
    }
}

impl<T: DriftDetector + ?Sized> DriftDetector for Arc<T> {
    fn schema(&self) -> &Arc<Schema> {
        (**self).schema()
    }

    fn detect(&self, records: &Records) -> Result<DriftReport, PredictError> {
        (**self).detect(records)
    }
}

impl<T: OutlierDetector + ?Sized> OutlierDetector for Box<T> {
    fn schema(&self) -> &Arc<Schema> {
        (**self).schema()
    }

    fn threshold(&self) -> f64 {
        (**self).threshold()
    }

    fn score(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
        (**self).score(records)
    }

    fn percentile(&self, score: f64) -> Option<f64> {
        (**self).percentile(score)
    }

    fn reasons(&self, records: &Records) -> Result<Vec<Vec<Reason>>, PredictError> {
        (**self).reasons(records)
    }
}

/// A predictor of probabilities that decides for a class.
#[derive(Debug)]
pub struct Classifier {
    predictor: Box<dyn Predictor>,
    threshold: f64,
}

impl Classifier {
    /// Takes a predictor of one probability per row, that of the positive class, or of one per class. The threshold is
    /// 0.5.
    pub fn new(predictor: impl Predictor + 'static) -> Self {
        Self { predictor: Box::new(predictor), threshold: 0.5 }
    }

    /// The same classifier with another threshold, in `[0, 1]`; it has no meaning for more than one output.
    #[must_use]
    pub fn threshold(self, threshold: f64) -> Self {
        Self { threshold, ..self }
    }

    /// The features that the model reads.
    pub fn schema(&self) -> &Arc<Schema> {
        self.predictor.schema()
    }

    /// Decides for a class of each row. With one output, 1 if the probability is above the threshold and 0 otherwise;
    /// with several, the most probable one, the first of equals.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema or the model fails.
    pub fn classify(&self, records: &Records) -> Result<Classification, PredictError> {
        let probabilities = self.predictor.predict(records)?;
        let class = |row: ArrayView1<'_, f64>| match row.len() {
            1 => u32::from(row[0] > self.threshold),
            _ => most_probable(row.iter().copied()),
        };
        let classes = probabilities.values.rows().into_iter().map(class).collect();
        Ok(Classification { classes, probabilities })
    }
}

fn most_probable(probabilities: impl Iterator<Item = f64>) -> u32 {
    let (mut best, mut highest) = (0, f64::NEG_INFINITY);
    for (class, probability) in (0..).zip(probabilities) {
        if probability > highest {
            (best, highest) = (class, probability);
        }
    }
    best
}

/// What a model needs to know to be read, beyond its directory.
#[derive(Clone, Debug, Default)]
pub struct LoadContext {
    schema: Option<Arc<Schema>>,
}

impl LoadContext {
    /// Nothing beyond the directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// The schema of a model that has none of its own.
    #[must_use]
    pub fn schema(self, schema: Arc<Schema>) -> Self {
        Self { schema: Some(schema) }
    }

    /// The schema of the model in `dir`: its own, or the one of this context.
    ///
    /// # Errors
    /// [`ModelError`] if the directory's signature is malformed.
    pub fn schema_of(&self, dir: &ModelDir) -> Result<Option<Arc<Schema>>, ModelError> {
        Ok(match dir.schema()? {
            Some(schema) => Some(Arc::new(schema)),
            None => self.schema.clone(),
        })
    }
}

/// A model that reads itself from an MLflow model directory, from the flavor that it understands.
pub trait LoadModel: Sized {
    /// Reads the model in `dir`.
    ///
    /// # Errors
    /// [`ModelError`] if the directory lacks the flavor or its files are malformed.
    fn load(dir: &ModelDir, context: &LoadContext) -> Result<Self, ModelError>;
}

/// A model that writes itself into an MLflow model directory.
pub trait SaveModel {
    /// Adds the model's files, flavors and signature.
    ///
    /// # Errors
    /// [`ModelError`] if a file cannot be written.
    fn save(&self, dir: &mut ModelDirWriter) -> Result<(), ModelError>;
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::Feature;

    #[derive(Debug)]
    struct Alcohol(Arc<Schema>);

    impl Predictor for Alcohol {
        fn schema(&self) -> &Arc<Schema> {
            &self.0
        }

        fn predict(&self, records: &Records) -> Result<Prediction, PredictError> {
            Ok(Prediction::single(records.column(0).to_vec()))
        }
    }

    #[test]
    fn a_probability_on_the_threshold_is_negative() {
        let schema = Arc::new(Schema::new(vec![Feature::numeric("alcohol")]).unwrap());
        let records = Records::new(Arc::clone(&schema), array![[0.5], [0.51], [f64::NAN]]).unwrap();
        let classifier = Classifier::new(Alcohol(schema));
        assert_eq!(classifier.classify(&records).unwrap().classes, [0, 1, 0]);
        assert_eq!(classifier.threshold(0.6).classify(&records).unwrap().classes, [0, 0, 0]);
    }

    #[test]
    fn of_several_classes_the_most_probable_is_chosen_and_the_first_of_equals() {
        for (row, class) in [([0.2, 0.3, 0.5], 2), ([0.4, 0.4, 0.2], 0), ([f64::NAN, 0.1, 0.2], 2)]
        {
            assert_eq!(most_probable(row.into_iter()), class);
        }
    }

    /// Scores by the first feature, knows a percentile, and blames the feature.
    #[derive(Debug)]
    struct Strong(Arc<Schema>);

    impl OutlierDetector for Strong {
        fn schema(&self) -> &Arc<Schema> {
            &self.0
        }

        fn threshold(&self) -> f64 {
            14.0
        }

        fn score(&self, records: &Records) -> Result<Vec<f64>, PredictError> {
            Ok(records.column(0).to_vec())
        }

        fn percentile(&self, score: f64) -> Option<f64> {
            Some(5.0 * score)
        }

        fn reasons(&self, records: &Records) -> Result<Vec<Vec<Reason>>, PredictError> {
            let reason = |alcohol: &f64| vec![Reason::new("alcohol", alcohol - 14.0)];
            Ok(records.column(0).iter().map(reason).collect())
        }
    }

    #[test]
    fn outliers_have_reasons_and_every_row_its_percentile() {
        let schema = Arc::new(Schema::new(vec![Feature::numeric("alcohol")]).unwrap());
        let detector: Box<dyn OutlierDetector> = Box::new(Strong(Arc::clone(&schema)));
        let records = Records::new(schema, array![[10.0], [15.0], [12.0], [16.0]]).unwrap();
        let report = detector.detect(&records).unwrap();
        let reasons: Vec<&[Reason]> = report.rows.iter().map(|row| &*row.reasons).collect();
        let alcohol = |contribution| vec![Reason::new("alcohol", contribution)];
        assert_eq!(reasons, [vec![], alcohol(1.0), vec![], alcohol(2.0)]);
        assert_eq!(report.rows[2].percentile, Some(60.0));
    }
}
