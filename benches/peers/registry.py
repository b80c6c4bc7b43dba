"""MLflow's own client, for `compare -- registry`.

usage: registry.py mlflow URL
"""

import json
import os
import sys
import tempfile
import time

import mlflow

SCRATCH = 1 << 30
# MLflow tells standard output of each run.
answers, sys.stdout = sys.stdout, sys.stderr
(_, url) = sys.argv[1:]
mlflow.set_tracking_uri(url)
mlflow.set_experiment("MLflow")
client = mlflow.MlflowClient()
with mlflow.start_run() as run:
    asked_for = run.info.run_id


def get(count):
    """Microseconds of CPU and of time that asking for a run takes."""
    cpu, began = time.process_time(), time.perf_counter()
    for _ in range(int(count)):
        assert client.get_run(asked_for).info.run_id == asked_for
    times = time.process_time() - cpu, time.perf_counter() - began
    return [each * 1e6 / int(count) for each in times]


def log(count):
    """Milliseconds until a loop has logged its metrics, and until the server has them."""
    with mlflow.start_run() as run:
        began = time.perf_counter()
        for step in range(int(count)):
            mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False)
        in_loop = time.perf_counter() - began
        mlflow.flush_async_logging()
        everything = time.perf_counter() - began
    assert len(client.get_metric_history(run.info.run_id, "loss")) == int(count)
    return [in_loop * 1e3, everything * 1e3]


def copy(folder):
    """Milliseconds that a folder takes to the server, and from there."""
    with mlflow.start_run() as run:
        settle()
        began = time.perf_counter()
        mlflow.log_artifacts(folder)
        upload = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as copies:
        settle()
        began = time.perf_counter()
        path = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="", dst_path=copies)
        download = time.perf_counter() - began
        assert size(path) == size(folder)
    return [upload * 1e3, download * 1e3]


def settle():
    """As ours does."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "scratch"), "wb") as file:
            file.write(bytes(SCRATCH))
    os.sync()


def size(folder):
    return sum(entry.stat().st_size for entry in os.scandir(folder))


print(json.dumps({"version": mlflow.__version__}), file=answers, flush=True)
tasks = {"get": get, "log": log, "copy": copy}
for line in sys.stdin:
    task, argument = line.rstrip("\n").split(" ", 1)
    print(json.dumps(tasks[task](argument)), file=answers, flush=True)
