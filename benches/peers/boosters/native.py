"""What is called through ctypes, and what takes long to make."""

import ctypes
import hashlib
import itertools
import os
import shutil
import tempfile
from pathlib import Path

from peer import Peer


class NativePeer(Peer):
    """A function of a C library that fills `predictions`; ctypes, which calls it, is not measured with it."""

    def __init__(self, version, rows, function, predictions=None):
        super().__init__(version, rows, function)
        self.predictions = predictions

    def predict(self, n, count):
        function, arguments = self.calls(n)
        for each in itertools.islice(arguments, count):
            function(*each)
        return self.predictions[: count * n]

    def empty(self, n):
        # It looks at its first argument only, and returns at once.
        nothing = ctypes.CDLL(None).labs
        function, _ = self.calls(n)
        # Arguments are converted as for the function.
        return type(function)(ctypes.cast(nothing, ctypes.c_void_p).value)


def digest(*parts):
    """Names what was made of files and texts."""
    content = [Path(part).read_bytes() if os.path.exists(part) else part.encode() for part in parts]
    return hashlib.sha256(b"".join(content)).hexdigest()[:16]


def pointer(array, c_type):
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(c_type))


def kept(path, make):
    """A file or folder that `make(part)` makes, if it is not there yet; one that was begun does not count."""
    if not path.exists():
        folder = Path(tempfile.mkdtemp(prefix="part-", dir=path.parent))
        try:
            part = folder / path.name
            make(part)
            os.replace(part, path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return path
