"""Small ONNX files as others write them, seeded: a x2 network of one convolution on a nearest base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

Side = int | str
SHAPE: tuple[Side, ...] = ("n", 3, "h", "w")


@dataclass(frozen=True, kw_only=True)
class OnnxFile:
    """``before`` makes "x" of the input, ``after`` makes the output of "y"; without them the input is "x".

    ``gain`` is that of the convolution, in the network's own unit.
    """

    shape: tuple[Side, ...] = SHAPE
    picture: tuple[Side, ...] | None = None
    image_name: str = "x"
    picture_name: str = "y"
    before: tuple[NodeProto, ...] = ()
    after: tuple[NodeProto, ...] = ()
    dtype: int = TensorProto.FLOAT
    picture_dtype: int | None = None
    opset: int = 17
    ir_version: int = 8
    gain: float = 0.1
    inputs: tuple[onnx.ValueInfoProto, ...] = ()
    outputs: tuple[onnx.ValueInfoProto, ...] = ()
    constants: tuple[TensorProto, ...] = ()
    domains: tuple[str, ...] = ()

    def model(self) -> onnx.ModelProto:
        weights, bias = (value.numpy().astype(self._floats()) for value in self.weights())
        nodes = [
            helper.make_node("Conv", ["x", "weights", "bias"], ["features"], pads=[1, 1, 1, 1]),
            helper.make_node("DepthToSpace", ["features"], ["detail"], blocksize=2, mode="CRD"),
            helper.make_node("Resize", ["x", "region", "factors"], ["base"], mode="nearest", **_NEAREST),
            helper.make_node("Add", ["base", "detail"], ["y"]),
        ]
        picture = self.picture or tuple(f"{side}2" if isinstance(side, str) else side for side in self.shape)
        region, factors = np.array([], dtype=np.float32), np.array([1, 1, 2, 2], dtype=np.float32)
        tensors = (("weights", weights), ("bias", bias), ("region", region), ("factors", factors))
        graph = helper.make_graph(
            [*self.before, *nodes, *self.after],
            "network",
            [helper.make_tensor_value_info(self.image_name, self.dtype, self.shape), *self.inputs],
            [
                helper.make_tensor_value_info(self.picture_name, self.picture_dtype or self.dtype, picture),
                *self.outputs,
            ],
            [*(numpy_helper.from_array(value, name) for name, value in tensors), *self.constants],
        )
        opsets = [helper.make_opsetid("", self.opset), *(helper.make_opsetid(domain, 1) for domain in self.domains)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=self.ir_version)

    def weights(self) -> tuple[Tensor, Tensor]:
        """The weights of the convolution."""
        generator = torch.Generator().manual_seed(0)
        return torch.randn(12, 3, 3, 3, generator=generator) * self.gain, torch.zeros(12)

    def network(self, image: Tensor) -> Tensor:
        """The values that it computes of an image (1,3,h,w), in PyTorch."""
        detail = F.pixel_shuffle(F.conv2d(image, *self.weights(), padding=1), 2)
        return F.interpolate(image, scale_factor=2, mode="nearest") + detail

    def write(self, path: Path) -> Path:
        onnx.save(self.model(), path)
        return path

    def _floats(self) -> type[np.floating]:
        return np.float16 if self.dtype == TensorProto.FLOAT16 else np.float32


_NEAREST = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}


def node(kind: str, source: str, target: str, *others: str, **attributes: int | Sequence[int]) -> NodeProto:
    """A node of one output, whose first input is ``source``."""
    result = helper.make_node(kind, [source, *others], [target])
    result.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    return result


def constant(name: str, value: float | Sequence[float], dtype: type[np.generic] = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.asarray(value, dtype=dtype), name)


def export_dynamic(network: nn.Module, path: Path, *, opset: int = 18) -> Path:
    """By torch's exporter, of any size, with its weights in a file next to it."""
    return _export(network, path, opset, ({2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC},), (40, 56))


def export_fixed(network: nn.Module, path: Path, size: tuple[int, int], *, opset: int = 18) -> Path:
    """By torch's exporter, of one size."""
    return _export(network, path, opset, None, size)


def _export(network: nn.Module, path: Path, opset: int, dynamic: object, size: tuple[int, int]) -> Path:
    import warnings

    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)),),
            path,
            dynamo=True,
            dynamic_shapes=dynamic,  # type: ignore[arg-type]
            opset_version=opset,
            verbose=False,
        )
    return path
