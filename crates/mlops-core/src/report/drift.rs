use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How far the features of a batch have moved from the reference.
///
/// Each feature has the p-value of its own test. Many features make many chances of a false alarm, so
/// the verdicts of the features and of the batch are made of adjusted p-values; `correction` says
/// how they are adjusted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DriftReport {
    /// The accepted probability of a false alarm, in `(0, 1)`: an adjusted p-value below it means drift.
    pub alpha: f64,
    /// How the p-values are adjusted for their number.
    pub correction: Correction,
    /// The least effect, in `[0, 1]`, that counts as drift however small its p-value is; see
    /// [`EffectSizes::distance`]. What a correction promises of any false alarm stays true with it; of
    /// the share of false ones it need not.
    pub minimum_effect: Option<f64>,
    /// The reference that the batch was compared with, if it has an identity.
    pub reference_id: Option<Arc<str>>,
    /// The number of rows in the batch.
    pub n_rows: usize,
    /// The smallest adjusted p-value, in `[0, 1]`; `None` if nothing could be tested.
    pub p_value: Option<f64>,
    /// Whether any feature has drifted; `None` if nothing could be tested.
    pub is_drift: Option<bool>,
    /// One entry per feature, in schema order.
    pub features: Vec<FeatureDrift>,
}

impl DriftReport {
    /// The results of a batch's features, in schema order, each held against `alpha` by itself: nothing
    /// is adjusted for their number.
    pub fn new(alpha: f64, features: Vec<FeatureDrift>) -> Self {
        let mut report = Self {
            alpha,
            correction: Correction::None,
            minimum_effect: None,
            reference_id: None,
            n_rows: 0,
            p_value: None,
            is_drift: None,
            features,
        };
        let smaller =
            |left: Option<f64>, right: Option<f64>| left.into_iter().chain(right).reduce(f64::min);
        for feature in &mut report.features {
            feature.threshold = alpha;
            feature.adjusted_p_value = feature.p_value;
            let missing = feature.missing.map(|missing| missing.p_value);
            let smallest = smaller(feature.p_value, missing);
            feature.is_drift = smallest.map(|p_value| p_value < alpha);
            report.p_value = smaller(report.p_value, smallest);
        }
        report.is_drift = report.p_value.map(|p_value| p_value < alpha);
        report
    }

    /// For each feature whether the p-value of its values is below `alpha`, adjusted for nothing; `None`
    /// if it has none. Of twelve features without drift, one or more are in up to 46 % of the batches at
    /// 0.05: no alarm should hang on it.
    pub fn is_below_alpha(&self) -> impl ExactSizeIterator<Item = Option<bool>> + Clone {
        self.features.iter().map(|feature| feature.p_value.map(|p_value| p_value < self.alpha))
    }
}

/// How p-values are adjusted for their number.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Correction {
    /// Not at all: `alpha` is the probability of a false alarm per test.
    None,
    /// Bonferroni: `alpha` bounds the probability of any false alarm.
    Bonferroni,
    /// Holm: the promise of Bonferroni's, with fewer misses.
    #[default]
    Holm,
    /// Benjamini-Hochberg: `alpha` bounds the expected share of false alarms among the features that are
    /// called drifted, if these depend on each other positively or not at all.
    BenjaminiHochberg,
    /// Benjamini-Yekutieli: the same however the features depend on each other.
    BenjaminiYekutieli,
}

/// How far one feature of a batch has moved from the reference.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FeatureDrift {
    /// The feature's name.
    pub feature: Arc<str>,
    /// The test of the feature's values.
    pub test: DriftTest,
    /// What can be said about the values.
    pub status: DriftStatus,
    /// The test's statistic, if it could be made.
    pub statistic: Option<f64>,
    /// The probability of a statistic at least as large without drift, in `[0, 1]`, if it could be computed.
    pub p_value: Option<f64>,
    /// The p-value adjusted for the number of tests in the report, in `[0, 1]`.
    pub adjusted_p_value: Option<f64>,
    /// What the p-values of the report are held against, in `[0, 1]`: those below it are those whose
    /// adjusted ones are below `alpha`, up to rounding.
    pub threshold: f64,
    /// How the p-value was computed.
    pub method: Option<PValueMethod>,
    /// How large the difference is, whether it is significant or not; `None` if there are no values.
    pub effects: Option<EffectSizes>,
    /// The number of values in the batch that are there.
    pub n_values: usize,
    /// The number of values in the batch that are missing.
    pub n_missing: usize,
    /// The number of values in the batch that are outside of what the reference holds: categories that
    /// it does not have, or numbers below its least or above its largest one.
    pub n_unseen: usize,
    /// Whether more or fewer values are missing than in the reference; `None` if no value of either is
    /// missing.
    pub missing: Option<MissingDrift>,
    /// Whether the feature has drifted, in its values or in what is missing; `None` if neither could be
    /// tested.
    pub is_drift: Option<bool>,
}

/// How large the difference between reference and batch is.
///
/// Small batches differ by chance: an effect says something together with its p-value only.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EffectSizes {
    /// The largest difference between the two shares of an event, in `[0, 1]`. The events are "at most x"
    /// for numbers (the Kolmogorov-Smirnov distance) and sets of categories (the total variation
    /// distance).
    pub distance: f64,
    /// How far values have to be moved on average to turn one sample into the other (the Wasserstein
    /// distance), in standard deviations of the reference; numbers only, and `None` if the reference is
    /// constant.
    pub wasserstein: Option<f64>,
    /// The population stability index, at least 0, over categories or tenths of the reference.
    pub population_stability_index: f64,
}

impl EffectSizes {
    /// The sizes of a difference.
    pub fn new(distance: f64, wasserstein: Option<f64>, population_stability_index: f64) -> Self {
        Self { distance, wasserstein, population_stability_index }
    }
}

/// Whether the share of missing values has changed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MissingDrift {
    /// The share of missing values in the reference, in `[0, 1]`.
    pub reference: f64,
    /// The share of missing values in the batch, in `[0, 1]`.
    pub batch: f64,
    /// The p-value of Fisher's exact test, in `[0, 1]`.
    pub p_value: f64,
    /// The p-value adjusted for the number of tests in the report, in `[0, 1]`.
    pub adjusted_p_value: f64,
}

impl MissingDrift {
    /// The shares of missing values and the p-value of their difference, adjusted for nothing.
    pub fn new(reference: f64, batch: f64, p_value: f64) -> Self {
        Self { reference, batch, p_value, adjusted_p_value: p_value }
    }
}

impl FeatureDrift {
    /// The result of a test.
    pub fn tested(
        feature: impl Into<Arc<str>>,
        test: DriftTest,
        statistic: f64,
        p_value: f64,
        method: PValueMethod,
    ) -> Self {
        Self {
            statistic: Some(statistic),
            p_value: Some(p_value),
            method: Some(method),
            ..Self::untested(feature, test, DriftStatus::Tested)
        }
    }

    /// A feature that could not be tested.
    pub fn untested(feature: impl Into<Arc<str>>, test: DriftTest, status: DriftStatus) -> Self {
        Self {
            feature: feature.into(),
            test,
            status,
            statistic: None,
            p_value: None,
            adjusted_p_value: None,
            threshold: 0.0,
            method: None,
            effects: None,
            n_values: 0,
            n_missing: 0,
            n_unseen: 0,
            missing: None,
            is_drift: None,
        }
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

/// What can be said about the values of a feature.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DriftStatus {
    /// They were tested.
    Tested,
    /// They were tested, and no batch of this size could have had a p-value below the level, adjusted or
    /// not: even a single one of all ways to deal out the rows is more probable.
    TooFewRows,
    /// They were tested, and all of them and of the reference are the same one: the p-value is 1.
    Constant,
    /// The batch has no rows.
    EmptyBatch,
    /// The batch has rows and no value of the feature.
    AllMissing,
    /// The reference holds no value of the feature.
    EmptyReference,
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(report.is_below_alpha().collect::<Vec<_>>(), [Some(true), Some(false), None]);
        assert_eq!((report.p_value, report.is_drift), (Some(0.049), Some(true)));
        assert_eq!(report.features[1].is_drift, Some(false));
        let mut density = report.features[2].clone();
        let nothing = DriftReport::new(0.05, vec![density.clone()]);
        assert_eq!((nothing.p_value, nothing.is_drift), (None, None));
        density.missing = Some(MissingDrift::new(0.0, 1.0, 1e-9));
        let missing = DriftReport::new(0.05, vec![density]);
        assert_eq!((missing.p_value, missing.is_drift), (Some(1e-9), Some(true)));
    }

    #[test]
    fn a_feature_is_written_with_names_in_snake_case() {
        let (test, method) = (DriftTest::ChiSquared, PValueMethod::MonteCarlo);
        let mut drift = FeatureDrift::tested("region", test, 7.5, 0.25, method);
        (drift.n_values, drift.n_missing, drift.n_unseen) = (9, 1, 2);
        drift.effects = Some(EffectSizes::new(0.25, None, 0.5));
        drift.missing = Some(MissingDrift::new(0.0, 0.1, 0.5));
        let json = serde_json::to_string(&drift).unwrap();
        insta::assert_snapshot!(json, @r#"{"feature":"region","test":"chi_squared","status":"tested","statistic":7.5,"p_value":0.25,"adjusted_p_value":null,"threshold":0.0,"method":"monte_carlo","effects":{"distance":0.25,"wasserstein":null,"population_stability_index":0.5},"n_values":9,"n_missing":1,"n_unseen":2,"missing":{"reference":0.0,"batch":0.1,"p_value":0.5,"adjusted_p_value":0.5},"is_drift":null}"#);
        assert_eq!(serde_json::from_str::<FeatureDrift>(&json).unwrap(), drift);
    }
}
