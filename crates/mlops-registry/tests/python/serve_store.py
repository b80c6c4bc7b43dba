"""Serves with `mlflow ui` what the example `write_store` wrote, and asks for all of it through the REST API.

    cargo run -p mlops-registry --example write_store -- DIR
    MLFLOW_ALLOW_FILE_STORE=true VENV/bin/python crates/mlops-registry/tests/python/serve_store.py DIR

VENV has mlflow==3.17.2 or mlflow==2.22.2 with sqlalchemy==2.0.44. Nothing is written to the store.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import mlflow

root = pathlib.Path(sys.argv[1]).resolve()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]


def ask(path, body=None, /, **query):
    url = f"http://127.0.0.1:{port}/api/2.0/mlflow/{path}"
    if query:
        url += "?" + urllib.parse.urlencode(query)
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def pairs(items):
    return {item["key"]: item["value"] for item in items}


def check():
    name = "wine quality: süß & 100%"
    found = ask("experiments/search", {"max_results": 100})["experiments"]
    experiments = {each["name"]: each for each in found}
    assert set(experiments) == {"Default", name, "restored"}, experiments
    experiment = experiments[name]
    assert pairs(experiment["tags"]) == {"team/lead": "ml"}, experiment
    deleted = ask("experiments/search", {"max_results": 100, "view_type": "DELETED_ONLY"})["experiments"]
    assert [(each["name"], each["lifecycle_stage"]) for each in deleted] == [("deleted", "deleted")], deleted

    def runs(experiment, **wishes):
        ids = [experiment["experiment_id"]]
        found = ask("runs/search", {"experiment_ids": ids, "max_results": 100, **wishes}).get("runs", [])
        return {each["info"]["run_name"]: each for each in found}

    found = runs(experiment)
    assert set(found) == {"search", "1e0", "1e1"}, found
    trial = found["1e1"]["data"]
    metrics = {each["key"]: each for each in trial["metrics"]}
    assert metrics["loss"]["value"] == 1e-7 and metrics["loss"]["step"] == 1, metrics
    assert metrics["val/auc"]["value"] == "NaN", metrics
    assert pairs(trial["params"]) == {"model/value": "0.75", "note": 'line 1\nline 2: "quoted"'}
    given = {each["dataset"]["digest"]: each for each in found["1e1"]["inputs"]["dataset_inputs"]}
    assert set(given) == {"1e5", "0123"}, given
    assert pairs(given["1e5"]["tags"]) == {"mlflow.data.context": "training", "part": "1"}, given
    assert given["1e5"]["dataset"]["name"] == "wines: süß", given
    assert "passing" not in pairs(found["search"]["data"]["tags"])
    assert set(runs(experiment, filter="params.`model/value` = '0.25'")) == {"1e0"}
    restored = experiments["restored"]
    assert set(runs(restored)) == {"restored"}
    assert set(runs(restored, run_view_type="DELETED_ONLY")) == {"deleted"}

    models = ask("registered-models/search", max_results=100)["registered_models"]
    (model,) = models
    assert (model["name"], model["description"]) == ("wine_quality", "tells good wines from others")
    assert pairs(model["tags"]) == {"team": "ml"}
    assert {each["alias"]: str(each["version"]) for each in model["aliases"]} == {"champion": "2"}
    found = ask("model-versions/search", filter="name = 'wine_quality'", max_results=100)["model_versions"]
    versions = {each["version"]: each for each in found}
    assert {key: each["current_stage"] for key, each in versions.items()} == {"1": "Archived", "2": "Production"}
    assert versions["2"]["description"] == "always 0.75"
    assert pairs(versions["2"]["tags"]) == {"checked/by": "example"}
    try:
        ask("model-versions/get", name="wine_quality", version="3")
    except urllib.error.HTTPError as error:
        assert error.code == 404, error
    else:
        raise AssertionError("a deleted version is served")
    champion = ask("registered-models/alias", name="wine_quality", alias="champion")["model_version"]
    assert str(champion["version"]) == "2"
    artifacts = ask("artifacts/list", run_id=champion["run_id"], path="model")["files"]
    assert {each["path"] for each in artifacts} >= {"model/MLmodel", "model/constant.json"}, artifacts


with tempfile.TemporaryDirectory() as work, open(pathlib.Path(work) / "log", "w+") as log:
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", str(root), "--port", str(port)],
        cwd=work, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                ask("experiments/search", {"max_results": 1})
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        check()
    except BaseException:
        log.seek(0)
        sys.stderr.write(log.read())
        raise
    finally:
        # With the processes that it has started.
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
print(f"mlflow {mlflow.__version__} ui serves the store")
