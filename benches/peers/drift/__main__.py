"""A peer that tests for drift. Run by `compare`: python drift PEER REFERENCE BATCHES N_FEATURES [CATEGORY..]

    PEER        scipy, alibi-detect or evidently
    REFERENCE   rows, numbers of 64 bits, row by row, without a missing value
    BATCHES     the rows of all batches, in the same form
    N_FEATURES  the numbers in a row
    CATEGORY    the place of a number that is a category

A call tests its rows against the reference; the results are the p-values of the features.
"""

from service import load, serve

PEERS = {
    "alibi-detect": ("alibi_detector", "AlibiDetect"),
    "evidently": ("evidently_report", "Evidently"),
    "scipy": ("scipy_tests", "Scipy"),
}


def make(name, reference, batches, n_features, *categories):
    import numpy as np

    peer = load(PEERS, name)
    reference, batches = (np.fromfile(path, "<f8").reshape(-1, int(n_features)) for path in (reference, batches))
    return peer(reference, batches, [int(place) for place in categories])


serve(make)
