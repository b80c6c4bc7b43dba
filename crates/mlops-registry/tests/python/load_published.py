"""Loads and serves with MLflow what the example `publish_model` has published: a booster, a forest as ONNX with rows and
scores, and a drift detector that is for Rust alone.

usage: load_published.py URL BOOSTER FOREST FOREST_ANSWERS DRIFT
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
import urllib.request

import mlflow
import mlflow.xgboost
import numpy
import pandas
import xgboost

url, booster, forest, answers, drift = sys.argv[1:]
mlflow.set_tracking_uri(url)


def serve(name, frame):
    """The predictions of `mlflow models serve` for the rows."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as work, open(pathlib.Path(work) / "log", "w+") as log:
        command = ["models", "serve", "-m", f"models:/{name}/1", "--env-manager", "local", "--port", str(port)]
        # MLflow calls the programs of its own environment.
        programs = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
        environment = {**os.environ, "MLFLOW_TRACKING_URI": url, "PATH": programs}
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command],
            cwd=work, stdout=log, stderr=log, start_new_session=True, env=environment)
        body = json.dumps({"dataframe_split": json.loads(frame.to_json(orient="split", index=False, double_precision=15))})
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", body.encode(), {"Content-Type": "application/json"})
        try:
            deadline = time.monotonic() + 180
            while True:
                try:
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        return json.load(answer)["predictions"]
                except urllib.error.HTTPError as error:
                    raise AssertionError(error.read().decode()) from error
                except OSError:
                    if server.poll() is not None or time.monotonic() > deadline:
                        raise
                    time.sleep(0.3)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read())
            raise
        finally:
            # With the processes that it has started.
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def check_booster():
    loaded = mlflow.xgboost.load_model(f"models:/{booster}/1")
    random = numpy.random.default_rng(1)
    frame = pandas.DataFrame(random.uniform(0, 10, (20, loaded.num_features())), columns=loaded.feature_names)
    pyfunc = mlflow.pyfunc.load_model(f"models:/{booster}/1")
    # A signature of whole numbers wants them.
    for spec in pyfunc.metadata.signature.inputs:
        if spec.type.name in ("long", "integer"):
            frame[spec.name] = frame[spec.name].round().astype(spec.type.to_numpy())
    expected = loaded.predict(xgboost.DMatrix(frame))
    assert numpy.array_equal(numpy.ravel(pyfunc.predict(frame)), expected)
    served = numpy.ravel(serve(booster, frame)).astype(numpy.float32)
    assert numpy.allclose(served, expected, rtol=0, atol=1e-6), (served, expected)
    return f"serves the booster, {len(expected)} rows equal"


def check_forest():
    given = json.loads(pathlib.Path(answers).read_text())
    rows, scores = given["rows"][:200], numpy.array(given["scores"][:200])
    pyfunc = mlflow.pyfunc.load_model(f"models:/{forest}/1")
    columns = [spec.name for spec in pyfunc.metadata.signature.inputs]
    frame = pandas.DataFrame(rows, columns=columns, dtype=float)
    served = pandas.DataFrame(serve(forest, frame))
    difference = numpy.abs(served["score"] - scores).max()
    assert difference < 1e-6, difference
    return f"serves the forest, {len(rows)} scores differ by at most {difference:.1e}"


def check_drift():
    try:
        mlflow.pyfunc.load_model(f"models:/{drift}/1")
    except mlflow.exceptions.MlflowException as error:
        assert error.message == 'Model does not have the "python_function" flavor', error.message
        return f"says of the drift detector: {error.message}"
    raise AssertionError("a model without the flavor is loaded")


for check in check_booster, check_forest, check_drift:
    print(f"MLflow {mlflow.__version__} {check()}")
