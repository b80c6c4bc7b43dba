use proptest::prelude::*;

use super::*;
use crate::{Node, Side};

const N_FEATURES: usize = 3;

fn leaves(forest: &Forest<f64>, values: &[f64]) -> Vec<f64> {
    leaves_of(forest, &[values.to_vec()]).concat()
}

/// The leaves of each row, all rows being walked at once.
fn leaves_of(forest: &Forest<f64>, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut batch = forest.rows(0);
    for row in rows {
        batch.push(row);
    }
    let mut leaves = vec![Vec::new(); rows.len()];
    forest.for_each_leaf(&batch, |row, tree, values| {
        assert_eq!(leaves[row].len(), tree);
        leaves[row].extend_from_slice(values);
    });
    leaves
}

fn split(threshold: f32, missing: Side, left: usize, right: usize) -> Node<f64> {
    Node::Split { feature: 0, threshold, missing, left, right }
}

fn leaf(value: f64) -> Node<f64> {
    Node::Leaf { value }
}

/// A tree that goes one level down for every whole number from 1 on, `depth` levels in all.
fn chain(depth: usize) -> Vec<Node<f64>> {
    let mut nodes = Vec::with_capacity(2 * depth + 1);
    for level in 1..=depth {
        let at = nodes.len();
        nodes.push(split(level as f32, Side::Right, at + 1, at + 2));
        nodes.push(leaf(level as f64));
    }
    nodes.push(leaf(-1.0));
    nodes
}

#[test]
fn a_value_on_the_threshold_goes_right() {
    let forest = Forest::builder(1)
        .tree(vec![split(0.5, Side::Left, 2, 1), leaf(2.0), leaf(1.0)])
        .tree(vec![split(f32::INFINITY, Side::Right, 1, 2), leaf(1.0), leaf(2.0)])
        .build()
        .unwrap();
    assert_eq!(forest.n_trees(), 2);
    for (value, expected) in [
        (0.5_f64.next_down(), [2.0, 1.0]), // rounds to 0.5
        (0.499, [1.0, 1.0]),
        (0.5, [2.0, 1.0]),
        (f64::NEG_INFINITY, [1.0, 1.0]),
        (f64::INFINITY, [2.0, 2.0]),
        (1e39, [2.0, 2.0]),
        (f64::NAN, [1.0, 2.0]),
    ] {
        assert_eq!(leaves(&forest, &[value]), expected, "{value}");
    }
}

#[test]
fn the_two_zeros_are_one_number() {
    for threshold in [0.0, -0.0] {
        let tree = vec![split(threshold, Side::Left, 1, 2), leaf(1.0), leaf(2.0)];
        let forest = Forest::builder(1).tree(tree).build().unwrap();
        assert_eq!(leaves(&forest, &[0.0]), [2.0]);
        assert_eq!(leaves(&forest, &[-0.0]), [2.0]);
    }
}

#[test]
fn forests_without_trees_or_features_are_fine() {
    let empty = Forest::<f64>::builder(2).build().unwrap();
    assert_eq!(leaves(&empty, &[1.0, 2.0]), [0.0; 0]);
    let constant = Forest::builder(0).tree(vec![leaf(3.0)]).build().unwrap();
    assert_eq!(leaves(&constant, &[]), [3.0]);
}

#[test]
fn unreachable_nodes_are_dropped() {
    let tree =
        vec![split(1.0, Side::Left, 3, 1), leaf(2.0), split(f32::NAN, Side::Left, 9, 9), leaf(1.0)];
    let forest = Forest::builder(1).tree(tree).build().unwrap();
    assert_eq!(leaves(&forest, &[0.0]), [1.0]);
    assert_eq!(leaves(&forest, &[1.0]), [2.0]);
}

#[test]
fn very_unequal_depths_are_walked_to_the_end() {
    let depths = [0, 1, 40, 0, 3, 0, 0, 2, 0, 1, 17];
    let forest = depths
        .into_iter()
        .fold(Forest::builder(1), |builder, depth| builder.tree(chain(depth)))
        .build()
        .unwrap();
    for value in [0.0, 1.0, 2.5, 16.0, 17.0, 39.0, 40.0, 1e9] {
        let expected = depths.map(|depth| {
            let level = f64::floor(value) + 1.0;
            if level <= depth as f64 { level } else { -1.0 }
        });
        assert_eq!(leaves(&forest, &[value]), expected, "{value}");
    }
}

#[test]
fn a_tree_of_100_000_levels_does_not_overflow_the_stack() {
    let forest = Forest::builder(1).tree(chain(100_000)).build().unwrap();
    assert_eq!(leaves(&forest, &[99_998.5]), [99_999.0]);
    assert_eq!(leaves(&forest, &[f64::NAN]), [-1.0]);
}

#[test]
fn many_features_have_their_own_slots() {
    let n_features = 100_000;
    let tree = |feature| {
        let missing = Side::Left;
        vec![
            Node::Split { feature, threshold: 1.0, missing, left: 1, right: 2 },
            leaf(0.0),
            leaf(1.0),
        ]
    };
    let forest =
        Forest::builder(n_features).tree(tree(n_features - 1)).tree(tree(n_features - 2)).build();
    let mut values = vec![f64::NAN; n_features];
    values[n_features - 1] = 1.0;
    assert_eq!(leaves(&forest.unwrap(), &values), [1.0, 0.0]);
}

#[test]
#[should_panic(expected = "the forest that they are made for")]
fn rows_of_another_forest_are_refused() {
    let forest = Forest::<f64>::builder(2).build().unwrap();
    forest.for_each_leaf(&Rows::new(3, 1), |_, _, _| {});
}

#[test]
fn forests_and_rows_go_to_other_threads() {
    fn assert_auto_traits<T: Send + Sync + Unpin>() {}
    assert_auto_traits::<Forest<f32>>();
    assert_auto_traits::<Rows>();
}

/// The tree as a textbook has it.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(f64),
    Split {
        feature: usize,
        threshold: f32,
        missing: Side,
        mirrored: bool,
        children: Box<[Self; 2]>,
    },
}

impl Tree {
    fn leaf(&self, values: &[f64]) -> f64 {
        match self {
            Self::Leaf(value) => *value,
            Self::Split { feature, threshold, missing, children, .. } => {
                #[expect(clippy::cast_possible_truncation, reason = "trees compute in 32 bits")]
                let x = values[*feature] as f32;
                let left = if x.is_nan() { *missing == Side::Left } else { x < *threshold };
                children[usize::from(!left)].leaf(values)
            }
        }
    }

    /// Appends the nodes of the tree in one of many orders and tells the position of its root.
    fn append_to(&self, nodes: &mut Vec<Node<f64>>) -> usize {
        let at = nodes.len();
        match self {
            Self::Leaf(value) => nodes.push(leaf(*value)),
            Self::Split { feature, threshold, missing, mirrored, children } => {
                nodes.push(leaf(0.0));
                let [left, right] = &**children;
                let (left, right) = if *mirrored {
                    let right = right.append_to(nodes);
                    (left.append_to(nodes), right)
                } else {
                    (left.append_to(nodes), right.append_to(nodes))
                };
                nodes[at] = Node::Split {
                    feature: *feature,
                    threshold: *threshold,
                    missing: *missing,
                    left,
                    right,
                };
            }
        }
        at
    }
}

/// Few different numbers, so that values meet thresholds.
fn number() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => (-3_i8..=3).prop_map(f32::from),
        1 => Just(-0.0),
        1 => Just(f32::MAX),
        1 => Just(f32::INFINITY),
        1 => any::<f32>().prop_filter("no threshold", |x| *x > f32::NEG_INFINITY),
    ]
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => number().prop_map(f64::from),
        1 => Just(f64::NAN),
        1 => Just(f64::NEG_INFINITY),
        1 => any::<f64>(),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    any::<f64>().prop_map(Tree::Leaf).prop_recursive(6, 40, 2, |child| {
        (0..N_FEATURES, number(), any::<(bool, bool)>(), child.clone(), child).prop_map(
            |(feature, threshold, (left, mirrored), first, second)| Tree::Split {
                feature,
                threshold,
                missing: if left { Side::Left } else { Side::Right },
                mirrored,
                children: Box::new([first, second]),
            },
        )
    })
}

/// So many features in splits that a forest has each engine, up to the most, and just not any more.
const WIDTHS: [(usize, &str); 5] = [
    (N_FEATURES + 1, "8-bit ranks"),
    (32, "8-bit ranks"),
    (33, "16-bit ranks"),
    (128, "16-bit ranks"),
    (129, "32-bit thresholds"),
];

/// A tree that compares the first features, which are missing in all rows: its leaf is 7.
fn filler(n_features: usize) -> Vec<Node<f64>> {
    let split = |feature| Node::Split {
        feature,
        threshold: 0.5,
        missing: Side::Left,
        left: 2 * feature + 1,
        right: 2 * feature + 2,
    };
    let nodes = (0..n_features).flat_map(|feature| [split(feature), leaf(7.0)]);
    nodes.chain([leaf(0.0)]).collect()
}

/// The nodes with each feature `by` places further.
fn moved(nodes: Vec<Node<f64>>, by: usize) -> Vec<Node<f64>> {
    let node = |mut node: Node<f64>| {
        if let Node::Split { feature, .. } = &mut node {
            *feature += by;
        }
        node
    };
    nodes.into_iter().map(node).collect()
}

proptest! {
    #[test]
    fn every_row_ends_where_a_walk_from_the_root_ends(
        trees in prop::collection::vec(tree(), 0..20),
        rows in prop::collection::vec(prop::collection::vec(value(), N_FEATURES), 1..70),
    ) {
        let expected = |row: &Vec<f64>| -> Vec<f64> {
            trees.iter().map(|tree| tree.leaf(row)).chain([7.0]).collect()
        };
        let expected: Vec<Vec<f64>> = rows.iter().map(expected).collect();
        for (n_features, engine) in WIDTHS {
            let n_missing = n_features - N_FEATURES;
            let all_features = (0..N_FEATURES).map(|feature| vec![
                Node::Split { feature, threshold: 0.5, missing: Side::Left, left: 1, right: 2 },
                leaf(0.0),
                leaf(0.0),
            ]);
            let trees = trees.iter().map(|tree| {
                let mut nodes = Vec::new();
                tree.append_to(&mut nodes);
                nodes
            });
            let builder = trees
                .map(|nodes| moved(nodes, n_missing))
                .chain([filler(n_missing)])
                .chain(all_features.map(|nodes| moved(nodes, n_missing)))
                .fold(Forest::builder(n_features), ForestBuilder::tree);
            let forest = builder.build().unwrap();
            prop_assert_eq!(forest.engine(), engine);
            let rows: Vec<Vec<f64>> =
                rows.iter().map(|row| [&vec![f64::NAN; n_missing][..], row].concat()).collect();
            for n_rows in [1, 5, rows.len()] {
                for (rows, expected) in rows.chunks(n_rows).zip(expected.chunks(n_rows)) {
                    for (found, expected) in leaves_of(&forest, rows).iter().zip(expected) {
                        let bits = |leaves: &[f64]| -> Vec<u64> {
                            leaves.iter().map(|leaf| leaf.to_bits()).collect()
                        };
                        prop_assert_eq!(bits(&found[..expected.len()]), bits(expected));
                    }
                }
            }
        }
    }
}

#[test]
fn forests_of_many_nodes_are_walked_in_blocks_of_any_size() {
    let (n_trees, depth) = (1310, 100);
    let trees = (0..n_trees).fold(Forest::builder(1), |builder, _| builder.tree(chain(depth)));
    let forest = trees.build().unwrap();
    assert_eq!(forest.engine(), "16-bit ranks");
    let rows: Vec<Vec<f64>> = (0..130).map(|row| vec![f64::from(row) - 0.5]).collect();
    for n_rows in [1, 3, 4, 16, 17, 64, 65, 130] {
        for (block, rows) in rows.chunks(n_rows).enumerate() {
            for (at, leaves) in leaves_of(&forest, rows).iter().enumerate() {
                let row = block * n_rows + at;
                let expected = if row <= depth { row.max(1) as f64 } else { -1.0 };
                assert_eq!(*leaves, vec![expected; n_trees], "row {row} of blocks of {n_rows}");
            }
        }
    }
}

#[test]
fn forests_take_ranks_of_as_many_bits_as_their_thresholds_need() {
    let forest = |n_thresholds: usize| {
        let thresholds = 1..=n_thresholds;
        let tree =
            |threshold| vec![split(threshold as f32, Side::Left, 1, 2), leaf(0.0), leaf(1.0)];
        let builder =
            thresholds.fold(Forest::builder(1), |builder, threshold| builder.tree(tree(threshold)));
        builder.build().unwrap()
    };
    for (n_thresholds, engine) in [
        (255, "8-bit ranks"),
        (256, "16-bit ranks"),
        (65_535, "16-bit ranks"),
        (65_536, "32-bit thresholds"),
    ] {
        let forest = forest(n_thresholds);
        assert_eq!(forest.engine(), engine, "{n_thresholds}");
        let n = n_thresholds as f64;
        for value in [0.5, 1.0, n - 0.5, n, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let expected = if value.is_nan() { 0.0 } else { value.floor().clamp(0.0, n) };
            let sum: f64 = leaves(&forest, &[value]).iter().sum();
            assert_eq!(sum, expected, "{n_thresholds} {value}");
        }
    }
}

#[test]
fn a_leaf_is_no_larger_than_it_needs_to_be() {
    let tree = vec![split(0.5, Side::Left, 1, 2), leaf(0.0), leaf(1.0)];
    let forest = Forest::builder(1).tree(tree).build().unwrap();
    let (nodes, values, thresholds) = (4 * 4, 4 * 8, 255 * 4);
    let bytes = forest.n_bytes();
    assert!((nodes + values + thresholds..2000).contains(&bytes), "{bytes}");
}
