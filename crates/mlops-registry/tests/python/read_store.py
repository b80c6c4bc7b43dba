"""Reads with MLflow's own client what the example `write_store` wrote, and asserts all of it.

    cargo run -p mlops-registry --example write_store -- DIR
    python3 -m venv venv
    venv/bin/pip install mlflow-skinny==3.17.2 numpy==2.4.6 pandas==2.3.3
    MLFLOW_ALLOW_FILE_STORE=true venv/bin/python crates/mlops-registry/tests/python/read_store.py DIR

Passes on Python 3.11 also with mlflow-skinny==2.22.2. The store is written to: the script goes on
where the example stopped.
"""

import json
import math
import pathlib
import shutil
import sys
import tempfile
import urllib.parse

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, ViewType
from mlflow.tracking import MlflowClient

root = pathlib.Path(sys.argv[1]).resolve()

# What a crash of the writer may leave behind, and MLflow has to pass over.
run_folder = next(root.glob("*/*/params")).parent
shutil.copytree(run_folder, root / "0" / ".staging" / ".tmp-1-1")
for folder in [run_folder, root / "models/wine_quality", root / "models/wine_quality/version-1"]:
    (folder / ".tmp-1-2").write_text("")

mlflow.set_tracking_uri(root.as_uri())
client = MlflowClient()

# Experiments: the default one, those that were created, and the one that was deleted.
name = "wine quality: süß & 100%"
experiments = {e.name: e for e in client.search_experiments(view_type=ViewType.ALL)}
assert set(experiments) == {"Default", name, "deleted", "restored"}, experiments
assert experiments["deleted"].lifecycle_stage == "deleted"
assert experiments[name].tags == {"team/lead": "ml"}, experiments[name]
experiment = client.get_experiment_by_name(name)
assert experiments["Default"].experiment_id == "0"
assert len(experiment.experiment_id) == 18 and experiment.lifecycle_stage == "active"
assert experiment.artifact_location == (root / experiment.experiment_id).as_uri()
assert client.search_runs(["0"]) == []

# Runs: one parent with two children.
runs = {r.info.run_name: r for r in client.search_runs([experiment.experiment_id])}
assert set(runs) == {"search", "1e0", "1e1"}, runs
parent = runs["search"]
assert parent.info.status == "KILLED" and parent.data.tags["team"] == "ml"
assert "passing" not in parent.data.tags
assert "mlflow.parentRunId" not in parent.data.tags

for number, value in enumerate(["0.25", "0.75"]):
    run = client.get_run(runs[f"1e{number}"].info.run_id)
    assert run.info.status == "FINISHED"
    assert parent.info.start_time <= run.info.start_time <= run.info.end_time <= parent.info.end_time
    assert run.info.artifact_uri == f"{experiment.artifact_location}/{run.info.run_id}/artifacts"

    tags = run.data.tags
    assert tags["mlflow.parentRunId"] == parent.info.run_id
    assert tags["mlflow.runName"] == f"1e{number}"
    assert tags["mlflow.source.type"] == "LOCAL"
    assert tags["mlflow.source.name"] == "write_store"
    assert tags["mlflow.user"] == run.info.user_id != ""

    assert run.data.params == {"model/value": value, "note": 'line 1\nline 2: "quoted"'}

    metrics = run.data.metrics
    assert set(metrics) == {"loss", "val/auc", "worst"}
    assert metrics["loss"] == 1e-7 and metrics["worst"] == -math.inf
    assert math.isnan(metrics["val/auc"])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(m.value, m.step) for m in history] == [(0.5, 0), (1e-7, 1)]
    assert all(run.info.start_time <= m.timestamp <= run.info.end_time for m in history)
    assert client.get_metric_history(run.info.run_id, "worst")[0].step == -1

    given = {i.dataset.digest: i for i in run.inputs.dataset_inputs}
    assert set(given) == {"1e5", "0123"} and len(run.inputs.dataset_inputs) == 2, given
    for digest, context in [("1e5", "training"), ("0123", "evaluation")]:
        dataset = given[digest].dataset
        assert (dataset.name, dataset.source_type) == ("wines: süß", "local"), dataset
        assert json.loads(dataset.source) == {"uri": "wines.csv"}, dataset
        assert json.loads(dataset.schema)["mlflow_colspec"][0]["name"] == "alcohol", dataset
        assert json.loads(dataset.profile) == {"num_rows": 2}, dataset
        tags = {tag.key: tag.value for tag in given[digest].tags}
        assert tags == {"mlflow.data.context": context, "part": "1"}, tags

    assert [f.path for f in client.list_artifacts(run.info.run_id)] == ["model"]
    info = mlflow.models.get_model_info(f"runs:/{run.info.run_id}/model")
    assert info.run_id == run.info.run_id and set(info.flavors) == {"constant"}
    assert info.signature.inputs.input_names() == ["alcohol"]

# A run that was restored, and one that was deleted.
ids = [experiments["restored"].experiment_id]
assert [r.info.run_name for r in client.search_runs(ids)] == ["restored"]
deleted = client.search_runs(ids, run_view_type=ViewType.DELETED_ONLY)
assert [(r.info.run_name, r.info.lifecycle_stage) for r in deleted] == [("deleted", "deleted")]

# Registered model: two versions, the second in use, and a third that was deleted.
(model,) = client.search_registered_models()
assert model.name == "wine_quality" and model.aliases == {"champion": "2"}, model
assert model.description == "tells good wines from others" and model.tags == {"team": "ml"}
versions = {int(v.version): v for v in client.search_model_versions("name = 'wine_quality'")}
assert {n: v.current_stage for n, v in versions.items()} == {1: "Archived", 2: "Production"}
assert {n: v.status for n, v in versions.items()} == {1: "READY", 2: "READY"}
assert {n: v.tags for n, v in versions.items()} == dict.fromkeys([1, 2], {"checked/by": "example"})
assert versions[2].description == "always 0.75"
assert client.get_model_version_by_alias("wine_quality", "champion").version == 2
assert client.get_model_version("wine_quality", "2").aliases == ["champion"]
for number, version in versions.items():
    run = runs[f"1e{number - 1}"]
    uri = client.get_model_version_download_uri("wine_quality", str(number))
    assert version.run_id == run.info.run_id
    assert uri == version.source == f"{run.info.artifact_uri}/model"
    path = pathlib.Path(urllib.parse.unquote(urllib.parse.urlparse(uri).path))
    assert (path / "MLmodel").is_file()

# Downloads by every kind of URI of a registered model, and the children of a run.
for suffix, value in [("/1", "0.25"), ("/2", "0.75"), ("/latest", "0.75"), ("/Production", "0.75"),
                      ("/archived", "0.25"), ("@champion", "0.75")]:
    with tempfile.TemporaryDirectory() as target:
        path = mlflow.artifacts.download_artifacts(f"models:/wine_quality{suffix}", dst_path=target)
        assert (pathlib.Path(path) / "constant.json").read_text() == value, suffix
children = client.search_runs(
    [experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
assert len(children) == 2

# Python goes on where Rust stopped.
with mlflow.start_run(run_id=runs["1e1"].info.run_id):
    mlflow.log_metric("loss", 0.0, step=2)
    try:
        mlflow.log_param("note", "changed")
    except mlflow.exceptions.MlflowException as error:
        assert "Changing param values is not allowed" in str(error)
    else:
        raise AssertionError("a parameter was changed")
assert client.get_run(runs["1e1"].info.run_id).data.metrics["loss"] == 0.0
# A data set that Rust has logged is there already; what Rust had not logged comes to it.
def log_input(digest):
    dataset = Dataset(name="wines: süß", digest=digest, source_type="local", source="{}")
    tags = [InputTag(key="mlflow.data.context", value="test")]
    client.log_inputs(runs["1e1"].info.run_id, [DatasetInput(dataset=dataset, tags=tags)])
    return client.get_run(runs["1e1"].info.run_id).inputs.dataset_inputs


assert len(log_input("1e5")) == 2
assert len(log_input("new")) == 3
assert len(list((root / experiment.experiment_id / "datasets").iterdir())) == 3
fourth = client.create_model_version("wine_quality", versions[1].source, versions[1].run_id)
assert int(fourth.version) == 4
client.set_registered_model_alias("wine_quality", "challenger", "4")
client.transition_model_version_stage("wine_quality", "4", "Staging")
client.restore_experiment(experiments["deleted"].experiment_id)
restored = client.search_runs([experiments["deleted"].experiment_id])
assert [r.info.run_name for r in restored] == ["deleted with its experiment"]

print(f"mlflow {mlflow.__version__}: {len(experiments)} experiments, {len(runs)} runs, 3 versions read and continued")
