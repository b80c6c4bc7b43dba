"""How scikit-learn's isolation forests score and how large they are, on average over seeds.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scikit-learn==1.9.1 && venv/bin/python golden_fit.py

Writes golden_fit.json: for two tables of standard normal numbers, the mean and the standard deviation over 20 seeds of
the score of 60 rows, and the nodes per tree. A fit here draws other random numbers, so that means are compared by
their standard errors.
"""

import json
from math import cos, log, sqrt, tau

import numpy as np
from sklearn.ensemble import IsolationForest

MASK = (1 << 64) - 1
SEEDS = 20
ROWS = 60


def splitmix64(state):
    """The numbers in [0, 1) of `mlops_testing::SplitMix64`."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield ((z ^ (z >> 31)) >> 11) * 2.0**-53


def normal(rows, columns, seed):
    numbers = splitmix64(seed)
    draw = lambda: sqrt(-2.0 * log(1.0 - next(numbers))) * cos(tau * next(numbers))
    return np.array([[draw() for _ in range(columns)] for _ in range(rows)])


def case(rows, columns, max_samples, max_features):
    x = normal(rows, columns, 1)
    # Some rows are far out, and some columns are coarse.
    x[:20] *= 3.0
    x[:, 0] = np.round(x[:, 0])
    scores, sizes = [], []
    for seed in range(SEEDS):
        forest = IsolationForest(max_samples=max_samples, max_features=max_features, random_state=seed).fit(x)
        scores.append(-forest.score_samples(x[:ROWS]))
        sizes.append(np.mean([tree.tree_.node_count for tree in forest.estimators_]))
    return {
        "rows": rows,
        "columns": columns,
        "max_samples": max_samples,
        "max_features": max_features,
        "mean": np.mean(scores, axis=0).tolist(),
        "sd": np.std(scores, axis=0, ddof=1).tolist(),
        "nodes_per_tree": {"mean": float(np.mean(sizes)), "sd": float(np.std(sizes, ddof=1))},
    }


cases = [
    case(1000, 12, 256, 12),
    case(300, 3, 64, 2),
    case(5000, 12, 4096, 12),
]
with open("golden_fit.json", "w") as file:
    json.dump(cases, file)
    file.write("\n")
