"""An ONNX file as it was given, run by ONNX Runtime without optimisations: what all that is made of it is proven by."""

from __future__ import annotations

import onnx
import torch
from torch import Tensor, nn

from edgesr.sr_model.generators.onnx_source.interface import Interface
from edgesr.sr_model.generators.onnx_source.picture import OnnxPicture

_TYPES = {"float32": torch.float32, "float16": torch.float16, "uint8": torch.uint8}
_MOST_OFF = {"float32": 0.01, "uint8": 1.01}


class GivenFile(nn.Module):
    """Image (1,c,h,w) -> picture (1,c,s*h,s*w), float32, of a file in the layout and type that it has."""

    def __init__(self, model: onnx.ModelProto, interface: Interface) -> None:
        super().__init__()
        self._run = OnnxPicture(model, image=interface.image)
        self._interface = interface

    @property
    def tolerance(self) -> float:
        """Largest difference, on the 0..255 scale, of a graph in float32 from the file: bytes are rounded or cut."""
        return _MOST_OFF[self._interface.dtype]

    def forward(self, image: Tensor) -> Tensor:
        interface = self._interface
        x = image.permute(0, 2, 3, 1) if interface.image_layout == "NHWC" else image
        if interface.dtype == "uint8":
            x = x.round().clamp(0, 255)
        y: Tensor = self._run(x.to(_TYPES[interface.dtype])).float()
        return y.permute(0, 3, 1, 2) if interface.picture_layout == "NHWC" else y
