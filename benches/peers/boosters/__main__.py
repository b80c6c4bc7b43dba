"""Serves one peer that scores a booster. Run by `compare`: python boosters PEER MODEL ROWS N_FEATURES WORK

    PEER        libxgboost:VERSION, onnxruntime, onedal, tl2cgen, treelite or lleaves
    MODEL       a booster of XGBoost 3.2 for binary:logistic
    ROWS        its rows, numbers of 32 bits, row by row, without a missing value
    N_FEATURES  the numbers in a row
    WORK        a folder that keeps what takes long to fetch or to compile

Prints {"version": ..} or {"skipped": ..}. Then answers each line of stdin with a line of JSON:

    predict N        the probabilities of all rows, computed N rows a call
    time N SECONDS   the mean microseconds of a call of N rows, over about that long
"""

import gc
import importlib
import itertools
import json
import os
import sys
import time
from pathlib import Path

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
    try:
        peer = make(*sys.argv[1:])
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
            if n not in calls:
                calls[n] = Calls(*peer.calls(n), peer.empty(n))
            answer = calls[n].microseconds(float(*seconds))
        print(json.dumps(answer), file=answers)


def make(name, model, rows, n_features, work):
    import numpy as np

    name, _, version = name.partition(":")
    module, peer = PEERS[name]
    rows = np.fromfile(rows, "<f4").reshape(-1, int(n_features))
    work = Path(work)
    work.mkdir(parents=True, exist_ok=True)
    return getattr(importlib.import_module(module), peer)(model, rows, work, *filter(None, [version]))


class Calls:
    """A function, and the arguments of one call after the other: never the same rows twice in a row.

    `empty` takes the same arguments and does nothing; its time is taken away.
    """

    def __init__(self, function, arguments, empty):
        self.function, self.empty = function, empty
        self.arguments = itertools.cycle(arguments)
        self.estimate = mean(function, list(itertools.islice(self.arguments, 1)))

    def microseconds(self, seconds):
        n = max(1, int(seconds * 1e6 / self.estimate))
        arguments = list(itertools.islice(self.arguments, n))
        gc.disable()
        self.estimate = mean(self.function, arguments)
        nothing = mean(self.empty, arguments) if self.empty else 0.0
        gc.enable()
        return self.estimate - nothing


def mean(function, arguments):
    began = time.perf_counter()
    for each in arguments:
        function(*each)
    return (time.perf_counter() - began) * 1e6 / len(arguments)


main()
