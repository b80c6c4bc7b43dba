"""lleaves on a twin of the booster: a model of LightGBM with as many trees and leaves, compiled by LLVM.

lleaves reads nothing but LightGBM's models. The twin is fitted to labels drawn with the booster's probabilities.
"""

import ctypes
import hashlib
from importlib.metadata import version
from pathlib import Path

import lightgbm
import lleaves
import numpy as np
import xgboost

from peer import NativePeer, kept, pointer

VERSION = f"{version('lleaves')} (LightGBM {lightgbm.__version__})"


class Lleaves(NativePeer):
    def __init__(self, model, rows, work):
        digest = hashlib.sha256(Path(model).read_bytes()).hexdigest()[:16]
        name = f"lleaves-{version('lleaves')}-{lightgbm.__version__}-{digest}"
        twin = kept(work / f"{name}.txt", lambda part: fit(model, rows, part))
        self.twin = lleaves.Model(model_file=str(twin))
        self.twin.compile(cache=str(work / f"{name}.o"))
        self.wide_rows = rows.astype("f8")
        self.predictions = np.zeros(len(rows))
        super().__init__(VERSION, rows, self.twin._c_entry_func)

    def arguments(self, window):
        arrays = [pointer(array, ctypes.c_double) for array in (self.wide_rows, self.predictions)]
        return *arrays, ctypes.c_int(window.start), ctypes.c_int(window.stop)

    def predict(self, n):
        function, arguments = self.calls(n)
        for each in arguments:
            function(*each)
        return self.predictions[: len(arguments) * n]


def fit(model, rows, path):
    booster = xgboost.Booster(model_file=model)
    trees = booster.trees_to_dataframe()
    n_leaves = round((trees["Feature"] == "Leaf").sum() / booster.num_boosted_rounds())
    parameters = {
        "objective": "binary",
        "num_leaves": n_leaves,
        "min_data_in_leaf": 1,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": 1,
        "verbose": -1,
    }
    probabilities = booster.predict(xgboost.DMatrix(rows))
    labels = np.random.default_rng(1).random(len(rows)) < probabilities
    twin = lightgbm.train(parameters, lightgbm.Dataset(rows, labels), booster.num_boosted_rounds())
    twin.save_model(path)
