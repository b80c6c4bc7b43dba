"""ONNX Runtime, from Python, on what onnxmltools makes of the booster."""

import onnxruntime
import xgboost
from onnxmltools.convert import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from peer import Peer


class OnnxRuntime(Peer):
    def __init__(self, model, rows, work):
        inputs = [("rows", FloatTensorType([None, rows.shape[1]]))]
        graph = convert_xgboost(xgboost.Booster(model_file=model), initial_types=inputs, target_opset=15)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers)
        super().__init__(onnxruntime.__version__, rows, session.run)

    def arguments(self, window):
        return ["probabilities"], {"rows": self.rows[window]}

    def results(self, predictions):
        return predictions[0][:, 1]
