"""oneDAL through daal4py, from Python, on what that makes of the booster."""

from importlib.metadata import version

import daal4py
import daal4py.mb
import xgboost

from peer import Peer


class OneDal(Peer):
    def __init__(self, model, rows, work):
        daal4py.daalinit(1)
        trees = daal4py.mb.convert_model(xgboost.Booster(model_file=model))
        super().__init__(version("scikit-learn-intelex"), rows, trees.predict_proba)

    def results(self, predictions):
        return predictions[:, 1]
