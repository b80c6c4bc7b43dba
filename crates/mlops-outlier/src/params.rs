use crate::Contamination;

/// How an isolation forest is fitted; made by
/// [`IsolationForest::params`](crate::IsolationForest::params).
///
/// The defaults are those of the paper: 100 trees of 256 rows each. Further trees hardly change the
/// scores, and larger samples hide outliers in crowds ("swamping") and behind each other
/// ("masking").
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct IsolationForestParams {
    pub(crate) n_estimators: usize,
    pub(crate) max_samples: usize,
    pub(crate) max_depth: MaxDepth,
    pub(crate) max_features: usize,
    pub(crate) bootstrap: bool,
    pub(crate) seed: u64,
    pub(crate) contamination: Option<Contamination>,
}

impl IsolationForestParams {
    /// The number of trees, at least 1; 100 by default.
    ///
    /// The first trees of a larger forest are those of a smaller one with the same seed.
    pub fn n_estimators(self, n_estimators: usize) -> Self {
        Self { n_estimators, ..self }
    }

    /// The number of training rows that each tree is grown from, at least 1; 256 by default, and
    /// never more than there are.
    pub fn max_samples(self, max_samples: usize) -> Self {
        Self { max_samples, ..self }
    }

    /// How deep trees grow; [`MaxDepth::Auto`] by default.
    pub fn max_depth(self, max_depth: MaxDepth) -> Self {
        Self { max_depth, ..self }
    }

    /// The number of features that each tree may split by, drawn for each tree, at least 1; all by
    /// default, and never more than there are.
    pub fn max_features(self, max_features: usize) -> Self {
        Self { max_features, ..self }
    }

    /// Whether the rows of a tree are drawn with replacement; without by default.
    pub fn bootstrap(self, bootstrap: bool) -> Self {
        Self { bootstrap, ..self }
    }

    /// The seed of all random numbers; 0 by default. Data, parameters and seed determine the
    /// forest.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The share of the training rows that the threshold lets count as outliers.
    ///
    /// Then all training rows are scored, and the forest remembers how they scored: see
    /// [`calibrate`](crate::IsolationForest::calibrate). Without it, the threshold is that of the
    /// paper, a score of 0, and only the rows that trees are grown from are looked at, and at most
    /// 1024 others to scale columns by.
    pub fn contamination(self, contamination: Contamination) -> Self {
        Self { contamination: Some(contamination), ..self }
    }
}

impl Default for IsolationForestParams {
    fn default() -> Self {
        Self {
            n_estimators: 100,
            max_samples: 256,
            max_depth: MaxDepth::Auto,
            max_features: usize::MAX,
            bootstrap: false,
            seed: 0,
            contamination: None,
        }
    }
}

/// How many splits there are at most between the root of a tree and a leaf.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a limit that follows, is given, or is none")]
pub enum MaxDepth {
    /// `ceil(log2(max_samples))`, about the average depth of a random tree of so many rows: a row
    /// that is still not alone there is normal in any case (Liu, Ting and Zhou 2008).
    #[default]
    Auto,
    /// That many.
    Splits(usize),
    /// As many as it takes until all rows of a leaf are equal. Trees are twice as deep, take twice
    /// the time, and tell dense regions apart a little better.
    Unlimited,
}

impl MaxDepth {
    /// The limit for trees of so many rows.
    pub(crate) fn limit(self, max_samples: usize) -> usize {
        match self {
            Self::Auto => max_samples.next_power_of_two().ilog2().max(1) as usize,
            Self::Splits(n_splits) => n_splits,
            Self::Unlimited => usize::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_as_deep_as_those_of_scikit_learn() {
        // int(np.ceil(np.log2(max(max_samples, 2)))), scikit-learn 1.9.1
        for (max_samples, depth) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9)] {
            assert_eq!(MaxDepth::Auto.limit(max_samples), depth);
        }
    }
}
