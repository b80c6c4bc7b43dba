"""Makes isolation forests of Python and what they answer.

    NPY_DISABLE_CPU_FEATURES="AVX512F AVX512CD AVX512_SKX" python make_samples.py
    # Python 3.11, scikit-learn 1.9.1, alibi-detect 0.13.0, numpy 1.26.4, cloudpickle 3.1.2

Without the variable, the logarithm of numpy 1.26 is off by one unit in the last place for a fifth of
all integers on processors with AVX-512; numpy 2.4 has the C library's everywhere.

`forest.pkl` is scikit-learn's, with bootstrap and some of the features per tree; `alibi.pkl` is a
pipeline around alibi-detect's, with a threshold out of reach. `samples.json` holds rows and, for each,
depth sums in hexadecimal and scores.
"""

import json
import pickle
from pathlib import Path

import cloudpickle
import numpy as np
from alibi_detect.od import IForest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
rng = np.random.RandomState(11)
X = rng.normal([8, 0.5, 100], [1.5, 0.2, 30], (200, 3)).round(2)
ROWS = np.vstack([X[:20], rng.normal([8, 0.5, 100], [6, 0.8, 120], (20, 3))])


def depth_sums(forest, rows):
    """As scikit-learn computes them before it takes the power."""
    sums = np.zeros(len(rows))
    for tree, features in zip(forest.estimators_, forest.estimators_features_):
        columns = rows[:, features].astype(np.float32)
        leaves = tree.tree_.apply(columns)
        n = tree.tree_.n_node_samples[leaves].astype(float)
        depth = np.asarray(tree.tree_.decision_path(columns).sum(axis=1)).ravel()
        with np.errstate(all="ignore"):
            mean = 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n
        mean = np.where(n <= 1, 0.0, np.where(n == 2, 1.0, mean))
        sums += depth + mean - 1.0
    return sums


def hexadecimal(values):
    return [float(value).hex() for value in values]


forest = IsolationForest(
    n_estimators=8, max_samples=64, max_features=2, bootstrap=True, contamination=0.1, random_state=3
).fit(X)
(HERE / "forest.pkl").write_bytes(pickle.dumps(forest, 4))

np.random.seed(0)
alibi = IForest(threshold=5, n_estimators=8, max_samples=64)
columns = ColumnTransformer([("scaler", StandardScaler(), slice(0, 2))], remainder="passthrough")
pipeline = Pipeline([("columns", columns), ("outliers", alibi)]).fit(X)
(HERE / "alibi.pkl").write_bytes(cloudpickle.dumps(pipeline))
scaled = columns.transform(ROWS)

document = {
    "training_rows": X.tolist(),
    "rows": ROWS.tolist(),
    "forest": {
        "depth_sums": hexadecimal(depth_sums(forest, ROWS)),
        "scores": (-forest.decision_function(ROWS)).tolist(),
    },
    "alibi": {
        "depth_sums": hexadecimal(depth_sums(alibi.isolationforest, scaled)),
        "scores": alibi.score(scaled).tolist(),
    },
}
(HERE / "samples.json").write_text(json.dumps(document) + "\n")
