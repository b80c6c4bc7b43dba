#!/usr/bin/env python3
"""Golden values of the two-sample tests, the corrections and alibi-detect's detector.

    python golden_drift.py        (Python 3.11, numpy 1.26.4, scipy 1.17.1, alibi-detect 0.13.0)

writes golden_drift.json next to itself. Samples are lists or the recipe of a generator that the Rust tests replay bit
for bit:

    {"kind": K, "seed": s, "n": n, "shift": c, "scale": a, "round": d or null, "levels": L or null}

    splitmix64 from state s;  u() = (next() >> 11) * 2^-53
    K = "u":   x = u()
    K = "s3":  x = ((u() + u()) + u()) - 1.5
    K = "sq":  v = u(); x = v * v
    K = "cat": x = floor(u() * levels)
    then x = x * scale + shift, and with round: x = floor(x * 10^d + 0.5) / 10^d

Only + - * / and floor are used, so every IEEE 754 double implementation gets the same samples.
"""
import json
import logging
import math
import os
import platform
import warnings
from fractions import Fraction

import alibi_detect
import numpy as np
import scipy
from alibi_detect.cd import TabularDrift
from scipy import stats

# What alibi-detect and SciPy say about tensorflow, small samples and ties.
logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")

MASK = (1 << 64) - 1


class SplitMix64:
    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def u(self):
        return (self.next() >> 11) * 2.0**-53


def recipe(kind, seed, n, **more):
    return dict(kind=kind, seed=seed, n=n) | more


def sample(source):
    if not isinstance(source, dict):
        return np.array(source, dtype=float)
    random, values = SplitMix64(source["seed"]), []
    for _ in range(source["n"]):
        match source["kind"]:
            case "u":
                x = random.u()
            case "s3":
                a, b, c = random.u(), random.u(), random.u()
                x = ((a + b) + c) - 1.5
            case "sq":
                v = random.u()
                x = v * v
            case "cat":
                x = float(math.floor(random.u() * source["levels"]))
        x = x * source.get("scale", 1.0)
        x = x + source.get("shift", 0.0)
        if source.get("round") is not None:
            power = 10.0 ** source["round"]
            x = math.floor(x * power + 0.5) / power
        values.append(x)
    return np.array(values)


def number(value):
    """What JSON can write of a float."""
    return None if math.isnan(value) else float(value)


def rounded(fraction):
    """The double next to a rational."""
    return fraction.numerator / fraction.denominator


cases = []


def add(kind, id, input, expected):
    cases.append(dict(kind=kind, id=id, input=input, expected=expected))


# ---- Kolmogorov-Smirnov: lattice paths counted in integers ----
def deviations(x, y):
    """max of i*m - j*n and of j*n - i*m over the ends of runs of equal values, and these ends."""
    x, y = np.sort(x), np.sort(y)
    n, m = len(x), len(y)
    z = np.unique(np.concatenate([x, y]))
    i = np.searchsorted(x, z, "right").astype(object)
    j = np.searchsorted(y, z, "right").astype(object)
    d = i * m - j * n
    return n, m, int(max(0, max(d))), int(max(0, max(-d))), [int(t) for t in i + j]


def ks_p(n, m, h, ends=None):
    """P(max |i*m - j*n| >= h) over all relabellings; the maximum is over `ends`, or over all times without ties."""
    if h <= 0:
        return Fraction(1)
    ends = None if ends is None else set(ends)
    paths = {0: 1}  # j -> the number of paths that stayed inside
    for t in range(1, n + m + 1):
        new = {}
        for j, count in paths.items():
            if t - j <= n:
                new[j] = new.get(j, 0) + count
            if j + 1 <= m:
                new[j + 1] = new.get(j + 1, 0) + count
        if ends is None or t in ends:
            new = {j: count for j, count in new.items() if abs((t - j) * m - j * n) < h}
        paths = {j: count for j, count in new.items() if t - j <= n}
        if not paths:
            return Fraction(1)
    total = math.comb(n + m, m)
    return Fraction(total - paths.get(m, 0), total)


def add_ks(id, reference, batch):
    n, m, h_plus, h_minus, ends = deviations(sample(reference), sample(batch))
    h = max(h_plus, h_minus)
    statistic = stats.ks_2samp(sample(reference), sample(batch), method="exact").statistic
    expected = dict(n=n, m=m, h=h, tie_groups=len(ends), statistic=float(statistic))
    expected["p_conditional"] = rounded(ks_p(n, m, h, ends if len(ends) < n + m else None))
    expected["p_asymptotic"] = number(stats.ks_2samp(sample(reference), sample(batch), method="asymp").pvalue)
    add("ks_2samp", id, dict(x=reference, y=batch), expected)


SIZES = [(1, 1), (2, 1), (1, 5), (3, 2), (4, 4), (5, 3), (8, 12), (10, 10), (30, 1), (30, 7), (100, 100), (101, 99),
         (250, 40), (997, 13)]
SHAPES = [(dict(kind="s3"), dict(kind="s3", shift=0.25)), (dict(kind="u"), dict(kind="sq")),
          (dict(kind="s3", round=1), dict(kind="s3", round=1, shift=0.1)),
          (dict(kind="cat", levels=3), dict(kind="cat", levels=4))]
seed = 100
for n, m in SIZES:
    for shape_x, shape_y in SHAPES:
        seed += 2
        add_ks(f"{n}x{m}-{shape_x['kind']}-{shape_y['kind']}", shape_x | dict(seed=seed, n=n),
               shape_y | dict(seed=seed + 1, n=m))
for m in (1, 2, 10, 100, 1000):
    for digits in (None, 2):
        seed += 2
        add_ks(f"4872x{m}-round-{digits}", recipe("s3", seed, 4872, round=digits),
               recipe("s3", seed + 1, m, round=digits, shift=0.05))
for id, reference, batch in [
    ("identical", [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
    ("constant-same", [1.0] * 7, [1.0] * 4),
    ("constant-different", [1.0] * 7, [0.0] * 4),
    ("apart-1", [1.0, 2.0, 3.0, 4.0, 5.0], [10.0]),
    ("signed-zero", [0.0, -0.0, 1.0], [-0.0, 0.0, 2.0]),
    ("scipy-issue-6575", [1.0, 1.01, 3.0, 4.0], [1.01, 0.5, 0.25]),
    ("commons-math-1246-a", [0.9, 1.0, 1.1], [0.0, 0.0]),
    ("commons-math-1246-b", [1.0, 1.0, 1.0], [0.0, 0.0]),
    ("commons-math-1246-c", [1.0, 3.0, 3.0, 5.0], [2.0, 3.0, 3.0, 6.0]),
    ("apart-20", [float(i) for i in range(20)], [100.0 + i for i in range(20)]),
    # Far tails, where a jump of the walk that is dropped too early would be missed.
    ("apart-4872x100", recipe("u", 1, 4872), recipe("u", 2, 100, shift=2.0)),
    ("nearly-apart-4872x100", recipe("u", 1, 4872), recipe("u", 3, 100, shift=0.97)),
    ("apart-coarse", recipe("cat", 4, 4872, levels=5), recipe("cat", 5, 60, levels=2, shift=4.0)),
    ("two-values", recipe("cat", 6, 4872, levels=2), [1.0] * 100),
    ("two-values-one-of-them-new", recipe("cat", 6, 4872, levels=2), [1.0] * 40 + [2.0] * 10),
    ("batch-larger", recipe("s3", 7, 60, round=1), recipe("s3", 8, 3000, round=1, shift=0.1)),
    ("batch-larger-apart", recipe("u", 9, 40), recipe("u", 10, 2500, shift=1.0)),
]:
    add_ks(id, reference, batch)

rows = []
for n, m in [(5, 3), (10, 10), (7, 7), (20, 15), (50, 1), (50, 2), (64, 48), (200, 100), (333, 50), (4872, 1),
             (4872, 2), (4872, 10), (1000, 1000), (4872, 100)]:
    gcd = math.gcd(n, m)
    lcm = n * m // gcd
    shares = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0) if n * m <= 200_000 else (0.05, 0.12, 0.3, 0.8)
    for h in sorted({max(1, round(share * lcm)) for share in shares}):
        if 2.0 * (n + m) * (h / lcm) * min(n, m) <= 3e6:
            rows.append(dict(n=n, m=m, h=h * gcd, p=rounded(ks_p(n, m, h * gcd))))
for n, m, share in [(4872, 100, 0.9), (4872, 100, 0.96), (4872, 100, 0.99), (4872, 100, 1.0), (4872, 400, 0.4)]:
    h = round(share * n * m)
    rows.append(dict(n=n, m=m, h=h, p=rounded(ks_p(n, m, h))))
add("ks_pvalue_nmh", "ks-nmh", dict(note="h = max |i*m - j*n|, no ties"), rows)

add("kstwo_sf", "kstwo-sf", None,
    [dict(n=n, d=d, sf=float(stats.kstwo.sf(d, n)))
     for n in (1, 2, 3, 5, 10, 50, 98, 139, 140, 141, 500, 830, 2436, 5000, 100000, 1000000)
     for d in (0.0005, 0.001, 0.003, 0.01, 0.02, 0.0301, 0.05, 0.1, 0.15, 0.2, 0.3, 0.499, 0.5, 0.7, 0.9, 0.999, 1.0)])


# ---- chi-squared ----
for k, table in enumerate([
    [[10, 20, 30], [6, 9, 17]], [[12, 3], [5, 10]], [[3672, 1200], [1, 1]], [[3672, 1200], [2, 0]],
    [[3672, 1200], [0, 1]], [[30, 28, 42, 0], [1, 1, 0, 1]], [[100, 0], [0, 100]], [[5, 5], [5, 5]], [[7], [3]],
    [[1000000, 2000000, 3000000], [1000, 2100, 2900]], [[50, 30, 20, 5, 1, 1], [9, 2, 2, 0, 0, 1]],
    [[1, 2, 3, 4], [0, 0, 0, 1]],
]):
    result = stats.chi2_contingency(np.array(table), correction=False)
    yates = stats.chi2_contingency(np.array(table))
    add("chi2_contingency", f"table-{k}", dict(ref=table[0], batch=table[1]),
        dict(statistic=float(result.statistic), p=float(result.pvalue), dof=int(result.dof),
             yates_statistic=float(yates.statistic), yates_p=float(yates.pvalue)))


def chi2_exact(reference, batch):
    """P(X2 >= observed) given both margins; X2 grows with T = sum b^2 / c, compared as rationals."""
    columns = [a + b for a, b in zip(reference, batch)]
    k, m = len(columns), sum(batch)
    observed = sum(Fraction(b * b, c) for b, c in zip(batch, columns))
    extreme = 0

    def descend(j, left, weight, t):
        nonlocal extreme
        if j == k - 1:
            if left <= columns[j] and t + Fraction(left * left, columns[j]) >= observed:
                extreme += weight * math.comb(columns[j], left)
            return
        for b in range(min(left, columns[j]) + 1):
            descend(j + 1, left - b, weight * math.comb(columns[j], b), t + Fraction(b * b, columns[j]))

    descend(0, m, 1, Fraction(0))
    return Fraction(extreme, math.comb(sum(columns), m))


for k, (reference, batch) in enumerate([
    ([30, 28, 42, 0], [1, 1, 0, 1]), ([3672, 1200], [1, 1]), ([3672, 1200], [0, 2]), ([3672, 1200], [0, 1]),
    ([3672, 1200], [0, 5]), ([100, 50, 30, 20], [0, 0, 0, 4]), ([100, 50, 30, 20, 0], [3, 1, 1, 0, 1]),
    ([10, 10, 10], [4, 0, 1]), ([1000, 500, 300, 200, 100, 50], [2, 2, 1, 1, 1, 3]),
    ([3672, 1200], [780, 220]), ([3672, 1200], [0, 200]), ([1200, 1200], [40, 60]), ([7, 3], [60, 55]),
    ([900, 90, 9], [40, 8, 2]), ([4, 3, 2], [30, 25, 40]), ([99991, 9973, 997], [25, 4, 1]),
    ([400, 300, 0, 0], [3, 4, 1, 1]),
]):
    result = stats.chi2_contingency(np.array([reference, batch]), correction=False)
    add("chi2_exact_2xk", f"exact-{k}", dict(ref=reference, batch=batch),
        dict(p=rounded(chi2_exact(reference, batch)), statistic=float(result.statistic)))

add("chi2_sf", "chi2-sf", None,
    [dict(x=x, dof=k, sf=float(stats.chi2.sf(x, k))) for k in (1, 2, 3, 5, 10, 30, 100)
     for x in (0.0, 1e-6, 0.1, 1.0, 3.84, 10.0, 50.0, 200.0, 1000.0)])

# ---- corrections ----
for k, p in enumerate([[0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216], [0.5, 0.9, 0.04],
                       [0.01] * 4, [0.0, 1.0, 0.05, 0.0125], [0.2]]):
    holm, running = [0.0] * len(p), 0.0
    for rank, index in enumerate(np.argsort(p, kind="stable")):
        running = max(running, min(1.0, (len(p) - rank) * p[index]))
        holm[int(index)] = running
    bonferroni = [min(1.0, value * len(p)) for value in p]
    false_discoveries = {method: list(stats.false_discovery_control(p, method=method)) for method in ("bh", "by")}
    add("multiplicity", f"p-values-{k}", dict(p=p), dict(bonferroni=bonferroni, holm=holm, **false_discoveries))



# ---- alibi-detect's TabularDrift.predict(.., drift_type="feature") ----
def add_alibi(id, reference, batch, categories):
    """Columns of both samples, and the categories of some columns (None: those of the reference)."""
    x_ref, x = (np.column_stack([sample(column) for column in columns]) for columns in (reference, batch))
    detector = TabularDrift(x_ref, p_val=0.05, categories_per_feature=categories or None)
    try:
        answer = detector.predict(x, drift_type="feature")["data"]
        expected = dict(is_drift=[int(flag) for flag in answer["is_drift"]],
                        distance=[number(value) for value in answer["distance"]],
                        p_val=[number(value) for value in answer["p_val"]])
    except ValueError as error:
        expected = dict(error=str(error))
    categories = {int(k): [float(v) for v in values] for k, values in (detector.x_ref_categories or {}).items()}
    reference, batch = ([column if isinstance(column, dict) else [number(value) for value in column]
                         for column in columns] for columns in (reference, batch))
    add("alibi", id, dict(ref=reference, batch=batch, categories=categories), expected)


def columns(base, n, shift):
    return [recipe("s3", base + 1, n, shift=shift), recipe("u", base + 2, n), recipe("sq", base + 3, n, round=2),
            recipe("s3", base + 4, n, round=2, shift=shift), recipe("cat", base + 5, n, levels=3),
            recipe("cat", base + 6, n, levels=2), recipe("s3", base + 7, n, scale=1.0 + shift)]


for n, m, shift in [(200, 1, 0.0), (200, 2, 0.0), (200, 2, 2.0), (200, 5, 0.3), (300, 50, 0.0), (300, 50, 0.3),
                    (4872, 1, 0.3), (4872, 2, 0.3), (4872, 100, 0.1), (4872, 1000, 0.05), (20, 1, 5.0)]:
    add_alibi(f"tabular-{n}-{m}-{shift}", columns(50000 + n, n, 0.0), columns(70000 + m * 13 + int(shift * 100), m, shift),
              {4: None, 5: None})

NAN = math.nan
LEVELS = [0.0, 1.0, 2.0] * 30
for id, reference, batch, categories in [
    ("new-category", LEVELS, [7.0, 0.0, 1.0], {0: None}),
    ("one-category", [1.0] * 9, [1.0, 1.0], {0: None}),
    ("binary-1-row", [0.0, 1.0, 1.0] * 30, [1.0], {0: None}),
    ("equal-constants", [1.0] * 50, [1.0] * 5, {}),
    ("different-constants", [1.0] * 50, [0.0], {}),
    ("outside-of-10", [float(i) for i in range(10)], [99.0], {}),
    # What alibi-detect answers with NaN or an error.
    ("1-row-each", [1.0], [2.0], {}),
    ("missing-value", [0.1, 0.2, 0.3, 0.4, 0.5], [NAN, 0.6], {}),
    ("missing-value-in-reference", [NAN, 0.2, 0.3, 0.4, 0.5], [0.1, 0.6], {}),
    ("missing-category", LEVELS, [NAN, 0.0], {0: None}),
    ("category-nowhere", LEVELS, [0.0, 1.0], {0: [0.0, 1.0, 2.0, 3.0]}),
]:
    add_alibi(id, [reference], [batch], categories)

meta = dict(python=platform.python_version(), numpy=np.__version__, scipy=scipy.__version__,
            alibi_detect=alibi_detect.__version__)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_drift.json")
with open(path, "w") as file:
    json.dump(dict(meta=meta, cases=cases), file, separators=(",", ":"))
    file.write("\n")
print("cases", len(cases), "bytes", os.path.getsize(path))
