"""Writes isolation_forest.json: a forest of scikit-learn, rows and what it says about them.

Python 3.11, scikit-learn 1.9.1, numpy 2.4.6:
    python isolation_forest.py > isolation_forest.json
"""

import json
import sys

import numpy as np
from sklearn.ensemble import IsolationForest

rng = np.random.default_rng(1)
train = rng.normal(size=(300, 4)) * [1.0, 10.0, 0.01, 1.0] + [0.0, 5.0, 1.0, 0.0]
train[:, 3] = np.round(train[:, 3])
model = IsolationForest(n_estimators=19, max_samples=64, random_state=7).fit(train)

trees = [estimator.tree_ for estimator in model.estimators_]
rows = np.concatenate([train[:40], train[:20] * 3.0])
# Values on a threshold and on its two neighbours in 32 bits.
on_threshold = rows[:12].copy()
for tree, row in zip(trees, on_threshold):
    split = int(np.flatnonzero(tree.feature >= 0)[-1])
    nearest = np.float32(tree.threshold[split])
    row[tree.feature[split]] = [nearest, np.nextafter(nearest, -np.inf), np.nextafter(nearest, np.inf)][split % 3]
odd = np.array([
    [np.nan, 5.0, 1.0, 0.0],
    [0.0, np.nan, np.nan, 1.0],
    [np.nan] * 4,
    [1e39, 5.0, 1.0, 0.0],
    [0.0, -1e300, 1.0, -0.0],
    [0.0, 5.0, 1e-45, 0.0],
])
rows = np.concatenate([rows, on_threshold, odd])

with np.errstate(over="ignore"):
    leaves = np.stack([tree.apply(rows.astype(np.float32)) for tree in trees], axis=1)
    scores = model.score_samples(rows)
    decisions = model.decision_function(rows)
path_lengths = [
    model._decision_path_lengths[i] + model._average_path_length_per_tree[i] - 1.0 for i in range(len(trees))
]
sums = np.zeros(len(rows))
for i, lengths in enumerate(path_lengths):
    sums += lengths[leaves[:, i]]

json.dump(
    {
        "max_samples": int(model.max_samples_),
        "trees": [
            {
                "feature": tree.feature.tolist(),
                "threshold": tree.threshold.tolist(),
                "missing_go_to_left": [bool(go) for go in tree.missing_go_to_left],
                "left": tree.children_left.tolist(),
                "right": tree.children_right.tolist(),
                "n_node_samples": tree.n_node_samples.tolist(),
            }
            for tree in trees
        ],
        "rows": [[None if np.isnan(x) else float(x) for x in row] for row in rows],
        "sum": sums.tolist(),
        "score_samples": scores.tolist(),
        "decision_function": decisions.tolist(),
    },
    sys.stdout,
)
