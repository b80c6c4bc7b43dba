"""Makes the boosters of this folder and what XGBoost answers. Run: python make_boosters.py

    pip install xgboost-cpu==3.2.0 numpy==2.4.6
"""

import json

import numpy as np
import xgboost as xgb

random = np.random.RandomState(7)
rows = random.normal(size=(120, 5)).round(3)
rows[random.uniform(size=rows.shape) < 0.1] = np.nan
labels = (np.nan_to_num(rows[:, 0]) * np.nan_to_num(rows[:, 1]) + 0.3 * random.normal(size=120) > 0).astype(int)
names = [f"f{column}" for column in range(5)]
train = xgb.DMatrix(rows[:80], label=labels[:80], feature_names=names)
test = xgb.DMatrix(rows[80:], label=labels[80:], feature_names=names)
booster = xgb.train(
    {"objective": "binary:logistic", "max_depth": 4, "reg_alpha": 0.05, "seed": 1, "nthread": 1},
    train, num_boost_round=60, evals=[(test, "test")], early_stopping_rounds=5, verbose_eval=False,
)
booster.save_model("booster.json")
booster.save_model("booster.ubj")
bits = lambda values: values.view(np.uint32).tolist()
answers = {
    "xgboost": xgb.__version__,
    "best_iteration": booster.best_iteration,
    "rows": [[None if np.isnan(value) else value for value in row] for row in rows.tolist()],
    "margin_bits": bits(booster.predict(xgb.DMatrix(rows, feature_names=names), output_margin=True)),
    "probability_bits": bits(booster.predict(xgb.DMatrix(rows, feature_names=names))),
}
json.dump(answers, open("answers.json", "w"))
