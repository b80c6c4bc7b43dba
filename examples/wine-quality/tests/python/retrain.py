"""Has `wine-quality retrain` put models to use on a server after a shift, and looks with MLflow at what it did there.

usage: retrain.py URL CONFIGURATION PROGRAM, of models that `wine-quality train` has made of the bundled wines
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import mlflow

url, configuration, program = sys.argv[1:]
mlflow.set_tracking_uri(url)
client = mlflow.MlflowClient()
data = pathlib.Path(__file__).parents[2] / "data"
version = json.loads(pathlib.Path(configuration).read_text())["prediction_model_artifact_uri"].split("/")[-1]

# The wines come again, as a laboratory tells of them that measures alcohol by weight.
wines = []
for name, is_red in [("winequality-red.csv", 1), ("winequality-white.csv", 0)]:
    rows = csv.DictReader((data / name).open(), delimiter=";")
    wines += [({**row, "alcohol": str(0.79 * float(row["alcohol"]))}, is_red) for row in rows]
logs, labels = [], ["request_id,row,label"]
for number in range(0, len(wines), 37):
    chosen = [wines[(number + 1999 * step) % len(wines)] for step in range(10)]
    columns = [name.replace(" ", "_") for name in list(chosen[0][0])[:-1]] + ["is_red"]
    rows = [[float(value) for value in list(row.values())[:-1]] + [is_red] for row, is_red in chosen]
    logs.append({
        "ts": "2026-03-01T10:00:00Z", "type": "inference", "request_id": f"r{number}",
        "model": {"name": "wine_quality", "version": version}, "inputs": {"columns": columns, "data": rows},
    })
    labels += [f"r{number},{at},{int(int(row['quality']) >= 7)}" for at, (row, _) in enumerate(chosen)]

with tempfile.TemporaryDirectory() as work:
    work = pathlib.Path(work)
    (work / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in logs))
    (work / "labels.csv").write_text("\n".join(labels) + "\n")

    def retrain(*more):
        command = [program, "retrain", "--config", configuration, "--telemetry", work / "log.jsonl",
                   "--labels", work / "labels.csv", "--trials", "2", *more]
        environment = {**os.environ, "MLFLOW_TRACKING_URI": url, "MLOPS_MODEL_CACHE": str(work / "cache"),
                       "XDG_STATE_HOME": str(work / "state")}
        answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        return json.loads(answer.splitlines()[-1])

    outcome = retrain("--when-drift")
    assert outcome["decision"] == "promoted" and "alcohol" in outcome["shift"]["features"], outcome
    assert retrain()["decision"] == "nothing_new"

run = client.get_run(outcome["run_id"])
assert run.info.status == "FINISHED" and run.data.tags["gate"] == "passed", run
assert run.data.params["champion"].endswith(f"/{version}"), run.data.params
for key, uri in json.loads(pathlib.Path(configuration).read_text()).items():
    assert outcome["configuration"][key] == uri, outcome
    _, name, number = uri.split("/")
    champion = client.get_model_version_by_alias(name, "champion")
    assert str(champion.version) == number, champion
    assert champion.run_id == run.info.run_id, champion
print(f"MLflow {mlflow.__version__}: retrained once; {len(outcome['checks'])} checks passed, {uri} in use")
