"""hyperopt's search over the parameters of XGBoost as the original's notebook does it, on one thread, for
`compare -- search`.

usage: search.py hyperopt DATA

DATA has the two files of wines, the original's test rows and the parts of an honest split. A question is `PROTOCOL SEED
TRIALS`; the answer is the area under the ROC curve on the test wines, and the seconds of the search.
"""

import csv
import json
import os
import sys
import time

import hyperopt
import numpy as np
import xgboost
from hyperopt import fmin, hp, tpe
from hyperopt.pyll import scope
from sklearn.metrics import roc_auc_score

(_, folder) = sys.argv[1:]
SPACE = {
    "max_depth": scope.int(hp.quniform("max_depth", 4, 100, 1)),
    "learning_rate": hp.loguniform("learning_rate", -3, 0),
    "reg_alpha": hp.loguniform("reg_alpha", -5, -1),
    "reg_lambda": hp.loguniform("reg_lambda", -6, -1),
    "min_child_weight": hp.loguniform("min_child_weight", -1, 3),
}
FIXED = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "seed": 123}


def wines():
    files = [("winequality-red.csv", 1), ("winequality-white.csv", 0)]
    tables = [np.loadtxt(os.path.join(folder, name), delimiter=";", skiprows=1) for name, _ in files]
    kinds = np.concatenate([np.full(len(table), kind) for table, (_, kind) in zip(tables, files)])
    table = np.concatenate(tables)
    return np.column_stack([table[:, :-1], kinds]).astype("f4"), (table[:, -1] >= 7).astype("f4")


def original(n_rows):
    """What the test wines are, on which the original stops and chooses, too."""
    with open(os.path.join(folder, "test_rows_seed1.csv")) as file:
        test = [int(row["row"]) for row in csv.DictReader(file)]
    train = np.setdiff1d(np.arange(n_rows), test)
    return train, test, test


def honest(_):
    parts = {"train": [], "validation": [], "test": []}
    with open(os.path.join(folder, "split_grouped_seed1.csv")) as file:
        for row in csv.DictReader(file):
            parts[row["part"]].append(int(row["row"]))
    return parts["train"], parts["validation"], parts["test"]


def search(protocol, seed, trials):
    values, labels = wines()
    parts = {"original": original, "honest": honest}[protocol](len(labels))
    train, validation, test = [xgboost.DMatrix(values[rows], labels[rows], nthread=1) for rows in parts]
    best = {"loss": 1}

    def objective(params):
        booster = xgboost.train(
            params | FIXED,
            train,
            1000,
            evals=[(validation, "validation")],
            early_stopping_rounds=50,
            verbose_eval=False,
        )
        rounds = (0, booster.best_iteration + 1)
        loss = -roc_auc_score(validation.get_label(), booster.predict(validation, iteration_range=rounds))
        if loss < best["loss"]:
            best.update(loss=loss, booster=booster, rounds=rounds)
        return loss

    began = time.perf_counter()
    fmin(
        objective,
        SPACE,
        algo=tpe.suggest,
        max_evals=int(trials),
        rstate=np.random.default_rng(int(seed)),
        show_progressbar=False,
        verbose=False,
    )
    seconds = time.perf_counter() - began
    probabilities = best["booster"].predict(test, iteration_range=best["rounds"])
    return [float(roc_auc_score(test.get_label(), probabilities)), seconds]


version = f"{hyperopt.__version__} with XGBoost {xgboost.__version__}"
print(json.dumps({"version": version}), flush=True)
for line in sys.stdin:
    print(json.dumps(search(*line.split())), flush=True)
