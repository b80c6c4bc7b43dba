"""SciPy's tests, called feature by feature."""

import numpy as np
import scipy
from scipy.stats import chi2_contingency, ks_2samp

from peer import Peer


class Scipy(Peer):
    def __init__(self, reference, batches, categories):
        # Contiguous, and so are the columns.
        columns = np.ascontiguousarray(reference.T)
        tests = [chi_squared(column) if place in categories else ks(column) for place, column in enumerate(columns)]
        super().__init__(scipy.__version__, batches, lambda batch: [test(x) for test, x in zip(tests, batch.T)])


def ks(reference):
    return lambda batch: ks_2samp(reference, batch).pvalue


def chi_squared(reference):
    categories, counts = np.unique(reference, return_counts=True)

    def test(batch):
        return chi2_contingency([counts, [np.count_nonzero(batch == category) for category in categories]]).pvalue

    return test
