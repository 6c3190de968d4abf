"""Tensors of a TFLite model that hold the values of tensors of an ONNX graph, in whatever order.

A converter moves, splits, fuses and folds nodes, so that structure alone follows few networks to their end. Values in
another order have the same range, and ranges are what is carried over.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import onnx
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from edgesr.export.graphs.fixed_size import fix_size
from edgesr.export.graphs.onnx_graph import runner
from edgesr.export.graphs.tflite_graph import write_tflite
from edgesr.runtimes.arrays import FloatArray

_Item = TypeVar("_Item")
_SAME = 1e-3
_FLOAT_BYTES = 4
_BYTES_AT_ONCE = 2**28
"""Of the tensors that one run shows: all those of a large tile do not fit into memory."""


@dataclass(frozen=True)
class _Signature:
    """Number of values, and what does not depend on their order."""

    size: int
    figures: NDArray[np.float64]

    def differs_by(self, other: _Signature) -> float:
        """Relative to the largest absolute value, which comes first."""
        if self.size != other.size:
            return np.inf
        return float(np.abs(self.figures - other.figures).max() / max(other.figures[0], 1e-30))


def same_values(
    model: Any, tensors: Sequence[int], reference: onnx.ModelProto, names: Sequence[str], image: FloatArray
) -> dict[int, str]:
    """Pairs of a TFLite model's ``tensors`` (by index) and the reference's (by ``names``) that have the same values.

    On an LR image (c,h,w) of the model's size; the model is that of a tile graph, or of a full graph around it.
    """
    wanted = dict(_of_onnx(reference, names, image))
    found = {}
    for index, signature in _of_tflite(model, tensors, image):
        differences = {name: signature.differs_by(other) for name, other in wanted.items()}
        nearest = min(differences, key=differences.__getitem__, default="")
        if differences.get(nearest, np.inf) <= _SAME:
            found[index] = nearest
    return found


def _parts(items: Sequence[_Item], sizes: Sequence[int]) -> Iterator[list[_Item]]:
    """Items in their order, in parts of at most so many bytes; one that is larger is a part of its own."""
    part: list[_Item] = []
    left = _BYTES_AT_ONCE
    for item, size in zip(items, sizes, strict=True):
        if part and size > left:
            yield part
            part, left = [], _BYTES_AT_ONCE
        part.append(item)
        left -= size
    if part:
        yield part


def _of_onnx(model: onnx.ModelProto, names: Sequence[str], image: FloatArray) -> Iterator[tuple[str, _Signature]]:
    source = model.graph.input[0].name
    if source in names:
        yield source, _signature(image)
    computed = [name for name in names if name != source]
    sizes = _onnx_sizes(model, image)
    for some in _parts(computed, [sizes.get(name, max(sizes.values())) for name in computed]):
        for name, values in runner(model, some)(image).items():
            yield name, _signature(values)


def _onnx_sizes(model: onnx.ModelProto, image: FloatArray) -> dict[str, int]:
    """Bytes of the tensors whose shapes are known on an image (c,h,w)."""
    height, width = image.shape[1:]
    graph = fix_size(model, (height, width)).graph
    return {
        value.name: _FLOAT_BYTES * math.prod(side.dim_value for side in value.type.tensor_type.shape.dim)
        for value in (*graph.value_info, *graph.output)
    }


def _of_tflite(model: Any, tensors: Sequence[int], image: FloatArray) -> Iterator[tuple[int, _Signature]]:
    batch = np.ascontiguousarray(image.transpose(1, 2, 0))[None]
    shown = copy.copy(model)
    shown.subgraphs = [copy.copy(model.subgraphs[0])]
    shown.signatureDefs = None
    source = int(shown.subgraphs[0].inputs[0])
    if source in tensors:
        yield source, _signature(batch)
    computed = [index for index in tensors if index != source]
    sizes = [_FLOAT_BYTES * math.prod(shown.subgraphs[0].tensors[index].shape) for index in computed]
    for some in _parts(computed, sizes):
        shown.subgraphs[0].outputs = some
        interpreter = Interpreter(model_content=write_tflite(shown), num_threads=1)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], batch)
        interpreter.invoke()
        for index, detail in zip(some, interpreter.get_output_details(), strict=True):
            yield index, _signature(interpreter.get_tensor(detail["index"]))


def _signature(values: FloatArray) -> _Signature:
    exact = values.astype(np.float64)
    sizes = np.abs(exact)
    root_mean_square = np.sqrt(np.square(exact).mean())
    figures = [sizes.max(), exact.min(), exact.max(), exact.mean(), sizes.mean(), root_mean_square]
    return _Signature(exact.size, np.array(figures))
