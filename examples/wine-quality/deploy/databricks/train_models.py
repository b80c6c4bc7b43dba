# Databricks notebook source
# MAGIC %md
# MAGIC # Train and register the wine-quality models in Python
# MAGIC
# MAGIC The notebook of the original system: a booster found by hyperopt, alibi-detect's `TabularDrift` and its `IForest`, tracked
# MAGIC in MLflow and registered under three names. `wine-quality serve` loads them without Python.
# MAGIC
# MAGIC Three things differ. The test wines neither stop the training nor choose the parameters, and no wine has copies on both
# MAGIC sides. All eleven measurements are scaled, `alcohol` too. The threshold of the outlier detector is one that scores exceed.
# MAGIC
# MAGIC Outside of Databricks it is a Python program: `MLFLOW_TRACKING_URI` names the server, and environment variables stand for
# MAGIC the widgets.

# COMMAND ----------

# MAGIC %pip install alibi-detect==0.13.0 hyperopt==0.2.7 xgboost==3.2.0 scikit-learn==1.9.1 mlflow==3.17.2 pandas==2.3.3 numpy==1.26.4
# MAGIC dbutils.library.restartPython()

# COMMAND ----------

import json
import os
import types
from pathlib import Path

import mlflow
import mlflow.sklearn
import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost as xgb
from alibi_detect.cd import TabularDrift
from alibi_detect.od import IForest
from hyperopt import STATUS_OK, Trials, fmin, hp, tpe
from mlflow.models.signature import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler


def setting(name, default):
    """A widget of the notebook, else a variable of the environment such as `WINE_TRIALS`."""
    if "dbutils" in globals():
        dbutils.widgets.text(name, default)  # noqa: F821
        return dbutils.widgets.get(name)  # noqa: F821
    return os.environ.get(f"WINE_{name.upper()}", default)


DATA = setting("data", "/dbfs/FileStore/wine-quality")
EXPERIMENT = setting("experiment", "/Shared/wine_quality")
TRIALS = int(setting("trials", "32"))
CONFIGURATION = setting("configuration", "configuration.json")
SEED = 1
MAX_ROUNDS, PATIENCE = 1000, 50
# The share of training wines that the outlier threshold cuts off, in percent.
CONTAMINATION = 2

# COMMAND ----------

# MAGIC %md ## The wines

# COMMAND ----------

red = pd.read_csv(Path(DATA) / "winequality-red.csv", sep=";").assign(is_red=1)
white = pd.read_csv(Path(DATA) / "winequality-white.csv", sep=";").assign(is_red=0)
wines = pd.concat([red, white], ignore_index=True).rename(columns=lambda name: name.replace(" ", "_"))
X, y = wines.drop(columns="quality"), (wines["quality"] >= 7).astype(int)
columns = list(X.columns)
groups = X.groupby(columns, sort=False).ngroup()


def split(rows, share):
    """Rows and a share of them apart, with all copies of a wine on the same side."""
    shuffle = GroupShuffleSplit(n_splits=1, test_size=share, random_state=SEED)
    kept, apart = next(shuffle.split(rows, groups=groups.iloc[rows]))
    return rows[kept], rows[apart]


known, test = split(np.arange(len(X)), 0.2)
train, validation = split(known, 0.25)

# COMMAND ----------

# MAGIC %md ## The search

# COMMAND ----------

mlflow.set_experiment(EXPERIMENT)
matrices = {name: xgb.DMatrix(X.iloc[rows], label=y.iloc[rows])
            for name, rows in [("train", train), ("validation", validation), ("known", known), ("test", test)]}
SPACE = {
    "max_depth": hp.quniform("max_depth", 4, 100, 1),
    "learning_rate": hp.loguniform("learning_rate", -3, 0),
    "reg_alpha": hp.loguniform("reg_alpha", -5, -1),
    "reg_lambda": hp.loguniform("reg_lambda", -6, -1),
    "min_child_weight": hp.loguniform("min_child_weight", -1, 3),
}
FIXED = {"objective": "binary:logistic", "eval_metric": "logloss", "seed": SEED}


def parameters(candidate):
    return {**FIXED, **candidate, "max_depth": int(candidate["max_depth"])}


def attempt(candidate):
    """Trains a candidate in a run of its own; hyperopt minimises the negative area under the ROC curve."""
    with mlflow.start_run(nested=True):
        history = {}
        booster = xgb.train(
            parameters(candidate), matrices["train"], num_boost_round=MAX_ROUNDS, early_stopping_rounds=PATIENCE,
            evals=[(matrices["validation"], "validation")], evals_result=history, verbose_eval=False)
        scores = booster.predict(matrices["validation"], iteration_range=(0, booster.best_iteration + 1))
        auc = roc_auc_score(y.iloc[validation], scores)
        mlflow.log_params(parameters(candidate))
        mlflow.log_metrics({"validation_auc": auc, "validation_logloss": min(history["validation"]["logloss"])})
    return {"status": STATUS_OK, "loss": -auc, "candidate": candidate, "rounds": booster.best_iteration + 1}


run = mlflow.start_run(run_name="train")
trials = Trials()
fmin(attempt, SPACE, algo=tpe.suggest, max_evals=TRIALS, trials=trials, rstate=np.random.default_rng(SEED),
     show_progressbar=False)
best = trials.best_trial["result"]

# COMMAND ----------

# MAGIC %md ## The models

# COMMAND ----------

# The chosen parameters once more, on all wines that are not for the test.
booster = xgb.train(parameters(best["candidate"]), matrices["known"], num_boost_round=best["rounds"])
auc = roc_auc_score(y.iloc[test], booster.predict(matrices["test"]))
mlflow.log_params(parameters(best["candidate"]))
mlflow.log_metric("test_auc", auc)

# Each different wine once: copies are no evidence of their own.
reference = X.iloc[known].drop_duplicates()
drift = TabularDrift(reference.values, p_val=0.05, categories_per_feature={columns.index("is_red"): 2})


def keep_reference(self, X, y=None, **_):
    self.x_ref = X
    return self


# A pipeline fits its last step; the reference is what came through the scaler.
drift.fit = types.MethodType(keep_reference, drift)
np.random.seed(SEED)
outliers = IForest(threshold=None, n_estimators=200)


def scaler():
    measurements = slice(0, columns.index("is_red"))
    return ColumnTransformer([("scaler", StandardScaler(), measurements)], remainder="passthrough")


drift_pipeline = Pipeline([("scaler", scaler()), ("drift", drift)]).fit(reference.values)
outlier_pipeline = Pipeline([("scaler", scaler()), ("outliers", outliers)]).fit(reference.values)
scaled = outlier_pipeline.named_steps["scaler"].transform(reference.values)
outliers.infer_threshold(scaled, threshold_perc=100 - CONTAMINATION)

# COMMAND ----------

# MAGIC %md ## The registry

# COMMAND ----------

example = X.iloc[train[:5]]
signature = infer_signature(example, booster.predict(xgb.DMatrix(example)))
logged = {
    "wine_quality": mlflow.xgboost.log_model(
        booster, name="wine_quality", signature=signature, input_example=example, model_format="ubj"),
    "wine_quality_drift": mlflow.sklearn.log_model(
        drift_pipeline, name="wine_quality_drift", serialization_format="cloudpickle"),
    "wine_quality_outlier": mlflow.sklearn.log_model(
        outlier_pipeline, name="wine_quality_outlier", serialization_format="cloudpickle"),
}
mlflow.end_run()
client = mlflow.MlflowClient()
uris = {}
for name, model in logged.items():
    version = mlflow.register_model(model.model_uri, name).version
    client.set_registered_model_alias(name, "challenger", version)
    uris[name] = f"models:/{name}/{version}"
Path(CONFIGURATION).write_text(json.dumps({
    "prediction_model_artifact_uri": uris["wine_quality"],
    "drift_model_artifact_uri": uris["wine_quality_drift"],
    "outlier_model_artifact_uri": uris["wine_quality_outlier"],
}, indent=2) + "\n")
print(f"area under the ROC curve on {len(test)} wines: {auc:.4f}; registered: {', '.join(uris.values())}")
