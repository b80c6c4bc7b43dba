"""Shows that XGBoost answers alike with boosters of its own and with what Rust wrote of them.
Run: python verify_rewritten.py FOLDER FILE...

    pip install xgboost-cpu==3.2.0 numpy==2.4.6 pandas==2.3.3
    cargo run --release -p mlops-xgboost --example rewrite -- FOLDER FILE...
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost as xgb

folder, *files = map(Path, sys.argv[1:])
generator = np.random.default_rng(1)


# In another order than that of the model.
CATEGORIES = {"named": pd.Index(["white", "rose", "red"]), "numbered": pd.Index(np.array([5, 7, -3], "i1"))}


def rows(booster, categories):
    values = generator.normal(size=(500, booster.num_features()))
    values[generator.random(values.shape) < 0.1] = np.nan
    types = booster.feature_types
    if categories is None:
        if types[-1] == "c":
            values[:, -1] = generator.integers(0, 3, len(values))
        return xgb.DMatrix(
            values, feature_names=booster.feature_names, feature_types=types, enable_categorical=True
        )
    codes = generator.integers(0, 3, len(values))
    frame = pd.DataFrame(values, columns=booster.feature_names)
    frame[frame.columns[-1]] = pd.Categorical.from_codes(codes, categories=categories)
    return xgb.DMatrix(frame, enable_categorical=True)


for file in files:
    booster = xgb.Booster(model_file=file)
    matrix = rows(booster, CATEGORIES.get(file.stem))
    for path in [folder / file.with_suffix(".json").name, folder / file.with_suffix(".ubj").name]:
        written = xgb.Booster(model_file=path)
        assert written.feature_names == booster.feature_names, path
        for wanted in [{"output_margin": True}, {}, {"pred_leaf": True}]:
            if wanted.get("pred_leaf") and "linear" in file.name:
                continue
            theirs, ours = (np.asarray(each.predict(matrix, **wanted)) for each in (booster, written))
            assert np.array_equal(theirs, ours), (path, wanted)
print(f"{len(files)} boosters: the same margins, predictions and leaves (xgboost {xgb.__version__})")
