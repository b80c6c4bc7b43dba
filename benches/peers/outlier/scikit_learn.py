"""scikit-learn, from Python."""

import pickle

import sklearn
from sklearn.ensemble import IsolationForest

from forest_peer import N_SAMPLES, N_TREES, Library


class ScikitLearn(Library):
    version = sklearn.__version__

    def fit(self, training):
        forest = IsolationForest(
            n_estimators=N_TREES, max_samples=N_SAMPLES, contamination="auto", n_jobs=1, random_state=1
        )
        return forest.fit(training)

    def scorer(self, forest):
        return forest.score_samples

    def scores(self, normality):
        return -normality

    def keep(self, forest, work):
        (work / "scikit-learn.pickle").write_bytes(pickle.dumps(forest))
