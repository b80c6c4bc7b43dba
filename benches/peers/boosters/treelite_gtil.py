"""treelite's interpreter GTIL, from Python."""

import treelite

from peer import Peer


class Treelite(Peer):
    def __init__(self, model, rows, work):
        trees = treelite.frontend.load_xgboost_model(model, format_choice="ubjson")
        super().__init__(treelite.__version__, rows, lambda rows: treelite.gtil.predict(trees, rows, nthread=1))

    def results(self, predictions):
        return predictions.ravel()
