"""Makes detectors of alibi-detect and what they answer.

    python - < make_detectors.py    # Python 3.11, alibi-detect 0.13.0, scikit-learn 1.9.1, scipy 1.17.1,
                                    # numpy 1.26.4, cloudpickle 3.1.2

`tabular.pkl` is a pipeline that scales, reorders and drops columns before a `TabularDrift`; `ks.pkl`
and `chi_squared.pkl` stand alone, and so does `one_sided.pkl`. `refused.*.pkl` have settings that
need a call of a function. `detectors.json` holds rows and, for each detector, p-values and flags per feature.
"""

import json
import logging
import pickle
import types
import warnings
from pathlib import Path

import cloudpickle
import numpy as np
from alibi_detect.cd import ChiSquareDrift, KSDrift, TabularDrift
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")

# Through standard input and in this folder, so that no path gets into the pickles.
HERE = Path(".")
rng = np.random.RandomState(5)
X = np.c_[rng.normal([8, 0.5], [1.5, 0.2], (120, 2)).round(2), rng.randint(0, 3, 120), rng.rand(120)]
ROWS = np.c_[rng.normal([9, 0.5], [1.5, 0.2], (15, 2)).round(2), rng.randint(0, 3, 15), rng.rand(15)]


def fit(self, X, y=None):
    self.x_ref = X
    return self


def answers(detector, rows):
    data = detector.predict(rows, drift_type="feature")["data"]
    return {"p_value": data["p_val"].tolist(), "is_drift": data["is_drift"].tolist()}


columns = ColumnTransformer([("kept", "passthrough", [2]), ("scaled", StandardScaler(), [1, 0])])
tabular = TabularDrift(columns.fit_transform(X), p_val=0.05, categories_per_feature={0: 3})
# As the original wine-quality system makes it a step of a pipeline.
tabular.fit = types.MethodType(fit, tabular)
pipeline = Pipeline([("columns", columns), ("drift", tabular)])
ks = KSDrift(X[:, :2], p_val=0.01)
chi_squared = ChiSquareDrift(X[:, 2:3].astype(int), p_val=0.05)
(HERE / "tabular.pkl").write_bytes(cloudpickle.dumps(pipeline))
(HERE / "ks.pkl").write_bytes(pickle.dumps(ks, 4))
(HERE / "chi_squared.pkl").write_bytes(pickle.dumps(chi_squared, 4))
one_sided = KSDrift(X[:9, :1], alternative="less")
(HERE / "one_sided.pkl").write_bytes(pickle.dumps(one_sided, 4))
function = KSDrift(X[:9, :1], preprocess_fn=np.sqrt)
(HERE / "refused.function.pkl").write_bytes(pickle.dumps(function, 4))
document = {
    "reference": X.tolist(),
    "rows": ROWS.tolist(),
    "tabular": answers(tabular, columns.transform(ROWS)),
    "ks": answers(ks, ROWS[:, :2]),
    "chi_squared": answers(chi_squared, ROWS[:, 2:3].astype(int)),
}
(HERE / "detectors.json").write_text(json.dumps(document) + "\n")
