mod model_dir;

use std::collections::BTreeSet;
use std::sync::Arc;

use mlops_core::{DriftDetector, DriftReport, FeatureKind, PredictError, Records, Schema};

use crate::reference::{Reference, Scale, Tests};
use crate::{Alpha, Error};

/// Tests each feature of a batch against a reference: [Kolmogorov-Smirnov](crate::ks_two_sample)
/// for numbers, [chi-squared](crate::chi_squared_homogeneity) for categories.
///
/// The features are tested one by one, at a level that is not corrected for their number; to judge
/// a batch as a whole, correct the p-values with [`holm`](crate::holm). The detector keeps no state
/// between batches, and the reference as distinct values with counts, so a batch of a row or two
/// takes microseconds per feature however large the reference was.
///
/// Missing values are left out and counted. A feature without any value is not tested: its status
/// is `AllMissing`, or `EmptyReference` if there was none to begin with. A category that the
/// reference does not have is one more category that the batch has more of.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use mlops_core::{DriftDetector, Feature, Records, Schema};
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
/// let report = detector.detect(&batch)?;
/// // 2 of C(103, 3) relabellings put the batch at either end.
/// assert!((report.features[0].p_value.unwrap() - 2.0 / 176_851.0).abs() < 1e-15);
/// assert_eq!(report.is_drift().collect::<Vec<_>>(), [Some(true), Some(false)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TabularDrift {
    pub(crate) schema: Arc<Schema>,
    pub(crate) alpha: Alpha,
    // Invariant: one feature per feature of the schema, in its order.
    pub(crate) reference: Reference,
}

impl TabularDrift {
    /// A detector that is still to be fitted.
    pub fn builder() -> TabularDriftBuilder {
        TabularDriftBuilder::default()
    }

    /// The level below which a feature's p-value means drift.
    pub fn alpha(&self) -> Alpha {
        self.alpha
    }
}

impl DriftDetector for TabularDrift {
    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn detect(&self, records: &Records) -> Result<DriftReport, PredictError> {
        records.check_schema(&self.schema)?;
        let features = self.reference.test(records.values(), Tests::EXACT);
        let features = features.map_err(PredictError::model)?;
        Ok(DriftReport::new(self.alpha.value(), features))
    }
}

/// The parameters of a [`TabularDrift`]: the level is 0.05, and only categorical features are
/// tested as categories.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TabularDriftBuilder {
    alpha: Alpha,
    categorical: BTreeSet<String>,
}

impl TabularDriftBuilder {
    /// Sets the level below which a feature's p-value means drift.
    pub fn alpha(self, alpha: Alpha) -> Self {
        Self { alpha, ..self }
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
        Ok(TabularDrift { schema: Arc::clone(schema), alpha: self.alpha, reference })
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::{DriftStatus, DriftTest, Feature, PValueMethod, PredictErrorKind, Range};
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
        assert_eq!((region.n_values, region.n_missing), (2, 0));
    }

    #[test]
    fn an_empty_batch_is_not_tested() {
        let detector = TabularDrift::builder().fit(&reference()).unwrap();
        let report = detector.detect(&records(Array2::zeros((0, 3)))).unwrap();
        let all_missing =
            report.features.iter().all(|drift| drift.status == DriftStatus::AllMissing);
        assert!(all_missing, "{report:?}");
    }

    #[test]
    fn a_reference_of_missing_values_says_so() {
        let mut values = reference().values().to_owned();
        values.column_mut(2).fill(f64::NAN);
        let detector = TabularDrift::builder().fit(&records(values)).unwrap();
        let report = detector.detect(&records(array![[3.0, 1.0, 2.0]])).unwrap();
        assert_eq!(report.features[2].status, DriftStatus::EmptyReference);
        assert_eq!(report.is_drift().collect::<Vec<_>>(), [Some(false), Some(false), None]);
    }

    #[test]
    fn one_row_and_constant_columns_are_tested() {
        let detector = TabularDrift::builder().fit(&records(array![[5.0, 1.0, 0.0]])).unwrap();
        let report = detector.detect(&records(array![[5.0, 0.0, 2.0]])).unwrap();
        let p_values: Vec<_> = report.features.iter().map(|drift| drift.p_value.unwrap()).collect();
        // Two values, each in its own sample: they differ in either labelling, or never.
        assert_eq!(p_values, [1.0, 1.0, 1.0]);
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
