"""Shows that ONNX Runtime and MLflow score the forests that Rust exported as Rust does. Run: python verify_onnx.py FOLDER

    pip install mlflow-skinny==3.17.2 onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6 pandas==2.3.3
    cargo run --release -p mlops-outlier --features onnx --example export_onnx -- FOLDER
"""

import json
import sys
from pathlib import Path

import mlflow
import numpy as np
import onnx
import onnxruntime
import pandas as pd

TOLERANCE = 1e-6
# Where score and threshold are closer, rounding to 32 bits decides; a score that is the threshold is not above it.
CLOSE = 1e-7


def check(what, scores, outliers, expected, threshold):
    assert scores.dtype == np.float32 and outliers.dtype == np.int64, (scores.dtype, outliers.dtype)
    difference = np.abs(scores.astype(np.float64) - expected)
    assert difference.max() <= TOLERANCE, f"{what}: {difference.max()} at row {difference.argmax()}"
    is_clear = (np.abs(expected - threshold) > CLOSE) | (expected == threshold)
    differing = (outliers != (expected > threshold)) & is_clear
    assert not differing.any(), f"{what}: {differing.sum()} rows, the first is {differing.argmax()}"
    return difference.max(), int((~is_clear).sum())


folder = Path(sys.argv[1])
total, largest, n_close, n_tied = 0, 0.0, 0, 0
for answers in sorted(folder.glob("*.json")):
    directory = answers.with_suffix("")
    answers = json.loads(answers.read_text())
    rows = np.array([[np.nan if x is None else x for x in row] for row in answers["rows"]], np.float64)
    narrow = rows.astype(np.float32)
    assert np.array_equal(narrow, rows, equal_nan=True), "a row is not one of 32-bit numbers"
    expected, threshold = np.array(answers["scores"]), answers["threshold"]

    model = onnx.load(directory / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    columns = json.loads({entry.key: entry.value for entry in model.metadata_props}["columns"])

    session = onnxruntime.InferenceSession(directory / "model.onnx", providers=["CPUExecutionProvider"])
    shapes = {output.name: output.shape for output in session.get_outputs()}
    assert shapes == {"score": ["rows", 1], "is_outlier": ["rows", 1]}, shapes
    scores, outliers = session.run(["score", "is_outlier"], {"input": narrow})
    assert scores.shape == outliers.shape == (len(rows), 1)
    difference, close = check(directory.name, scores[:, 0], outliers[:, 0], expected, threshold)
    for row in range(0, len(rows), 10):
        alone = session.run(None, {"input": narrow[row : row + 1]})
        check(f"row {row} alone", alone[0][0], alone[1][0], expected[row : row + 1], threshold)

    assert mlflow.onnx.load_model(str(directory)) == model
    # Columns are found by name, whatever their order; whole numbers may be integers of 32 bits.
    frame = pd.DataFrame(rows, columns=columns)
    pyfunc = mlflow.pyfunc.load_model(str(directory))
    for frame in [frame, frame[columns[::-1]], frame.astype(np.float32)]:
        answer = pyfunc.predict(frame)
        assert list(answer.columns) == ["score", "is_outlier"], answer.columns
        check("mlflow", answer["score"].to_numpy(), answer["is_outlier"].to_numpy(), expected, threshold)
    whole = pd.DataFrame(np.nan_to_num(rows).round().clip(-1e9, 1e9).astype(np.int32), columns=columns)
    as_integers, as_floats = pyfunc.predict(whole), pyfunc.predict(whole.astype(np.float64))
    assert as_integers.equals(as_floats)

    total, largest, n_close = total + len(rows), max(largest, difference), n_close + close
    n_tied += int((expected == threshold).sum())
    trees = len(set(onnx.helper.get_node_attr_value(model.graph.node[1], "nodes_treeids")))
    print(
        f"{directory.name}: {rows.shape[1]} columns, {trees} trees, {len(rows)} rows: scores differ by at most "
        f"{difference:.1e}, {int(outliers.sum())} outliers"
    )
assert total >= 20_000, "too few rows"
print(
    f"{total} rows: scores differ by at most {largest:.1e}; {n_close} are too close to the threshold to compare, "
    f"{n_tied} are on it and no outliers (onnxruntime {onnxruntime.__version__}, mlflow {mlflow.__version__})"
)
