use mlops_core::Contributions;
use mlops_forest::to_f32;
use ndarray::{Array3, ArrayView2};

use crate::Booster;
use crate::ensemble::{Ensemble, TreeEnsemble};
use crate::error::{Error, Unsupported};
use crate::tree::{NodeKind, Tree};

/// Deeper trees are not explained: the time grows with the square of the depth.
const MAX_DEPTH: usize = 512;

impl Booster {
    /// What each feature contributes to the margins of each row: exact SHAP values of trees that know how many training
    /// rows went which way (path-dependent `TreeSHAP`).
    ///
    /// ```text
    /// margin[output] = base_value[output] + sum over features of contribution[output, feature]
    /// ```
    ///
    /// The base value is the mean margin of the training rows as the trees saw them, weighted by hessians. The numbers
    /// are those of Python's `Booster.predict(.., pred_contribs=True)`, whose last column is the base value, but
    /// computed in 64 bits. For a linear model, a feature's contribution is its value times its weight. Time per row
    /// O(trees x leaves x depth^2).
    ///
    /// # Errors
    /// * [`Error::ColumnCount`] if `rows` does not have one column per feature
    /// * [`Error::Unsupported`] if leaves are vectors, which XGBoost does not explain either, or a tree has more than 512
    ///   levels
    ///
    /// # Sources
    /// Lundberg, Erion and Lee (2018), Consistent individualized feature attribution for tree ensembles,
    /// [arXiv:1802.03888](https://arxiv.org/abs/1802.03888), algorithm 2.
    pub fn contributions<V: Copy + Into<f64>>(
        &self,
        rows: ArrayView2<'_, V>,
    ) -> Result<Contributions, Error> {
        self.check_width(rows.ncols())?;
        let (n_outputs, n_features) = (self.n_outputs(), self.n_features());
        let mut base_values: Vec<f64> =
            self.base_margins().iter().copied().map(f64::from).collect();
        let explained = match &self.parts().ensemble {
            Ensemble::Trees(ensemble) => Explained::Trees(means(ensemble, &mut base_values)?),
            Ensemble::Linear(linear) => {
                let bias = &linear.weights[n_features * n_outputs..];
                for (base_value, bias) in base_values.iter_mut().zip(bias) {
                    *base_value = f64::from(self.base_margins()[0]) + f64::from(*bias);
                }
                Explained::Linear(linear)
            }
        };
        let mut values = Array3::zeros((rows.nrows(), n_outputs, n_features));
        let mut outputs = values.outer_iter_mut();
        let mut row = Vec::new();
        let depth = self.parts().ensemble.trees().iter().map(Tree::depth).max().unwrap_or(0);
        let mut paths = vec![START; room(depth)];
        self.for_each_row(rows, |values| {
            let Some(mut outputs) = outputs.next() else { return };
            row.clear();
            row.extend(values.iter().map(|value| to_f32(*value)));
            match &explained {
                Explained::Trees(trees) => {
                    for tree in trees {
                        let mut contributions = outputs.row_mut(tree.output);
                        tree.add_to(&row, &mut paths, |feature, value| {
                            contributions[feature] += value;
                        });
                    }
                }
                Explained::Linear(linear) => {
                    let weights = linear.weights.chunks_exact(n_outputs);
                    for (feature, (value, weights)) in row.iter().zip(weights).enumerate() {
                        for (output, weight) in weights.iter().enumerate() {
                            let contribution = f64::from(*value) * f64::from(*weight);
                            outputs[[output, feature]] =
                                if value.is_nan() { 0.0 } else { contribution };
                        }
                    }
                }
            }
        })?;
        Ok(Contributions::new(base_values, values))
    }
}

enum Explained<'a> {
    Trees(Vec<ExplainedTree<'a>>),
    Linear(&'a crate::ensemble::LinearModel),
}

/// A tree, the output that it adds to, and what its leaves are multiplied with.
struct ExplainedTree<'a> {
    tree: &'a Tree,
    output: usize,
    weight: f64,
}

/// Prepares trees, and adds the mean of each to the base value of its output.
fn means<'a>(
    ensemble: &'a TreeEnsemble,
    base_values: &mut [f64],
) -> Result<Vec<ExplainedTree<'a>>, Error> {
    let explained = ensemble.trees.iter().enumerate().map(|(index, tree)| {
        if !tree.vectors.is_empty() {
            return Err(Error::Unsupported { feature: Unsupported::VectorLeaves });
        }
        if tree.depth() > MAX_DEPTH {
            return Err(Error::Unsupported { feature: Unsupported::Depth(MAX_DEPTH) });
        }
        let output = ensemble.outputs[index] as usize;
        let weight = f64::from(ensemble.weight(index));
        base_values[output] += weight * mean(tree, 0);
        Ok(ExplainedTree { tree, output, weight })
    });
    explained.collect()
}

/// The mean value of the leaves below a node.
fn mean(tree: &Tree, node: usize) -> f64 {
    match tree.nodes[node].kind {
        NodeKind::Split { left, right, .. } => {
            let (left, right) = (left as usize, right as usize);
            share(tree, node, left) * mean(tree, left)
                + share(tree, node, right) * mean(tree, right)
        }
        NodeKind::Leaf { value } => value.into(),
        NodeKind::VectorLeaf { .. } => 0.0,
    }
}

/// The share of the training rows at `node` that went on to `child`; one half if none came here.
fn share(tree: &Tree, node: usize, child: usize) -> f64 {
    let total = f64::from(tree.nodes[node].hessian);
    if total > 0.0 { f64::from(tree.nodes[child].hessian) / total } else { 0.5 }
}

/// A feature on the way to a node.
#[derive(Clone, Copy, Debug)]
struct Step {
    feature: u32,
    /// The share of rows that go this way if the feature is not known.
    unknown: f64,
    /// 1 if the row goes this way, else 0.
    known: f64,
    /// The weight of all sets of features on the way with as many members as there are steps before.
    weight: f64,
}

/// The beginning of every way, where no feature is asked yet.
const START: Step = Step { feature: u32::MAX, unknown: 1.0, known: 1.0, weight: 0.0 };

impl ExplainedTree<'_> {
    /// Hands `add` each feature and what it contributes; `paths` has room for ways of all lengths.
    fn add_to(&self, row: &[f32], paths: &mut [Step], mut add: impl FnMut(usize, f64)) {
        self.descend(row, 0, (paths, 0), START, &mut add);
    }

    /// Goes on from a way of some length, which stands at the beginning of the paths, to a node.
    fn descend(
        &self,
        row: &[f32],
        node: usize,
        (paths, length): (&mut [Step], usize),
        step: Step,
        add: &mut impl FnMut(usize, f64),
    ) {
        // Both children need the way as it is, so that each gets a copy behind it.
        let (before, paths) = paths.split_at_mut(length);
        paths[..length].copy_from_slice(before);
        let mut length = extend(paths, length, step);
        let kind = self.tree.nodes[node].kind;
        match kind {
            NodeKind::Leaf { value } => {
                let value = f64::from(value) * self.weight;
                for position in 1..length {
                    let Step { feature, unknown, known, .. } = paths[position];
                    let total = total_without(&paths[..length], position);
                    add(feature as usize, total * (known - unknown) * value);
                }
            }
            NodeKind::Split { feature, left, right, .. } => {
                let hot = self.tree.next(&kind, row);
                // A feature that stands on the way already takes the place of its first split.
                let (mut unknown, mut known) = (1.0, 1.0);
                let same = |step: &Step| step.feature == feature;
                if let Some(position) = paths[1..length].iter().position(same) {
                    (unknown, known) = (paths[position + 1].unknown, paths[position + 1].known);
                    length = remove(paths, length, position + 1);
                }
                for child in [left as usize, right as usize] {
                    let step = Step {
                        feature,
                        unknown: unknown * share(self.tree, node, child),
                        known: if hot == Some(child) { known } else { 0.0 },
                        weight: 0.0,
                    };
                    // No training row and not this one: nothing below counts.
                    if step.known > 0.0 || step.unknown > 0.0 {
                        self.descend(row, child, (paths, length), step, add);
                    }
                }
            }
            NodeKind::VectorLeaf { .. } => {}
        }
    }
}

/// The number of steps of all ways of up to `depth` splits, one behind the other.
fn room(depth: usize) -> usize {
    (depth + 2) * (depth + 3) / 2
}

/// Makes a way one step longer.
fn extend(path: &mut [Step], length: usize, step: Step) -> usize {
    path[length] = Step { weight: if length == 0 { 1.0 } else { 0.0 }, ..step };
    let total = length as f64 + 1.0;
    for at in (0..length).rev() {
        path[at + 1].weight += step.known * path[at].weight * (at as f64 + 1.0) / total;
        path[at].weight *= step.unknown * (length - at) as f64 / total;
    }
    length + 1
}

/// Takes a step out of a way.
fn remove(path: &mut [Step], length: usize, position: usize) -> usize {
    let last = length - 1;
    let Step { unknown, known, .. } = path[position];
    let total = length as f64;
    let mut next = path[last].weight;
    for at in (0..last).rev() {
        if known == 0.0 {
            path[at].weight *= total / (unknown * (last - at) as f64);
        } else {
            let weight = path[at].weight;
            path[at].weight = next * total / ((at as f64 + 1.0) * known);
            next = weight - path[at].weight * unknown * (last - at) as f64 / total;
        }
    }
    for at in position..last {
        let Step { feature, unknown, known, .. } = path[at + 1];
        path[at] = Step { feature, unknown, known, ..path[at] };
    }
    last
}

/// The sum of the weights of the way without one of its steps.
fn total_without(path: &[Step], position: usize) -> f64 {
    let last = path.len() - 1;
    let Step { unknown, known, .. } = path[position];
    let length = last as f64 + 1.0;
    let mut next = path[last].weight;
    let mut total = 0.0;
    for at in (0..last).rev() {
        if known == 0.0 {
            total += path[at].weight * length / (unknown * (last - at) as f64);
        } else {
            let weight = next * length / ((at as f64 + 1.0) * known);
            total += weight;
            next = path[at].weight - weight * unknown * (last - at) as f64 / length;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;
    use crate::Dataset;
    use crate::booster::Parts;
    use crate::tree::{Node, Test};
    use mlops_core::{Feature, Random, Records, Schema};

    /// A booster of three features, one of which has missing values, and rows for it.
    fn booster() -> (Booster, Array2<f64>) {
        let mut random = Random::new(9);
        let values = Array2::from_shape_fn((300, 3), |(_, column)| {
            let value = random.unit();
            if column == 2 && value < 0.2 { f64::NAN } else { value }
        });
        let labels: Vec<bool> =
            values.rows().into_iter().map(|row| row[0] + row[1] * row[0] > 0.8).collect();
        let schema = Schema::new(["a", "b", "c"].map(Feature::numeric).into()).unwrap();
        let records = Records::new(std::sync::Arc::new(schema), values.clone()).unwrap();
        let dataset = Dataset::new(&records, &labels).unwrap();
        (Booster::params().rounds(8).max_depth(5).fit(&dataset, &[]).unwrap().booster, values)
    }

    /// The mean margin over rows of which only the features in `known` are known.
    fn margin_knowing(booster: &Booster, row: &[f32], known: u32) -> f64 {
        fn value(tree: &Tree, node: usize, row: &[f32], known: u32) -> f64 {
            let kind = tree.nodes[node].kind;
            match kind {
                NodeKind::Split { feature, .. } if known & (1 << feature) != 0 => {
                    value(tree, tree.next(&kind, row).unwrap(), row, known)
                }
                NodeKind::Split { left, right, .. } => [left as usize, right as usize]
                    .iter()
                    .map(|&child| share(tree, node, child) * value(tree, child, row, known))
                    .sum(),
                NodeKind::Leaf { value } => value.into(),
                NodeKind::VectorLeaf { .. } => unreachable!(),
            }
        }
        let trees = booster.parts().ensemble.trees();
        trees.iter().map(|tree| value(tree, 0, row, known)).sum()
    }

    #[test]
    fn contributions_are_shapley_values() {
        let (booster, rows) = booster();
        let contributions = booster.contributions(rows.view()).unwrap();
        for (row, got) in rows.rows().into_iter().zip(contributions.values.outer_iter()).take(40) {
            let row: Vec<f32> = row.iter().map(|value| to_f32(*value)).collect();
            for feature in 0..3_u32 {
                // The mean, over all orders, of what knowing the feature adds.
                let others = (0..8_u32).filter(|set| set & (1 << feature) == 0);
                let expected: f64 = others
                    .map(|set| {
                        let weight = [1.0 / 3.0, 1.0 / 6.0, 1.0 / 3.0][set.count_ones() as usize];
                        let with = margin_knowing(&booster, &row, set | (1 << feature));
                        weight * (with - margin_knowing(&booster, &row, set))
                    })
                    .sum();
                assert!((got[[0, feature as usize]] - expected).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn ways_that_no_training_row_went_are_explained() {
        // The left child has all rows; the right one is split again, by the same feature.
        let split = |threshold, left, right, hessian| Node {
            kind: NodeKind::Split {
                feature: 0,
                test: Test::Below(threshold),
                default_left: true,
                left,
                right,
                gain: 1.0,
            },
            weight: 0.0,
            hessian,
            id: 0,
        };
        let nodes = vec![
            split(1.0, 1, 2, 5.0),
            Node::leaf(-1.0, 0.0, 5.0),
            split(2.0, 3, 4, 0.0),
            Node::leaf(0.5, 0.0, 0.0),
            Node::leaf(2.0, 0.0, 0.0),
        ];
        let (booster, _) = booster();
        let ensemble = Ensemble::Trees(TreeEnsemble::of_rounds(vec![Tree::new(nodes)], 1));
        let parts = Parts { ensemble, ..booster.parts().clone() };
        let booster = Booster::from_parts(parts).unwrap();
        let rows = array![[0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [3.0, 0.0, 0.0]];
        let contributions = booster.contributions(rows.view()).unwrap();
        let margins = booster.margins(rows.view()).unwrap();
        for (margin, row) in margins.iter().zip(contributions.values.outer_iter()) {
            let sum = contributions.base_values[0] + row.sum();
            assert!((sum - f64::from(*margin)).abs() < 1e-6, "{row:?}");
        }
    }

    #[test]
    fn base_value_and_contributions_add_up_to_the_margin() {
        let (booster, rows) = booster();
        let contributions = booster.contributions(rows.view()).unwrap();
        let margins = booster.margins(rows.view()).unwrap();
        for (margin, row) in margins.iter().zip(contributions.values.outer_iter()) {
            let sum = contributions.base_values[0] + row.sum();
            assert!((sum - f64::from(*margin)).abs() < 1e-5);
        }
        let error = booster.contributions(array![[1.0]].view()).unwrap_err();
        assert_eq!(error, Error::ColumnCount { got: 1, expected: 3 });
    }
}
