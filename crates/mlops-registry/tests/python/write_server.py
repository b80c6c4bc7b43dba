"""Logs and registers a booster with MLflow's own client, for tests/server to read.

usage: write_server.py URL
"""

import sys

import mlflow
import mlflow.xgboost
import numpy
import pandas
import xgboost
from mlflow.models import infer_signature

(url,) = sys.argv[1:]
mlflow.set_tracking_uri(url)
mlflow.set_experiment("python")

wines = pandas.DataFrame(numpy.random.default_rng(1).normal(size=(64, 2)), columns=["alcohol", "pH"])
booster = xgboost.train(
    {"objective": "binary:logistic", "seed": 1},
    xgboost.DMatrix(wines, wines["alcohol"] > 0),
    num_boost_round=3,
)
signature = infer_signature(wines, booster.predict(xgboost.DMatrix(wines)))
name = {"name": "booster"} if int(mlflow.__version__.split(".")[0]) >= 3 else {"artifact_path": "booster"}
with mlflow.start_run():
    mlflow.xgboost.log_model(booster, signature=signature, registered_model_name="python booster", **name)
client = mlflow.MlflowClient()
client.transition_model_version_stage("python booster", 1, "Production")
client.set_registered_model_alias("python booster", "champion", 1)
print(f"MLflow {mlflow.__version__} wrote a booster to {url}")
