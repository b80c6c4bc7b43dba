//! What a booster is made of: trees or a linear model.

use std::ops::Range;

use crate::Error;
use crate::tree::Tree;

/// What margins are added up from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ensemble {
    Trees(TreeEnsemble),
    Linear(LinearModel),
}

/// Trees, in rounds of one or more.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TreeEnsemble {
    pub(crate) trees: Vec<Tree>,
    // Invariant: one per tree; the output that the tree adds to, unless its leaves are vectors.
    pub(crate) outputs: Vec<u32>,
    // Invariant: one per tree, if there are any: what the booster `dart` multiplies its leaves with.
    pub(crate) weights: Option<Vec<f32>>,
    /// The trees of a round per output: more than one in a random forest.
    pub(crate) n_parallel: usize,
    // Invariant: ascending, from 0 to the number of trees; the first tree of each round, and the end.
    pub(crate) rounds: Vec<usize>,
}

/// Weights of features: features x outputs, and a bias per output behind them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LinearModel {
    pub(crate) weights: Vec<f32>,
    pub(crate) n_outputs: usize,
}

impl Ensemble {
    /// The trees, of which a linear model has none.
    pub(crate) fn trees(&self) -> &[Tree] {
        match self {
            Self::Trees(ensemble) => &ensemble.trees,
            Self::Linear(_) => &[],
        }
    }
}

impl TreeEnsemble {
    /// One tree for each output a round.
    pub(crate) fn of_rounds(trees: Vec<Tree>, n_outputs: usize) -> Self {
        let n_trees = trees.len();
        let outputs = (0..).take(n_outputs).cycle();
        Self {
            trees,
            outputs: outputs.take(n_trees).collect(),
            weights: None,
            n_parallel: 1,
            rounds: (0..=n_trees).step_by(n_outputs).collect(),
        }
    }

    pub(crate) fn n_rounds(&self) -> usize {
        self.rounds.len().saturating_sub(1)
    }

    /// What the leaves of a tree are multiplied with.
    pub(crate) fn weight(&self, tree: usize) -> f32 {
        self.weights.as_ref().map_or(1.0, |weights| weights[tree])
    }

    /// The trees of some rounds only.
    pub(crate) fn slice(&self, rounds: Range<usize>) -> Result<Self, Error> {
        let n_rounds = self.n_rounds();
        if rounds.start > rounds.end || rounds.end > n_rounds {
            return Err(Error::Rounds { start: rounds.start, end: rounds.end, n_rounds });
        }
        let first = self.rounds[rounds.start];
        let trees = first..self.rounds[rounds.end];
        let ends = &self.rounds[rounds.start..=rounds.end];
        Ok(Self {
            trees: self.trees[trees.clone()].to_vec(),
            outputs: self.outputs[trees.clone()].to_vec(),
            weights: self.weights.as_ref().map(|weights| weights[trees.clone()].to_vec()),
            n_parallel: self.n_parallel,
            rounds: ends.iter().map(|end| end - first).collect(),
        })
    }
}

impl LinearModel {
    /// Puts the margins of a row into `margins`; a missing value adds nothing.
    pub(crate) fn margins(&self, base_margin: f32, row: &[f32], margins: &mut [f32]) {
        let bias = &self.weights[row.len() * self.n_outputs..];
        for (margin, bias) in margins.iter_mut().zip(bias) {
            *margin = bias + base_margin;
        }
        for (value, weights) in row.iter().zip(self.weights.chunks_exact(self.n_outputs)) {
            if !value.is_nan() {
                for (margin, weight) in margins.iter_mut().zip(weights) {
                    *margin += value * weight;
                }
            }
        }
    }
}
