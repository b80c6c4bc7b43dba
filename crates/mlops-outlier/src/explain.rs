//! What the features of a row contribute to its score.

use std::sync::Arc;

use mlops_core::{Contributions, Explainer, PredictError, Reason, Records, Schema};
use mlops_pyobject::sklearn::Preprocessing;
use ndarray::Array3;

use crate::leaf_table::LeafTable;
use crate::ways::Ways;
use crate::{Error, IsolationForest, Scratch};

/// How many features a reason is given by at most.
const N_REASONS: usize = 5;

/// Says by how much each feature raises the logarithm of the anomaly score.
///
/// ```text
/// log2 s(x) = -E[h(x)] / c(psi) = base value + sum of the contributions
/// contribution of f = -1/(T c(psi)) sum over the steps of x from a split by f to its child of (v(child) - v(split))
/// ```
///
/// Here `v` is the mean path length of the training rows that come to a node, and `T` the number of
/// trees. The base value is what the training rows have on average. Positive contributions make a row
/// more abnormal; one of 1 doubles its anomaly score. They add up to the logarithm of the anomaly score
/// to 1e-9 and better. A feature that is never split by contributes 0.
///
/// This is the decomposition of ways that is known as Saabas's method: as quick as scoring, and, other
/// than Shapley values, dependent on the order of splits. Of two features that only together are odd,
/// the one that trees split by later gets the larger part, which averages out over many trees.
impl Explainer for IsolationForest {
    fn schema(&self) -> &Arc<Schema> {
        self.schema()
    }

    /// Rows x 1 x features.
    fn explain(&self, records: &Records) -> Result<Contributions, PredictError> {
        let attribution = self.attribution().map_err(PredictError::model)?;
        let shape = (records.n_rows(), 1, self.schema().len());
        let mut values = Array3::zeros(shape);
        // What was just made is in one piece.
        if let Some(values) = values.as_slice_mut() {
            Scratch::lend(|scratch| self.contributions_into(records, scratch, values))?;
        }
        Ok(Contributions::new(vec![attribution.base_value()], values))
    }
}

impl IsolationForest {
    /// Puts the contributions of each feature of each row, one row after the other, in the place of
    /// `contributions`: those of [`Explainer::explain`]. Takes no memory once `scratch` has enough, but
    /// for the first row that a forest explains.
    ///
    /// # Errors
    /// [`PredictError`] if the records have another schema.
    ///
    /// # Panics
    /// If there is not one place per row and feature.
    #[track_caller]
    pub fn contributions_into(
        &self,
        records: &Records,
        scratch: &mut Scratch,
        contributions: &mut [f64],
    ) -> Result<(), PredictError> {
        records.check_schema(self.schema())?;
        let width = self.schema().len();
        let n_places = records.n_rows() * width;
        assert_eq!(contributions.len(), n_places, "one place per row and feature");
        contributions.fill(0.0);
        let outcome = self.add_contributions(records.rows(), scratch, contributions);
        outcome.map_err(PredictError::model)
    }

    /// Adds the contributions of each feature of each row to their places.
    pub(crate) fn add_contributions<'r>(
        &self,
        rows: impl ExactSizeIterator<Item = &'r [f64]>,
        scratch: &mut Scratch,
        contributions: &mut [f64],
    ) -> Result<(), Error> {
        let width = self.schema().len();
        let attribution = self.attribution()?;
        let prepare = |row: &[f64], prepared: &mut Vec<f64>| self.prepare(row, prepared);
        let forest = attribution.ways.forest();
        scratch.for_each_block(forest, rows, prepare, |first, block| {
            forest.for_each_leaf(block, |row, _, leaves| {
                let contributions = &mut contributions[(first + row) * width..][..width];
                attribution.add(leaves, contributions);
            });
        });
        Ok(())
    }

    /// The features with positive contributions of each row, the largest first.
    pub(crate) fn reasons_of(&self, records: &Records) -> Result<Vec<Vec<Reason>>, PredictError> {
        let schema = self.schema();
        let mut contributions = vec![0.0; records.n_rows() * schema.len()];
        Scratch::lend(|scratch| self.contributions_into(records, scratch, &mut contributions))?;
        let reasons = |contributions: &[f64]| {
            let named = schema.names().zip(contributions.iter().copied());
            let mut positive: Vec<_> =
                named.filter(|(_, contribution)| *contribution > 0.0).collect();
            positive.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            let strongest = positive.into_iter().take(N_REASONS);
            strongest.map(|(feature, contribution)| Reason::new(feature, contribution)).collect()
        };
        Ok(contributions.chunks_exact(schema.len()).map(reasons).collect())
    }
}

/// What each leaf of a forest says of the features on the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Attribution {
    ways: Ways,
    // For each value that the trees see, the feature that it is computed from.
    inputs: Vec<usize>,
    // From path lengths to the logarithm of the anomaly score.
    scale: f64,
    base_value: f64,
    // Without, the ways are climbed for each row.
    table: Option<LeafTable>,
}

impl Attribution {
    pub(crate) fn new(forest: &IsolationForest) -> Result<Self, Error> {
        let ways = Ways::new(forest.n_prepared(), forest.trees())?;
        let n_features = forest.schema().len();
        let inputs = forest.preprocessing().map(Preprocessing::inputs);
        let inputs = inputs.unwrap_or_else(|| (0..n_features).collect());
        // All anomaly scores are 1/2 if trees of one row are no measure.
        let average_sum = forest.path_lengths().average_sum();
        let scale = if average_sum == 0.0 { 0.0 } else { -1.0 / average_sum };
        let base_value = if average_sum == 0.0 { -1.0 } else { scale * ways.mean_sum() };
        let mut attribution = Self { ways, inputs, scale, base_value, table: None };
        attribution.table = LeafTable::new(n_features, &attribution);
        Ok(attribution)
    }

    pub(crate) fn base_value(&self) -> f64 {
        self.base_value
    }

    pub(crate) fn ways(&self) -> &Ways {
        &self.ways
    }

    /// Hands `visit` the feature of each split above a leaf, and what the step down from it contributes.
    pub(crate) fn climb(&self, leaf: usize, mut visit: impl FnMut(usize, f64)) {
        self.ways.climb(leaf, |value, shift| visit(self.inputs[value], self.scale * shift));
    }

    /// Adds what the leaves say of each feature to its place of `contributions`.
    fn add(&self, leaves: &[u32], contributions: &mut [f64]) {
        if let Some(table) = &self.table {
            table.add(leaves, contributions);
        } else {
            for leaf in leaves {
                self.climb(*leaf as usize, |feature, shift| contributions[feature] += shift);
            }
        }
    }
}
