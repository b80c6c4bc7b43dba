"""Shows that XGBoost loads what Rust trained and answers with the same bits. Run: python verify_booster.py FOLDER

    pip install xgboost-cpu==3.2.0 numpy==2.4.6
    cargo run --release -p mlops-xgboost --example train_and_save -- FOLDER
"""

import json
import sys

import numpy as np
import xgboost as xgb

folder = sys.argv[1]
answers = json.load(open(f"{folder}/answers.json"))
rows = np.array([[np.nan if value is None else value for value in row] for row in answers["rows"]])
for name in ["booster.json", "booster.ubj"]:
    booster = xgb.Booster(model_file=f"{folder}/{name}")
    assert booster.num_boosted_rounds() == answers["n_trees"], booster.num_boosted_rounds()
    matrix = xgb.DMatrix(rows, feature_names=booster.feature_names)
    for output_margin, key in [(True, "margin_bits"), (False, "probability_bits")]:
        ours = np.array(answers[key], dtype=np.uint32)
        theirs = booster.predict(matrix, output_margin=output_margin).view(np.uint32)
        differing = int((ours != theirs).sum())
        print(f"{name}: {key}: {differing} of {len(ours)} rows differ (xgboost {xgb.__version__})")
        assert differing == 0
