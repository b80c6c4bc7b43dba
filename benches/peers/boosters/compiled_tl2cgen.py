"""tl2cgen: the booster as C code, compiled by gcc."""

import ctypes
import hashlib
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import tl2cgen
import treelite

from peer import NativePeer, kept, pointer

# The function that tl2cgen writes scores one row.
BATCH = """
#include "header.h"

void predict_batch(union Entry* rows, int n_rows, int n_features, float* predictions) {
    for (int row = 0; row < n_rows; ++row) predict(rows + row * n_features, 0, predictions + row);
}
"""


class Tl2cgen(NativePeer):
    def __init__(self, model, rows, work):
        digest = hashlib.sha256(Path(model).read_bytes()).hexdigest()[:16]
        library = work / f"tl2cgen-{tl2cgen.__version__}-{digest}.so"
        kept(library, lambda part: build(model, part))
        self.predictions = np.zeros(len(rows), "f4")
        super().__init__(tl2cgen.__version__, rows, ctypes.CDLL(str(library)).predict_batch)

    def arguments(self, window):
        n_rows, n_features = self.rows[window].shape
        return (
            pointer(self.rows[window], ctypes.c_float),
            ctypes.c_int(n_rows),
            ctypes.c_int(n_features),
            pointer(self.predictions[window], ctypes.c_float),
        )

    def predict(self, n):
        function, arguments = self.calls(n)
        for each in arguments:
            function(*each)
        return self.predictions[: len(arguments) * n]


def build(model, library):
    trees = treelite.frontend.load_xgboost_model(model, format_choice="ubjson")
    with tempfile.TemporaryDirectory() as code:
        tl2cgen.generate_c_code(trees, code, {})
        Path(code, "batch.c").write_text(BATCH)
        # The options of tl2cgen's own `create_shared`.
        command = ["gcc", "-O3", "-std=c99", "-fPIC", "-shared", "-o", str(library)]
        subprocess.run([*command, *map(str, Path(code).glob("*.c")), "-lm"], check=True)
