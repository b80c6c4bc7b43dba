"""isotree with splits by one feature, from Python."""

from importlib.metadata import version

import isotree
import numpy as np

from forest_peer import N_SAMPLES, N_TREES, Library


class Isotree(Library):
    version = version("isotree")

    def for_fit(self, rows):
        # It copies rows that stand otherwise.
        return np.asfortranarray(rows)

    def fit(self, training):
        # A row without missing values is its fastest.
        forest = isotree.IsolationForest(
            ntrees=N_TREES, sample_size=N_SAMPLES, ndim=1, missing_action="fail", nthreads=1, random_seed=1
        )
        return forest.fit(training)

    def scorer(self, forest):
        return forest.predict
