"""The booster behind MLServer: what mlserver-xgboost does, without its dependency on CUDA."""

import os
from pathlib import Path

import xgboost as xgb
from mlserver import MLModel
from mlserver.codecs import NumpyRequestCodec


class Booster(MLModel):
    async def load(self):
        self.booster = xgb.Booster(model_file=Path(os.environ["SEED_MODELS"]) / "wine_quality" / "model.ubj")
        self.booster.set_param({"nthread": 1})
        return True

    async def predict(self, payload):
        rows = self.decode_request(payload, default_codec=NumpyRequestCodec)
        predictions = self.booster.inplace_predict(rows, validate_features=False)
        return self.encode_response(predictions, default_codec=NumpyRequestCodec)
