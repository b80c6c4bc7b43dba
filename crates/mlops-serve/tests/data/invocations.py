"""Writes `invocations.json`: requests that MLflow's scoring server reads as one data frame, and its words for others.

    python3.11 -m venv venv
    venv/bin/pip install mlflow-skinny==3.17.2 pandas==2.3.3 numpy==2.4.6 fastapi
    venv/bin/python crates/mlops-serve/tests/data/invocations.py > crates/mlops-serve/tests/data/invocations.json
"""

import json
import re
from io import StringIO

import numpy
import pandas
from mlflow.exceptions import MlflowException
from mlflow.models import convert_input_example_to_serving_input
from mlflow.pyfunc.scoring_server import (
    _split_data_and_params,
    infer_and_parse_data,
    parse_csv_input,
)
from mlflow.types import ColSpec, Schema

frame = pandas.DataFrame(
    {"alcohol": [9.4, None, 10.0], "is_red": [1, 0, 1], "region": ["Minho", "Douro", None]}
)
schema = Schema(
    [ColSpec("double", "alcohol"), ColSpec("long", "is_red"), ColSpec("string", "region")]
)
columns = {name: json.loads(frame[name].to_json(orient="values")) for name in frame}
records = json.loads(frame.to_json(orient="records"))

# MLflow's own example of a request writes a missing number as `NaN`, which is no JSON.
not_json = convert_input_example_to_serving_input(frame)
assert "NaN" in not_json
reordered = json.loads(frame[["region", "alcohol", "is_red"]].to_json(orient="split"))

accepted = [
    not_json.replace("NaN", "null"),
    json.dumps({"dataframe_split": reordered}),
    json.dumps({"dataframe_records": records, "params": {"threshold": 0.5}}),
    json.dumps({"instances": records}),
    json.dumps({"inputs": columns}),
]


def parse(body):
    data, _ = _split_data_and_params(body)
    return infer_and_parse_data(data, schema)


def is_same(value, expected):
    return value == expected or (pandas.isna(value) and pandas.isna(expected))


def check(parsed):
    for name in frame:
        # MLflow makes texts of objects before it looks for missing values, so `None` may be a text.
        got = [None if value in ("None", "nan") else value for value in list(parsed[name])]
        assert all(map(is_same, got, frame[name])), (name, got)


for body in accepted:
    check(parse(body))
csv = frame.to_csv()
check(parse_csv_input(StringIO(csv), schema))

tensor = json.dumps({"inputs": frame[["alcohol", "is_red"]].fillna(9.8).to_numpy().tolist()})
assert numpy.array_equal(infer_and_parse_data(json.loads(tensor)), [[9.4, 1], [9.8, 0], [10, 1]])


def refusal(body):
    try:
        parse(body)
    except MlflowException as error:
        document = json.loads(error.serialize_as_json())
        # MLflow prints a set, whose order changes from run to run.
        fields = "{'dataframe_split', 'dataframe_records', 'instances', 'inputs'}"
        message = re.sub(r"fields \{[^}]*\}", f"fields {fields}", document["message"])
        return {"body": body, "error_code": document["error_code"], "message": message}
    raise AssertionError(body)


refused = [
    "{}",
    '{"inputs": [1], "instances": [1]}',
    "[[1]]",
    "1",
    "1.5",
    '"text"',
    "true",
    "null",
    '{"dataframe_records": {"alcohol": 1}}',
    '{"dataframe_records": 1}',
    '{"dataframe_split": [1]}',
    '{"dataframe_split": null}',
]
document = {
    "accepted": accepted,
    "not_json": not_json,
    "csv": csv,
    "tensor": tensor,
    "refused": [refusal(body) for body in refused],
}
print(json.dumps(document, indent=1))
