"""ONNX graphs of a few nodes whose every number can be worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from edgesr.runtimes.arrays import FloatArray


def make_graph(nodes: Sequence[onnx.NodeProto], tensors: Mapping[str, Any], output: str = "y") -> onnx.ModelProto:
    """A graph from "x" (1,3,h,w) to an output, with these constants: float32, arrays of int64 aside."""
    constants = []
    for name, values in tensors.items():
        array = np.asarray(values)
        array = array if array.dtype == np.int64 and isinstance(values, np.ndarray) else array.astype(np.float32)
        constants.append(numpy_helper.from_array(array, name))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, height, None])
        for name, channels, height in (("x", 3, "height"), (output, None, None))
    ]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def conv(name: str, source: str, output: str, *, pads: int = 0) -> onnx.NodeProto:
    """A convolution "conv.<name>" with weights "body.<name>.weight" and a bias."""
    inputs = [source, f"body.{name}.weight", f"body.{name}.bias"]
    return helper.make_node("Conv", inputs, [output], name=f"conv.{name}", pads=[pads] * 4)


def kernels(rows: ArrayLike) -> FloatArray:
    """Weights (out,in,1,1) from rows (out,in)."""
    return np.asarray(rows, dtype=np.float32)[:, :, None, None]


def pixels(*values: ArrayLike) -> FloatArray:
    """An image (3,1,n) from n pixels of three values."""
    return np.ascontiguousarray(np.asarray(values, dtype=np.float32).T[:, None])
