"""PixelUnshuffle as ONNX's SpaceToDepth, which converters know, in torch's order of channels.

The exporter writes a reshape to six dimensions, a transpose and a reshape; onnx2tf made of them a file with other
numbers. torch's channels are c*b*b, those of SpaceToDepth b*b*c: a convolution behind it takes the order into its
weights, else a Gather restores it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgesr.export.graphs.onnx_graph import constants, copied, live_nodes, runner, sort_nodes
from edgesr.export.graphs.operators import CONVOLUTION
from edgesr.runtimes.arrays import FloatArray

_PERMUTATION = [0, 1, 3, 5, 2, 4]
_PROBE_SIZE = (48, 96)  # what blocks of 2, 3, 4, 6 and 8 divide


@dataclass(frozen=True)
class _Unshuffle:
    """``source`` (1,c,h,w) -> each of ``outputs`` (1,c*b*b,h/b,w/b)."""

    source: str
    outputs: tuple[str, ...]
    channels: int
    block: int


def use_space_to_depth(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a graph in which each reshape, transpose and reshape of a pixel unshuffle is a SpaceToDepth."""
    result = copied(model)
    while (found := next(_unshuffles(result), None)) is not None:
        _replace(result, found)
    return result


def _unshuffles(model: onnx.ModelProto) -> Iterator[_Unshuffle]:
    """Found by their transposes; that they are what they seem is seen in the values of an image."""
    producers = {name: node for node in model.graph.node for name in node.output}
    for transpose in (node for node in model.graph.node if _permutation(node) == _PERMUTATION):
        before = producers.get(transpose.input[0])
        after = [node for node in model.graph.node if transpose.output[0] in node.input]
        if before is None or before.op_type != "Reshape" or any(node.op_type != "Reshape" for node in after):
            continue
        source, outputs = before.input[0], tuple(node.output[0] for node in after)
        inner = producers.get(source)
        outer = inner.input[0] if inner is not None and inner.op_type == "Reshape" else source
        values = _values(model, [outer, source, before.output[0], *outputs])
        block, channels = values[before.output[0]].shape[-1], values[source].shape[1]
        expected = _unshuffled(values[source], block)
        if all(np.array_equal(values[name], expected) for name in outputs):
            same = np.array_equal(values[outer], values[source])
            yield _Unshuffle(outer if same else source, outputs, channels, block)


def _replace(model: onnx.ModelProto, found: _Unshuffle) -> None:
    ends = {output.name for output in model.graph.output}
    name = next((output for output in found.outputs if output in ends), found.outputs[0])
    for node in model.graph.node:
        node.input[:] = [name if one in found.outputs else one for one in node.input]
        node.output[:] = [f"{one}.reshaped" if one in found.outputs else one for one in node.output]
    order = np.arange(found.channels * found.block**2).reshape(found.block**2, found.channels).T.ravel()
    readers = [node for node in _live(model) if name in node.input]
    folds = name not in ends and all(_takes_order(model, node, name) for node in readers)
    blocks = name if folds else f"{name}.blocks"
    added = [helper.make_node("SpaceToDepth", [found.source], [blocks], blocksize=found.block, name=blocks)]
    if folds:
        for node in readers:
            _reorder_inputs(model, node, order)
    else:
        model.graph.initializer.append(numpy_helper.from_array(order, f"{name}.order"))
        added.append(helper.make_node("Gather", [blocks, f"{name}.order"], [name], axis=1, name=name))
    model.graph.node.extend(added)
    nodes = _live(model)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    sort_nodes(model)


def _live(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return live_nodes(list(model.graph.node), [output.name for output in model.graph.output])


def _takes_order(model: onnx.ModelProto, node: onnx.NodeProto, name: str) -> bool:
    """Whether a node is a convolution in one group of a tensor, with weights of its own."""
    groups = next((a.i for a in node.attribute if a.name == "group"), 1)
    if node.op_type != CONVOLUTION or groups != 1 or node.input[0] != name or node.input[1] not in constants(model):
        return False
    return Counter(one for reader in model.graph.node for one in reader.input)[node.input[1]] == 1


def _reorder_inputs(model: onnx.ModelProto, node: onnx.NodeProto, order: NDArray[np.int64]) -> None:
    tensor = constants(model)[node.input[1]]
    weights = numpy_helper.to_array(tensor)
    permuted = np.empty_like(weights)
    permuted[:, order] = weights
    tensor.CopyFrom(numpy_helper.from_array(permuted, tensor.name))


def _values(model: onnx.ModelProto, names: list[str]) -> dict[str, FloatArray]:
    channels = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    image = np.random.default_rng(0).uniform(0, 255, (channels, *_PROBE_SIZE)).astype(np.float32)
    return runner(model, names)(image)


def _unshuffled(values: FloatArray, block: int) -> FloatArray:
    number, channels, height, width = values.shape
    split = values.reshape(number, channels, height // block, block, width // block, block)
    return split.transpose(_PERMUTATION).reshape(number, channels * block**2, height // block, width // block)


def _permutation(node: onnx.NodeProto) -> list[int]:
    return next((list(a.ints) for a in node.attribute if a.name == "perm"), [])
