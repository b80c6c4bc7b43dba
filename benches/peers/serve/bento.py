"""The original service's work on BentoML 1.4, in one worker.

    SEED_MODELS=FOLDER bentoml serve bento:WineQuality --port PORT
"""

from uuid import uuid4

import bentoml

from models import Models, Record


@bentoml.service(workers=1)
class WineQuality:
    def __init__(self):
        self.models = Models()

    @bentoml.api
    def predict(self, records: list[Record]) -> list[dict]:
        return self.models.answer([record.model_dump() for record in records], uuid4().hex)
