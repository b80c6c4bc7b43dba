use std::collections::HashSet;
use std::sync::Arc;

use mlops_core::{Feature, FeatureKind, Range};
use serde_json::Value;

use crate::scoring::Scorer;
use crate::slot::Slot;

/// A model as it is served now.
#[derive(Debug)]
pub(super) struct Served {
    /// What the names of its components begin with.
    pub(super) key: String,
    pub(super) scorer: Arc<Scorer>,
}

impl Served {
    /// The models in the order of their names.
    pub(super) fn all<'a>(slots: impl IntoIterator<Item = &'a Arc<Slot>>) -> Vec<Self> {
        let mut scorers: Vec<_> = slots.into_iter().map(|slot| slot.champion()).collect();
        scorers.sort_unstable_by(|a, b| a.version().name.cmp(&b.version().name));
        let mut taken = HashSet::new();
        let served = scorers.into_iter().map(|scorer| {
            let mut key = component_name(&scorer.version().name);
            while !taken.insert(key.clone()) {
                key.push('_');
            }
            Self { key, scorer }
        });
        served.collect()
    }

    pub(super) fn name(&self) -> &str {
        &self.scorer.version().name
    }

    pub(super) fn features(&self) -> &[Feature] {
        self.scorer.schema().features()
    }

    /// The name of one of the model's components.
    pub(super) fn component(&self, name: &str) -> String {
        format!("{}.{name}", self.key)
    }

    /// A value for each feature: those of the first row of the model's example, or else from the middle of the range
    /// that was observed.
    pub(super) fn example(&self) -> Vec<Value> {
        let row = self.scorer.model().example.as_ref().and_then(|example| example.rows().next());
        let value = |(column, feature): (usize, &Feature)| {
            let value = row.map_or_else(|| middle(feature), |row| row[column]);
            serde_json::to_value(feature.to_json(value)).unwrap_or_default()
        };
        self.features().iter().enumerate().map(value).collect()
    }
}

/// A name of a component holds few characters.
fn component_name(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    name.chars().map(allowed).collect()
}

fn middle(feature: &Feature) -> f64 {
    let Some(Range { min, max, .. }) = feature.range() else { return 0.0 };
    let middle = min / 2.0 + max / 2.0;
    match feature.kind() {
        FeatureKind::Categorical { .. } => 0.0,
        FeatureKind::Integer => middle.round(),
        // Four digits are nicer to read.
        _ => format!("{middle:.3e}").parse().unwrap_or(middle),
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::Classifier;

    use super::*;
    use crate::Model;
    use crate::testing::{Stub, scorer};

    #[test]
    fn names_of_components_are_plain_and_differ() {
        let slots = ["wine & beer", "wine + beer", "wine___beer"].map(|name| {
            Arc::new(Slot::new(scorer(Model::classifier(name, Classifier::new(Stub::new())))))
        });
        let served = Served::all(&slots);
        let keys: Vec<_> = served.iter().map(|model| model.component("Row")).collect();
        assert_eq!(keys, ["wine___beer.Row", "wine___beer_.Row", "wine___beer__.Row"]);
    }

    #[test]
    fn an_example_lies_in_the_middle_of_what_was_observed() {
        let range = Range::of([8.0, 14.93]).unwrap();
        assert_eq!(middle(&Feature::numeric("alcohol").with_range(range)), 11.46);
        assert_eq!(middle(&Feature::integer("year").with_range(range)), 11.0);
        assert_eq!(middle(&Feature::categorical("region", ["Douro"]).with_range(range)), 0.0);
        assert_eq!(middle(&Feature::numeric("pH")), 0.0);
    }
}
