"""Serves one peer that scores a booster. Run by `compare`: python boosters PEER MODEL ROWS WORK

    PEER   libxgboost:VERSION, onnxruntime, onedal, tl2cgen, treelite or lleaves
    MODEL  a booster of XGBoost 3.2 for binary:logistic
    ROWS   its rows, numbers of 32 bits, row by row, without a missing value
    WORK   a folder that keeps what takes long to fetch or to compile

Prints {"version": ..} or {"skipped": ..}. Then answers each line of stdin with a line of JSON:

    predict N        the probabilities of all rows, computed N rows a call
    time N SECONDS   the mean microseconds of a call of N rows, over about that long
"""

import importlib
import itertools
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

# A peer's module is imported only if it is asked for: some cannot be installed everywhere.
PEERS = {
    "libxgboost": ("native_xgboost", "Libxgboost"),
    "lleaves": ("lleaves_twin", "Lleaves"),
    "onedal": ("intel_onedal", "OneDal"),
    "onnxruntime": ("onnx_runtime", "OnnxRuntime"),
    "tl2cgen": ("compiled_tl2cgen", "Tl2cgen"),
    "treelite": ("treelite_gtil", "Treelite"),
}


def main():
    # Libraries print; answers go where only this program writes.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    name, model, rows, work = sys.argv[1:]
    name, _, version = name.partition(":")
    try:
        import xgboost

        n_features = xgboost.Booster(model_file=model).num_features()
        rows = np.fromfile(rows, "<f4").reshape(-1, n_features)
        work = Path(work)
        work.mkdir(parents=True, exist_ok=True)
        module, peer = PEERS[name]
        peer = getattr(importlib.import_module(module), peer)
        peer = peer(model, rows, work, *filter(None, [version]))
    except Exception as error:
        print(json.dumps({"skipped": f"{type(error).__name__}: {error}"}), file=answers)
        return
    print(json.dumps({"version": peer.version}), file=answers)
    calls = {}
    for line in sys.stdin:
        command, n, *seconds = line.split()
        n = int(n)
        if command == "predict":
            answer = [float(value) for value in peer.predict(n)]
        else:
            calls.setdefault(n, Calls(*peer.calls(n)))
            answer = calls[n].microseconds(float(*seconds)) - peer.overhead
        print(json.dumps(answer), file=answers)


class Calls:
    """A function and the arguments of one call after the other: never the same rows twice in a row."""

    def __init__(self, function, arguments):
        self.function = function
        self.arguments = itertools.cycle(arguments)
        self.estimate = self.mean(1)

    def microseconds(self, seconds):
        n = max(1, int(seconds * 1e6 / self.estimate))
        self.estimate = self.mean(n)
        return self.estimate

    def mean(self, n):
        function = self.function
        arguments = list(itertools.islice(self.arguments, n))
        began = time.perf_counter()
        for each in arguments:
            function(*each)
        return (time.perf_counter() - began) * 1e6 / n


main()
