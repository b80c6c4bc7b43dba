"""XGBoost's trainer `hist` on one thread, for `compare -- trainer`.

usage: trainer.py xgboost

A file has rows of 32-bit numbers, the last of which is the label.
"""

import json
import sys
import time

import numpy as np
import xgboost


def read(path, width):
    rows = np.fromfile(path, dtype="<f4").reshape(-1, int(width) + 1)
    return rows[:, :-1], rows[:, -1]


def train(width, n_rows, rounds, params, path):
    """A booster of the first rows, and the seconds that it took from them."""
    values, labels = read(path, width)
    values, labels = values[: int(n_rows)], labels[: int(n_rows)]
    began = time.perf_counter()
    data = xgboost.DMatrix(values, label=labels, nthread=1)
    params = {"tree_method": "hist", "nthread": 1} | json.loads(params)
    booster = xgboost.train(params, data, int(rounds))
    return booster, time.perf_counter() - began


def time_of(*arguments):
    return train(*arguments)[1]


def predict(width, n_rows, rounds, params, path):
    """The predictions of the other rows."""
    values, _ = read(path, width)
    booster, _ = train(width, n_rows, rounds, params, path)
    return booster.predict(xgboost.DMatrix(values[int(n_rows) :])).tolist()


print(json.dumps({"version": xgboost.__version__}), flush=True)
tasks = {"time": time_of, "predict": predict}
for line in sys.stdin:
    task, *arguments = line.rstrip("\n").split(" ", 5)
    print(json.dumps(tasks[task](*arguments)), flush=True)
