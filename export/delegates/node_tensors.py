"""Tensors of ONNX nodes as TFLite has them: NHWC, and constants that say where and not what in int32."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

import onnx
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.graphs.onnx_graph import constants
from edgesr.runtimes.delegates.operators import Tensor

_TO_NHWC = (0, 2, 3, 1)
_DTYPES: Mapping[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.FLOAT16: "float16",
    TensorProto.INT8: "int8",
    TensorProto.UINT8: "uint8",
    TensorProto.INT32: "int32",
    TensorProto.INT64: "int32",
    TensorProto.BOOL: "bool",
}


class NodeTensors:
    """The tensors of the nodes of a graph of a fixed size whose shapes were inferred."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self._constants = constants(model)

    def tensor(self, name: str) -> Tensor:
        """A computed tensor or a constant; without sides where the shape of one is not known."""
        if name in self._constants:
            given = self._constants[name]
            dtype = _DTYPES.get(given.data_type, "float32")
            return Tensor(shape=_nhwc(tuple(given.dims)), dtype=dtype, constant=True, name=name)
        value = self._values.get(name)
        if value is None:
            return Tensor(shape=(), name=name)
        sides = tuple(side.dim_value for side in value.type.tensor_type.shape.dim)
        dtype = _DTYPES.get(value.type.tensor_type.elem_type, "float32")
        return Tensor(shape=_nhwc(sides), dtype=dtype, name=name)

    def inputs(self, node: onnx.NodeProto) -> tuple[Tensor, ...]:
        return tuple(self.tensor(name) for name in node.input if name)

    def outputs(self, node: onnx.NodeProto) -> tuple[Tensor, ...]:
        return tuple(self.tensor(name) for name in node.output if name)

    def numbers(self, name: str) -> list[float]:
        """Values of a constant, none of what is computed or absent."""
        given = self._constants.get(name)
        return [] if given is None else [float(value) for value in numpy_helper.to_array(given).ravel()]

    def readers(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """Nodes that read its first output."""
        return self._readers[node.output[0]]

    @cached_property
    def _values(self) -> dict[str, onnx.ValueInfoProto]:
        graph = self._model.graph
        return {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}

    @cached_property
    def _readers(self) -> dict[str, list[onnx.NodeProto]]:
        found: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in self._model.graph.node:
            for name in dict.fromkeys(node.input):
                found[name].append(node)
        return found


def text(node: onnx.NodeProto, name: str, default: str) -> str:
    """A text among the attributes of a node."""
    return next((a.s.decode(errors="replace") for a in node.attribute if a.name == name), default)


def whole(node: onnx.NodeProto, name: str, default: int) -> int:
    """A whole number among the attributes of a node."""
    return next((int(helper.get_attribute_value(a)) for a in node.attribute if a.name == name), default)


def _nhwc(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(shape[axis] for axis in _TO_NHWC) if len(shape) == len(_TO_NHWC) else shape
