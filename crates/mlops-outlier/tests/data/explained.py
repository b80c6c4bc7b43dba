"""Writes explained.json: what forests of scikit-learn say about rows, why, and how to rank scores.

    python3.11 -m venv venv && venv/bin/pip install numpy==2.4.6 scikit-learn==1.9.1
    NPY_DISABLE_CPU_FEATURES=X86_V4 venv/bin/python explained.py

With the variable, numpy's powers are those of the C library on processors with AVX-512, too.

The scores are scikit-learn's. The explanations are computed here, from the public arrays of its
trees and from formulas, in rational numbers, which are rounded to 64 bits once, at the end:

    h(x)     splits on the way of x to its leaf
    v(leaf)  h + c(n), and v(node) is the mean of v over the n training rows below it
    base     -mean over trees of v(root), divided by c(max_samples)
    contribution of f
             -mean over trees of the sum of v(child) - v(node) over the nodes of the way of x that
             split by f, divided by c(max_samples)
    local DIFFI of f
             mean of 1/h(x) - 1/h_max over all nodes of all trees that split by f on the way of x,
             0 if there is none
"""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
from sklearn.ensemble import IsolationForest

FEATURES = 5
CONSTANT = 3
EULER = 0.5772156649015329


class UnlimitedForest(IsolationForest):
    """Isolates every row: the trees have no maximal depth."""

    def _make_estimator(self, append=True, random_state=None):
        self.estimator_.max_depth = None
        return super()._make_estimator(append, random_state)


def average_path_length(n):
    if n <= 2:
        return float(max(n - 1, 0))
    return 2.0 * (math.log(n - 1.0) + EULER) - 2.0 * (n - 1.0) / n


class Tree:
    """A tree of scikit-learn, with v of every node."""

    def __init__(self, tree, columns):
        self.tree, self.columns = tree, columns
        self.left, self.right = tree.children_left.tolist(), tree.children_right.tolist()
        self.rows = tree.n_node_samples.tolist()
        self.feature = [int(columns[f]) if f >= 0 else -2 for f in tree.feature]
        self.depth = [0] * tree.node_count
        for node in self.splits():
            assert self.rows[node] == self.rows[self.left[node]] + self.rows[self.right[node]]
            for child in (self.left[node], self.right[node]):
                assert child > node
                self.depth[child] = self.depth[node] + 1
        total = [Fraction(0)] * tree.node_count
        for node in reversed(range(tree.node_count)):
            if self.left[node] < 0:
                length = Fraction(average_path_length(self.rows[node])) + self.depth[node]
                total[node] = self.rows[node] * length
            else:
                total[node] = total[self.left[node]] + total[self.right[node]]
        self.v = [sum_ / n for sum_, n in zip(total, self.rows)]

    def splits(self):
        return [node for node, left in enumerate(self.left) if left >= 0]

    def ways(self, rows):
        """The nodes from the root to the leaf of every row."""
        with np.errstate(over="ignore"):
            columns = rows[:, self.columns].astype(np.float32)
        visited, leaves = self.tree.decision_path(columns).toarray(), self.tree.apply(columns)
        for nodes, leaf in zip(visited, leaves):
            way = sorted(np.flatnonzero(nodes).tolist(), key=lambda node: self.depth[node])
            assert way[0] == 0 and way[-1] == leaf
            assert [self.depth[node] for node in way] == list(range(len(way)))
            yield way

    def golden(self):
        return {
            "feature": self.feature,
            "threshold": self.tree.threshold.tolist(),
            "missing_go_to_left": [bool(go) for go in self.tree.missing_go_to_left],
            "left": self.left,
            "right": self.right,
            "n_node_samples": self.rows,
        }


def explain(trees, rows, max_samples, h_max):
    """Base value, contributions and local DIFFI."""
    scale = -len(trees) * Fraction(average_path_length(max_samples))
    contributions = [[Fraction(0)] * FEATURES for _ in rows]
    importances = [[Fraction(0)] * FEATURES for _ in rows]
    visits = [[0] * FEATURES for _ in rows]
    for tree in trees:
        for row, way in enumerate(tree.ways(rows)):
            h = len(way) - 1
            for node, child in zip(way, way[1:]):
                feature = tree.feature[node]
                contributions[row][feature] += (tree.v[child] - tree.v[node]) / scale
                importances[row][feature] += Fraction(1, h) - Fraction(1, h_max)
                visits[row][feature] += 1
    base = sum(tree.v[0] for tree in trees) / scale
    diffi = [[i / max(n, 1) for i, n in zip(*both)] for both in zip(importances, visits)]
    return base, contributions, diffi


def floats(numbers):
    return [floats(n) if isinstance(n, list) else float(n) for n in numbers]


def forest(name, model, train, rows):
    model.fit(train)
    trees = [Tree(e.tree_, f) for e, f in zip(model.estimators_, model.estimators_features_)]
    assert all(CONSTANT not in tree.feature for tree in trees)
    max_samples = int(model.max_samples_)
    deepest = max(max(tree.depth) for tree in trees)
    limit = math.ceil(math.log2(max_samples))
    unlimited = isinstance(model, UnlimitedForest)
    h_max = deepest if unlimited else limit
    assert deepest > limit if unlimited else deepest == limit

    with np.errstate(over="ignore"):
        score_samples = model.score_samples(rows)
        decisions = model.decision_function(rows)
    depth_sums = [0.0] * len(rows)
    for tree in trees:
        for row, way in enumerate(tree.ways(rows)):
            depth_sums[row] += (len(way) + average_path_length(tree.rows[way[-1]])) - 1.0
    average_sum = len(trees) * average_path_length(max_samples)
    powers = [-(2.0 ** -(sum_ / average_sum)) for sum_ in depth_sums]
    assert powers == score_samples.tolist(), "numpy's powers are not the C library's"

    base, contributions, diffi = explain(trees, rows, max_samples, h_max)
    error = max(
        abs(math.log2(-score) - float(base + sum(parts)))
        for score, parts in zip(score_samples.tolist(), contributions)
    )
    assert error <= 1e-12
    # The same in 64 bits.
    error_of_floats = max(
        abs(math.log2(-score) - math.fsum([float(base), *map(float, parts)]))
        for score, parts in zip(score_samples.tolist(), contributions)
    )
    assert error_of_floats <= 1e-12
    for parts, importances in zip(contributions, diffi):
        assert parts[CONSTANT] == importances[CONSTANT] == 0
        assert all(importance >= 0 for importance in importances)
    used = {feature for tree in trees for feature in tree.feature if feature >= 0}
    to_left = sum(int(tree.tree.missing_go_to_left[n]) for tree in trees for n in tree.splits())
    print(
        f"{name}: {len(trees)} trees, {sum(len(tree.left) for tree in trees)} nodes,",
        f"roots of {sorted({tree.rows[0] for tree in trees})} rows,",
        f"deepest {deepest}, h_max {h_max},",
        f"splits by {sorted(used)}, {to_left} splits send missing values to the left,",
        f"anomaly scores {-score_samples.max():.4f} to {-score_samples.min():.4f},",
        f"{int((decisions < 0).sum())} of {len(rows)} outliers,",
        f"|base + contributions - log2 score| <= {max(error, error_of_floats):.1e}",
    )
    return {
        "name": name,
        "max_samples": max_samples,
        "trees": [tree.golden() for tree in trees],
        "contamination": model.contamination,
        "offset": float(model.offset_),
        "depth_sum": depth_sums,
        "score_samples": score_samples.tolist(),
        "decision_function": decisions.tolist(),
        "instance_score": (-decisions).tolist(),
        "base_value": float(base),
        "contributions": floats(contributions),
        "h_max": h_max,
        "local_diffi": floats(diffi),
    }


def training_rows(rng):
    train = rng.normal(size=(120, FEATURES)) * [1.0, 10.0, 0.2, 0.0, 1.0]
    train = np.round(train + [0.0, 5.0, 1.0, 7.0, 0.0], 3)
    train[:, 4] = np.round(train[:, 4])
    train[100:104] = train[100]
    missing = rng.random(train.shape) < 0.08
    missing[:, CONSTANT] = False
    train[missing] = np.nan
    return train


def rows_to_explain(rng, train):
    far = train[20:32].copy()
    for at, row in enumerate(far):
        row[at % FEATURES] = [50.0, -400.0, 9.0, 1e6, -1e39][at % FEATURES]
        row[(at + 1 + at // FEATURES) % FEATURES] *= -8.0
    missing = np.round(rng.normal(size=(7, FEATURES)) * 3.0, 2)
    for at, row in enumerate(missing):
        row[[at % FEATURES, (at * 2 + 1) % FEATURES]] = np.nan
    odd = np.array([[np.nan] * FEATURES, [0.0] * FEATURES, [1e300] * FEATURES, [-1e300] * FEATURES])
    return np.concatenate([train[:20], far, missing, odd, train[100:102]])


def scores_with_ties(n, modulus):
    """Reproducible anywhere: a linear congruential generator in 64 bits that starts at n."""
    state, scores = n, []
    for _ in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        scores.append((state >> 33) % modulus / modulus - 0.4)
    return scores


# Shares of the training rows: thousandths up to 0.99, ten-thousandths up to 0.999,
# hundred-thousandths up to 0.9999, and all.
GRID = [Fraction(k, 1000) for k in range(991)]
GRID += [Fraction(k, 10_000) for k in range(9901, 9991)]
GRID += [Fraction(k, 100_000) for k in range(99_901, 99_991)]
GRID += [Fraction(1)]
FEW = [Fraction(share) for share in "0 0.001 0.25 0.5 0.9 0.95 0.99 0.9995 1".split()]
RATES = ["0.5", "0.1", "0.05", "0.01"]


def quantile(ordered, share):
    """By linear interpolation, in rational numbers."""
    at = (len(ordered) - 1) * share
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


def rank(n, rate):
    """The last of n + 1 exchangeable scores exceeds the one of this rank at most that often."""
    return math.ceil((n + 1) * (1 - Fraction(rate)))


def ranks_in_floats(n, rate):
    rate = float(rate)
    return {math.ceil((n + 1) * (1.0 - rate)), n + 1 - math.floor((n + 1) * rate)}


def score_list(n, modulus, shares):
    scores = scores_with_ties(n, modulus)
    ordered = sorted(scores)
    levels = np.array([100.0 * float(share) for share in shares])
    quantiles = np.percentile(scores, levels, method="linear").tolist()
    exact = [quantile([Fraction(score) for score in ordered], share) for share in shares]
    error = max(abs(float(Fraction(q) - e)) for q, e in zip(quantiles, exact))
    assert error <= 1e-15
    assert quantiles == sorted(quantiles)
    assert max(map(abs, np.quantile(scores, [float(s) for s in shares]) - quantiles)) <= 1e-15
    ranks = [rank(n, rate) for rate in RATES]
    print(
        f"{n} scores, {len(set(scores))} different: {len(shares)} quantiles, off by {error:.1e}",
        f"from those of rational numbers; conformal ranks {ranks}",
    )
    return {
        "n": n,
        "modulus": modulus,
        "scores": scores if n <= 100 else None,
        "first": scores[0],
        "last": scores[-1],
        "shares": None if shares is GRID else [float(share) for share in shares],
        "quantiles": quantiles,
        "conformal": [
            {"rate": float(rate), "rank": k, "threshold": ordered[k - 1] if k <= n else None}
            for rate, k in zip(RATES, ranks)
        ],
    }


def treacherous_ranks():
    """Ranks that differ if (n + 1)(1 - rate) or (n + 1) rate is rounded to 64 bits first."""
    found = []
    for rate in [f"0.{k:03}" for k in range(1, 500)]:
        for n in range(1, 2000):
            if ranks_in_floats(n, rate) != {rank(n, rate)}:
                found.append({"n": n, "rate": float(rate), "rank": rank(n, rate)})
    print(f"{len(found)} of {499 * 1999} ranks are treacherous")
    return found[:: max(len(found) // 12, 1)]


rng = np.random.default_rng(3)
train = training_rows(rng)
rows = rows_to_explain(rng, train)
assert len(rows) >= 40 and len(GRID) == 1172


def lists(rows):
    return [[None if np.isnan(x) else float(x) for x in row] for row in rows]


golden = {
    "train": lists(train),
    "rows": lists(rows),
    "forests": [
        forest(
            "limited depth",
            IsolationForest(n_estimators=10, max_samples=48, contamination=0.1, random_state=5),
            train,
            rows,
        ),
        forest(
            "some features, bootstrap",
            IsolationForest(
                n_estimators=12,
                max_samples=32,
                max_features=0.6,
                bootstrap=True,
                contamination=0.05,
                random_state=6,
            ),
            train,
            rows,
        ),
        forest(
            "unlimited depth",
            UnlimitedForest(n_estimators=10, max_samples=32, contamination=0.02, random_state=7),
            train,
            rows,
        ),
    ],
    "score_lists": [
        score_list(1, 1000, FEW),
        score_list(2, 1000, FEW),
        score_list(7, 5, FEW),
        score_list(19, 12, FEW),
        score_list(99, 60, FEW),
        score_list(100, 60, GRID),
        score_list(5000, 997, FEW),
    ],
    "treacherous_ranks": treacherous_ranks(),
}
text = json.dumps(golden, separators=(",", ":"), allow_nan=False)
Path(__file__).with_name("explained.json").write_text(text + "\n")
print(f"{len(rows)} rows, {len(text)} bytes")
