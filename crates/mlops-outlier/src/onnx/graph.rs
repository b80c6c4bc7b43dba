//! A forest as a graph of operators.
//!
//! ```text
//! excess     = mean over trees of (path length - c(psi))
//! score      = 1/2 * 2^(-excess / c(psi)) + offset
//! is_outlier = excess < limit
//! ```
//!
//! The trees compute in 64 bits, because that is where their sum is exact enough whatever the number of trees and
//! whatever their order, which in ONNX Runtime depends on threads. What they answer is rounded to 32 bits, as the
//! operator demands: therefore the leaves hold how far a path length is from c(psi), a number near 0. With
//! r = excess / c(psi), which is at least -1, this moves the score by at most
//! `1/2 * 2^(-r) * ln 2 * |r| * 2^-24 <= 4.2e-8`, and rounding the score itself adds 3.0e-8.

use mlops_core::Schema;
use prost::Message;
use serde_json::json;

use super::ensemble::{Ensemble, Mode, Prepared, integer};
use super::proto::{
    Attribute, AttributeType, Dimension, ElementType, Entry, Graph, Model, Node, OperatorSet,
    Shape, Tensor, TensorType, ValueInfo, ValueType,
};
use crate::Error;
use crate::tree::{Tree, average_path_length};

/// The name of the one input, a matrix of rows x columns.
pub(super) const INPUT: &str = "input";
/// The names of the outputs, one value per row each.
pub(super) const SCORE: &str = "score";
pub(super) const IS_OUTLIER: &str = "is_outlier";

/// The operators for trees.
const TREES: &str = "ai.onnx.ml";

/// What a file may have: protocol buffers count its bytes in 32 bits.
const MAX_BYTES: usize = i32::MAX as usize;

/// What there is to say about a forest.
pub(super) struct Forest<'f> {
    pub(super) schema: &'f Schema,
    pub(super) prepared: Prepared<'f>,
    pub(super) trees: &'f [Tree],
    pub(super) max_samples: usize,
    pub(super) offset: f64,
    pub(super) threshold: f64,
}

/// The bytes of the ONNX model.
///
/// # Errors
/// * [`Error::NotSeparable`] if the splits need more than 32 bits
/// * [`Error::TooLarge`] if ONNX has no room for so many nodes
pub(super) fn encode(forest: &Forest<'_>) -> Result<Vec<u8>, Error> {
    let average = average_path_length(forest.max_samples);
    let ensemble =
        Ensemble::new(forest.trees, &forest.prepared, forest.schema, |length| length - average)?;
    // Trees of one row say nothing, and their score is that of the average.
    let exponent = if average == 0.0 { 0.0 } else { -1.0 / average };
    let graph = Graph {
        name: "isolation_forest".to_owned(),
        nodes: vec![
            cast(INPUT, "values", ElementType::Double),
            trees("values", "excess", ensemble),
            node("Less", ["excess", "limit"], "is_below_limit"),
            cast("is_below_limit", IS_OUTLIER, ElementType::Int64),
            cast("excess", "excess_64", ElementType::Double),
            node("Mul", ["excess_64", "factor"], "exponent"),
            node("Pow", ["two", "exponent"], "ratio"),
            node("Mul", ["ratio", "half"], "anomaly"),
            node("Add", ["anomaly", "offset"], "score_64"),
            cast("score_64", SCORE, ElementType::Float),
        ],
        initializers: vec![
            Tensor { floats: vec![limit(forest, average)], ..scalar("limit", ElementType::Float) },
            double("factor", exponent),
            double("two", 2.0),
            double("half", 0.5),
            double("offset", forest.offset),
        ],
        inputs: vec![ValueInfo {
            doc_string: "One row per line, in the order of `columns`; NaN is a missing value"
                .to_owned(),
            ..matrix(INPUT, ElementType::Float, integer(forest.schema.len()))
        }],
        outputs: vec![
            ValueInfo {
                doc_string: "The higher, the more abnormal".to_owned(),
                ..matrix(SCORE, ElementType::Float, 1)
            },
            ValueInfo {
                doc_string: "1 if the score is above `threshold`, else 0".to_owned(),
                ..matrix(IS_OUTLIER, ElementType::Int64, 1)
            },
        ],
    };
    let columns: Vec<&str> = forest.schema.names().collect();
    let model = Model {
        ir_version: 8,
        producer_name: env!("CARGO_PKG_NAME").to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: "Isolation forest: score = 2^(-E[path length] / c(max_samples)) + offset"
            .to_owned(),
        graph: Some(graph),
        opset_import: vec![
            OperatorSet { domain: String::new(), version: 17 },
            OperatorSet { domain: TREES.to_owned(), version: 3 },
        ],
        metadata: vec![
            Entry { key: "columns".to_owned(), value: json!(columns).to_string() },
            Entry { key: "threshold".to_owned(), value: forest.threshold.to_string() },
        ],
    };
    let n_bytes = model.encoded_len();
    if n_bytes > MAX_BYTES { Err(Error::TooLarge { n_bytes }) } else { Ok(model.encode_to_vec()) }
}

/// The excess below which a row is an outlier: where the score is the threshold.
///
/// It is rounded as the operator of trees rounds, so that a row whose score is the threshold, as that of a training
/// row often is, stays what it is: no outlier.
fn limit(forest: &Forest<'_>, average: f64) -> f32 {
    let Forest { threshold, offset, .. } = *forest;
    let ratio = 2.0 * (threshold - offset);
    let limit = if average == 0.0 {
        // All rows have the same score.
        if 0.5 + offset > threshold { f64::INFINITY } else { f64::NEG_INFINITY }
    } else if ratio <= 0.0 {
        f64::INFINITY
    } else {
        -average * ratio.log2()
    };
    #[expect(clippy::cast_possible_truncation, reason = "the operator of trees rounds like this")]
    let rounded = limit as f32;
    rounded
}

/// The mean of what the trees say.
fn trees(input: &str, output: &str, ensemble: Ensemble) -> Node {
    let targets = vec![0; ensemble.target_node_ids.len()];
    let modes = ensemble.modes.into_iter().map(|mode| match mode {
        Mode::AtMost => b"BRANCH_LEQ".to_vec(),
        Mode::Leaf => b"LEAF".to_vec(),
    });
    Node {
        domain: TREES.to_owned(),
        attributes: vec![
            string("aggregate_function", "AVERAGE"),
            string("post_transform", "NONE"),
            number("n_targets", 1),
            integers("nodes_treeids", ensemble.tree_ids),
            integers("nodes_nodeids", ensemble.node_ids),
            strings("nodes_modes", modes.collect()),
            integers("nodes_featureids", ensemble.feature_ids),
            doubles("nodes_values_as_tensor", ensemble.values),
            integers("nodes_truenodeids", ensemble.true_ids),
            integers("nodes_falsenodeids", ensemble.false_ids),
            integers("nodes_missing_value_tracks_true", ensemble.missing_tracks_true),
            integers("target_treeids", ensemble.target_tree_ids),
            integers("target_nodeids", ensemble.target_node_ids),
            integers("target_ids", targets),
            doubles("target_weights_as_tensor", ensemble.target_weights),
        ],
        ..node("TreeEnsembleRegressor", [input], output)
    }
}

fn cast(input: &str, output: &str, to: ElementType) -> Node {
    Node { attributes: vec![number("to", i64::from(to as i32))], ..node("Cast", [input], output) }
}

fn node<const N: usize>(operator: &str, inputs: [&str; N], output: &str) -> Node {
    Node {
        inputs: inputs.map(str::to_owned).into(),
        outputs: vec![output.to_owned()],
        name: output.to_owned(),
        operator: operator.to_owned(),
        attributes: Vec::new(),
        domain: String::new(),
    }
}

fn double(name: &str, value: f64) -> Tensor {
    Tensor { doubles: vec![value], ..scalar(name, ElementType::Double) }
}

fn scalar(name: &str, element_type: ElementType) -> Tensor {
    Tensor { name: name.to_owned(), element_type: element_type as i32, ..Tensor::default() }
}

fn matrix(name: &str, element_type: ElementType, n_columns: i64) -> ValueInfo {
    let dims = vec![
        Dimension { length: None, name: Some("rows".to_owned()) },
        Dimension { length: Some(n_columns), name: None },
    ];
    let tensor = TensorType { element_type: element_type as i32, shape: Some(Shape { dims }) };
    ValueInfo {
        name: name.to_owned(),
        kind: Some(ValueType { tensor: Some(tensor) }),
        doc_string: String::new(),
    }
}

fn string(name: &str, value: &str) -> Attribute {
    Attribute { string: Some(value.into()), ..attribute(name, AttributeType::String) }
}

fn strings(name: &str, values: Vec<Vec<u8>>) -> Attribute {
    Attribute { strings: values, ..attribute(name, AttributeType::Strings) }
}

fn number(name: &str, value: i64) -> Attribute {
    Attribute { integer: Some(value), ..attribute(name, AttributeType::Integer) }
}

fn integers(name: &str, values: Vec<i64>) -> Attribute {
    Attribute { integers: values, ..attribute(name, AttributeType::Integers) }
}

fn doubles(name: &str, values: Vec<f64>) -> Attribute {
    let tensor = Tensor {
        dims: vec![integer(values.len())],
        doubles: values,
        ..scalar(name, ElementType::Double)
    };
    Attribute { tensor: Some(tensor), ..attribute(name, AttributeType::Tensor) }
}

fn attribute(name: &str, kind: AttributeType) -> Attribute {
    Attribute { name: name.to_owned(), kind: kind as i32, ..Attribute::default() }
}
