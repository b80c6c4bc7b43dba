"""Reads with MLflow what `wine-quality train` has tracked on a server, and holds the predictions of the model that
`mlflow.pyfunc` loads against those that `wine-quality score` makes.

usage: read_training.py URL OUTCOME PROGRAM
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import mlflow
import numpy
import pandas

url, outcome, program = sys.argv[1:]
mlflow.set_tracking_uri(url)
client = mlflow.MlflowClient()
outcome = json.loads(pathlib.Path(outcome).read_text().splitlines()[-1])

# The run, what it kept, and those below it.
run = client.get_run(outcome["run_id"])
assert run.info.status == "FINISHED", run.info.status
assert run.data.metrics["auc"] == outcome["auc"]
assert run.data.metrics["test_roc_auc"] == outcome["auc"]
experiment = run.info.experiment_id
trials = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
assert len(trials) == 2 * int(run.data.params["search.trials"])
for trial in trials:
    assert trial.info.status == "FINISHED", trial.info
    assert {"max_depth", "learning_rate", "reg_alpha", "reg_lambda", "min_child_weight"} <= trial.data.params.keys()
    curve = client.get_metric_history(trial.info.run_id, "validation_logloss")
    assert [metric.step for metric in curve] == list(range(len(curve))) and len(curve) > 10
    assert 0.5 < trial.data.metrics["validation_auc"] <= 1.0

# The wines that it was given, which came with the program.
given = {tag.value: each for each in run.inputs.dataset_inputs for tag in each.tags if tag.key == "mlflow.data.context"}
assert set(given) == {"training", "validation", "test"}, given
n_rows = [json.loads(each.dataset.profile)["num_rows"] for each in given.values()]
assert sum(n_rows) == int(run.data.params["data.rows"]), n_rows
for each in given.values():
    assert len(mlflow.types.Schema.from_json(json.dumps(json.loads(each.dataset.schema)["mlflow_colspec"])).inputs) == 12
    assert mlflow.data.get_source(each).to_dict() == {"tags": {"mlflow.source.name": "wine-quality"}}
assert len(client.search_runs([experiment], f"datasets.digest = '{given['test'].dataset.digest}'")) == 1


def names(folder):
    return {pathlib.PurePath(artifact.path).name for artifact in client.list_artifacts(run.info.run_id, folder)}


assert {"split.csv", "model_card.md", "evaluation.json"} <= names("")
figures = names("figures")
assert {"roc_curve.svg", "shap_summary.svg", "search_history.svg"} <= figures, figures
assert names("search") == {"honest.jsonl", "original.jsonl"}

# The models.
for name in ["wine_quality", "wine_quality_drift", "wine_quality_outlier"]:
    version = client.get_model_version_by_alias(name, "challenger")
    assert version.run_id == run.info.run_id, version
model = mlflow.pyfunc.load_model("models:/wine_quality@challenger")
assert model.metadata.signature is not None and model.metadata.saved_input_example_info is not None
example = model.metadata.load_input_example(mlflow.artifacts.download_artifacts("models:/wine_quality@challenger"))
random = numpy.random.default_rng(1)
wines = pandas.concat([example] * 20, ignore_index=True)
measured = [column for column in wines.columns if column != "is_red"]
wines[measured] *= random.uniform(0.8, 1.2, (len(wines), len(measured)))
wines["is_red"] = wines["is_red"].astype("int64")
with tempfile.TemporaryDirectory() as work:
    rows = pathlib.Path(work) / "wines.csv"
    # All digits, so that both read the same numbers.
    rows.write_text(
        ",".join(wines.columns) + "\n" + "".join(",".join(map(repr, row)) + "\n" for row in wines.values.tolist())
    )
    command = [program, "score", "--config", outcome["config"], "--input", str(rows), "--output", str(rows.with_name("scored.csv"))]
    subprocess.run(command, check=True, env={**os.environ, "MLFLOW_TRACKING_URI": url, "MLOPS_MODEL_CACHE": work})
    scored = pandas.read_csv(rows.with_name("scored.csv"), float_precision="round_trip")
expected = numpy.ravel(model.predict(wines)).astype(numpy.float32)
assert numpy.array_equal(scored["probability"].astype(numpy.float32), expected), (scored["probability"], expected)
print(f"MLflow {mlflow.__version__}: {len(trials)} runs below the training, {len(figures)} figures, three models;"
      f" {len(expected)} probabilities equal")
