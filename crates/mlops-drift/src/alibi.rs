//! What alibi-detect answers, and the files in which it does.

mod model;

use std::collections::BTreeMap;
use std::sync::Arc;

use mlops_core::{
    Correction, DriftDetector, DriftReport, DriftStatus, DriftTest, FeatureDrift, PredictError,
    Records, Schema,
};
use mlops_pyobject::sklearn::Preprocessing;
use ndarray::ArrayView2;

pub use model::AlibiModel;

use crate::detector::{Scratch, Settings, judge, testable};
use crate::reference::{Reference, Scale, Tests};
use crate::test::{chi_squared, ks};
use crate::{Alpha, Alternative, Error, TabularDrift};

/// Answers as the detectors `TabularDrift`, `KSDrift` and `ChiSquareDrift` of alibi-detect do, for
/// services whose numbers must not change.
///
/// `drift_type='feature'`, as the p-values of the features and
/// [`is_below_alpha`](DriftReport::is_below_alpha) of the report say it, and `drift_type='batch'`,
/// as its `is_drift`.
///
/// * Numbers: Kolmogorov-Smirnov, approximate at any size
///   ([`ks_two_sample_asymptotic`](crate::ks_two_sample_asymptotic)).
/// * Categories: chi-squared, approximate at any size, with Yates' correction where there are two;
///   a category that is new in the batch is one more.
/// * P-values and statistics are rounded to 32 bits, and so is the level that they are held
///   against.
///
/// These p-values do not keep what they promise in small batches: a single value outside of ten
/// reference values is drift with p = 0, where 2 / 11 is right, and a new category in a batch of
/// three has p = 1e-7 instead of 0.01. [`TabularDrift`](crate::TabularDrift) is exact there.
///
/// # Differences
/// Where alibi-detect 0.13 answers with NaN or an error, this detector answers as `TabularDrift`:
/// * A missing value is left out and counted (NaN, or an error if it is a category). A feature
///   without any value is not tested.
/// * A category that neither sample has is left out (an error).
/// * One value in each sample: p = 1 (NaN).
/// * Reference values outside of the declared categories are refused (counted only if the batch
///   has the value too).
///
/// The reference is never updated: alibi-detect's can take drifted rows into it. A column that the
/// preprocessing of a file drops is not tested.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::Arc;
///
/// use mlops_core::{DriftDetector, Feature, Records, Schema};
/// use mlops_drift::{AlibiDrift, Alpha};
/// use ndarray::{Array2, array};
///
/// let schema = Arc::new(Schema::new(vec![Feature::numeric("pH"), Feature::integer("is_red")])?);
/// let rows = Array2::from_shape_fn((10, 2), |(row, column)| match column {
///     0 => row as f64,
///     _ => f64::from(u8::from(row % 4 == 0)),
/// });
/// let reference = Records::new(Arc::clone(&schema), rows)?;
/// let categories = BTreeMap::from([("is_red".to_owned(), vec![0.0, 1.0])]);
/// let detector = AlibiDrift::new(&reference, &categories, Alpha::new(0.05)?)?;
///
/// // TabularDrift(reference, p_val=.05, categories_per_feature={1: None}).predict([[99., 0.]], ..)
/// let report = detector.detect(&Records::new(schema, array![[99.0, 0.0]])?)?;
/// assert_eq!(report.is_below_alpha().collect::<Vec<_>>(), [Some(true), Some(false)]);
/// assert_eq!(report.features[0].p_value, Some(0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Sources
/// Compared with alibi-detect 0.13.0 on SciPy 1.17.1: p-values equal to 2e-7, the same decisions.
#[derive(Clone, Debug, PartialEq)]
pub struct AlibiDrift {
    schema: Arc<Schema>,
    preprocessing: Option<Preprocessing>,
    // Invariant: one feature per column that the preprocessing gives.
    reference: Reference,
    // Invariant: the position in the schema of each feature of the reference.
    positions: Vec<usize>,
    /// The features of the schema before any test.
    untested: Vec<FeatureDrift>,
    level: Alpha,
    correction: Correction,
    alternative: Alternative,
    answers: Answers,
    omits_effects: bool,
}

/// Whose p-values are given.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answers {
    Alibi,
    Exact,
}

impl AlibiDrift {
    /// Takes the rows of `reference`, preprocessed as the batches will be, and of each categorical
    /// feature its categories; the others are numeric, whatever the schema says.
    ///
    /// # Errors
    /// * [`Error::NoRows`] without rows
    /// * [`Error::UnknownFeature`] if a feature is named that the records do not have
    /// * [`Error::UndeclaredCategory`] if the reference holds a value that is none of the feature's
    ///   categories
    pub fn new(
        reference: &Records,
        categories: &BTreeMap<String, Vec<f64>>,
        p_value: Alpha,
    ) -> Result<Self, Error> {
        let schema = reference.schema();
        if let Some(feature) = categories.keys().find(|name| schema.position(name).is_none()) {
            return Err(Error::UnknownFeature { feature: feature.clone() });
        }
        let columns: Vec<_> = schema.names().map(|name| (name, categories.get(name))).collect();
        let reference = fit(&columns, reference.values())?;
        let positions = (0..schema.len()).collect();
        Ok(Self { level: p_value, ..Self::of(Arc::clone(schema), reference, positions) })
    }

    /// The detector with the defaults of alibi-detect; `positions` are those in the schema of the features of the
    /// reference.
    fn of(schema: Arc<Schema>, reference: Reference, positions: Vec<usize>) -> Self {
        let dropped = |name| {
            FeatureDrift::untested(name, DriftTest::KolmogorovSmirnov, DriftStatus::EmptyReference)
        };
        let mut untested: Vec<_> = schema.names().map(dropped).collect();
        for (position, feature) in positions.iter().zip(reference.untested()) {
            untested[*position] = feature;
        }
        Self {
            schema,
            preprocessing: None,
            reference,
            positions,
            untested,
            level: Alpha::default(),
            correction: Correction::Bonferroni,
            alternative: Alternative::TwoSided,
            answers: Answers::Alibi,
            omits_effects: false,
        }
    }

    /// Sets the level below which a p-value means drift.
    #[must_use]
    pub fn alpha(self, alpha: Alpha) -> Self {
        Self { level: alpha, ..self }
    }

    /// Sets how p-values are adjusted for the verdict on a batch: `Bonferroni`, as alibi-detect does
    /// it unless it is told otherwise, or `BenjaminiHochberg`, which is its `fdr`.
    #[must_use]
    pub fn correction(self, correction: Correction) -> Self {
        Self { correction, ..self }
    }

    /// Sets what the batches are suspected of, as `KSDrift` does; chi-squared is always two-sided.
    #[must_use]
    pub fn alternative(self, alternative: Alternative) -> Self {
        Self { alternative, ..self }
    }

    /// The same reference and level with the tests of [`TabularDrift`](crate::TabularDrift): exact
    /// wherever that can be computed, and not rounded.
    #[must_use]
    pub fn exact(self) -> Self {
        Self { answers: Answers::Exact, ..self }
    }

    /// The same reference and level with reports that have no [effect sizes](mlops_core::EffectSizes): a
    /// small batch takes less time.
    #[must_use]
    pub fn without_effects(self) -> Self {
        Self { omits_effects: true, ..self }
    }
}

/// The same reference and level, with the answers of alibi-detect and its correction by default.
impl From<TabularDrift> for AlibiDrift {
    fn from(detector: TabularDrift) -> Self {
        let TabularDrift { schema, settings: Settings { alpha, omits_effects, .. }, reference } =
            detector;
        let positions = (0..schema.len()).collect();
        Self { level: alpha, omits_effects, ..Self::of(schema, reference, positions) }
    }
}

/// The reference of columns that are called so and have these categories, if they are categorical.
fn fit(
    columns: &[(&str, Option<&Vec<f64>>)],
    values: ArrayView2<'_, f64>,
) -> Result<Reference, Error> {
    if values.nrows() == 0 {
        return Err(Error::NoRows);
    }
    let scale = |categories: &Option<_>| {
        if categories.is_some() { Scale::Categorical } else { Scale::Numeric }
    };
    let scales: Vec<_> = columns.iter().map(|(_, categories)| scale(categories)).collect();
    let reference = Reference::fit(columns.iter().map(|(name, _)| *name), &scales, values);
    for (feature, (_, declared)) in reference.features().iter().zip(columns) {
        let Some(declared) = declared else { continue };
        // Both zeros are one category.
        let mut sorted: Vec<f64> = declared.iter().map(|value| value + 0.0).collect();
        sorted.sort_by(f64::total_cmp);
        let is_declared = |value: &f64| sorted.binary_search_by(|v| v.total_cmp(value)).is_ok();
        if !feature.values().iter().all(is_declared) {
            return Err(Error::UndeclaredCategory { feature: feature.name().to_owned() });
        }
    }
    Ok(reference)
}

impl DriftDetector for AlibiDrift {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn detect(&self, records: &Records) -> Result<DriftReport, PredictError> {
        Scratch::lend(records.n_rows(), |scratch| self.test(records, scratch))
    }
}

impl AlibiDrift {
    fn test(&self, records: &Records, scratch: &mut Scratch) -> Result<DriftReport, PredictError> {
        records.check_schema(&self.schema)?;
        let prepared =
            self.preprocessing.as_ref().map(|prepare| prepare.transform(records.values()));
        let values = prepared.as_ref().map_or_else(|| records.values(), |rows| rows.view());
        let exact = Tests {
            alternative: self.alternative,
            has_effects: !self.omits_effects,
            ..Tests::EXACT
        };
        let tests = match self.answers {
            Answers::Alibi => Tests {
                numeric: ks::compare_asymptotically,
                categorical: chi_squared::compare_asymptotically,
                ..exact
            },
            Answers::Exact => exact,
        };
        let mut features = self.untested.clone();
        self.reference
            .test(values, self.level, tests, &mut scratch.memory, &mut features, |i| {
                self.positions[i]
            })
            .map_err(PredictError::model)?;
        let level = self.level.value();
        if self.answers == Answers::Alibi {
            for feature in &mut features {
                feature.missing = None;
                // The least p-value of an approximation is 0.
                if feature.status == DriftStatus::TooFewRows {
                    feature.status = DriftStatus::Tested;
                }
                feature.statistic = feature.statistic.map(round);
                // The level itself is compared as a number of 32 bits, and is not below itself.
                feature.p_value = feature.p_value.map(round).map(|p_value| {
                    if p_value == round(level) { level.max(p_value) } else { p_value }
                });
            }
        }
        let mut report = DriftReport::new(level, features);
        report.correction = self.correction;
        report.n_rows = records.n_rows();
        report.reference_id = Some(Arc::clone(self.reference.id()));
        let member = match self.answers {
            Answers::Alibi => |feature: &FeatureDrift| feature.p_value,
            Answers::Exact => testable,
        };
        judge(&mut report, member, &mut scratch.family);
        Ok(report)
    }
}

/// The nearest number of 32 bits.
fn round(value: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "rounding to 32 bits is what is asked for")]
    let rounded = value as f32;
    f64::from(rounded)
}

#[cfg(test)]
mod tests {
    use mlops_core::{Feature, PValueMethod};
    use ndarray::{Array2, array};

    use super::*;

    fn schema() -> Arc<Schema> {
        let features = vec![Feature::numeric("pH"), Feature::numeric("is_red")];
        Arc::new(Schema::new(features).unwrap())
    }

    fn records(values: Array2<f64>) -> Records {
        Records::new(schema(), values).unwrap()
    }

    fn fit(name: &str, categories: &[f64], level: f64) -> Result<AlibiDrift, Error> {
        let rows = Array2::from_shape_fn((200, 2), |(row, column)| match column {
            0 => row as f64,
            _ => (row % 2) as f64,
        });
        let categories = BTreeMap::from([(name.to_owned(), categories.to_vec())]);
        AlibiDrift::new(&records(rows), &categories, Alpha::new(level)?)
    }

    #[test]
    fn categories_are_those_that_are_named() {
        let detector = fit("is_red", &[0.0, 1.0, 2.0], 0.05).unwrap();
        let report = detector.detect(&records(array![[3.0, 2.0], [f64::NAN, f64::NAN]])).unwrap();
        let [ph, is_red] = &report.features[..] else { panic!() };
        assert_eq!((ph.test, is_red.test), (DriftTest::KolmogorovSmirnov, DriftTest::ChiSquared));
        assert_eq!((ph.n_values, is_red.n_missing), (1, 1));
        assert_eq!(ph.method, Some(PValueMethod::Asymptotic));
        let report = detector.detect(&records(array![[f64::NAN, 0.0]])).unwrap();
        assert_eq!(report.features[0].status, DriftStatus::AllMissing);
    }

    #[test]
    fn what_does_not_fit_the_reference_is_refused() {
        let feature = "is_red".to_owned();
        assert_eq!(fit("is_red", &[0.0], 0.05), Err(Error::UndeclaredCategory { feature }));
        assert_eq!(fit("red", &[], 0.05), Err(Error::UnknownFeature { feature: "red".to_owned() }));
        let nothing = records(Array2::zeros((0, 2)));
        let detector = AlibiDrift::new(&nothing, &BTreeMap::new(), Alpha::default());
        assert_eq!(detector, Err(Error::NoRows));
    }

    #[test]
    fn a_detector_that_was_fitted_here_can_answer_as_alibi_detect() {
        let rows = Array2::from_shape_fn((10, 2), |(row, column)| (row * (1 - column)) as f64);
        let detector = TabularDrift::builder().fit(&records(rows)).unwrap();
        let batch = records(array![[99.0, 0.0]]);
        let p_value = |report: DriftReport| report.features[0].p_value.unwrap();
        assert!(p_value(detector.detect(&batch).unwrap()) > 0.18);
        assert_eq!(p_value(AlibiDrift::from(detector).detect(&batch).unwrap()), 0.0);
    }

    #[test]
    fn a_p_value_at_the_level_is_no_drift() {
        // D = 199 / 200: p = 0.01 to 32 bits, which is below 0.01 to 64.
        assert!(f64::from(0.01_f32) < 0.01);
        let batch = records(array![[0.5, 1.0]]);
        for (level, is_drift) in [(0.01, false), (0.010_001, true)] {
            let report = fit("is_red", &[0.0, 1.0], level).unwrap().detect(&batch).unwrap();
            let p_value = report.features[0].p_value.unwrap();
            assert!((p_value - 0.01).abs() < 1e-9);
            assert_eq!(report.alpha, level);
            assert_eq!(report.is_below_alpha().next(), Some(Some(is_drift)), "{report:?}");
        }
    }
}
