use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::model::{Model, require_same_columns};
use crate::scoring::Scorer;
use crate::{Component, Error};

/// The place of one model: the version that answers, and one that may be tried beside it.
#[derive(Debug)]
pub(crate) struct Slot {
    champion: ArcSwap<Scorer>,
    challenger: ArcSwapOption<Scorer>,
}

impl Slot {
    pub(crate) fn new(champion: Scorer) -> Self {
        Self { champion: ArcSwap::from_pointee(champion), challenger: ArcSwapOption::empty() }
    }

    /// The version that answers; whoever holds it keeps it while others put in another.
    pub(crate) fn champion(&self) -> Arc<Scorer> {
        self.champion.load_full()
    }

    /// The version that is tried, if there is one.
    pub(crate) fn challenger(&self) -> Option<Arc<Scorer>> {
        self.challenger.load_full()
    }

    /// Puts another version in place.
    pub(crate) fn put_champion(&self, scorer: Scorer) {
        let scorer = Arc::new(scorer);
        let before = self.champion.swap(Arc::clone(&scorer));
        before.metrics.set_active(false);
        scorer.metrics.set_active(true);
        // Another one may have come meanwhile; it says so itself, after this or before.
        if !Arc::ptr_eq(&scorer, &self.champion()) {
            scorer.metrics.set_active(false);
            self.champion().metrics.set_active(true);
        }
    }

    pub(crate) fn put_challenger(&self, scorer: Option<Scorer>) {
        self.challenger.store(scorer.map(Arc::new));
    }

    /// Checks that `model` can answer in place of the champion: it reads the same features, as its detectors do, and
    /// predicts its example.
    pub(crate) fn check(&self, model: &Model) -> Result<(), Error> {
        let champion = self.champion();
        require_same_columns(champion.schema(), model.schema(), Component::Model)?;
        if champion.model().is_classifier() != model.is_classifier() {
            return Err(Error::OtherKind { model: model.name().to_owned() });
        }
        check(model)
    }
}

/// Checks that the parts of `model` read the same features, and that it predicts its example.
pub(crate) fn check(model: &Model) -> Result<(), Error> {
    model.check()?;
    let Some(example) = &model.example else { return Ok(()) };
    require_same_columns(model.schema(), example.schema(), Component::Example)?;
    let predictions = crate::scoring::guard(|| model.head.predict(example));
    let is_sound = predictions.is_some_and(|predictions| {
        predictions.n_rows() == example.n_rows()
            && predictions.outputs.values.iter().all(|value| value.is_finite())
    });
    if is_sound { Ok(()) } else { Err(Error::ExampleFailed { model: model.name().to_owned() }) }
}

#[cfg(test)]
mod tests {
    use mlops_core::{Feature, Records};
    use ndarray::array;

    use super::*;
    use crate::testing::{BAD, Fault, Stub, classifier, model, records, schema, scorer};

    #[test]
    fn a_model_that_fails_on_its_example_is_refused() {
        let expected = Err(Error::ExampleFailed { model: "wines".to_owned() });
        for fault in [Fault::Error, Fault::Panic, Fault::TooFewRows] {
            let model = classifier(Stub::new().fault(fault)).example(records(&[BAD, 9.4]));
            assert_eq!(check(&model), expected, "{fault:?}");
        }
        let missing = Records::new(schema(), array![[f64::NAN, 1.0]]).unwrap();
        assert_eq!(check(&model().example(missing)), expected);
        assert_eq!(check(&model().example(records(&[9.4]))), Ok(()));
    }

    #[test]
    fn a_model_of_other_features_cannot_take_the_place() {
        let slot = Slot::new(scorer(model()));
        let schema = mlops_core::Schema::new(vec![Feature::numeric("pH")]).unwrap();
        let other = classifier(Stub::new().schema(Arc::new(schema)));
        let error = slot.check(&other).unwrap_err();
        assert!(matches!(error, Error::SchemaMismatch { component: Component::Model, .. }));
        assert_eq!(slot.check(&model().version("2")), Ok(()));
        let numbers = Model::regressor("wines", Stub::new());
        assert_eq!(slot.check(&numbers), Err(Error::OtherKind { model: "wines".to_owned() }));
    }
}
