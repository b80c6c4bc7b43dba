use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::model::{Model, require_same_columns};
use crate::scoring::Scorer;
use crate::{Component, Error};

/// The place of one model: the version that answers, and one that may be tried beside it.
#[derive(Debug)]
pub(crate) struct Slot {
    champion: ArcSwap<Scorer>,
    challenger: ArcSwapOption<Scorer>,
    pub(crate) pace: Pace,
}

impl Slot {
    pub(crate) fn new(champion: Scorer) -> Self {
        Self {
            champion: ArcSwap::from_pointee(champion),
            challenger: ArcSwapOption::empty(),
            pace: Pace::default(),
        }
    }

    /// The version that answers; whoever holds it keeps it while others put in another.
    pub(crate) fn champion(&self) -> Arc<Scorer> {
        self.champion.load_full()
    }

    /// The version that is tried, if there is one.
    pub(crate) fn challenger(&self) -> Option<Arc<Scorer>> {
        self.challenger.load_full()
    }

    /// Puts another version in place, and returns the one before.
    pub(crate) fn put_champion(&self, scorer: Scorer) -> Arc<Scorer> {
        self.pace.forget();
        self.champion.swap(Arc::new(scorer))
    }

    pub(crate) fn put_challenger(&self, scorer: Option<Scorer>) {
        self.challenger.store(scorer.map(Arc::new));
    }

    /// Checks that `model` can answer in place of the champion: it reads the same features, as its detectors do, and
    /// predicts its example.
    pub(crate) fn check(&self, model: &Model) -> Result<(), Error> {
        require_same_columns(self.champion().schema(), model.schema(), Component::Model)?;
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

/// Whether the detectors of a model have been quick enough to be asked where a request is answered.
///
/// Whoever wrote them, a prediction must go out in time: until they have been quick for a while, and again when they
/// have been slow once, they are asked on another thread and not waited for beyond a deadline.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    quick_calls: AtomicU32,
}

impl Pace {
    pub(crate) fn is_quick(&self) -> bool {
        self.quick_calls.load(Ordering::Relaxed) >= QUICK_CALLS
    }

    /// Takes note of a call for few rows.
    pub(crate) fn observe(&self, duration: Duration) {
        if duration > QUICK {
            self.forget();
        } else if !self.is_quick() {
            self.quick_calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn forget(&self) {
        self.quick_calls.store(0, Ordering::Relaxed);
    }
}

/// Detectors are quick after so many calls in a row,
const QUICK_CALLS: u32 = 16;
/// each of which took no longer.
const QUICK: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use mlops_core::{Feature, Records};
    use ndarray::array;

    use super::*;
    use crate::testing::{BAD, Fault, Stub, classifier, model, records, schema, scorer};

    #[test]
    fn detectors_are_quick_until_one_call_is_slow() {
        let pace = Pace::default();
        for _ in 0..QUICK_CALLS {
            assert!(!pace.is_quick());
            pace.observe(QUICK);
        }
        assert!(pace.is_quick());
        pace.observe(QUICK + Duration::from_nanos(1));
        assert!(!pace.is_quick());
    }

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
    }
}
