"""A peer that fits isolation forests. Run by `compare`: python outlier PEER MODE WORK N_FEATURES

    PEER        isotree, onnxruntime or scikit-learn
    MODE        score or fit
    WORK        a folder with `training.f64` and `rows.f64`: numbers of 64 bits, row by row, without a missing value
    N_FEATURES  the numbers in a row

score: a forest is fitted to all training rows. A call scores its rows of the others; the results are their scores,
higher for the more abnormal. The forest of scikit-learn, which ONNX Runtime scores as well, is left in WORK, as
`scikit-learn.pickle`.

fit: a call fits a forest to its training rows; the results are the scores that it gives all of the others.
"""

from pathlib import Path

from service import load, serve

PEERS = {
    "isotree": ("isotree_library", "Isotree"),
    "onnxruntime": ("onnx_runtime", "OnnxRuntime"),
    "scikit-learn": ("scikit_learn", "ScikitLearn"),
}


def make(name, mode, work, n_features):
    import numpy as np

    from forest_peer import MODES

    library = load(PEERS, name)()
    work = Path(work)
    files = (work / f"{part}.f64" for part in ("training", "rows"))
    training, rows = (np.fromfile(file, "<f8").reshape(-1, int(n_features)) for file in files)
    return MODES[mode](library, training, rows, work)


serve(make)
