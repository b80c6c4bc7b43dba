"""tl2cgen: the booster as C code, compiled by gcc."""

import ctypes
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import tl2cgen
import treelite

from native import NativePeer, digest, kept, pointer

# The function that tl2cgen writes scores one row, and adds to what stands in the place of the result.
BATCH = """
#include "header.h"

void predict_batch(union Entry* rows, int n_rows, int n_features, float* predictions) {
    for (int row = 0; row < n_rows; ++row) {
        predictions[row] = 0;
        predict(rows + row * n_features, 0, predictions + row);
    }
}
"""
# The options of tl2cgen's own `create_shared`.
COMPILER = ["gcc", "-O3", "-std=c99", "-fPIC", "-shared"]


class Tl2cgen(NativePeer):
    def __init__(self, model, rows, work):
        name = f"tl2cgen-{tl2cgen.__version__}-{digest(model, BATCH, *COMPILER)}.so"
        library = kept(work / name, lambda part: build(model, part))
        self.predictions = np.zeros(len(rows), "f4")
        function = ctypes.CDLL(str(library)).predict_batch
        super().__init__(tl2cgen.__version__, rows, function, self.predictions)

    def arguments(self, window):
        n_rows, n_features = self.rows[window].shape
        return (
            pointer(self.rows[window], ctypes.c_float),
            ctypes.c_int(n_rows),
            ctypes.c_int(n_features),
            pointer(self.predictions[window], ctypes.c_float),
        )


def build(model, library):
    trees = treelite.frontend.load_xgboost_model(model, format_choice="ubjson")
    with tempfile.TemporaryDirectory() as code:
        tl2cgen.generate_c_code(trees, code, {})
        Path(code, "batch.c").write_text(BATCH)
        sources = map(str, Path(code).glob("*.c"))
        subprocess.run([*COMPILER, "-o", str(library), *sources, "-lm"], check=True)
