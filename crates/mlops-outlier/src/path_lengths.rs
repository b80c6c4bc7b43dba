use mlops_forest::{Forest, Node};

use crate::Scratch;
use crate::tree::{Tree, average_path_length};

/// The path lengths of the trees of a forest and what they say about a row.
#[derive(Clone, Debug)]
pub(crate) struct PathLengths {
    forest: Forest<f64>,
    // The sum of path lengths that is average for random trees: number of trees times c(psi).
    average_sum: f64,
    shortest_sum: f64,
    longest_sum: f64,
}

impl PathLengths {
    /// Compiles trees that were grown from `max_samples` rows each.
    pub(crate) fn new(
        n_features: usize,
        trees: &[Tree],
        max_samples: usize,
    ) -> Result<Self, mlops_forest::Error> {
        let mut builder = Forest::builder(n_features);
        let (mut shortest_sum, mut longest_sum) = (0.0, 0.0);
        for tree in trees {
            let nodes = tree.path_lengths();
            shortest_sum += path_lengths(&nodes).fold(f64::INFINITY, f64::min);
            longest_sum += path_lengths(&nodes).fold(0.0, f64::max);
            builder = builder.tree(nodes);
        }
        let average_sum = trees.len() as f64 * average_path_length(max_samples);
        Ok(Self { forest: builder.build()?, average_sum, shortest_sum, longest_sum })
    }

    /// Adds the path lengths of each row to its place of `sums`, tree by tree in their order.
    pub(crate) fn sum_into<'r>(
        &self,
        rows: impl ExactSizeIterator<Item = &'r [f64]>,
        prepare: impl Fn(&[f64], &mut Vec<f64>),
        scratch: &mut Scratch,
        sums: &mut [f64],
    ) {
        scratch.for_each_block(&self.forest, rows, prepare, |first, block| {
            self.forest.for_each_leaf(block, |row, _, lengths| {
                let sum = &mut sums[first + row];
                *sum = lengths.iter().fold(*sum, |sum, length| sum + length);
            });
        });
    }

    /// The number of trees times c(psi): what a sum is divided by.
    pub(crate) fn average_sum(&self) -> f64 {
        self.average_sum
    }

    /// The anomaly score that belongs to a sum of path lengths, in `(0, 1]`.
    ///
    /// ```text
    /// s = 2^(-sum / (T c(psi))),    1/2 if c(psi) = 0
    /// ```
    pub(crate) fn anomaly(&self, sum: f64) -> f64 {
        if self.average_sum == 0.0 { 0.5 } else { (-sum / self.average_sum).exp2() }
    }

    /// An upper bound of the anomaly score: that of a row which each tree isolates soonest.
    pub(crate) fn highest_anomaly(&self) -> f64 {
        self.anomaly(self.shortest_sum)
    }

    /// A lower bound of the anomaly score: that of a row which each tree isolates last.
    pub(crate) fn lowest_anomaly(&self) -> f64 {
        self.anomaly(self.longest_sum)
    }
}

fn path_lengths(nodes: &[Node<f64>]) -> impl Iterator<Item = f64> {
    nodes.iter().filter_map(|node| match *node {
        Node::Leaf { value } => Some(value),
        Node::Split { .. } => None,
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::testing::GoldenTree;

    /// What `tests/data/isolation_forest.py` writes.
    #[derive(Deserialize)]
    struct Golden {
        max_samples: usize,
        trees: Vec<GoldenTree>,
        rows: Vec<Vec<Option<f64>>>,
        sum: Vec<f64>,
        score_samples: Vec<f64>,
        decision_function: Vec<f64>,
    }

    fn sum(path_lengths: &PathLengths, row: &[f64]) -> f64 {
        let as_it_is = |row: &[f64], prepared: &mut Vec<f64>| {
            prepared.clear();
            prepared.extend_from_slice(row);
        };
        let mut sums = [0.0];
        path_lengths.sum_into([row].into_iter(), as_it_is, &mut Scratch::default(), &mut sums);
        sums[0]
    }

    fn ulps(left: f64, right: f64) -> u64 {
        left.to_bits().abs_diff(right.to_bits())
    }

    #[test]
    fn the_trees_of_scikit_learn_give_its_bits() {
        let golden = include_str!("../tests/data/isolation_forest.json");
        let golden: Golden = serde_json::from_str(golden).unwrap();
        let trees: Vec<Tree> = golden.trees.iter().map(GoldenTree::tree).collect();
        let path_lengths =
            PathLengths::new(golden.rows[0].len(), &trees, golden.max_samples).unwrap();
        assert_eq!(golden.rows.len(), 78);
        for (at, values) in golden.rows.iter().enumerate() {
            let values: Vec<f64> = values.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
            let sum = sum(&path_lengths, &values);
            assert_eq!(sum.to_bits(), golden.sum[at].to_bits(), "row {at}");
            let anomaly = path_lengths.anomaly(sum);
            assert!(ulps(anomaly, -golden.score_samples[at]) <= 1, "row {at}");
            let score = anomaly - 0.5;
            assert!((score + golden.decision_function[at]).abs() <= f64::EPSILON, "row {at}");
            assert!(anomaly <= path_lengths.highest_anomaly());
            assert!(anomaly >= path_lengths.lowest_anomaly());
        }
    }

    #[test]
    fn trees_of_one_row_tell_nothing() {
        let tree = Tree::new(0, vec![Node::Leaf { value: 1 }]).unwrap();
        let path_lengths = PathLengths::new(1, &[tree], 1).unwrap();
        assert_eq!(path_lengths.anomaly(sum(&path_lengths, &[f64::NAN])), 0.5);
    }
}
