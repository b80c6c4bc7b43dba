//! Which features make a row abnormal, in order of importance.

use crate::{Error, IsolationForest, Scratch};

impl IsolationForest {
    /// How much each feature helps to isolate a row: local DIFFI (Carletti, Terzi and Susto 2023).
    ///
    /// ```text
    /// importance of f = mean over the splits by f on the ways of the row of (1/h - 1/h_max)
    /// ```
    ///
    /// Here `h` is the number of splits on the way in the tree of the split, and `h_max` that of the
    /// longest way in the forest. Importances are not negative, and 0 for a feature that is not split by
    /// on any way. They do not add up to anything; as a ranking they found planted features a little
    /// more often than [contributions](mlops_core::Explainer) do.
    ///
    /// # Errors
    /// * [`Error::Forest`] if there are more nodes than 32-bit indices can tell apart
    ///
    /// # Panics
    /// If the row does not have one value per feature of the schema.
    #[track_caller]
    pub fn local_diffi(&self, row: &[f64]) -> Result<Vec<f64>, Error> {
        let n_features = self.schema().len();
        assert_eq!(row.len(), n_features, "a row has one value per feature");
        let attribution = self.attribution()?;
        let longest = attribution.ways().longest();
        let (mut sums, mut counts) = (vec![0.0; n_features], vec![0_u32; n_features]);
        let prepare = |row: &[f64], prepared: &mut Vec<f64>| self.prepare(row, prepared);
        let forest = attribution.ways().forest();
        Scratch::default().for_each_block(forest, [row].into_iter(), prepare, |_, block| {
            forest.for_each_leaf(block, |_, _, leaves| {
                for leaf in leaves.iter().map(|leaf| *leaf as usize) {
                    let depth = attribution.ways().depth(leaf);
                    attribution.climb(leaf, |feature, _| {
                        sums[feature] += 1.0 / f64::from(depth) - 1.0 / f64::from(longest);
                        counts[feature] += 1;
                    });
                }
            });
        });
        let means = sums.into_iter().zip(counts);
        Ok(means
            .map(|(sum, count)| if count == 0 { 0.0 } else { sum / f64::from(count) })
            .collect())
    }

    /// The positions of the features that help to isolate a row, the most important first: those
    /// whose [`local_diffi`](Self::local_diffi) is above 0.
    ///
    /// # Errors
    /// * [`Error::Forest`] if there are more nodes than 32-bit indices can tell apart
    ///
    /// # Panics
    /// If the row does not have one value per feature of the schema.
    #[track_caller]
    pub fn diffi_ranking(&self, row: &[f64]) -> Result<Vec<usize>, Error> {
        let importance = self.local_diffi(row)?;
        let mut features: Vec<usize> =
            (0..importance.len()).filter(|feature| importance[*feature] > 0.0).collect();
        features.sort_by(|a, b| importance[*b].total_cmp(&importance[*a]));
        Ok(features)
    }
}
