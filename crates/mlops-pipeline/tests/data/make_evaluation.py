"""Evaluates probabilities with scikit-learn and scipy, to compare ours with.

    python make_evaluation.py    # Python 3.11, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6

`evaluation.json` holds for each case probabilities in units of 1/4096, exact in 32 bits, their labels, and what
scikit-learn and scipy make of them. The curves go from the highest threshold to the lowest.
"""

import json
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn import metrics
from sklearn.calibration import calibration_curve

rng = np.random.RandomState(5)


def noisy(n, unit, share):
    labels = rng.uniform(size=n) < share
    score = rng.normal(size=n) + labels * 1.2 - 0.6
    grid = np.round(unit / (1 + np.exp(-score))).astype(int) * (4096 // unit)
    return grid, labels


cases = {
    "fine": noisy(211, 4096, 0.4),
    "ties": noisy(300, 16, 0.3),
    "rare": noisy(150, 64, 0.05),
    "extremes": (np.array([0, 0, 0, 4096, 4096, 4096, 0, 4096, 1, 4095, 2048]), np.array([0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1]) == 1),
    "constant": (np.full(9, 1024), np.arange(9) % 3 == 0),
    "perfect": (np.arange(20) * 200, np.arange(20) >= 12),
    "reversed": (np.arange(20) * 200, np.arange(20) < 12),
}
n_bins = 10
document = {}
for name, (grid, labels) in cases.items():
    probabilities = grid / 4096
    fpr, tpr, thresholds = metrics.roc_curve(labels, probabilities, drop_intermediate=False)
    precision, recall, _ = metrics.precision_recall_curve(labels, probabilities)
    observed, predicted = calibration_curve(labels, probabilities, n_bins=n_bins, strategy="quantile")
    edges = np.percentile(probabilities, np.linspace(0, 1, n_bins + 1) * 100)
    counts = np.bincount(np.searchsorted(edges[1:-1], probabilities))
    counts = counts[counts > 0]
    # scikit-learn moves probabilities into [2e-16, 1 - 2e-16], XGBoost into [1e-16, 1 - 1e-16].
    inner = np.clip(probabilities, 1e-16, 1 - 1e-16)
    loss = -np.mean(np.log(np.where(labels, inner, 1 - inner)))
    if 0 < probabilities.min() and probabilities.max() < 1:
        assert np.isclose(loss, metrics.log_loss(labels, probabilities), rtol=1e-14)
    test = stats.mannwhitneyu(
        probabilities[labels], probabilities[~labels], use_continuity=False, alternative="greater", method="asymptotic"
    )
    # What the Brier score would be, and how it would vary, if the probabilities were right.
    expected_brier = np.mean(probabilities * (1 - probabilities))
    variance = np.sum((1 - 2 * probabilities) ** 2 * probabilities * (1 - probabilities)) / len(grid) ** 2
    brier = metrics.brier_score_loss(labels, probabilities)
    called = probabilities > 0.5
    tn, fp, fn, tp = metrics.confusion_matrix(labels, called).ravel().tolist()
    document[name] = {
        "probabilities": grid.tolist(),
        "labels": labels.astype(int).tolist(),
        "roc_auc": metrics.roc_auc_score(labels, probabilities),
        "average_precision": metrics.average_precision_score(labels, probabilities),
        "log_loss": float(loss),
        "brier_score": brier,
        "mann_whitney_z": None if np.isnan(test.pvalue) else float(stats.norm.isf(test.pvalue)),
        "spiegelhalter_z": float((brier - expected_brier) / np.sqrt(variance)),
        "false_positive_rate": fpr.tolist(),
        "true_positive_rate": tpr.tolist(),
        "lowest_positive": thresholds[1:].tolist(),
        "precision": precision[:-1][::-1].tolist(),
        "recall": recall[:-1][::-1].tolist(),
        "observed_share": observed.tolist(),
        "mean_predicted": predicted.tolist(),
        "bin_rows": counts.tolist(),
        "expected_calibration_error": float(np.sum(counts * np.abs(observed - predicted)) / len(grid)),
        "confusion": [tp, fp, tn, fn],
        "accuracy": metrics.accuracy_score(labels, called),
        "precision_at_half": metrics.precision_score(labels, called, zero_division=np.nan) if called.any() else None,
        "recall_at_half": metrics.recall_score(labels, called),
        "f1_at_half": metrics.f1_score(labels, called),
    }
Path(__file__).with_name("evaluation.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
