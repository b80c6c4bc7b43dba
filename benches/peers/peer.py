"""What the peers have in common: rows come in windows of `n`, a call takes one window."""

import itertools

import numpy as np


class Peer:
    """Called from Python; `function` takes `arguments(window)` and returns what `results` finds numbers in."""

    def __init__(self, version, rows, function):
        self.version = version
        self.rows = rows
        self.function = function

    def calls(self, n):
        windows = (slice(at, at + n) for at in range(0, len(self.rows) - n + 1, n))
        return self.function, map(self.arguments, windows)

    def empty(self, n):
        """What is called to measure the time that is not the peer's, if there is any."""
        return None

    def predict(self, n, count):
        function, arguments = self.calls(n)
        return np.concatenate([self.results(function(*each)) for each in itertools.islice(arguments, count)])

    def arguments(self, window):
        return (self.rows[window],)

    def results(self, answer):
        return answer
