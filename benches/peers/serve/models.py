"""The three models of the original service, and what it says and logs of rows.

SEED_MODELS names the folder of the models. Log lines are formatted and go to the null device.
"""

import json
import logging
import os
import pickle
from pathlib import Path

import pandas as pd
import xgboost as xgb
from pydantic import BaseModel

FOLDER = Path(os.environ["SEED_MODELS"])


class Record(BaseModel):
    fixed_acidity: float
    volatile_acidity: float
    citric_acid: float
    residual_sugar: float
    chlorides: float
    free_sulfur_dioxide: float
    total_sulfur_dioxide: float
    density: float
    pH: float
    sulphates: float
    alcohol: float
    is_red: int


COLUMNS = list(Record.model_fields)


def unpickled(name):
    return pickle.loads((FOLDER / name / "model.pkl").read_bytes())


class Models:
    def __init__(self):
        self.booster = xgb.Booster(model_file=FOLDER / "wine_quality" / "model.ubj")
        self.booster.set_param({"nthread": 1})
        drift, outliers = unpickled("wine_quality_drift"), unpickled("wine_quality_outlier")
        # Both pipelines begin with the same scaler.
        (_, self.scaler), (_, self.drift) = drift.steps
        self.outliers = outliers.steps[1][1]
        self.log = logging.getLogger("wine-quality")
        handler = logging.FileHandler(os.devnull)
        handler.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s - %(message)s"))
        self.log.addHandler(handler)
        self.log.setLevel(logging.INFO)
        self.log.propagate = False

    def answer(self, records, request_id):
        """The original's answer to records, which are dictionaries; three lines tell of it."""
        rows = pd.DataFrame(records, columns=COLUMNS)
        self.tell("input_data", request_id, value=rows.to_json(orient="records"))
        probabilities = self.booster.predict(xgb.DMatrix(rows))
        predictions = (probabilities > 0.5).astype(int).tolist()
        monitoring = self.monitor(rows)
        self.tell("monitoring_metrics", request_id, monitoring=monitoring)
        self.tell("output_data", request_id, predictions=predictions, monitoring=monitoring)
        return [{"predictions": predictions, "monitoring": monitoring}]

    def monitor(self, rows):
        scaled = self.scaler.transform(rows.values)
        drift = self.drift.predict(scaled, drift_type="feature")["data"]
        outliers = self.outliers.predict(scaled)["data"]
        return {
            "drift": {
                "threshold": drift["threshold"],
                "is_drift": dict(zip(COLUMNS, drift["is_drift"].tolist())),
                "p_value": dict(zip(COLUMNS, drift["p_val"].tolist())),
            },
            "outliers": {
                "is_outlier": outliers["is_outlier"].tolist(),
                "instance_score": outliers["instance_score"].tolist(),
            },
        }

    def tell(self, kind, request_id, **content):
        line = {"service_name": "WineQualityService", "type": kind, **content, "request_id": request_id}
        self.log.info(json.dumps(line))
