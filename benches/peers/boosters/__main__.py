"""A peer that scores a booster. Run by `compare`: python boosters PEER MODEL ROWS N_FEATURES WORK

    PEER        libxgboost:VERSION, onnxruntime, onedal, tl2cgen, treelite or lleaves
    MODEL       a booster of XGBoost 3.2 for binary:logistic
    ROWS        its rows, numbers of 32 bits, row by row, without a missing value
    N_FEATURES  the numbers in a row
    WORK        a folder that keeps what takes long to fetch or to compile

A call scores its rows; the results are their probabilities.
"""

from pathlib import Path

from service import load, serve

PEERS = {
    "libxgboost": ("native_xgboost", "Libxgboost"),
    "lleaves": ("lleaves_twin", "Lleaves"),
    "onedal": ("intel_onedal", "OneDal"),
    "onnxruntime": ("onnx_runtime", "OnnxRuntime"),
    "tl2cgen": ("compiled_tl2cgen", "Tl2cgen"),
    "treelite": ("treelite_gtil", "Treelite"),
}


def make(name, model, rows, n_features, work):
    import numpy as np

    name, _, version = name.partition(":")
    peer = load(PEERS, name)
    rows = np.fromfile(rows, "<f4").reshape(-1, int(n_features))
    work = Path(work)
    work.mkdir(parents=True, exist_ok=True)
    return peer(model, rows, work, *filter(None, [version]))


serve(make)
