use crate::explain::Attribution;

/// What each leaf says of every feature: quicker than climbing.
#[derive(Clone, Debug)]
pub(crate) struct LeafTable {
    // The quadruples of a leaf.
    width: usize,
    // Four features each, in their order, filled up with zeros.
    contributions: Vec<[f64; 4]>,
}

/// Of more features, a way mentions few: then it is quicker to climb.
const MOST_FEATURES: usize = 64;
/// How many splits above leaves, and how many numbers, are worth it: 32 megabytes.
const MOST: usize = 1 << 22;

impl LeafTable {
    /// The table of a forest over so many features, if it is not too large.
    pub(crate) fn new(n_features: usize, attribution: &Attribution) -> Option<Self> {
        let ways = attribution.ways();
        let n_splits: usize = (0..ways.n_leaves()).map(|leaf| ways.depth(leaf) as usize).sum();
        let width = n_features.div_ceil(4);
        if n_features > MOST_FEATURES || n_splits > MOST || 4 * width * ways.n_leaves() > MOST {
            return None;
        }
        let mut contributions = vec![[0.0; 4]; width * ways.n_leaves()];
        for (leaf, row) in contributions.chunks_exact_mut(width).enumerate() {
            let row = row.as_flattened_mut();
            attribution.climb(leaf, |feature, shift| row[feature] += shift);
        }
        Some(Self { width, contributions })
    }

    /// Adds what the leaves say of each feature to its place of `contributions`.
    pub(crate) fn add(&self, leaves: &[u32], contributions: &mut [f64]) {
        for (at, places) in contributions.chunks_mut(4).enumerate() {
            let mut sums = [0.0; 4];
            for leaf in leaves {
                let said = &self.contributions[*leaf as usize * self.width + at];
                for (sum, said) in sums.iter_mut().zip(said) {
                    *sum += said;
                }
            }
            for (place, sum) in places.iter_mut().zip(sums) {
                *place += sum;
            }
        }
    }
}
