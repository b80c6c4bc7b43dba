"""Makes small boosters of many kinds and what XGBoost answers.

    python make_models.py    # Python 3.11, xgboost-cpu 3.2.0, numpy 2.4.6, pandas 2.3.3, scikit-learn 1.9.1

`models.json` holds, for each `*.model.json`, rows (null is a missing value) and the bits of margins and predictions, leaf
numbers, contributions with the base value last, and importances. `named.json` knows its categories by name, and
`named.answers.json` holds the bits of a prediction for each. The categories of `numbered.json` are integers.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost as xgb

HERE = Path(__file__).parent
rng = np.random.RandomState(3)
X = rng.normal(size=(200, 4)).astype(np.float32)
X[rng.uniform(size=X.shape) < 0.1] = np.nan
C = X.copy()
C[:, 3] = rng.randint(0, 7, 200)
Z = np.nan_to_num(X)
signal = Z[:, 0] + Z[:, 1] * Z[:, 2]
common = {"max_depth": 3, "eta": 0.4, "seed": 1, "nthread": 1}
kinds = {
    "squared_error": (X, signal, {"objective": "reg:squarederror"}),
    "softprob": (X, np.digitize(signal, [-0.5, 0.5]), {"objective": "multi:softprob", "num_class": 3}),
    "softmax": (X, np.digitize(signal, [-0.5, 0.5]), {"objective": "multi:softmax", "num_class": 3}),
    "poisson": (X, rng.poisson(np.exp(Z[:, 0])), {"objective": "count:poisson"}),
    "hinge": (X, signal > 0, {"objective": "binary:hinge"}),
    "dart": (X, signal > 0, {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5}),
    "forest": (X, signal > 0, {"objective": "binary:logistic", "num_parallel_tree": 3, "subsample": 0.5}),
    "linear": (X, signal, {"objective": "reg:squarederror", "booster": "gblinear"}),
    "targets": (X, np.c_[signal, Z[:, 0]], {"objective": "reg:squarederror"}),
    "vectors": (X, np.c_[signal, Z[:, 0]], {"objective": "reg:squarederror", "multi_strategy": "multi_output_tree", "tree_method": "hist"}),
    "categories": (C, signal + (C[:, 3] % 3), {"objective": "reg:squarederror", "tree_method": "hist", "max_cat_to_onehot": 1}),
    "one_hot": (C, signal + (C[:, 3] % 3), {"objective": "reg:squarederror", "tree_method": "hist", "max_cat_to_onehot": 10}),
    "pruned": (X, signal, {"objective": "reg:squarederror", "tree_method": "exact", "gamma": 4.0}),
}
document = {}
for name, (rows, label, parameters) in kinds.items():
    types = ["float"] * 3 + ["c" if rows is C else "float"]
    names = ["a", "b", "c", "d"]
    data = lambda rows, label=None: xgb.DMatrix(rows, label=label, feature_types=types, feature_names=names, enable_categorical=True)
    booster = xgb.train(common | parameters, data(rows, label), num_boost_round=4)
    booster.save_model(HERE / f"{name}.model.json")
    some = rows[:12].copy()
    if rows is C:
        some[0, 3], some[1, 3] = np.nan, 6
    some_data = data(some)
    bits = lambda values: np.ascontiguousarray(values, np.float32).view(np.uint32).ravel().tolist()
    answers = {
        "rows": [[None if np.isnan(value) else float(value) for value in row] for row in some],
        "margin_bits": bits(booster.predict(some_data, output_margin=True)),
        "prediction_bits": bits(booster.predict(some_data)),
    }
    if name != "linear":
        answers["leaves"] = booster.predict(some_data, pred_leaf=True).reshape(12, -1).astype(int).tolist()
        answers["importance"] = {
            kind: [booster.get_score(importance_type=kind).get(feature, 0.0) for feature in names]
            for kind in ["weight", "gain", "cover", "total_gain", "total_cover"]
        }
    if name != "vectors":
        answers["contributions"] = booster.predict(some_data, pred_contribs=True).reshape(12, -1).tolist()
    document[name] = answers

# Categories by name: codes in the file are those of the training frame.
names = pd.Categorical(np.array(["red", "white", "rose"])[rng.randint(0, 3, 200)])
frame = pd.DataFrame({"a": Z[:, 0], "colour": names})
target = Z[:, 0] + (frame["colour"] == "rose") * 2.0
booster = xgb.train(
    common | {"objective": "reg:squarederror", "max_cat_to_onehot": 1},
    xgb.DMatrix(frame, label=target, enable_categorical=True),
    num_boost_round=4,
)
booster.save_model(HERE / "named.json")
some = pd.DataFrame({"a": [0.1, 0.1, 0.1, 0.1], "colour": pd.Categorical(["red", "white", "rose", None], categories=["red", "rose", "white"])})
predictions = booster.predict(xgb.DMatrix(some, enable_categorical=True))
(HERE / "named.answers.json").write_text(json.dumps({"red": bits(predictions[:1]), "white": bits(predictions[1:2]), "rose": bits(predictions[2:3]), "missing": bits(predictions[3:])}) + "\n")
grades = pd.Categorical.from_codes(names.codes, categories=pd.Index(np.array([7, -3, 5], "i1")))
matrix = xgb.DMatrix(frame.assign(colour=grades), label=target, enable_categorical=True)
xgb.train(common | {"max_cat_to_onehot": 1}, matrix, num_boost_round=2).save_model(HERE / "numbered.json")
(HERE / "models.json").write_text(json.dumps(document) + "\n")
