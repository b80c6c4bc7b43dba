"""Makes the files of this folder.

    python make_samples.py current    # Python 3.11, scikit-learn 1.9.1, numpy 2.4.6, pandas 3.1.1,
                                      # joblib 1.6.0, skops 0.16.0, cloudpickle 3.1.2
    python make_samples.py older      # Python 3.11, scikit-learn 1.6.1, numpy 1.26.4, pandas 2.3.3,
                                      # cloudpickle 3.1.2

current: a small pipeline with an isolation forest in every format (`forest.*`), arrays of every
type (`arrays.*`) and pipelines that begin with a column transformer (`columns.p5.pkl`), each with
what it holds (`.json`).
older: column transformers whose remainder is wrapped (`columns_1.6.1.*`).
"""

import json
import pickle
import sys
import zipfile
from pathlib import Path

import cloudpickle
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

HERE = Path(__file__).parent
rng = np.random.RandomState(1)
X = rng.normal([7, 0.3, 100, 1], [1, 0.1, 30, 0], (40, 4))
X[:, 3] = rng.randint(0, 2, 40)
X[3, 2] = np.nan
ROWS = np.vstack([X[:4], [[1e300, -0.0, 5e-324, 0.1]]])
FRAME = pd.DataFrame(X, columns=["acidity", "sulphates", "sulfur", "is_red"])


def transformers():
    """Pairs of a column transformer and whether it is fitted to a frame."""
    scaler = StandardScaler
    return {
        "slice": (ColumnTransformer([("s", scaler(), slice(0, 2))], remainder="passthrough"), False),
        "negative_slice": (ColumnTransformer([("s", scaler(), slice(-1, 0, -2))], remainder="passthrough"), False),
        "positions": (ColumnTransformer([("s", scaler(), [2, 0])], remainder="passthrough"), False),
        "negative_positions": (ColumnTransformer([("s", scaler(), [-1, -4])], remainder="drop"), False),
        "array": (ColumnTransformer([("s", scaler(), np.array([1, 3]))], remainder="passthrough"), False),
        "mask": (ColumnTransformer([("s", scaler(), [False, True, False, True])], remainder="passthrough"), False),
        "mask_array": (ColumnTransformer([("s", scaler(), np.array([True, False, False, True]))]), False),
        "names": (ColumnTransformer([("s", scaler(), ["sulfur", "acidity"])], remainder="passthrough"), True),
        "name_slice": (ColumnTransformer([("s", scaler(), slice("sulphates", "sulfur"))], remainder="passthrough"), True),
        "callable": (ColumnTransformer([("s", scaler(), lambda frame: ["is_red"])], remainder="passthrough"), True),
        "several": (
            ColumnTransformer(
                [
                    ("p", "passthrough", [3]),
                    ("s", scaler(with_mean=False), [1, 2]),
                    ("d", "drop", [0]),
                    ("f", FunctionTransformer(), [0]),
                    ("t", scaler(with_std=False), [1]),
                    ("n", scaler(with_mean=False, with_std=False), [0, 3]),
                    ("e", scaler(), []),
                ]
            ),
            False,
        ),
    }


def save_columns(name, protocol, expected):
    fitted, outputs = {}, {}
    for key, (transformer, on_frame) in transformers().items():
        transformer.fit(FRAME if on_frame else X)
        rows = pd.DataFrame(ROWS, columns=FRAME.columns) if on_frame else ROWS
        outputs[key] = [[value.hex() for value in row] for row in transformer.transform(rows).astype(float)]
        # Columns that were computed by a function are kept; the function itself is not asked for.
        transformer.transformers = []
        fitted[key] = Pipeline([("columns", transformer), ("model", "passthrough")])
    (HERE / name).write_bytes(pickle.dumps(fitted, protocol))
    document = {"rows": [[value.hex() for value in row] for row in ROWS], "outputs": outputs}
    (HERE / expected).write_text(json.dumps(document) + "\n")


def arrays():
    table = np.arange(6, dtype=float).reshape(2, 3) / 4
    result = {"fortran": np.asfortranarray(table), "view": table[:, ::2], "cube": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4))}
    for order in "<>":
        for code in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]:
            result[order + code] = np.array([0, 1, 2, 100], order + code)
    result["bool"] = np.array([True, False, True])
    result["empty"] = np.zeros((0, 3))
    result["scalar_array"] = np.array(2.5)
    result["text"] = np.array(["alcohol", "pH", "\U0001f377"])
    result["big_text"] = np.array(["alcohol", ""], ">U7")
    result["byte_strings"] = np.array([b"ab", b"c"])
    result["nodes"] = np.array([(1, 0.5, 1), (-1, -2.0, 0)], np.dtype({"names": ["left", "threshold", "flag"], "formats": ["<i8", "<f8", "u1"], "itemsize": 24}))
    result["extremes"] = np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max])
    return result


def more():
    return {
        "objects": np.array(["x", None, 3], dtype=object),
        "float64": np.float64(0.1),
        "float32": np.float32(0.5),
        "int64": np.int64(-7),
        "bool_": np.bool_(True),
        "set": {5},
        "frozenset": frozenset([6]),
        "bytes": b"\x00\xff",
        "bytearray": bytearray(b"ab"),
        "empty_bytes": b"",
        "long": 1 << 70,
        "negative": -(1 << 40),
        "slice": slice(1, None, 2),
        "unicode": "n\u00e9 \U0001f377",
        "infinity": float("-inf"),
        "tuple": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "keys": {1: "a", "b": 2, None: 3},
    }


def save_arrays():
    import joblib

    saved = arrays() | more()
    for protocol in range(6):
        (HERE / f"arrays.p{protocol}.pkl").write_bytes(pickle.dumps(saved, protocol))
    joblib.dump(saved, HERE / "arrays.joblib")
    expected = {}
    for key, array in arrays().items():
        if array.dtype.names:
            values = {name: array[name].tolist() for name in array.dtype.names}
        elif array.dtype.kind == "S":
            values = None
        else:
            values = array.ravel().tolist()
        expected[key] = {"shape": list(array.shape), "values": values}
    (HERE / "arrays.json").write_text(json.dumps(expected) + "\n")


def save_forest():
    import joblib
    import skops.io

    columns = ColumnTransformer([("scaler", StandardScaler(), slice(0, 3))], remainder="passthrough")
    forest = IsolationForest(n_estimators=3, max_samples=8, contamination=0.1, random_state=0)
    pipeline = Pipeline([("columns", columns), ("scale", StandardScaler()), ("forest", forest)])
    pipeline.fit(X)
    for protocol in range(6):
        (HERE / f"forest.p{protocol}.pkl").write_bytes(pickle.dumps(pipeline, protocol))
    (HERE / "forest.cloudpickle.pkl").write_bytes(cloudpickle.dumps(pipeline))
    joblib.dump(pipeline, HERE / "forest.joblib")
    joblib.dump(pipeline, HERE / "forest.zlib.joblib", compress=3)
    skops.io.dump(pipeline, HERE / "forest.stored.skops")
    skops.io.dump(pipeline, HERE / "forest.deflated.skops", compression=zipfile.ZIP_DEFLATED)
    trees = []
    for tree in forest.estimators_:
        nodes = tree.tree_.__getstate__()["nodes"]
        trees.append({name: nodes[name].tolist() for name in nodes.dtype.names})
    expected = {
        "rows": [[value.hex() for value in row] for row in ROWS],
        "preprocessed": [[value.hex() for value in row] for row in pipeline[:-1].transform(ROWS)],
        "offset": forest.offset_.hex(),
        "max_samples": forest.max_samples_,
        "trees": trees,
    }
    (HERE / "forest.json").write_text(json.dumps(expected) + "\n")


if sys.argv[1:] == ["older"]:
    save_columns("columns_1.6.1.p4.pkl", 4, "columns_1.6.1.json")
elif sys.argv[1:] == ["current"]:
    save_columns("columns.p5.pkl", 5, "columns.json")
    save_arrays()
    save_forest()
else:
    sys.exit(__doc__)
