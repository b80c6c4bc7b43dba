#!/usr/bin/env python3
"""Golden values of the two-sample tests, the distances, the corrections and alibi-detect's detectors.

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
import operator
import os
import platform
import warnings
from fractions import Fraction

import alibi_detect
import numpy as np
import scipy
from alibi_detect.cd import KSDrift, TabularDrift
from scipy import stats
from scipy.spatial import distance

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


def ks_p(n, m, h, ends=None, sides=(1, -1)):
    """P(max of side * (i*m - j*n) >= h) over all relabellings, of both sides or of one; the maximum is over `ends`, or
    over all times without ties."""
    if h <= 0:
        return Fraction(1)
    ends = None if ends is None else set(ends)
    low, paths = 0, [1]  # of j = low, low + 1, ..: the number of paths that stayed inside
    for t in range(1, n + m + 1):
        paths = list(map(operator.add, paths + [0], [0] + paths))
        first, last = max(low, t - n), m
        if ends is None or t in ends:
            # i*m - j*n = t*m - j*(n + m), so inside is a run of j.
            if 1 in sides:
                first = max(first, (t * m - h) // (n + m) + 1)
            if -1 in sides:
                last = min(last, (t * m + h - 1) // (n + m))
        low, paths = first, paths[first - low:max(0, last - low + 1)]
        if not paths:
            return Fraction(1)
    total = math.comb(n + m, m)
    return Fraction(total - paths[0], total)


def add_ks(id, reference, batch):
    x, y = sample(reference), sample(batch)
    n, m, h_plus, h_minus, ends = deviations(x, y)
    h = max(h_plus, h_minus)
    times = ends if len(ends) < n + m else None
    statistic = stats.ks_2samp(x, y, method="exact").statistic
    expected = dict(n=n, m=m, h=h, tie_groups=len(ends), statistic=float(statistic))
    expected["p_conditional"] = rounded(ks_p(n, m, h, times))
    expected["p_asymptotic"] = number(stats.ks_2samp(x, y, method="asymp").pvalue)
    # SciPy's names: 'less' is D- = max(F_y - F_x), 'greater' is D+ = max(F_x - F_y), x the reference.
    for alternative, side, h in (("less", -1, h_minus), ("greater", 1, h_plus)):
        result = stats.ks_2samp(x, y, alternative=alternative, method="asymp")
        expected[alternative] = dict(statistic=float(result.statistic),
                                     p_conditional=rounded(ks_p(n, m, h, times, (side,))),
                                     p_asymptotic=number(result.pvalue))
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

# P-values that are too small for a double.
for id, reference, batch in [
    ("apart-1000x1000", recipe("u", 11, 1000), recipe("u", 12, 1000, shift=2.0)),
    ("nearly-apart-1000x900", recipe("u", 13, 1000), recipe("u", 14, 900, shift=0.9)),
    ("nearly-apart-700x3000", recipe("u", 15, 700), recipe("u", 16, 3000, shift=-0.8)),
    ("apart-coarse-4872x500", recipe("cat", 17, 4872, levels=5), recipe("cat", 18, 500, levels=2, shift=3.0)),
    ("two-decimals-2000x1200", recipe("s3", 19, 2000, round=2), recipe("s3", 20, 1200, round=2, shift=1.2)),
    ("apart-5000x5000", recipe("u", 21, 5000), recipe("u", 22, 5000, shift=1.0)),
    # Two places at which relabellings leave, far apart.
    ("three-levels-1000", [0.0] * 140 + [1.0] * 859 + [2.0], [1.0] * 860 + [2.0] * 140),
    ("three-levels-mirrored", [0.0] * 860 + [-1.0] * 140, [0.0] * 859 + [1.0] * 141),
    ("three-levels-3000", [0.0] * 135 + [1.0] * 2865, [1.0] * 2865 + [2.0] * 135),
]:
    n, m, h_plus, h_minus, ends = deviations(sample(reference), sample(batch))
    ends = ends if len(ends) < n + m else None
    expected = {}
    for name, h, sides in (("two_sided", max(h_plus, h_minus), (1, -1)), ("less", h_minus, (-1,)),
                           ("greater", h_plus, (1,))):
        # Wholly apart, there is one way for each side.
        apart = h == n * m and (ends is None or name != "two_sided")
        p = Fraction(len(sides), math.comb(n + m, m)) if apart else ks_p(n, m, h, ends, sides)
        expected[name] = math.log10(p.numerator) - math.log10(p.denominator)
    add("ks_log10", id, dict(x=reference, y=batch), expected)

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


# ---- Fisher's exact test: hypergeometric weights as integers ----
def fisher(batch, reference):
    """P(two-sided: P <= P observed; less: A <= a; greater: A >= a) of the cell batch[0], given the margins."""
    (a, b), (c, d) = batch, reference
    first, last = max(0, a - d), min(a + b, a + c)
    weights, weight = {}, math.comb(a + b, first) * math.comb(c + d, a + c - first)
    for k in range(first, last + 1):
        weights[k] = weight
        weight = weight * (a + b - k) * (a + c - k) // ((k + 1) * (d - a + k + 1))
    total, observed = math.comb(a + b + c + d, a + c), weights[a]
    return dict(two_sided=Fraction(sum(w for w in weights.values() if w <= observed), total),
                less=Fraction(sum(w for k, w in weights.items() if k <= a), total),
                greater=Fraction(sum(w for k, w in weights.items() if k >= a), total))


for id, batch, reference in [
    ("tea", [3, 1], [1, 3]), ("scipy-docs", [8, 2], [1, 5]), ("zero-a", [0, 5], [7, 3]), ("zero-b", [5, 0], [3, 7]),
    ("zero-c", [4, 6], [0, 9]), ("zero-d", [4, 6], [9, 0]), ("zero-b-c", [5, 0], [0, 7]),
    ("empty-column", [0, 3], [0, 10]), ("empty-batch", [0, 0], [3, 4]), ("most-likely", [10, 30], [30, 90]),
    # Equal column totals: every table has a mirror image that is exactly as likely.
    ("mirrored", [7, 3], [43, 47]), ("mirrored-1000", [541, 459], [2395, 2477]),
    ("1-row", [0, 1], [3672, 1200]), ("2-rows", [2, 0], [1200, 3672]), ("10-rows", [4, 6], [3672, 1200]),
    ("100-rows", [66, 34], [3672, 1200]), ("1000-rows", [780, 220], [3672, 1200]), ("tail-100", [100, 0], [731, 4141]),
    ("tail-1000", [330, 670], [3672, 1200]), ("tail-10", [9, 1], [100, 4772]), ("none-of-200", [0, 200], [3672, 1200]),
    ("200-rows", [120, 80], [3672, 1200]), ("half-of-1000", [500, 500], [2400, 2472]),
    ("tail-2000", [700, 1300], [1000, 9000]), ("tail-1850", [850, 1000], [1000, 9000]),
    ("new-kind", [120, 380], [0, 5000]), ("of-a-million", [130, 870], [100000, 900000]),
    ("less-of-a-million", [70, 930], [100000, 900000]), ("rare-of-a-million", [40, 960], [500, 999500]),
    ("large-batch", [4000, 6000], [5000, 5000]), ("of-ten-million", [300, 200], [1000000, 9000000]),
]:
    result = stats.fisher_exact([batch, reference])
    odds_ratio = "inf" if result.statistic == math.inf else number(result.statistic)
    exact = {name: rounded(p) for name, p in fisher(batch, reference).items()}
    add("fisher_exact", id, dict(batch=batch, ref=reference),
        dict(odds_ratio=odds_ratio, **exact, scipy_two_sided=float(result.pvalue)))


# ---- Cramer-von Mises ----
def cvm_groups(x, y):
    """(values before the group, values in it, those of y among them)"""
    z, sizes = np.unique(np.concatenate([x, y]), return_counts=True)
    of_y = np.searchsorted(np.sort(y), z, "right") - np.searchsorted(np.sort(y), z, "left")
    return [(int(after - size), int(size), int(k)) for after, size, k in zip(np.cumsum(sizes), sizes, of_y)]


def cvm_midranks(n, m, t, size, j, k):
    """What a group adds to 4 U = n sum (2r - 2i)^2 + m sum (2s - 2j)^2, if j values of y are before it, k in it."""
    def squares(c, count):  # sum of (c - 2l)^2 over l = 1..count
        return count * c * c - 2 * c * count * (count + 1) + 2 * count * (count + 1) * (2 * count + 1) // 3
    midrank = 2 * t + size + 1
    return n * squares(midrank - 2 * (t - j), size - k) + m * squares(midrank - 2 * j, k)


def cvm_squares(n, m, t, size, j, k):
    """What a group adds to sum ((F - G)^2 below the value + (F - G)^2 up to it), times (n m)^2."""
    def square(t, j):
        return ((t - j) * m - j * n) ** 2
    return size * (square(t, j) + square(t + size, j + k))


def cvm_sum(part, n, m, groups):
    total, j = 0, 0
    for t, size, k in groups:
        total += part(n, m, t, size, j, k)
        j += k
    return total


def cvm_p(n, m, groups):
    """P(sum of squares >= observed) over all relabellings of the pooled values, counted in integers."""
    observed = cvm_sum(cvm_squares, n, m, groups)
    # With all of y placed, there is one way on.
    rest = [0]
    for t, size, _ in reversed(groups):
        rest.append(rest[-1] + (cvm_squares(n, m, t, size, m, 0) if t >= m else 0))
    rest.reverse()
    extreme, states = 0, {0: {0: 1}}  # j -> the sum so far -> the number of relabellings
    for (t, size, _), after in zip(groups, rest[1:]):
        left, new = n + m - t - size, {}
        for j, law in states.items():
            for k in range(max(0, m - j - left), min(size, m - j) + 1):
                part, ways = cvm_squares(n, m, t, size, j, k), math.comb(size, k)
                target = new.setdefault(j + k, {})
                for u, count in law.items():
                    u, count = u + part, count * ways
                    # The sum only grows.
                    if u >= observed or (j + k == m and u + after >= observed):
                        extreme += count * math.comb(left, m - j - k)
                    elif j + k < m:
                        target[u] = target.get(u, 0) + count
        states = new
    return Fraction(extreme, math.comb(n + m, m))


def cvm_limit_sf(x):
    """1 - F of the limiting law: Smirnov's alternating integrals over ((2k - 1) pi, 2k pi), by Gauss and Chebyshev."""
    half = (np.arange(200) + 0.5) * math.pi / 400
    theta, left = math.pi * np.sin(half) ** 2, math.pi * np.cos(half) ** 2
    smooth = np.sqrt(theta * left / np.sin(np.minimum(theta, left)))
    total = 0.0
    for k in range(1, 60):
        t = (2 * k - 1) * math.pi + theta
        total -= (-1) ** k * 2 / 200 * float(np.sum(smooth * np.exp(-x * t * t / 2) / np.sqrt(t)))
    return total


def add_cvm(id, reference, batch, conditional=True):
    x, y = sample(reference), sample(batch)
    n, m, groups = len(x), len(y), cvm_groups(x, y)
    midranks, squares = (cvm_sum(part, n, m, groups) for part in (cvm_midranks, cvm_squares))
    # The same without ties. With ties, midranks grow with n / m, whether there is drift or not.
    by_midranks = Fraction(midranks, 4 * n * m * (n + m)) - Fraction(4 * n * m - 1, 6 * (n + m))
    statistic = Fraction(squares, 2 * n * m * (n + m) ** 2)
    assert len(groups) < n + m or statistic == by_midranks
    # SciPy refuses samples of one value, and drops the terms of the limiting law that are below 1e-7; `p_limit` is
    # that law to the end, of the same standardised statistic.
    try:
        p_asymptotic = number(stats.cramervonmises_2samp(x, y, method="asymptotic").pvalue)
    except ValueError:
        p_asymptotic = None
    p_limit, size = None, n + m
    variance = Fraction((size + 1) * (4 * n * m * size - 3 * (n * n + m * m) - 2 * n * m), 180 * size * size * n * m)
    if variance > 0:
        standard = 1 / 6 + float(by_midranks - Fraction(size + 1, 6 * size)) / math.sqrt(45 * variance)
        p_limit = cvm_limit_sf(standard) if standard >= 0.003 else 1.0
    add("cramer_von_mises", id, dict(x=reference, y=batch),
        dict(statistic=rounded(statistic), p_conditional=rounded(cvm_p(n, m, groups)) if conditional else None,
             statistic_midranks=rounded(by_midranks), p_asymptotic=p_asymptotic, p_limit=p_limit))


seed = 3000
for n, m, shape, shift, conditional in [
    (1, 1, dict(kind="s3"), 0.0, True), (10, 1, dict(kind="s3"), 0.8, True),
    (10, 1, dict(kind="cat", levels=3), 0.0, True), (4872, 1, dict(kind="s3", round=2), 0.3, True),
    (4872, 2, dict(kind="s3", round=2), 0.5, True), (4872, 3, dict(kind="cat", levels=6), 0.0, True),
    (5, 4, dict(kind="s3"), 0.5, True), (5, 4, dict(kind="cat", levels=3), 0.0, True),
    (8, 12, dict(kind="s3"), 0.5, True), (8, 12, dict(kind="s3", round=1), 0.5, True),
    (12, 8, dict(kind="s3"), -0.4, True), (12, 8, dict(kind="cat", levels=2), 0.0, True),
    (20, 20, dict(kind="s3"), 0.4, True), (20, 20, dict(kind="s3", round=1), 0.4, True),
    (20, 20, dict(kind="cat", levels=4), 1.0, True), (30, 5, dict(kind="s3", round=1), 0.5, True),
    (30, 5, dict(kind="cat", levels=5), 1.0, True), (30, 30, dict(kind="s3", round=1), 0.3, True),
    (40, 30, dict(kind="s3"), 0.3, True), (100, 10, dict(kind="s3", round=1), 0.3, True),
    (200, 5, dict(kind="s3", round=1), 0.3, True), (60, 45, dict(kind="s3"), 0.2, False),
    (500, 70, dict(kind="s3"), 0.15, False), (500, 70, dict(kind="s3", round=1), 0.4, False),
    (4872, 100, dict(kind="s3"), 0.1, False), (4872, 100, dict(kind="s3", round=2), 1.0, False),
    (4872, 1000, dict(kind="s3", round=2), 0.05, False),
]:
    seed += 2
    tied = "-tied" if "round" in shape or "levels" in shape else ""
    add_cvm(f"{n}x{m}-{shape['kind']}{tied}-{shift}", shape | dict(seed=seed, n=n),
            shape | dict(seed=seed + 1, n=m, shift=shift), conditional)
for id, reference, batch in [
    ("identical", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    ("constant-same", [1.0] * 7, [1.0] * 4), ("constant-different", [1.0] * 7, [0.0] * 4),
    ("signed-zero", [0.0, -0.0, 1.0], [-0.0, 0.0, 2.0]),
    ("apart-12x7", recipe("u", 1, 12), recipe("u", 2, 7, shift=2.0)),
    ("apart-20", [float(i) for i in range(20)], [100.0 + i for i in range(20)]),
    ("apart-4872x2", recipe("s3", 3, 4872, round=2), [9.0, 10.0]),
    ("two-values", [0.0] * 900 + [1.0] * 100, [0.0, 1.0, 1.0]),
    ("nearly-apart-16x18", [float(i) for i in range(16)], [11.0 + i for i in range(18)]),
    ("20x19", recipe("s3", 4, 20), recipe("s3", 5, 19, shift=0.1)),
    ("7-values-400x9", recipe("cat", 6, 400, levels=7), recipe("cat", 7, 9, levels=5)),
]:
    add_cvm(id, reference, batch)

# ---- distances ----
for id, x, y, weights in [
    ("scipy-docs", [0.0, 1.0, 3.0], [5.0, 6.0, 8.0], None),
    ("scipy-docs-weighted", [3.4, 3.9, 7.5, 7.8], [4.5, 1.4], ([1.4, 0.9, 3.1, 7.2], [3.2, 3.5])),
    ("weight-zero-and-ties", [1.0, 1.0, 2.0, 4.0], [1.0, 2.0, 2.0], ([2.0, 0.0, 1.0, 3.0], [0.0, 1.0, 4.0])),
    ("one-value-each", [2.5], [-1.25], None), ("one-value-against-many", [0.25], recipe("s3", 1, 50), None),
    ("identical", [1.0, 2.0, 2.0, 5.0], [5.0, 2.0, 1.0, 2.0], None), ("constant-same", [1.0] * 7, [1.0] * 4, None),
    ("ties", recipe("cat", 4, 100, levels=5), recipe("cat", 5, 30, levels=4, shift=1.0), None),
    ("untied", recipe("s3", 6, 101), recipe("u", 7, 99), None),
    ("4872x2-round-2", recipe("s3", 8, 4872, round=2), recipe("s3", 9, 2, round=2, shift=0.5), None),
    ("4872x1000-round-2", recipe("s3", 10, 4872, round=2), recipe("s3", 11, 1000, round=2, shift=0.05), None),
    ("large-values", recipe("s3", 12, 40, scale=1e9), recipe("s3", 13, 60, scale=1e9, shift=3e8), None),
]:
    more = {} if weights is None else dict(wx=weights[0], wy=weights[1])
    add("wasserstein", id, dict(x=x, y=y) | more,
        dict(w1=float(stats.wasserstein_distance(sample(x), sample(y), *(weights or ())))))

for id, reference, batch in [
    ("three", [100, 50, 30], [12, 3, 5]), ("equal-shares", [10, 20, 30], [1, 2, 3]), ("equal-counts", [7, 5], [7, 5]),
    ("disjoint", [40, 60, 0, 0], [0, 0, 3, 7]), ("zero-in-reference", [30, 28, 42, 0], [1, 1, 0, 1]),
    ("zero-in-batch", [3672, 1200], [2, 0]), ("zero-in-both", [30, 0, 42], [4, 0, 1]), ("one-category", [7], [3]),
    ("1-row", [3672, 1200], [0, 1]), ("batch-larger", [4, 3, 2], [1000000, 2000000, 3000000]),
    ("close", [3672, 1200, 500, 128], [734, 241, 99, 26]),
    ("ten-bins", [488, 487, 487, 487, 487, 487, 487, 487, 487, 488], [131, 120, 109, 101, 98, 95, 94, 90, 83, 79]),
]:
    a, b = np.array(reference), np.array(batch)
    bins, n, m = len(a), int(a.sum()), int(b.sum())
    p, q = (a + 0.5) / (n + bins / 2), (b + 0.5) / (m + bins / 2)  # the index: 1/2 added to every count
    psi = math.fsum((p - q) * np.log(p / q))
    p, q = a / n, b / m
    add("distances", id, dict(ref=reference, batch=batch),
        dict(psi=psi, psi_p_value=number(stats.chi2.sf(psi / (1 / n + 1 / m), bins - 1)),
             jensen_shannon=float(distance.jensenshannon(a, b)),
             jensen_shannon_base2=float(distance.jensenshannon(a, b, base=2)),
             hellinger=math.sqrt(math.fsum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2),
             total_variation=math.fsum(np.abs(p - q)) / 2))

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


# ---- alibi-detect's TabularDrift.predict(.., drift_type="feature" and "batch") ----
def add_alibi(id, reference, batch, categories):
    """Columns of both samples, and the categories of some columns (None: those of the reference)."""
    x_ref, x = (np.column_stack([sample(column) for column in columns]) for columns in (reference, batch))
    bonferroni, fdr = (TabularDrift(x_ref, p_val=0.05, categories_per_feature=categories or None, correction=correction)
                       for correction in ("bonferroni", "fdr"))
    try:
        answer = bonferroni.predict(x, drift_type="feature")["data"]
        expected = dict(is_drift=[int(flag) for flag in answer["is_drift"]],
                        distance=[number(value) for value in answer["distance"]],
                        p_val=[number(value) for value in answer["p_val"]])
        answer, fdr_answer = (detector.predict(x, drift_type="batch")["data"] for detector in (bonferroni, fdr))
        # Without a rejection, the threshold of "fdr" is the list of all.
        expected["batch"] = dict(bonferroni=dict(is_drift=answer["is_drift"], threshold=answer["threshold"]),
                                 fdr=dict(is_drift=fdr_answer["is_drift"]))
    except ValueError as error:
        expected = dict(error=str(error))
    categories = {int(k): [float(v) for v in values] for k, values in (bonferroni.x_ref_categories or {}).items()}
    reference, batch = ([column if isinstance(column, dict) else [number(value) for value in column]
                         for column in columns] for columns in (reference, batch))
    add("alibi", id, dict(ref=reference, batch=batch, categories=categories), expected)


def columns(base, n, shift):
    return [recipe("s3", base + 1, n, shift=shift), recipe("u", base + 2, n), recipe("sq", base + 3, n, round=2),
            recipe("s3", base + 4, n, round=2, shift=shift), recipe("cat", base + 5, n, levels=3),
            recipe("cat", base + 6, n, levels=2), recipe("s3", base + 7, n, scale=1.0 + shift)]


for n, m, shift in [(200, 1, 0.0), (200, 2, 0.0), (200, 2, 2.0), (200, 5, 0.3), (300, 50, 0.0), (300, 50, 0.3),
                    (4872, 1, 0.3), (4872, 2, 0.3), (4872, 100, 0.1), (4872, 1000, 0.05), (20, 1, 5.0),
                    (200, 30, 0.38)]:  # the last: drift by "fdr" alone
    add_alibi(f"tabular-{n}-{m}-{shift}", columns(50000 + n, n, 0.0),
              columns(70000 + m * 13 + int(shift * 100), m, shift), {4: None, 5: None})

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


# ---- alibi-detect's KSDrift with a side; it asks SciPy for the asymptotic law ----
def add_alibi_ks(alternative, shift):
    reference, batch = (
        [recipe("s3", base, n, shift=shift), recipe("u", base + 1, n),
         recipe("s3", base + 2, n, round=1, shift=0.0 - shift), recipe("cat", base + 3, n, levels=4)]
        for base, n, shift in ((90000, 200, 0.0), (91000, 30, shift)))
    x_ref, x = (np.column_stack([sample(column) for column in columns]) for columns in (reference, batch))
    answer = KSDrift(x_ref, p_val=0.05, alternative=alternative).predict(x, drift_type="feature")["data"]
    add("alibi_ks", f"{alternative}-{shift}", dict(ref=reference, batch=batch, alternative=alternative),
        dict(is_drift=[int(flag) for flag in answer["is_drift"]], distance=[number(d) for d in answer["distance"]],
             p_val=[number(p) for p in answer["p_val"]]))


for alternative in ("less", "greater"):
    for shift in (0.0, 0.2, -0.6):
        add_alibi_ks(alternative, shift)

meta = dict(python=platform.python_version(), numpy=np.__version__, scipy=scipy.__version__,
            alibi_detect=alibi_detect.__version__)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_drift.json")
with open(path, "w") as file:
    json.dump(dict(meta=meta, cases=cases), file, separators=(",", ":"))
    file.write("\n")
print("cases", len(cases), "bytes", os.path.getsize(path))
