"""An ONNX graph run by ONNX Runtime without optimisations: the reference of a generator that is an ONNX file."""

from __future__ import annotations

from typing import Any

import onnx
import torch
from torch import Tensor, nn

from edgesr.runtimes.adapters import ort
from edgesr.runtimes.errors import EdgesrError
from edgesr.sr_model.generators.foreign.one_line import in_one_line


class OnnxPicture(nn.Module):
    """A float32 graph with one input and one output, image (1,c,h,w) -> picture (1,c,s*h,s*w), as a module.

    A copy of it is itself: it has no weights of its own, and a session cannot be copied.
    """

    def __init__(self, model: onnx.ModelProto, *, image: str | None = None) -> None:
        """``image``: name of the input, where others have values of their own."""
        super().__init__()
        self.model = model
        options = ort.session_options(torch.get_num_threads())
        options.enable_cpu_mem_arena = False
        options.graph_optimization_level = ort.load().GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session: Any = ort.load().InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise EdgesrError(f"ONNX Runtime cannot open it: {in_one_line(error)}") from error
        self._input = image or self._session.get_inputs()[0].name

    def forward(self, lr: Tensor) -> Tensor:
        return torch.from_numpy(self._session.run(None, {self._input: lr.contiguous().numpy()})[0])

    def __deepcopy__(self, _memo: object) -> OnnxPicture:
        return self


def read_picture(content: bytes) -> OnnxPicture:
    """The picture of a model as it is in an archive."""
    return OnnxPicture(onnx.load_model_from_string(content))
