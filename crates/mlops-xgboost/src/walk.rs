//! Trees compiled to be walked fast: from rows to margins and leaves.

use std::collections::BTreeMap;

use mlops_forest::{Forest, Node as ForestNode, Rows, Side, to_f32};

use crate::Error;
use crate::ensemble::{Ensemble, TreeEnsemble};
use crate::tree::{NodeKind, Test, Tree, is_among};

/// What computes the margins of a row.
#[derive(Clone, Debug)]
pub(crate) enum Walker {
    /// Leaves are numbers; each tree adds to the output at its place in `outputs`, or to the only one.
    Scalar { columns: Columns, forest: Forest<f32>, outputs: Vec<u32> },
    /// Leaves are positions of vectors, with a number for every output.
    Vector { columns: Columns, forest: Forest<u32>, vectors: Vec<f32> },
}

/// The values that trees compare: the features, and for each split by category whether the row's category is among
/// those that are named.
///
/// So a split by category is one by the number 1/2, and the engine knows no other.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    n_features: usize,
    /// The feature and the categories behind each further column.
    categories: Vec<(u32, Box<[u32]>)>,
}

/// Rows that are walked together.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) rows: Rows,
    /// The columns of a row, if they have to be computed.
    values: Vec<f32>,
}

impl Walker {
    /// Compiles trees over `n_features`, which were checked, for `n_outputs`.
    pub(crate) fn new(
        ensemble: &Ensemble,
        n_features: usize,
        n_outputs: usize,
    ) -> Result<Self, Error> {
        let none = TreeEnsemble::default();
        let ensemble = match ensemble {
            Ensemble::Trees(ensemble) => ensemble,
            // A linear model has no trees.
            Ensemble::Linear(_) => &none,
        };
        let (columns, positions) = Columns::of(&ensemble.trees, n_features);
        if ensemble.trees.iter().any(|tree| !tree.vectors.is_empty()) {
            let (forest, vectors) = vector_forest(ensemble, &columns, &positions, n_outputs)?;
            return Ok(Self::Vector { columns, forest, vectors });
        }
        let trees = ensemble.trees.iter().zip(&positions).enumerate();
        let builder = Forest::builder(columns.len());
        let builder = trees.fold(builder, |builder, (index, (tree, positions))| {
            let weight = ensemble.weight(index);
            // XGBoost multiplies, then adds: the product is rounded by itself.
            let value = |kind: &NodeKind, _| match kind {
                NodeKind::Leaf { value } => value * weight,
                _ => 0.0,
            };
            builder.tree(compile(tree, positions, value))
        });
        let outputs = if n_outputs == 1 { Vec::new() } else { ensemble.outputs.clone() };
        Ok(Self::Scalar { columns, forest: builder.build()?, outputs })
    }

    /// The values that trees compare.
    pub(crate) fn columns(&self) -> &Columns {
        match self {
            Self::Scalar { columns, .. } | Self::Vector { columns, .. } => columns,
        }
    }

    /// How trees are computed.
    pub(crate) fn engine(&self) -> &'static str {
        match self {
            Self::Scalar { forest, .. } => forest.engine(),
            Self::Vector { forest, .. } => forest.engine(),
        }
    }

    /// How many rows are worth walking together.
    pub(crate) fn block(&self) -> usize {
        match self {
            Self::Scalar { forest, .. } => forest.block(),
            Self::Vector { forest, .. } => forest.block(),
        }
    }

    /// The bytes that the compiled trees take.
    pub(crate) fn n_bytes(&self) -> usize {
        let categories = self.columns().categories.iter();
        let categories: usize =
            categories.map(|entry| size_of_val(entry) + size_of_val(&*entry.1)).sum();
        let trees = match self {
            Self::Scalar { forest, outputs, .. } => forest.n_bytes() + size_of_val(&**outputs),
            Self::Vector { forest, vectors, .. } => forest.n_bytes() + size_of_val(&**vectors),
        };
        categories + trees
    }

    /// Adds the leaves of all rows to `margins`, rows x outputs.
    pub(crate) fn add_leaves(&self, rows: &Rows, margins: &mut [f32]) {
        let n_outputs = margins.len() / rows.len().max(1);
        match self {
            Self::Scalar { forest, outputs, .. } if outputs.is_empty() => {
                forest.for_each_leaf(rows, |row, _, leaves| {
                    margins[row] = leaves.iter().fold(margins[row], |sum, leaf| sum + leaf);
                });
            }
            Self::Scalar { forest, outputs, .. } => {
                forest.for_each_leaf(rows, |row, tree, leaves| {
                    let margins = &mut margins[row * n_outputs..][..n_outputs];
                    for (output, leaf) in outputs[tree..].iter().zip(leaves) {
                        margins[*output as usize] += leaf;
                    }
                });
            }
            Self::Vector { forest, vectors, .. } => {
                forest.for_each_leaf(rows, |row, _, leaves| {
                    let margins = &mut margins[row * n_outputs..][..n_outputs];
                    for leaf in leaves {
                        let vector = &vectors[*leaf as usize * n_outputs..][..n_outputs];
                        margins.iter_mut().zip(vector).for_each(|(margin, value)| *margin += value);
                    }
                });
            }
        }
    }
}

impl Columns {
    /// The columns that trees over `n_features` compare, and the column of each list of categories,
    /// tree by tree.
    pub(crate) fn of(trees: &[Tree], n_features: usize) -> (Self, Vec<Vec<usize>>) {
        let (mut categories, mut known) = (Vec::new(), BTreeMap::new());
        let positions = trees.iter().map(|tree| {
            let mut positions = vec![0; tree.categories.len()];
            for node in &tree.nodes {
                let NodeKind::Split { feature, test: Test::NotIn(list), .. } = node.kind else {
                    continue;
                };
                let key = (feature, tree.categories[list as usize].clone());
                positions[list as usize] = *known.entry(key).or_insert_with_key(|key| {
                    categories.push(key.clone());
                    n_features + categories.len() - 1
                });
            }
            positions
        });
        let positions = positions.collect();
        (Self { n_features, categories }, positions)
    }

    pub(crate) fn len(&self) -> usize {
        self.n_features + self.categories.len()
    }

    /// Room for that many rows.
    pub(crate) fn batch(&self, capacity: usize) -> Batch {
        Batch { rows: Rows::new(self.len(), capacity), values: Vec::new() }
    }

    /// Adds a row to a batch.
    pub(crate) fn push<V: Copy + Into<f64>>(&self, batch: &mut Batch, values: &[V]) {
        let Batch { rows, values: columns } = batch;
        if self.categories.is_empty() {
            rows.push(values);
            return;
        }
        columns.clear();
        columns.extend(values.iter().map(|value| to_f32(*value)));
        for (feature, categories) in &self.categories {
            let value = columns[*feature as usize];
            let is_named = f32::from(u8::from(is_among(value, categories)));
            columns.push(if value.is_nan() { value } else { is_named });
        }
        rows.push(columns);
    }
}

/// The nodes of a tree as the forest engine takes them, with leaves that `value` makes of a kind and
/// of the node's number.
pub(crate) fn compile<V>(
    tree: &Tree,
    positions: &[usize],
    value: impl Fn(&NodeKind, u32) -> V,
) -> Vec<ForestNode<V>> {
    let node = |node: &crate::tree::Node| match node.kind {
        NodeKind::Split { feature, test, default_left, left, right, .. } => {
            let (feature, threshold) = match test {
                Test::Below(threshold) => (feature as usize, threshold),
                Test::NotIn(categories) => (positions[categories as usize], 0.5),
            };
            ForestNode::Split {
                feature,
                threshold,
                missing: if default_left { Side::Left } else { Side::Right },
                left: left as usize,
                right: right as usize,
            }
        }
        ref leaf => ForestNode::Leaf { value: value(leaf, node.id) },
    };
    tree.nodes.iter().map(node).collect()
}

/// A forest of positions of vectors, and the vectors of all trees.
fn vector_forest(
    ensemble: &TreeEnsemble,
    columns: &Columns,
    positions: &[Vec<usize>],
    n_outputs: usize,
) -> Result<(Forest<u32>, Vec<f32>), Error> {
    let mut vectors = Vec::new();
    let mut builder = Forest::builder(columns.len());
    for (index, (tree, positions)) in ensemble.trees.iter().zip(positions).enumerate() {
        if tree.vectors.is_empty() {
            let problem = "its leaves are numbers, and those of other trees vectors";
            return Err(Error::Tree { tree: index, problem });
        }
        let first = u32::try_from(vectors.len() / n_outputs).ok();
        let problem = "more vectors than 32 bits count";
        let first = first.ok_or(Error::Tree { tree: index, problem })?;
        let weight = ensemble.weight(index);
        vectors.extend(tree.vectors.iter().map(|value| value * weight));
        let position = |kind: &NodeKind, _| match kind {
            NodeKind::VectorLeaf { vector } => first.saturating_add(*vector),
            _ => 0,
        };
        builder = builder.tree(compile(tree, positions, position));
    }
    Ok((builder.build()?, vectors))
}
