"""ONNX Runtime, from Python, on scikit-learn's forest as one ensemble of trees.

skl2onnx makes 27 operators of every tree instead, and a graph that is far slower. Where missing values go is left out,
which saves a sixth of the time.
"""

import numpy as np
import onnxruntime
import sklearn
from onnx import TensorProto, helper

from forest_peer import N_SAMPLES
from scikit_learn import ScikitLearn


class OnnxRuntime(ScikitLearn):
    version = f"{onnxruntime.__version__} (scikit-learn {sklearn.__version__})"

    def for_score(self, rows):
        return {"rows": rows.astype("f4")}

    def scorer(self, forest):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(graph(forest), options, ["CPUExecutionProvider"])
        return lambda rows: session.run(["scores"], rows)

    def scores(self, answer):
        return answer[0].ravel()


def graph(forest):
    """`scores = 2 ** (-mean path length / c(N_SAMPLES))`, with thresholds and path lengths of 32 bits."""
    columns = {}
    for tree_id, (tree, depths) in enumerate(zip((each.tree_ for each in forest.estimators_), path_depths(forest))):
        is_leaf = tree.children_left < 0
        nodes = np.arange(tree.node_count)
        ensemble = {
            "nodes_treeids": np.full(tree.node_count, tree_id),
            "nodes_nodeids": nodes,
            "nodes_featureids": np.where(is_leaf, 0, tree.feature),
            "nodes_modes": np.where(is_leaf, "LEAF", "BRANCH_LEQ"),
            "nodes_values": np.where(is_leaf, 0, at_most(tree.threshold)),
            "nodes_truenodeids": np.where(is_leaf, 0, tree.children_left),
            "nodes_falsenodeids": np.where(is_leaf, 0, tree.children_right),
            "target_treeids": np.full(is_leaf.sum(), tree_id),
            "target_nodeids": nodes[is_leaf],
            "target_ids": np.zeros(is_leaf.sum(), int),
            "target_weights": (depths + average_path_length(tree.n_node_samples))[is_leaf],
        }
        for name, values in ensemble.items():
            columns.setdefault(name, []).extend(values.tolist())
    trees = helper.make_node(
        "TreeEnsembleRegressor",
        ["rows"],
        ["lengths"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="AVERAGE",
        **columns,
    )
    scaled = helper.make_node("Mul", ["lengths", "factor"], ["exponents"])
    scores = helper.make_node("Pow", ["two", "exponents"], ["scores"])
    constants = {"factor": -1 / average_path_length(N_SAMPLES), "two": 2}
    graph = helper.make_graph(
        [trees, scaled, scores],
        "isolation_forest",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, forest.n_features_in_])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def path_depths(forest):
    """The splits above each node of each tree; a parent stands before its children."""
    for tree in (each.tree_ for each in forest.estimators_):
        depths = np.zeros(tree.node_count)
        for node in np.flatnonzero(tree.children_left >= 0):
            depths[[tree.children_left[node], tree.children_right[node]]] = depths[node] + 1
        yield depths


def average_path_length(n):
    """The splits that it takes on average to isolate a row among `n`, as scikit-learn computes it."""
    n = np.asarray(n, "f8")
    many = np.maximum(n, 3)
    lengths = 2 * (np.log(many - 1) + np.euler_gamma) - 2 * (many - 1) / many
    return np.where(n <= 1, 0, np.where(n == 2, 1, lengths))


def at_most(thresholds):
    """The largest number of 32 bits that is not larger: rows have 32 bits, and go the same way."""
    rounded = thresholds.astype("f4")
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)
