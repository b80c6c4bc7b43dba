"""lleaves on a twin of the booster: a model of LightGBM with as many trees and leaves, compiled by LLVM.

lleaves reads nothing but LightGBM's models. The twin is fitted to labels drawn with the booster's probabilities.
"""

import ctypes
from importlib.metadata import version

import lightgbm
import lleaves
import numpy as np
import xgboost

from native import NativePeer, digest, kept, pointer

# More trees than there are.
ONE_BLOCK = {"fblocksize": 1_000_000}
VERSION = f"{version('lleaves')} (LightGBM {lightgbm.__version__})"


class Lleaves(NativePeer):
    def __init__(self, model, rows, work):
        name = f"lleaves-{version('lleaves')}-{lightgbm.__version__}-{digest(model)}"
        twin = kept(work / f"{name}.txt", lambda part: fit(model, rows, part))
        # Blocks of trees that fit the cache are for many rows; its documentation has one row take no blocks.
        self.one, self.many = (
            compiled(twin, work / f"{name}-{kind}.o", blocks) for kind, blocks in [("one", ONE_BLOCK), ("many", {})]
        )
        self.wide_rows = rows.astype("f8")
        self.predictions = np.zeros(len(rows))
        super().__init__(VERSION, rows, self.many._c_entry_func, self.predictions)

    def calls(self, n):
        function, arguments = super().calls(n)
        return self.one._c_entry_func if n == 1 else function, arguments

    def arguments(self, window):
        arrays = [pointer(array, ctypes.c_double) for array in (self.wide_rows, self.predictions)]
        return *arrays, ctypes.c_int(window.start), ctypes.c_int(window.stop)


def fit(model, rows, path):
    booster = xgboost.Booster(model_file=model)
    trees = booster.get_dump()
    n_leaves = round(sum(tree.count("leaf=") for tree in trees) / len(trees))
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
    twin = lightgbm.train(parameters, lightgbm.Dataset(rows, labels), len(trees))
    n_twin = [tree["num_leaves"] for tree in twin.dump_model()["tree_info"]]
    assert (len(n_twin), max(n_twin), min(n_twin)) == (len(trees), n_leaves, n_leaves)
    twin.save_model(path)


def compiled(twin, path, blocks):
    model = lleaves.Model(model_file=str(twin))
    kept(path, lambda part: model.compile(cache=str(part), **blocks))
    # What was kept is loaded, not compiled again.
    model = lleaves.Model(model_file=str(twin))
    model.compile(cache=str(path), **blocks)
    return model
