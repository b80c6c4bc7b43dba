"""XGBoost through its C API: `XGBoosterPredictFromDense`, its fastest way for rows in memory."""

import ctypes
import itertools
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np

from native import NativePeer, digest, kept

CONFIG = {
    "type": 0,
    "training": False,
    "iteration_begin": 0,
    "iteration_end": 0,
    "strict_shape": False,
    "cache_id": 0,
    "missing": float("nan"),
}


class Libxgboost(NativePeer):
    """Its results stand in the library's memory until the next call."""

    def __init__(self, model, rows, work, version):
        numbers = tuple(map(int, version.split(".")))
        folder = kept(work / f"libxgboost-{version}", lambda part: fetch(version, numbers, part))
        self.library = ctypes.CDLL(str(folder / "xgboost" / "lib" / "libxgboost.so"))
        self.booster = ctypes.c_void_p()
        self.check(self.library.XGBoosterCreate(None, ctypes.c_uint64(0), ctypes.byref(self.booster)))
        path = model if numbers >= (3, 1) else kept(work / f"scalar-{digest(model)}.json", readable(model))
        self.check(self.library.XGBoosterLoadModel(self.booster, str(path).encode()))
        self.check(self.library.XGBoosterSetParam(self.booster, b"nthread", b"1"))
        self.config = ctypes.c_char_p(json.dumps(CONFIG).encode())
        self.result = ctypes.POINTER(ctypes.c_float)()
        shape, dimension = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        self.outputs = [ctypes.byref(output) for output in (shape, dimension, self.result)]
        super().__init__(version, rows, self.library.XGBoosterPredictFromDense)

    def arguments(self, window):
        rows = self.rows[window]
        interface = {"data": [rows.ctypes.data, True], "shape": rows.shape, "typestr": "<f4", "version": 3}
        interface = ctypes.c_char_p(json.dumps(interface).encode())
        return self.booster, interface, self.config, None, *self.outputs

    def predict(self, n, count):
        function, arguments = self.calls(n)
        for each in itertools.islice(arguments, count):
            self.check(function(*each))
            yield from np.ctypeslib.as_array(self.result, [n])

    def check(self, status):
        if status != 0:
            self.library.XGBGetLastError.restype = ctypes.c_char_p
            raise RuntimeError(self.library.XGBGetLastError().decode())


def fetch(version, numbers, folder):
    """Unpacks the library, from the wheel without code for GPUs where there is one."""
    package = "xgboost" if numbers < (2,) else "xgboost-cpu"
    # XGBoost from 3.3 on wants Python 3.12; the library in it needs no Python.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", "3.12", "--dest", str(folder), f"{package}=={version}"]
    subprocess.run(command, check=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder, [name for name in content.namelist() if ".so" in name])
    wheel.unlink()


def readable(model):
    """Calls `scalar` in a process of its own, for Python's package brings another version of the library."""
    return lambda part: subprocess.run([sys.executable, __file__, model, str(part)], check=True)


def scalar(model, path):
    """Writes a copy with the base score as a number: of a list, XGBoost before 3.1 takes no notice."""
    import xgboost

    document = json.loads(xgboost.Booster(model_file=model).save_raw("json"))
    parameters = document["learner"]["learner_model_param"]
    [base_score] = json.loads(parameters["base_score"])
    parameters["base_score"] = repr(base_score)
    Path(path).write_text(json.dumps(document))


if __name__ == "__main__":
    scalar(*sys.argv[1:])
