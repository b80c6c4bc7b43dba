use mlops_core::{Records, StandardScaler};
use mlops_forest::{Forest, Node, Rows};

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

    /// The score of every row, in `(offset, 1 + offset]`: minus scikit-learn's decision function.
    ///
    /// `prepare` puts what the trees compare into the place of its second argument.
    pub(crate) fn scores(
        &self,
        records: &Records,
        offset: f64,
        prepare: impl Fn(&[f64], &mut Vec<f64>),
    ) -> Vec<f64> {
        let mut scores = Vec::with_capacity(records.n_rows());
        let block = self.forest.block();
        let mut rows = self.forest.rows(records.n_rows().min(block));
        let mut sums = Vec::new();
        let mut prepared = Vec::new();
        for values in records.rows() {
            prepare(values, &mut prepared);
            rows.push(&prepared);
            if rows.len() == block || scores.len() + rows.len() == records.n_rows() {
                self.sum_into(&rows, &mut sums);
                scores.extend(sums.iter().map(|sum| self.anomaly(*sum) + offset));
                rows.clear();
            }
        }
        scores
    }

    /// The path length of a row, summed over the trees in their order.
    pub(crate) fn sum(&self, values: &[f64]) -> f64 {
        let mut rows = self.forest.rows(1);
        rows.push(values);
        let mut sums = Vec::new();
        self.sum_into(&rows, &mut sums);
        sums[0]
    }

    /// Puts the sum of each row in the place of `sums`.
    fn sum_into(&self, rows: &Rows, sums: &mut Vec<f64>) {
        sums.clear();
        sums.resize(rows.len(), 0.0);
        self.forest.for_each_leaf(rows, |row, _, lengths| {
            sums[row] = lengths.iter().fold(sums[row], |sum, length| sum + length);
        });
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

/// Path lengths of rows that are standardised first.
#[derive(Clone, Debug)]
pub(crate) struct Scorer {
    scaler: StandardScaler,
    path_lengths: PathLengths,
}

/// What is added to the anomaly score, so that 0 is average: scikit-learn's default `offset_`.
const OFFSET: f64 = -0.5;

impl Scorer {
    pub(crate) fn new(scaler: StandardScaler, path_lengths: PathLengths) -> Self {
        Self { scaler, path_lengths }
    }

    pub(crate) fn scaler(&self) -> &StandardScaler {
        &self.scaler
    }

    /// The score of every row, in `(-0.5, 0.5]`.
    pub(crate) fn scores(&self, records: &Records) -> Vec<f64> {
        self.path_lengths.scores(records, OFFSET, |values, scaled| {
            scaled.clear();
            scaled.extend_from_slice(values);
            self.scaler.transform_row(scaled);
        })
    }

    /// An upper bound of the scores.
    pub(crate) fn highest(&self) -> f64 {
        self.path_lengths.highest_anomaly() + OFFSET
    }
}

#[cfg(test)]
mod tests {
    use mlops_forest::{Side, threshold_at_most};
    use ndarray::array;
    use serde::Deserialize;

    use super::*;
    use crate::testing::{normal, records};

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

    #[derive(Deserialize)]
    struct GoldenTree {
        feature: Vec<i64>,
        threshold: Vec<f64>,
        missing_go_to_left: Vec<bool>,
        left: Vec<i64>,
        right: Vec<i64>,
        n_node_samples: Vec<usize>,
    }

    impl GoldenTree {
        fn tree(&self) -> Tree {
            let nodes = (0..self.feature.len()).map(|at| match usize::try_from(self.feature[at]) {
                Ok(feature) => Node::Split {
                    feature,
                    threshold: threshold_at_most(self.threshold[at]),
                    missing: if self.missing_go_to_left[at] { Side::Left } else { Side::Right },
                    left: usize::try_from(self.left[at]).unwrap(),
                    right: usize::try_from(self.right[at]).unwrap(),
                },
                Err(_) => Node::Leaf { value: self.n_node_samples[at] },
            });
            Tree::new(0, nodes.collect()).unwrap()
        }
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
            let sum = path_lengths.sum(&values);
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
        assert_eq!(path_lengths.anomaly(path_lengths.sum(&[f64::NAN])), 0.5);
    }

    #[test]
    fn a_batch_scores_like_its_rows_one_by_one() {
        let training = records(normal(300, 3, 1));
        let forest = crate::IsolationForest::params().n_trees(20).fit(&training).unwrap();
        let mut values = normal(50, 3, 2);
        values[[3, 1]] = f64::NAN;
        let batch = records(values);
        let scores = forest.scorer().scores(&batch);
        for (row, score) in scores.iter().enumerate() {
            let alone = forest.scorer().scores(&batch.select(&[row]));
            assert_eq!(alone[0].to_bits(), score.to_bits());
            assert!(*score > -0.5 && *score <= 0.5);
        }
        let reversed: Vec<usize> = (0..50).rev().collect();
        let mut backwards = forest.scorer().scores(&batch.select(&reversed));
        backwards.reverse();
        assert_eq!(backwards, scores);
        let columns_first = records(batch.values().reversed_axes().to_owned().reversed_axes());
        assert_eq!(forest.scorer().scores(&columns_first), scores);
    }

    #[test]
    fn rows_out_of_all_range_are_scored() {
        let training = records(normal(300, 2, 1));
        let forest = crate::IsolationForest::params().n_trees(20).fit(&training).unwrap();
        let rows = array![[3e38, -3e38], [f64::NAN, f64::NAN], [1e-300, -0.0]];
        for score in forest.scorer().scores(&records(rows)) {
            assert!(score > -0.5 && score <= forest.highest_score(), "{score}");
        }
    }
}
