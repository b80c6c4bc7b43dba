"""A report of evidently with a metric per feature: `DataDriftPreset` takes twice as long for the same tests."""

import evidently
import pandas as pd
import scipy
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

from peer import Peer

VERSION = f"{evidently.__version__} (SciPy {scipy.__version__})"


class Evidently(Peer):
    def __init__(self, reference, batches, categories):
        self.names = [f"x{place}" for place in range(reference.shape[1])]
        categorical = [self.names[place] for place in categories]
        numerical = [name for name in self.names if name not in categorical]
        self.definition = DataDefinition(numerical_columns=numerical, categorical_columns=categorical)
        methods = dict.fromkeys(numerical, "ks") | dict.fromkeys(categorical, "chisquare")
        report = Report([ValueDrift(column=name, method=methods[name]) for name in self.names])
        reference = self.dataset(reference)
        super().__init__(VERSION, batches, lambda batch: report.run(batch, reference))

    def dataset(self, rows):
        return Dataset.from_pandas(pd.DataFrame(rows, columns=self.names), data_definition=self.definition)

    def arguments(self, window):
        # What this takes is not measured.
        return (self.dataset(self.rows[window]),)

    def results(self, snapshot):
        values = {metric["config"]["column"]: metric["value"] for metric in snapshot.dict()["metrics"]}
        return [values[name] for name in self.names]
