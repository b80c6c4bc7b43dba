"""Reads with MLflow's own client what tests/server has written to a server.

usage: read_server.py URL
"""

import math
import sys

import mlflow
import mlflow.xgboost
import numpy
import pandas
import xgboost

(url,) = sys.argv[1:]
mlflow.set_tracking_uri(url)
client = mlflow.MlflowClient()

experiment = client.get_experiment_by_name("wine's \"quality\"")
assert experiment.tags["team"] == "ml", experiment
runs = client.search_runs([experiment.experiment_id], "status = 'FINISHED'")
assert runs, "no run"
run = runs[0]
assert run.info.run_name == "trial 1", run.info
assert run.data.tags["note"] == "two\nlines, é", run.data.tags
assert run.data.params["p149"] == "it's 149", run.data.params
assert run.data.metrics["loss"] == 1 / 2500 and math.isnan(run.data.metrics["val/auc"]), run.data.metrics
history = client.get_metric_history(run.info.run_id, "loss")
assert [metric.step for metric in sorted(history, key=lambda each: each.step)] == list(range(2500))

version = client.get_model_version_by_alias("wine quality", "production")
assert version.current_stage == "Production" and version.run_id == run.info.run_id, version
assert version.tags["checked"] == "yes", version
experiment = client.get_experiment_by_name("data sets")
run = client.search_runs([experiment.experiment_id], "datasets.context = 'training'")[0]
contexts = {(each.dataset.digest, tag.value) for each in run.inputs.dataset_inputs for tag in each.tags}
assert contexts == {("1e5", "training"), ("1e5", "1"), ("0123", "evaluation")}, contexts

experiment = client.get_experiment_by_name("inputs and outputs")
run = client.search_runs([experiment.experiment_id])[0]
(given,) = run.inputs.dataset_inputs
assert (given.dataset.name, given.dataset.digest) == ("wine", "abc123"), given
tags = {tag.key: tag.value for tag in given.tags}
assert tags == {"mlflow.data.context": "training", "split": "1"}, tags
# Logged models came with MLflow 3.
if hasattr(client, "get_logged_model"):
    (made,) = run.outputs.model_outputs
    assert made.step == 3, made
    model = client.get_logged_model(made.model_id)
    assert (model.name, str(model.status)) == ("given", "READY"), model

# A booster that was published.
version = client.get_model_version_by_alias("wine booster", "champion")
uris = [
    f"models:/wine booster/{version.version}",
    "models:/wine booster/latest",
    "models:/wine booster/Production",
    "models:/wine booster@champion",
    f"runs:/{version.run_id}/booster",
]
if version.source.startswith("models:/m-"):
    uris.append(version.source)
for uri in uris:
    booster = mlflow.xgboost.load_model(uri)
    rows = pandas.DataFrame([[0.5] * booster.num_features()], columns=booster.feature_names)
    expected = booster.predict(xgboost.DMatrix(rows))
    model = mlflow.pyfunc.load_model(uri)
    assert numpy.array_equal(model.predict(rows), expected), uri
    assert model.metadata.run_id == version.run_id, uri

print(f"MLflow {mlflow.__version__} reads what was written to {url}")
