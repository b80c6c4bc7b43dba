use crate::explain::Attribution;

/// What each leaf says of the features on its way, each of them once: quicker than climbing.
#[derive(Clone, Debug)]
pub(crate) struct LeafTable {
    // The number of entries of each leaf.
    width: usize,
    features: Vec<u32>,
    contributions: Vec<f64>,
}

/// How many splits above leaves, and how many entries, are worth it: some 50 megabytes of entries.
const MOST: usize = 1 << 22;

impl LeafTable {
    /// The table of a forest over so many features, if it is not too large.
    pub(crate) fn new(n_features: usize, attribution: &Attribution) -> Option<Self> {
        let ways = attribution.ways();
        let n_splits: usize = (0..ways.n_leaves()).map(|leaf| ways.depth(leaf) as usize).sum();
        if n_splits > MOST {
            return None;
        }
        let merged = (0..ways.n_leaves()).map(|leaf| merged(attribution, leaf));
        let merged: Vec<Vec<(usize, f64)>> = merged.collect();
        let width = merged.iter().map(Vec::len).max().unwrap_or(0);
        if width.saturating_mul(merged.len()) > MOST {
            return None;
        }
        let mut table = Self { width, features: Vec::new(), contributions: Vec::new() };
        for (leaf, mut entries) in merged.into_iter().enumerate() {
            fill(&mut entries, width, n_features, leaf);
            for (feature, contribution) in entries {
                table.features.push(u32::try_from(feature).ok()?);
                table.contributions.push(contribution);
            }
        }
        Some(table)
    }

    /// Adds what a leaf says of each feature to its place of `contributions`.
    pub(crate) fn add(&self, leaf: usize, contributions: &mut [f64]) {
        let first = leaf * self.width;
        let features = &self.features[first..][..self.width];
        for (feature, shift) in features.iter().zip(&self.contributions[first..][..self.width]) {
            contributions[*feature as usize] += shift;
        }
    }
}

/// The features on the way to a leaf, each with the sum of its contributions.
fn merged(attribution: &Attribution, leaf: usize) -> Vec<(usize, f64)> {
    let mut entries: Vec<(usize, f64)> = Vec::new();
    attribution.climb(leaf, |feature, shift| {
        match entries.iter_mut().find(|(known, _)| *known == feature) {
            Some((_, contribution)) => *contribution += shift,
            None => entries.push((feature, shift)),
        }
    });
    entries
}

/// Adds features that contribute nothing until there are `width` entries: so many additions in each
/// leaf that no jump depends on it, and to places that differ from leaf to leaf, since an addition
/// waits for the last one to the same place.
fn fill(entries: &mut Vec<(usize, f64)>, width: usize, n_features: usize, leaf: usize) {
    let n_merged = entries.len();
    for feature in (0..n_features).map(|at| (leaf + at) % n_features) {
        if entries.len() == width {
            break;
        }
        if entries[..n_merged].iter().all(|(known, _)| *known != feature) {
            entries.push((feature, 0.0));
        }
    }
}
