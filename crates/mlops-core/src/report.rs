use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};

/// What a model predicts: rows x outputs.
///
/// The outputs are the model's own: one probability for a binary classifier, one value for a regression.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// The predicted values, one row per record and one column per output.
    pub values: Array2<f64>,
}

impl Prediction {
    /// The predicted values, one row per record and one column per output.
    pub fn new(values: Array2<f64>) -> Self {
        Self { values }
    }

    /// A prediction with one output per row.
    pub fn single(values: Vec<f64>) -> Self {
        Self { values: ndarray::Array1::from_vec(values).insert_axis(ndarray::Axis(1)) }
    }

    /// The first output of every row.
    pub fn first(&self) -> impl ExactSizeIterator<Item = f64> {
        self.values.column(0).to_vec().into_iter()
    }
}

/// What each feature contributes to the outputs of every row: base value and contributions add up to the output.
///
/// Outputs are in the units in which they are additive, such as log-odds; the model says which.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Contributions {
    /// What each output would be without knowing the row.
    pub base_values: Vec<f64>,
    /// Rows x outputs x features.
    pub values: Array3<f64>,
}

impl Contributions {
    /// The base value of each output, and rows x outputs x features.
    pub fn new(base_values: Vec<f64>, values: Array3<f64>) -> Self {
        Self { base_values, values }
    }
}

/// How abnormal every row of a batch is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OutlierReport {
    /// A row is an outlier if its score is above this.
    pub threshold: f64,
    /// One score per row; higher is more abnormal.
    pub scores: Vec<f64>,
}

impl OutlierReport {
    /// The scores of a batch and the threshold that they are held against.
    pub fn new(threshold: f64, scores: Vec<f64>) -> Self {
        Self { threshold, scores }
    }

    /// Whether each row is an outlier: its score is above the threshold.
    pub fn is_outlier(&self) -> impl ExactSizeIterator<Item = bool> {
        self.scores.iter().map(|score| *score > self.threshold)
    }
}

/// How far the features of a batch have moved from the reference.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DriftReport {
    /// A feature has drifted if its p-value is below this; uncorrected for the number of features.
    pub alpha: f64,
    /// One entry per feature, in schema order.
    pub features: Vec<FeatureDrift>,
}

impl DriftReport {
    /// The results of a batch's features, in schema order, and the level that they are held against.
    pub fn new(alpha: f64, features: Vec<FeatureDrift>) -> Self {
        Self { alpha, features }
    }

    /// The features and whether each has drifted: `None` if it could not be tested.
    pub fn is_drift(&self) -> impl ExactSizeIterator<Item = Option<bool>> {
        self.features.iter().map(|feature| feature.p_value.map(|p_value| p_value < self.alpha))
    }
}

/// How far one feature of a batch has moved from the reference.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FeatureDrift {
    /// The feature's name.
    pub feature: String,
    /// The test that was made.
    pub test: DriftTest,
    /// Whether the test could be made.
    pub status: DriftStatus,
    /// The test's statistic, if it could be made.
    pub statistic: Option<f64>,
    /// The probability of a statistic at least as large without drift, in `[0, 1]`, if it could be computed.
    pub p_value: Option<f64>,
    /// How the p-value was computed.
    pub method: Option<PValueMethod>,
    /// The number of values in the batch that are there.
    pub n_values: usize,
    /// The number of values in the batch that are missing.
    pub n_missing: usize,
}

impl FeatureDrift {
    /// The result of a test.
    pub fn tested(
        feature: impl Into<String>,
        test: DriftTest,
        statistic: f64,
        p_value: f64,
        method: PValueMethod,
    ) -> Self {
        Self {
            feature: feature.into(),
            test,
            status: DriftStatus::Tested,
            statistic: Some(statistic),
            p_value: Some(p_value),
            method: Some(method),
            n_values: 0,
            n_missing: 0,
        }
    }

    /// A feature that could not be tested.
    pub fn untested(feature: impl Into<String>, test: DriftTest, status: DriftStatus) -> Self {
        Self {
            feature: feature.into(),
            test,
            status,
            statistic: None,
            p_value: None,
            method: None,
            n_values: 0,
            n_missing: 0,
        }
    }

    /// The same result with the numbers of values that are there and that are missing.
    #[must_use]
    pub fn with_counts(self, n_values: usize, n_missing: usize) -> Self {
        Self { n_values, n_missing, ..self }
    }
}

/// A two-sample test.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DriftTest {
    /// Two-sample Kolmogorov-Smirnov.
    KolmogorovSmirnov,
    /// Chi-squared test of homogeneity.
    ChiSquared,
}

/// How a p-value was computed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PValueMethod {
    /// Given what both samples hold together, each way to deal it out to them counts the same: no approximation.
    Exact,
    /// The share of a random selection of these ways; the same for the same samples.
    MonteCarlo,
    /// From the distribution that the statistic approaches in large samples.
    Asymptotic,
}

/// Whether a feature could be tested.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DriftStatus {
    /// The feature was tested.
    Tested,
    /// The batch holds no value of the feature.
    AllMissing,
    /// The reference holds no value of the feature.
    EmptyReference,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_on_the_threshold_is_no_outlier() {
        let report = OutlierReport::new(0.1, vec![0.0, 0.1, 0.2, f64::NAN]);
        assert_eq!(report.is_outlier().collect::<Vec<_>>(), [false, false, true, false]);
    }

    #[test]
    fn a_feature_that_was_not_tested_has_no_verdict() {
        let (test, method) = (DriftTest::KolmogorovSmirnov, PValueMethod::Exact);
        let report = DriftReport::new(
            0.05,
            vec![
                FeatureDrift::tested("alcohol", test, 0.9, 0.049, method),
                FeatureDrift::tested("pH", test, 0.1, 0.05, method),
                FeatureDrift::untested("density", test, DriftStatus::AllMissing),
            ],
        );
        assert_eq!(report.is_drift().collect::<Vec<_>>(), [Some(true), Some(false), None]);
    }

    #[test]
    fn a_feature_is_written_with_names_in_snake_case() {
        let (test, method) = (DriftTest::ChiSquared, PValueMethod::MonteCarlo);
        let drift = FeatureDrift::tested("region", test, 7.5, 0.25, method).with_counts(9, 1);
        let json = serde_json::to_string(&drift).unwrap();
        insta::assert_snapshot!(json, @r#"{"feature":"region","test":"chi_squared","status":"tested","statistic":7.5,"p_value":0.25,"method":"monte_carlo","n_values":9,"n_missing":1}"#);
        assert_eq!(serde_json::from_str::<FeatureDrift>(&json).unwrap(), drift);
    }
}
