"""Serves one peer to `compare`, which runs a folder beside this file, with this one's in PYTHONPATH.

Prints {"version": ..} or {"skipped": ..}. Then answers each line of stdin with a line of JSON:

    predict N COUNT  the results of the first COUNT calls of N rows, one after the other
    time N SECONDS   the mean microseconds of a call of N rows, over about that long
"""

import gc
import importlib
import itertools
import json
import os
import sys
import time


def serve(make):
    """Answers with the peer that `make` makes of the command line's arguments."""
    # Libraries print; answers go where only this program writes.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        peer = make(*sys.argv[1:])
    except Exception as error:
        print(json.dumps({"skipped": f"{type(error).__name__}: {error}"}), file=answers)
        return
    print(json.dumps({"version": peer.version}), file=answers)
    calls = {}
    for line in sys.stdin:
        command, n, amount = line.split()
        n = int(n)
        if command == "predict":
            answer = [float(value) for value in peer.predict(n, int(amount))]
        else:
            if n not in calls:
                calls[n] = Calls(*peer.calls(n), peer.empty(n))
            answer = calls[n].microseconds(float(amount))
        print(json.dumps(answer), file=answers)


def load(peers, name):
    """A peer's class. Its module is imported only if it is asked for: some cannot be installed everywhere."""
    module, peer = peers[name]
    return getattr(importlib.import_module(module), peer)


class Calls:
    """A function, and the arguments of one call after the other: never the same rows twice in a row.

    `empty` takes the same arguments and does nothing; its time is taken away.
    """

    def __init__(self, function, arguments, empty):
        self.function, self.empty = function, empty
        self.arguments = itertools.cycle(arguments)
        self.estimate = mean(function, list(itertools.islice(self.arguments, 1)))

    def microseconds(self, seconds):
        n = max(1, int(seconds * 1e6 / self.estimate))
        arguments = list(itertools.islice(self.arguments, n))
        gc.disable()
        self.estimate = mean(self.function, arguments)
        nothing = mean(self.empty, arguments) if self.empty else 0.0
        gc.enable()
        return self.estimate - nothing


def mean(function, arguments):
    began = time.perf_counter()
    for each in arguments:
        function(*each)
    return (time.perf_counter() - began) * 1e6 / len(arguments)
