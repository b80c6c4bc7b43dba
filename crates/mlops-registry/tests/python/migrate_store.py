"""Migrates with `mlflow migrate-filestore` what the example `write_store` wrote, and reads it from the data base.

    cargo run -p mlops-registry --example write_store -- DIR
    MLFLOW_ALLOW_FILE_STORE=true VENV/bin/python crates/mlops-registry/tests/python/migrate_store.py DIR

VENV has mlflow==3.17.2 with sqlalchemy==2.0.44. Nothing is written to the store.
"""

import math
import pathlib
import subprocess
import sys
import tempfile

import mlflow
from mlflow.entities import ViewType

root = pathlib.Path(sys.argv[1]).resolve()
with tempfile.TemporaryDirectory() as work:
    database = f"sqlite:///{work}/migrated.db"
    subprocess.run(
        [sys.executable, "-m", "mlflow", "migrate-filestore", "--source", str(root), "--target", database],
        cwd=work, check=True)
    mlflow.set_tracking_uri(database)
    client = mlflow.MlflowClient()

    name = "wine quality: süß & 100%"
    experiments = {each.name: each for each in client.search_experiments(view_type=ViewType.ALL)}
    assert set(experiments) == {"Default", name, "deleted", "restored"}, experiments
    assert experiments["deleted"].lifecycle_stage == "deleted"
    experiment = experiments[name]
    assert experiment.tags["team/lead"] == "ml", experiment
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"search", "1e0", "1e1"}, runs
    metrics = runs["1e1"].data.metrics
    assert metrics["loss"] == 1e-7 and math.isnan(metrics["val/auc"]), metrics
    given = {each.dataset.digest: each for each in runs["1e1"].inputs.dataset_inputs}
    assert set(given) == {"1e5", "0123"} and given["1e5"].dataset.profile == '{"num_rows": 2}', given
    assert "training" in [tag.value for tag in given["1e5"].tags], given
    assert runs["1e1"].data.params["note"] == 'line 1\nline 2: "quoted"'
    history = client.get_metric_history(runs["1e1"].info.run_id, "loss")
    assert sorted((each.step, each.value) for each in history) == [(0, 0.5), (1, 1e-7)]
    ids = [experiments["restored"].experiment_id]
    assert [run.info.run_name for run in client.search_runs(ids)] == ["restored"]
    deleted = client.search_runs(ids, run_view_type=ViewType.DELETED_ONLY)
    assert [run.info.run_name for run in deleted] == ["deleted"]

    (model,) = client.search_registered_models()
    assert (model.name, model.description) == ("wine_quality", "tells good wines from others")
    assert model.tags == {"team": "ml"}
    assert {alias: str(version) for alias, version in model.aliases.items()} == {"champion": "2"}
    versions = {int(each.version): each for each in client.search_model_versions("name = 'wine_quality'")}
    assert {key: each.current_stage for key, each in versions.items()} == {1: "Archived", 2: "Production"}
    assert (versions[2].description, versions[2].tags) == ("always 0.75", {"checked/by": "example"})

    uris = [(f"models:/wine_quality{suffix}", value) for suffix, value in [
        ("/1", "0.25"), ("/2", "0.75"), ("/latest", "0.75"), ("/Production", "0.75"), ("/archived", "0.25"),
        ("@champion", "0.75")]]
    uris += [(f"runs:/{runs['1e0'].info.run_id}/model", "0.25"), (versions[2].source, "0.75")]
    for uri, value in uris:
        with tempfile.TemporaryDirectory() as target:
            path = mlflow.artifacts.download_artifacts(uri, dst_path=target)
            assert (pathlib.Path(path) / "constant.json").read_text() == value, uri
            assert set(mlflow.models.Model.load(path).flavors) == {"constant"}, uri
print(f"mlflow {mlflow.__version__} migrates the store, and {len(uris)} URIs lead to its models")
