"""The original service on FastAPI: its BentoML 0.13 can no longer be installed.

    SEED_MODELS=FOLDER uvicorn original:app --port PORT --log-level warning
"""

from uuid import uuid4

from fastapi import FastAPI

from models import Models, Record

app = FastAPI()
models = Models()


@app.get("/healthz")
def healthz():
    return {}


@app.post("/predict")
def predict(records: list[Record]):
    return models.answer([record.model_dump() for record in records], uuid4().hex)
