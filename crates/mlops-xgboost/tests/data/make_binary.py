"""Makes boosters in the binary format of XGBoost before 3.1.

    python make_binary.py    # Python 3.11, xgboost 1.7.6, numpy 1.26.4, scipy 1.17.1

`binary.json` holds, for each `*.model`, rows (null is a missing value) and the bits of margins.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import xgboost as xgb

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent
rng = np.random.RandomState(5)
X = rng.normal(size=(150, 3)).astype(np.float32)
X[rng.uniform(size=X.shape) < 0.1] = np.nan
label = np.nan_to_num(X)[:, 0] + np.nan_to_num(X)[:, 1] > 0
document = {}
for booster in ["gbtree", "dart", "gblinear"]:
    parameters = {"objective": "binary:logistic", "booster": booster, "max_depth": 3, "seed": 1, "verbosity": 0}
    model = xgb.train(parameters, xgb.DMatrix(X, label=label), num_boost_round=3)
    model.save_model(HERE / f"{booster}.model")
    margins = model.predict(xgb.DMatrix(X[:10]), output_margin=True)
    document[booster] = {
        "rows": [[None if np.isnan(value) else float(value) for value in row] for row in X[:10]],
        "margin_bits": margins.astype(np.float32).view(np.uint32).tolist(),
    }
(HERE / "binary.json").write_text(json.dumps(document) + "\n")
