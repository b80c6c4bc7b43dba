use crate::builder::CompiledTree;

/// How many trees are walked in step: as many as hide the time that each waits for its next node.
pub(crate) const LANES: usize = 8;

/// Consecutive trees that are walked in step.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The position of the first tree in the forest.
    pub(crate) first: usize,
    pub(crate) n_trees: usize,
    /// Of the deepest tree, in splits.
    pub(crate) depth: usize,
    // A last group that is not full repeats its last tree.
    pub(crate) roots: [u32; LANES],
}

impl Group {
    /// All trees of a forest in groups.
    pub(crate) fn all(trees: &[CompiledTree]) -> Vec<Self> {
        let groups = (0..).step_by(LANES).zip(trees.chunks(LANES));
        groups.map(|(first, trees)| Self::new(first, trees)).collect()
    }

    fn new(first: usize, trees: &[CompiledTree]) -> Self {
        let n_trees = trees.len();
        Self {
            first,
            n_trees,
            depth: trees.iter().map(|tree| tree.depth).max().unwrap_or(0),
            roots: std::array::from_fn(|lane| trees[lane.min(n_trees - 1)].root),
        }
    }
}
