"""What is measured of a library of isolation forests."""

from peer import Peer

N_TREES = 100
N_SAMPLES = 256


class Library:
    """Fits with `fit(training)`, and scores with what `scorer(forest)` returns."""

    def for_fit(self, rows):
        """What `fit` takes; making it is not measured."""
        return rows

    def for_score(self, rows):
        """What the scorer takes; making it is not measured."""
        return rows

    def scores(self, answer):
        """The scores in what the scorer returned, higher for the more abnormal."""
        return answer

    def keep(self, forest, work):
        """Leaves a forest that was fitted to all training rows for the comparison."""


class Score(Peer):
    def __init__(self, library, training, rows, work):
        self.library = library
        forest = library.fit(library.for_fit(training))
        library.keep(forest, work)
        super().__init__(library.version, rows, library.scorer(forest))

    def arguments(self, window):
        return (self.library.for_score(self.rows[window]),)

    def results(self, answer):
        return self.library.scores(answer)


class Fit(Peer):
    def __init__(self, library, training, rows, work):
        self.library = library
        self.scored = library.for_score(rows)
        super().__init__(library.version, training, library.fit)

    def arguments(self, window):
        return (self.library.for_fit(self.rows[window]),)

    def results(self, forest):
        return self.library.scores(self.library.scorer(forest)(self.scored))


MODES = {"fit": Fit, "score": Score}
