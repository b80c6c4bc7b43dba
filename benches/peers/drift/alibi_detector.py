"""The detector of alibi-detect for tables."""

import alibi_detect
import scipy
from alibi_detect.cd import TabularDrift

from peer import Peer

VERSION = f"{alibi_detect.__version__} (SciPy {scipy.__version__})"


class AlibiDetect(Peer):
    def __init__(self, reference, batches, categories):
        # A category without a list has the values of the reference.
        detector = TabularDrift(reference, p_val=0.05, categories_per_feature=dict.fromkeys(categories) or None)
        super().__init__(VERSION, batches, lambda batch: detector.predict(batch, drift_type="feature"))

    def results(self, report):
        return report["data"]["p_val"]
