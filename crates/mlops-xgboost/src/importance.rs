use crate::Booster;
use crate::tree::NodeKind;

/// How the importance of a feature is measured, with the names of Python's `Booster.get_score`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Importance {
    /// The number of splits by the feature.
    Weight,
    /// The mean of the losses that its splits take away.
    Gain,
    /// The mean of the hessians at its splits: how many rows they divide, about.
    Cover,
    /// The sum of the losses that its splits take away.
    TotalGain,
    /// The sum of the hessians at its splits.
    TotalCover,
}

impl Booster {
    /// The importance of each feature, in column order; 0 for a feature without splits. A linear model has none.
    ///
    /// # Examples
    /// ```
    /// use mlops_xgboost::{Booster, Importance};
    ///
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/booster.ubj");
    /// let booster = Booster::from_bytes(&std::fs::read(path)?)?;
    /// let splits = booster.importance(Importance::Weight);
    /// assert_eq!(splits.len(), booster.n_features());
    /// assert!(splits.iter().all(|n_splits| n_splits.fract() == 0.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn importance(&self, importance: Importance) -> Vec<f64> {
        if self.n_trees() == 0 {
            return vec![0.0; self.n_features()];
        }
        let mut totals = vec![Totals::default(); self.n_features()];
        for node in self.parts().ensemble.trees().iter().flat_map(|tree| &tree.nodes) {
            if let NodeKind::Split { feature, gain, .. } = node.kind {
                let totals = &mut totals[feature as usize];
                totals.splits += 1.0;
                totals.gain += f64::from(gain);
                totals.cover += f64::from(node.hessian);
            }
        }
        let value = |totals: &Totals| match importance {
            Importance::Weight => totals.splits,
            Importance::TotalGain => totals.gain,
            Importance::TotalCover => totals.cover,
            Importance::Gain => totals.gain / totals.splits.max(1.0),
            Importance::Cover => totals.cover / totals.splits.max(1.0),
        };
        totals.iter().map(value).collect()
    }
}

/// What the splits by a feature add up to.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    splits: f64,
    gain: f64,
    cover: f64,
}
