"""Makes the models of this folder as the notebook of the original Python system does, only smaller.

    NPY_DISABLE_CPU_FEATURES="AVX512F AVX512CD AVX512_SKX" python - < make_models.py
    # Python 3.11, xgboost-cpu 3.2.0, scikit-learn 1.9.1, alibi-detect 0.13.0, mlflow-skinny 3.17.2,
    # pandas 2.3.3, numpy 1.26.4, cloudpickle 3.1.2

They are an XGBoost booster, a pipeline around alibi-detect's `TabularDrift` and one around its `IForest`,
whose threshold no score can exceed. `expected.json` holds what these libraries answer to a few wines. The
variable turns off instructions with which the logarithm of numpy 1.26 is off by one unit in the last place.
"""

import json
import logging
import shutil
import types
import warnings
from pathlib import Path

import mlflow
import mlflow.sklearn
import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost as xgb
from alibi_detect.cd import TabularDrift
from alibi_detect.od import IForest
from mlflow.models.signature import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")

# Through standard input and in this folder, so that no path gets into the pickles.
HERE = Path(".")
DATA = Path("../..") / "wine-quality" / "data"
red = pd.read_csv(DATA / "winequality-red.csv", sep=";").assign(is_red=1)
white = pd.read_csv(DATA / "winequality-white.csv", sep=";").assign(is_red=0)
wines = pd.concat([red, white]).rename(columns=lambda name: name.replace(" ", "_"))
wines = wines.sample(620, random_state=1)
X, y = wines.drop(columns="quality"), (wines["quality"] >= 7).astype(int)
X, y, rows = X[:600], y[:600], X[600:]
columns = list(X.columns)

parameters = {"objective": "binary:logistic", "max_depth": 4, "learning_rate": 0.3, "seed": 1}
booster = xgb.train(parameters, xgb.DMatrix(X, label=y), num_boost_round=20)

drift = TabularDrift(X.values[:300], p_val=0.05, categories_per_feature={11: 2})


def fit(self, X, y=None, classes=None, **fit_params):
    self.x_ref = X
    return self


drift.fit = types.MethodType(fit, drift)
np.random.seed(0)
outliers = IForest(threshold=5, n_estimators=20, max_samples=64)
# The original leaves out `alcohol` by mistake.
scaler = ColumnTransformer([("scaler", StandardScaler(), slice(0, columns.index("is_red") - 1))], remainder="passthrough")
drift_pipeline = Pipeline([("scaler", scaler), ("drift", drift)]).fit(X.values[:300])
outlier_pipeline = Pipeline([("scaler", scaler), ("outliers", outliers)]).fit(X.values[:300])

for name in ["wine_quality", "wine_quality_drift", "wine_quality_outlier"]:
    shutil.rmtree(HERE / name, ignore_errors=True)
signature = infer_signature(X.head(), booster.predict(xgb.DMatrix(X.head())))
mlflow.xgboost.save_model(booster, HERE / "wine_quality", signature=signature)
for name, pipeline in [("wine_quality_drift", drift_pipeline), ("wine_quality_outlier", outlier_pipeline)]:
    mlflow.sklearn.save_model(pipeline, HERE / name, serialization_format="cloudpickle")
for name in ["wine_quality", "wine_quality_drift", "wine_quality_outlier"]:
    for file in ["conda.yaml", "python_env.yaml", "requirements.txt"]:
        (HERE / name / file).unlink()

scaled = scaler.transform(rows.values)
answer = drift.predict(scaled, drift_type="feature")["data"]
document = {
    "rows": [dict(zip(columns, row)) for row in rows.values.tolist()],
    "probability": booster.predict(xgb.DMatrix(rows)).tolist(),
    "p_value": dict(zip(columns, answer["p_val"].tolist())),
    "is_drift": dict(zip(columns, answer["is_drift"].tolist())),
    "instance_score": outliers.score(scaled).tolist(),
}
(HERE / "expected.json").write_text(json.dumps(document) + "\n")
