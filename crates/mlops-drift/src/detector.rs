mod model_dir;
mod saved;
mod scratch;
mod verdict;

use std::collections::BTreeSet;
use std::convert::identity;
use std::sync::Arc;

use mlops_core::{
    Correction, DriftDetector, DriftReport, FeatureKind, PredictError, Records, Schema,
};

pub use self::scratch::Scratch;
pub(crate) use self::verdict::{judge, testable};
use crate::reference::{Reference, Scale, Tests};
use crate::{Alpha, Effect, Error};

/// Tests each feature of a batch against a reference: [Kolmogorov-Smirnov](crate::ks_two_sample)
/// for numbers, [chi-squared](crate::chi_squared_homogeneity) for categories,
/// [Fisher](crate::fisher_exact) for how many values are missing.
///
/// The p-values are adjusted for their number, and a feature has drifted if one of its adjusted
/// p-values is below the level. With the default correction, [Holm's](crate::holm), a batch without
/// drift is called drifted with at most the probability of the level, however the features depend
/// on each other.
///
/// That is a probability over references and batches together. A detector keeps one reference,
/// which is itself a sample: batches that are compared with it again and again raise more alarms
/// than that, or fewer, the more so the larger they are against it. Keep the reference ten times as
/// large or larger.
///
/// The detector keeps no state between batches, and the reference as distinct values with counts,
/// so a batch of a row or two takes less than a microsecond per numeric feature however large the
/// reference was.
///
/// Missing values are left out of the test of the values. A category that the reference does not
/// have is one more category that the batch has more of. What a feature's
/// [status](mlops_core::DriftStatus) can be besides tested: too few rows for any p-value below the
/// level, constant, no rows, all values missing, no values in the reference.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use mlops_core::{Feature, Records, Schema};
/// use mlops_drift::{Alpha, TabularDrift};
/// use ndarray::{Array2, array};
///
/// let schema = Arc::new(Schema::new(vec![Feature::numeric("pH"), Feature::integer("is_red")])?);
/// let rows = Array2::from_shape_fn((100, 2), |(row, column)| match column {
///     0 => 3.0 + row as f64 / 100.0,
///     _ => f64::from(u8::from(row % 4 == 0)),
/// });
/// let reference = Records::new(Arc::clone(&schema), rows)?;
/// let detector =
///     TabularDrift::builder().alpha(Alpha::new(0.01)?).categorical(["is_red"]).fit(&reference)?;
///
/// let batch = Records::new(schema, array![[4.2, 0.0], [4.3, 0.0], [4.4, 1.0]])?;
/// let report = detector.test(&batch)?;
/// // 2 of C(103, 3) relabellings put the batch at either end.
/// assert!((report.features[0].p_value.unwrap() - 2.0 / 176_851.0).abs() < 1e-15);
/// assert_eq!(report.features[0].n_unseen, 3);
/// assert_eq!(report.is_drift, Some(true));
/// assert_eq!(report.features[1].is_drift, Some(false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TabularDrift {
    pub(crate) schema: Arc<Schema>,
    pub(crate) settings: Settings,
    // Invariant: one feature per feature of the schema, in its order.
    pub(crate) reference: Reference,
}

/// How the p-values of a batch become a verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) alpha: Alpha,
    pub(crate) correction: Correction,
    pub(crate) minimum_effect: Option<Effect>,
    /// Whether reports are without effect sizes that no verdict needs.
    pub(crate) omits_effects: bool,
}

impl TabularDrift {
    /// A detector that is still to be fitted.
    pub fn builder() -> TabularDriftBuilder {
        TabularDriftBuilder::default()
    }

    /// The level below which an adjusted p-value means drift.
    pub fn alpha(&self) -> Alpha {
        self.settings.alpha
    }

    /// How p-values are adjusted for their number.
    pub fn correction(&self) -> Correction {
        self.settings.correction
    }

    /// The same reference with another level.
    #[must_use]
    pub fn with_alpha(mut self, alpha: Alpha) -> Self {
        self.settings.alpha = alpha;
        self
    }

    /// The same reference with another way to adjust p-values.
    #[must_use]
    pub fn with_correction(mut self, correction: Correction) -> Self {
        self.settings.correction = correction;
        self
    }

    /// The same reference with another least effect that counts as drift, or none.
    #[must_use]
    pub fn with_minimum_effect(mut self, effect: Option<Effect>) -> Self {
        self.settings.minimum_effect = effect;
        self
    }

    /// The same reference with reports that have no [effect sizes](mlops_core::EffectSizes), unless a
    /// minimum effect needs them: a small batch takes less time. What is saved does not remember it.
    #[must_use]
    pub fn without_effects(mut self) -> Self {
        self.settings.omits_effects = true;
        self
    }

    /// What the reference is known by, 32 hexadecimal digits: references with the same features and
    /// the same values have the same.
    pub fn reference_id(&self) -> &str {
        self.reference.id()
    }

    /// Tests each feature of a batch against the reference.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema, or more than 2^53 rows together with
    /// the reference.
    pub fn test(&self, records: &Records) -> Result<DriftReport, PredictError> {
        let mut report = DriftReport::new(self.settings.alpha.value(), vec![]);
        Scratch::lend(records.n_rows(), |scratch| self.test_into(records, scratch, &mut report))?;
        Ok(report)
    }

    /// The same, in memory that is there: once a batch was tested, one of the same schema with as
    /// many rows or fewer takes no further memory. The report need not be of this detector.
    ///
    /// # Errors
    /// As [`test`](Self::test); what the report says is then of no use.
    pub fn test_into(
        &self,
        records: &Records,
        scratch: &mut Scratch,
        report: &mut DriftReport,
    ) -> Result<(), PredictError> {
        records.check_schema(&self.schema)?;
        let Scratch { memory, family } = scratch;
        // Of each feature the values and what is missing.
        family.reserve(2 * self.reference.features().len());
        let Settings { alpha, correction, minimum_effect, omits_effects } = self.settings;
        report.alpha = alpha.value();
        report.correction = correction;
        report.minimum_effect = minimum_effect.map(Effect::value);
        report.n_rows = records.n_rows();
        if report.reference_id.as_ref() != Some(self.reference.id()) {
            report.reference_id = Some(Arc::clone(self.reference.id()));
        }
        if !self.reference.is_of(&report.features) {
            report.features.clear();
            report.features.extend(self.reference.untested());
        }
        let tests =
            Tests { has_effects: !omits_effects || minimum_effect.is_some(), ..Tests::EXACT };
        self.reference
            .test(records.values(), alpha, tests, memory, &mut report.features, identity)
            .map_err(PredictError::model)?;
        judge(report, testable, family);
        Ok(())
    }
}

impl DriftDetector for TabularDrift {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn detect(&self, records: &Records) -> Result<DriftReport, PredictError> {
        self.test(records)
    }
}

/// The parameters of a [`TabularDrift`]: the level is 0.05, p-values are adjusted by Holm's
/// procedure, there is no minimum effect, and only categorical features are tested as categories.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TabularDriftBuilder {
    settings: Settings,
    categorical: BTreeSet<String>,
}

impl TabularDriftBuilder {
    /// Sets the level below which an adjusted p-value means drift.
    pub fn alpha(mut self, alpha: Alpha) -> Self {
        self.settings.alpha = alpha;
        self
    }

    /// Sets how p-values are adjusted for their number.
    pub fn correction(mut self, correction: Correction) -> Self {
        self.settings.correction = correction;
        self
    }

    /// Sets the least [distance](mlops_core::EffectSizes::distance) that counts as drift, however
    /// small the p-value is: with many rows, differences that matter to nobody are significant.
    pub fn minimum_effect(mut self, effect: Effect) -> Self {
        self.settings.minimum_effect = Some(effect);
        self
    }

    /// Names integer features that are to be tested as categories; categorical ones always are.
    pub fn categorical(mut self, features: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.categorical.extend(features.into_iter().map(Into::into));
        self
    }

    /// Takes the rows of `reference` as what batches are compared with.
    ///
    /// # Errors
    /// * [`Error::NoRows`] without rows
    /// * [`Error::UnknownFeature`] if a feature was named that the records do not have
    /// * [`Error::NotCategorical`] if a numeric feature was named
    pub fn fit(self, reference: &Records) -> Result<TabularDrift, Error> {
        let schema = reference.schema();
        if reference.n_rows() == 0 {
            return Err(Error::NoRows);
        }
        if let Some(feature) = self.categorical.iter().find(|name| schema.position(name).is_none())
        {
            return Err(Error::UnknownFeature { feature: feature.clone() });
        }
        let scales: Result<Vec<Scale>, Error> = schema
            .features()
            .iter()
            .map(|feature| match (feature.kind(), self.categorical.contains(feature.name())) {
                (FeatureKind::Categorical { .. }, _) | (FeatureKind::Integer, true) => {
                    Ok(Scale::Categorical)
                }
                (_, false) => Ok(Scale::Numeric),
                (_, true) => Err(Error::NotCategorical { feature: feature.name().to_owned() }),
            })
            .collect();
        let reference = Reference::fit(schema.names(), &scales?, reference.values());
        Ok(TabularDrift { schema: Arc::clone(schema), settings: self.settings, reference })
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::{
        DriftStatus, DriftTest, Feature, FeatureDrift, PValueMethod, PredictErrorKind, Range,
    };
    use ndarray::{Array2, array};

    use super::*;

    fn schema() -> Arc<Schema> {
        let features = vec![
            Feature::numeric("pH"),
            Feature::integer("is_red"),
            Feature::categorical("region", ["Douro", "Minho", "Dao"]),
        ];
        Arc::new(Schema::new(features).unwrap())
    }

    fn records(values: Array2<f64>) -> Records {
        Records::new(schema(), values).unwrap()
    }

    fn reference() -> Records {
        records(Array2::from_shape_fn((20, 3), |(row, column)| match column {
            0 => row as f64,
            _ => (row % 2) as f64,
        }))
    }

    fn has_autotraits<T: Send + Sync + Unpin>() {}

    #[test]
    fn a_detector_can_be_shared() {
        has_autotraits::<TabularDrift>();
    }

    #[test]
    fn the_kind_of_a_feature_decides_the_test() {
        let batch = records(array![[3.0, 1.0, 2.0]]);
        let tests = |builder: TabularDriftBuilder| {
            let report = builder.fit(&reference()).unwrap().detect(&batch).unwrap();
            report.features.iter().map(|feature| feature.test).collect::<Vec<_>>()
        };
        let (ks, chi_squared) = (DriftTest::KolmogorovSmirnov, DriftTest::ChiSquared);
        assert_eq!(tests(TabularDrift::builder()), [ks, ks, chi_squared]);
        let named = TabularDrift::builder().categorical(["is_red", "region"]);
        assert_eq!(tests(named), [ks, chi_squared, chi_squared]);
    }

    #[test]
    fn names_must_be_those_of_countable_features() {
        let fit = |name: &str| TabularDrift::builder().categorical([name]).fit(&reference());
        assert_eq!(fit("ph"), Err(Error::UnknownFeature { feature: "ph".to_owned() }));
        assert_eq!(fit("pH"), Err(Error::NotCategorical { feature: "pH".to_owned() }));
    }

    #[test]
    fn a_reference_needs_rows() {
        let nothing = records(Array2::zeros((0, 3)));
        assert_eq!(TabularDrift::builder().fit(&nothing), Err(Error::NoRows));
    }

    #[test]
    fn records_of_another_schema_are_refused() {
        let detector = TabularDrift::builder().fit(&reference()).unwrap();
        let other = Arc::new(Schema::new(vec![Feature::numeric("pH")]).unwrap());
        let error = detector.detect(&Records::new(other, array![[1.0]]).unwrap()).unwrap_err();
        assert_eq!(error.kind(), PredictErrorKind::SchemaMismatch);
    }

    #[test]
    fn records_may_know_other_ranges() {
        let detector = TabularDrift::builder().fit(&reference()).unwrap();
        let ranged = |feature: &Feature| feature.clone().with_range(Range::of([0.0, 1.0]).unwrap());
        let features = schema().features().iter().map(ranged).collect();
        let schema = Arc::new(Schema::new(features).unwrap());
        detector.detect(&Records::new(schema, array![[3.0, 1.0, 2.0]]).unwrap()).unwrap();
    }

    #[test]
    fn a_report_says_how_its_p_values_were_computed() {
        let detector = TabularDrift::builder().fit(&reference()).unwrap();
        let report = detector.detect(&records(array![[3.0, f64::NAN, 2.0]])).unwrap();
        let methods = report.features.iter().map(|feature| feature.method);
        let exact = Some(PValueMethod::Exact);
        assert_eq!(methods.collect::<Vec<_>>(), [exact, None, exact]);
    }

    #[test]
    fn missing_values_are_left_out_and_counted() {
        let detector = TabularDrift::builder().fit(&reference()).unwrap();
        let report = detector
            .detect(&records(array![[3.0, f64::NAN, 0.0], [f64::NAN, f64::NAN, 0.0]]))
            .unwrap();
        let [ph, is_red, region] = &report.features[..] else { panic!() };
        assert_eq!((ph.status, ph.n_values, ph.n_missing), (DriftStatus::Tested, 1, 1));
        let (status, p_value) = (is_red.status, is_red.p_value);
        assert_eq!((status, p_value), (DriftStatus::AllMissing, None));
        assert_eq!((is_red.n_values, is_red.n_missing), (0, 2));
        // Both of 22 values are missing: one of C(22, 2) relabellings. Three features have values,
        // and two lack some.
        let missing = is_red.missing.unwrap();
        assert!((missing.p_value - 1.0 / 231.0).abs() < 1e-15);
        assert_eq!((missing.reference, missing.batch), (0.0, 1.0));
        assert_eq!(missing.adjusted_p_value, 5.0 * missing.p_value);
        assert_eq!((is_red.is_drift, report.is_drift), (Some(true), Some(true)));
        assert_eq!((region.n_values, region.n_missing), (2, 0));
    }

    #[test]
    fn features_without_missing_values_are_not_tested_for_them() {
        let detector = TabularDrift::builder().correction(Correction::Bonferroni);
        let detector = detector.fit(&reference()).unwrap();
        let report = detector.test(&records(array![[30.0, 1.0, 0.0], [31.0, 0.0, 1.0]])).unwrap();
        let ph = &report.features[0];
        assert_eq!(ph.missing, None);
        assert_eq!(ph.adjusted_p_value.unwrap(), 3.0 * ph.p_value.unwrap());
        assert_eq!(ph.threshold, 0.05 / 3.0);
        assert_eq!(ph.n_unseen, 2);
    }

    #[test]
    fn what_is_significant_and_small_is_no_drift_above_a_minimum_effect() {
        let values = |shift: f64| {
            records(Array2::from_shape_fn((4000, 3), |(row, column)| match column {
                0 => (row % 100) as f64 + shift,
                _ => (row % 2) as f64,
            }))
        };
        let is_drift = |effect: Option<f64>| {
            let mut builder = TabularDrift::builder();
            if let Some(effect) = effect {
                builder = builder.minimum_effect(Effect::new(effect).unwrap());
            }
            let report = builder.fit(&values(0.0)).unwrap().test(&values(10.0)).unwrap();
            assert!((report.features[0].effects.unwrap().distance - 0.1).abs() < 1e-15);
            assert!(report.p_value.unwrap() < 1e-10);
            report.is_drift
        };
        assert_eq!(is_drift(None), Some(true));
        assert_eq!(is_drift(Some(0.05)), Some(true));
        assert_eq!(is_drift(Some(0.2)), Some(false));
        let detector = TabularDrift::builder().fit(&values(0.0)).unwrap();
        let detector = detector
            .with_alpha(Alpha::new(0.01).unwrap())
            .with_correction(Correction::None)
            .with_minimum_effect(Some(Effect::new(0.2).unwrap()));
        let report = detector.test(&values(10.0)).unwrap();
        assert_eq!((report.alpha, report.correction), (0.01, Correction::None));
        assert_eq!((report.minimum_effect, report.is_drift), (Some(0.2), Some(false)));
    }

    #[test]
    fn effects_are_left_out_unless_a_verdict_needs_them() {
        let batch = records(array![[3.0, f64::NAN, 2.0], [40.0, 1.0, 0.0]]);
        let detector = TabularDrift::builder().fit(&reference()).unwrap();
        let mut expected = detector.test(&batch).unwrap();
        for feature in &mut expected.features {
            assert!(feature.effects.take().is_some());
        }
        let detector = detector.without_effects();
        assert_eq!(detector.test(&batch).unwrap(), expected);
        let detector = detector.with_minimum_effect(Some(Effect::new(0.2).unwrap()));
        let report = detector.test(&batch).unwrap();
        assert!(report.features.iter().all(|feature| feature.effects.is_some()));
    }

    #[test]
    fn a_report_of_another_detector_can_be_written_over() {
        let detector = TabularDrift::builder().fit(&reference()).unwrap();
        let one = Arc::new(Schema::new(vec![Feature::numeric("pH")]).unwrap());
        let other = Records::new(one, array![[1.0], [2.0]]).unwrap();
        let mut report = TabularDrift::builder().fit(&other).unwrap().test(&other).unwrap();
        let mut scratch = Scratch::default();
        for batch in [
            array![[3.0, f64::NAN, 2.0], [4.0, 1.0, 0.0]],
            array![[3.0, 1.0, 1.0]],
            Array2::zeros((0, 3)),
            Array2::zeros((50, 3)),
        ] {
            let batch = records(batch);
            detector.test_into(&batch, &mut scratch, &mut report).unwrap();
            assert_eq!(report, detector.test(&batch).unwrap());
        }
    }

    #[test]
    fn an_empty_batch_is_not_tested() {
        let detector = TabularDrift::builder().fit(&reference()).unwrap();
        let report = detector.detect(&records(Array2::zeros((0, 3)))).unwrap();
        let is_empty = |drift: &FeatureDrift| drift.status == DriftStatus::EmptyBatch;
        assert!(report.features.iter().all(is_empty), "{report:?}");
        assert_eq!((report.p_value, report.is_drift), (None, None));
    }

    #[test]
    fn a_reference_of_missing_values_says_so() {
        let mut values = reference().values().to_owned();
        values.column_mut(2).fill(f64::NAN);
        let detector = TabularDrift::builder().fit(&records(values)).unwrap();
        let report = detector.detect(&records(array![[3.0, 1.0, 2.0]])).unwrap();
        assert_eq!(report.features[2].status, DriftStatus::EmptyReference);
        assert_eq!(report.is_below_alpha().collect::<Vec<_>>(), [Some(false), Some(false), None]);
    }

    #[test]
    fn one_row_and_constant_columns_are_tested() {
        let detector = TabularDrift::builder().fit(&records(array![[5.0, 1.0, 0.0]])).unwrap();
        let report = detector.detect(&records(array![[5.0, 0.0, 2.0]])).unwrap();
        let p_values: Vec<_> = report.features.iter().map(|drift| drift.p_value.unwrap()).collect();
        // Two values, each in its own sample: they differ in either labelling, or never.
        assert_eq!(p_values, [1.0, 1.0, 1.0]);
        let status: Vec<_> = report.features.iter().map(|drift| drift.status).collect();
        let too_few = DriftStatus::TooFewRows;
        assert_eq!(status, [DriftStatus::Constant, too_few, too_few]);
        assert_eq!(report.is_drift, Some(false));
    }

    #[test]
    fn a_new_category_is_drift_before_a_rare_one() {
        let detector = TabularDrift::builder().fit(&reference()).unwrap();
        let p_value = |value: f64| {
            let batch = records(array![[3.0, 0.0, value], [4.0, 1.0, value]]);
            detector.detect(&batch).unwrap().features[2].p_value.unwrap()
        };
        assert!(p_value(2.0) < p_value(1.0));
        // Both values of the new category are in the batch: 1 of C(22, 2).
        assert!((p_value(2.0) - 1.0 / 231.0).abs() < 1e-15);
    }
}
