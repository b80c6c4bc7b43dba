"""Trains boosters with XGBoost's method `hist`, to compare ours with.

    python make_trained.py    # Python 3.11, xgboost-cpu 3.2.0, numpy 2.4.6

`trained.json` holds rows in units of 1/64 (null is a missing value), and for each booster its parameters, and tree by
tree the split features, thresholds, default directions and left children, where a leaf has the child -1 and its value as
threshold; and how metrics went. `fine_rows` have more values in a column than there are bins.
"""

import json
from pathlib import Path

import numpy as np
import xgboost as xgb

rng = np.random.RandomState(11)
n_rows = 1000
grid = np.round(rng.normal(size=(n_rows, 6)) * 32).astype(int)
grid[:, 5] = rng.randint(0, 3, n_rows) * 64
X = (grid / 64).astype(np.float32)
fine_grid = np.round(rng.normal(size=(n_rows, 6)) * 512).astype(int)
fine = (fine_grid / 64).astype(np.float32)
missing = X.copy()
missing[rng.uniform(size=X.shape) < 0.15] = np.nan
signal = X[:, 0] + X[:, 1] * X[:, 2] * 3 + (X[:, 5] == 1) + rng.normal(size=n_rows) * 0.4
binary = (signal > 0.3).astype(int)
fine_binary = (fine[:, 0] + fine[:, 1] * fine[:, 2] / 8 + rng.normal(size=n_rows) > 3).astype(int)
classes = np.digitize(signal, [-0.2, 0.7])
weights = rng.randint(1, 9, n_rows) / 4

logistic = {"objective": "binary:logistic"}
boosters = {
    "logistic": (X, binary, None, logistic),
    "missing": (missing, binary, None, logistic),
    "weighted": (missing, binary, weights, logistic),
    "balanced": (X, binary, None, logistic | {"scale_pos_weight": 2.5}),
    "regularized": (missing, binary, None, logistic | {"gamma": 0.7, "reg_alpha": 0.3, "reg_lambda": 2.0, "min_child_weight": 3.0}),
    "deep": (X, binary, None, logistic | {"max_depth": 12, "min_child_weight": 0.0, "learning_rate": 0.1}),
    "quantiles": (fine, fine_binary, None, logistic),
    "weighted_quantiles": (fine, fine_binary, weights, logistic),
    "leaves": (missing, binary, None, logistic | {"grow_policy": "lossguide", "max_leaves": 20, "max_depth": 0}),
    "level_leaves": (X, binary, None, logistic | {"max_leaves": 11}),
    "monotone": (X, binary, None, logistic | {"monotone_constraints": "(1,-1,0,1,-1,0)"}),
    "squared_error": (missing, signal.astype(np.float32), weights, {"objective": "reg:squarederror"}),
    "softprob": (missing, classes, weights, {"objective": "multi:softprob", "num_class": 3}),
}
document = {
    "rows": [[None if np.isnan(value) else int(value * 64) for value in row] for row in missing],
    "whole_rows": [[int(value) for value in row] for row in grid],
    "fine_rows": [[int(value) for value in row] for row in fine_grid],
    "fine_binary": fine_binary.tolist(),
    "weights": weights.tolist(),
    "binary": binary.tolist(),
    "classes": classes.tolist(),
    "signal": [float(value) for value in signal.astype(np.float32)],
    "boosters": {},
}
metrics = {"binary:logistic": ["logloss", "auc", "error"], "reg:squarederror": ["rmse"], "multi:softprob": ["mlogloss", "merror"]}
for name, (rows, label, weight, params) in boosters.items():
    data = xgb.DMatrix(rows, label=label, weight=weight)
    history = {}
    params = {"tree_method": "hist", "nthread": 1, "eval_metric": metrics[params["objective"]]} | params
    booster = xgb.train(params, data, num_boost_round=20, evals=[(data, "train")], evals_result=history, verbose_eval=False)
    model = json.loads(booster.save_raw("json"))["learner"]
    document["boosters"][name] = {
        "history": history["train"],
        "trees": [
            {key: tree[key] for key in ("split_indices", "split_conditions", "default_left", "left_children")}
            for tree in model["gradient_booster"]["model"]["trees"]
        ],
    }
Path(__file__).with_name("trained.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
