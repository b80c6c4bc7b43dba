"""What the peers have in common: rows come in windows of `n`, a call scores one window."""

import ctypes
import itertools
import time

import numpy as np

N_CALLS = 100_000


class Peer:
    """Called from Python; `function` takes `arguments(window)` and returns what `column` finds probabilities in."""

    # The microseconds of a call that are not the peer's.
    overhead = 0.0

    def __init__(self, version, rows, function):
        self.version = version
        self.rows = rows
        self.function = function

    def calls(self, n):
        windows = [slice(at, at + n) for at in range(0, len(self.rows) - n + 1, n)]
        return self.function, [self.arguments(window) for window in windows]

    def predict(self, n):
        function, arguments = self.calls(n)
        return np.concatenate([self.column(function(*each)) for each in arguments])

    def arguments(self, window):
        return (self.rows[window],)


class NativePeer(Peer):
    """A function of a C library, called through ctypes, which is not measured with it."""

    def __init__(self, version, rows, function):
        super().__init__(version, rows, function)
        self.overhead = overhead(self.arguments(slice(0, 1)))


def overhead(arguments):
    """The microseconds that ctypes takes to call a function with such arguments, the least of five means.

    `labs` looks at its first argument only, and returns at once.
    """
    function = ctypes.CDLL(None).labs
    means = []
    for _ in range(5):
        began = time.perf_counter()
        for each in itertools.repeat(arguments, N_CALLS):
            function(*each)
        means.append((time.perf_counter() - began) * 1e6 / N_CALLS)
    return min(means)


def pointer(array, c_type):
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(c_type))


def kept(path, make):
    """A file or folder that `make(part)` makes, if it is not there yet; one that was begun does not count."""
    if not path.exists():
        part = path.with_name(f"part-{path.name}")
        make(part)
        part.rename(path)
    return path
