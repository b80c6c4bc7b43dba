//! Trees as the lists that ONNX's operator takes.

use mlops_core::Schema;
use mlops_forest::{Node, Side};

use super::threshold::RawSplit;
use crate::Error;
use crate::tree::Tree;

/// What the trees compare, in terms of the columns of a row.
pub(super) struct Prepared<'f> {
    /// For each feature of the trees, the column that it is computed from.
    pub(super) columns: Vec<usize>,
    /// The value of a feature, given that of its column; never rises or never falls.
    pub(super) value: &'f dyn Fn(usize, f64) -> f64,
}

/// The nodes of all trees, in `ai.onnx.ml`'s words: one entry per node in each list, and one per leaf in
/// those of `target`.
///
/// Every split is `x <= value`, which for 32-bit numbers is `x < value.next_up()`.
#[derive(Debug, Default)]
pub(super) struct Ensemble {
    pub(super) tree_ids: Vec<i64>,
    pub(super) node_ids: Vec<i64>,
    pub(super) modes: Vec<Mode>,
    pub(super) feature_ids: Vec<i64>,
    pub(super) values: Vec<f64>,
    pub(super) true_ids: Vec<i64>,
    pub(super) false_ids: Vec<i64>,
    pub(super) missing_tracks_true: Vec<i64>,
    pub(super) target_tree_ids: Vec<i64>,
    pub(super) target_node_ids: Vec<i64>,
    pub(super) target_weights: Vec<f64>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mode {
    AtMost,
    Leaf,
}

impl Ensemble {
    /// The trees with splits of what stands in the columns of `schema`, and the weight that a path length has
    /// in their leaves.
    ///
    /// # Errors
    /// * [`Error::NotSeparable`] if no row of 32-bit numbers goes to one side of a split
    pub(super) fn new(
        trees: &[Tree],
        prepared: &Prepared<'_>,
        schema: &Schema,
        weight: impl Fn(f64) -> f64,
    ) -> Result<Self, Error> {
        let mut ensemble = Self::default();
        let mut bounds = vec![Bounds::ALL; schema.len()];
        for (tree, nodes) in trees.iter().map(Tree::path_lengths).enumerate() {
            bounds.fill(Bounds::ALL);
            ensemble.push_tree(tree, &nodes, prepared, &mut bounds, &weight).map_err(
                |Inseparable { node, column }| {
                    let feature = schema.features()[column].name().to_owned();
                    Error::NotSeparable { tree, node, feature }
                },
            )?;
        }
        Ok(ensemble)
    }

    /// Appends a tree, each node before its children; `bounds` are those of all rows.
    fn push_tree(
        &mut self,
        tree: usize,
        nodes: &[Node<f64>],
        prepared: &Prepared<'_>,
        bounds: &mut [Bounds],
        weight: impl Fn(f64) -> f64,
    ) -> Result<(), Inseparable> {
        let root = self.node_ids.len();
        // Steps instead of calls: the trees of a file may be deeper than the stack.
        let mut steps = vec![Step::Visit { node: 0, parent: None }];
        while let Some(step) = steps.pop() {
            let (node, parent) = match step {
                Step::Visit { node, parent } => (node, parent),
                Step::Bound { column, to } => {
                    bounds[column] = to;
                    continue;
                }
            };
            let at = self.node_ids.len();
            let id = integer(at - root);
            match parent {
                Some(Link::True(parent)) => self.true_ids[parent] = id,
                Some(Link::False(parent)) => self.false_ids[parent] = id,
                None => {}
            }
            self.tree_ids.push(integer(tree));
            self.node_ids.push(id);
            match nodes[node] {
                Node::Leaf { value } => {
                    self.push_test(Mode::Leaf, 0, 0.0, false);
                    self.target_tree_ids.push(integer(tree));
                    self.target_node_ids.push(id);
                    self.target_weights.push(weight(value));
                }
                Node::Split { feature, threshold, missing, left, right } => {
                    let column = prepared.columns[feature];
                    let here = bounds[column];
                    let split = RawSplit::new(threshold, |x| (prepared.value)(feature, x))
                        .filter(|split| here.has_both_sides(split.threshold))
                        .ok_or(Inseparable { node, column })?;
                    let at_most = f64::from(split.threshold.next_down());
                    let missing_tracks_true = missing == split.below;
                    self.push_test(Mode::AtMost, integer(column), at_most, missing_tracks_true);
                    let (below, upper) = match split.below {
                        Side::Left => (left, right),
                        Side::Right => (right, left),
                    };
                    // Read upwards: the last step comes first.
                    steps.extend([
                        Step::Bound { column, to: here },
                        Step::Visit { node: upper, parent: Some(Link::False(at)) },
                        Step::Bound { column, to: Bounds { min: split.threshold, ..here } },
                        Step::Visit { node: below, parent: Some(Link::True(at)) },
                        Step::Bound { column, to: Bounds { end: split.threshold, ..here } },
                    ]);
                }
            }
        }
        Ok(())
    }

    /// Appends what a node asks; the children of a split are not known yet.
    fn push_test(&mut self, mode: Mode, column: i64, at_most: f64, missing_tracks_true: bool) {
        self.modes.push(mode);
        self.feature_ids.push(column);
        self.values.push(at_most);
        self.true_ids.push(0);
        self.false_ids.push(0);
        self.missing_tracks_true.push(i64::from(missing_tracks_true));
    }
}

/// A position or a length as ONNX has it.
pub(super) fn integer(position: usize) -> i64 {
    #[expect(clippy::cast_possible_wrap, reason = "no memory holds 2^63 of anything")]
    let integer = position as i64;
    integer
}

/// A split of which one side has no numbers.
struct Inseparable {
    node: usize,
    column: usize,
}

/// The numbers of a column that come to a node: at least `min` and less than `end`.
#[derive(Clone, Copy)]
struct Bounds {
    min: f32,
    end: f32,
}

impl Bounds {
    const ALL: Self = Self { min: f32::MIN, end: f32::INFINITY };

    /// Whether there are 32-bit numbers below `threshold` and others that are not.
    fn has_both_sides(self, threshold: f32) -> bool {
        self.min < threshold && threshold < self.end
    }
}

/// Something to do on the way through a tree.
enum Step {
    Visit { node: usize, parent: Option<Link> },
    Bound { column: usize, to: Bounds },
}

/// The parent of a node by its position in the lists, and the side on which the node is.
enum Link {
    True(usize),
    False(usize),
}
