#!/usr/bin/env python3
"""How often SciPy's Kolmogorov-Smirnov test rejects on tied data: its exact law is that of samples without ties.

    python golden_power.py        (Python 3.11, numpy 1.26.4, scipy 1.17.1)

writes golden_power.json next to itself: rows {n, m, shift, seed, batches, rejected_05, rejected_01}, the number of
batches with p < 0.05 and p < 0.01, p = ks_2samp(reference, batch, method="exact").pvalue.

Every row has one SplitMix64 stream from state `seed` (u() = (next() >> 11) * 2^-53, as in golden_drift.py), read in
order: for each of the `batches` trials a new reference of n values, then a batch of m values, each value

    x = floor(((u() + u()) + u()) * 4.0 + s)        s = 0.0 in the reference, shift * 4.0 in the batch

So x is one of 12 integers under no shift, the two samples have one law at shift 0.0, and every IEEE 754 double
implementation gets the same samples.
"""
import json
import os
import platform
import warnings

import numpy as np
import scipy
from scipy import stats

# SciPy warns when it gives up on the exact law.
warnings.filterwarnings("error")

BATCHES = 1000


def uniforms(seed, count):
    """u() of SplitMix64, `count` of them: its k-th state is seed + k * gamma."""
    z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(float) * 2.0**-53


rows = []
for k, (n, m) in enumerate([(200, 10), (200, 50), (500, 50), (100, 100)]):
    for j, shift in enumerate((0.0, 0.2, 0.4)):
        seed = 20240 + 100 * k + j
        u = uniforms(seed, BATCHES * (n + m) * 3).reshape(BATCHES, n + m, 3)
        s = np.repeat([0.0, shift * 4.0], [n, m])
        x = np.floor(((u[..., 0] + u[..., 1]) + u[..., 2]) * 4.0 + s)
        p = np.array([stats.ks_2samp(values[:n], values[n:], method="exact").pvalue for values in x])
        # No p-value is so close to a level that rounding decides.
        assert min(np.abs(p / level - 1).min() for level in (0.05, 0.01)) > 1e-6
        rows.append(dict(n=n, m=m, shift=shift, seed=seed, batches=BATCHES, rejected_05=int((p < 0.05).sum()),
                         rejected_01=int((p < 0.01).sum())))

meta = dict(python=platform.python_version(), numpy=np.__version__, scipy=scipy.__version__)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_power.json")
with open(path, "w") as file:
    json.dump(dict(meta=meta, rows=rows), file, separators=(",", ":"))
    file.write("\n")
print("rows", len(rows), "bytes", os.path.getsize(path))
