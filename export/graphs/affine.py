"""Constant factors and shifts next to a convolution, folded into its weights and bias.

Converters fold them on their own, and into one of the two files alone: what is then carried from the ONNX graph into
the other file (rounded weights, corrected biases) would undo it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from edgesr.export.graphs.onnx_graph import constants, convolutions, copied

_SHIFTS, _FACTORS = ("Add", "Sub"), ("Mul", "Div")


@dataclass(frozen=True)
class _Affine:
    """gain * x + shift; both of one value, or of one a channel."""

    gain: NDArray[np.float64]
    shift: NDArray[np.float64]


def fold_affine(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which no convolution has a constant factor or shift behind it, nor one without pads has any before it.

    A shift before a convolution that pads with zeros stays: its border would become another one.
    """
    result = copied(model)
    while any(_fold_behind(result, node) or _fold_before(result, node) for node in convolutions(result)):
        pass
    used = {name for node in result.graph.node for name in node.input}
    kept = [tensor for tensor in result.graph.initializer if tensor.name in used]
    del result.graph.initializer[:]
    result.graph.initializer.extend(kept)
    return result


def _fold_behind(model: onnx.ModelProto, node: onnx.NodeProto) -> bool:
    """Fold what alone reads a convolution; whether there was something."""
    readers = [reader for reader in model.graph.node if node.output[0] in reader.input]
    if len(readers) != 1 or node.output[0] == model.graph.output[0].name or not _is_constant(model, node):
        return False
    weights, bias = _parameters(model, node)
    found = _affine(model, readers[0], node.output[0], channels=len(bias))
    if found is None:
        return False
    _set_parameters(model, node, (weights.T * found.gain).T, bias * found.gain + found.shift)
    node.output[0] = readers[0].output[0]
    model.graph.node.remove(readers[0])
    return True


def _fold_before(model: onnx.ModelProto, node: onnx.NodeProto) -> bool:
    """Fold what a convolution without pads alone reads; whether there was something."""
    before = [producer for producer in model.graph.node if node.input[0] in producer.output]
    readers = sum(name == node.input[0] for reader in model.graph.node for name in reader.input)
    outputs = [output.name for output in model.graph.output]
    if (
        len(before) != 1
        or readers != 1
        or node.input[0] in outputs
        or not (_is_plain(node) and _is_constant(model, node))
    ):
        return False
    weights, bias = _parameters(model, node)
    known = constants(model)
    data = next((name for name in before[0].input if name not in known), "")
    found = _affine(model, before[0], data, channels=weights.shape[1])
    if found is None:
        return False
    shift = np.broadcast_to(found.shift, weights.shape[1])
    gain = np.broadcast_to(found.gain, weights.shape[1])
    _set_parameters(model, node, weights * gain[:, None, None], bias + np.einsum("oiyx,i->o", weights, shift))
    node.input[0] = data
    model.graph.node.remove(before[0])
    return True


def _affine(model: onnx.ModelProto, node: onnx.NodeProto, data: str, *, channels: int) -> _Affine | None:
    """The node as a function of ``data``; None where it is not affine with constants a channel."""
    if node.op_type not in (*_SHIFTS, *_FACTORS) or data not in node.input:
        return None
    place = 1 - list(node.input).index(data)
    tensor = constants(model).get(node.input[place])
    values = None if tensor is None else _by_channel(numpy_helper.to_array(tensor), channels)
    if values is None or (node.op_type == "Div" and place == 0):
        return None
    one, zero = np.ones(1), np.zeros(1)
    if node.op_type == "Mul":
        return _Affine(values, zero)
    if node.op_type == "Div":
        return _Affine(1 / values, zero) if (values != 0).all() else None
    if node.op_type == "Add":
        return _Affine(one, values)
    return _Affine(-one, values) if place == 0 else _Affine(one, -values)


def _by_channel(values: NDArray[np.generic], channels: int) -> NDArray[np.float64] | None:
    """(1,) or (channels,) of a constant that (1,c,h,w) is combined with; None for one of another shape."""
    shape = (1,) * (4 - values.ndim) + values.shape
    if len(shape) != 4 or shape not in ((1, 1, 1, 1), (1, channels, 1, 1)):
        return None
    return values.astype(np.float64).ravel()


def _is_constant(model: onnx.ModelProto, node: onnx.NodeProto) -> bool:
    """Whether the parameters of a convolution are constants."""
    known = constants(model)
    return all(name in known for name in list(node.input)[1:] if name)


def _is_plain(node: onnx.NodeProto) -> bool:
    """Whether a convolution has no pads and one group."""
    named = {attribute.name: attribute for attribute in node.attribute}
    pads = any(named["pads"].ints) if "pads" in named else "auto_pad" in named
    return not pads and ("group" not in named or named["group"].i == 1)


def _parameters(model: onnx.ModelProto, node: onnx.NodeProto) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (out,in,kh,kw) and bias (out,)."""
    known = constants(model)
    weights = numpy_helper.to_array(known[node.input[1]]).astype(np.float64)
    if len(node.input) < 3:
        return weights, np.zeros(len(weights))
    return weights, numpy_helper.to_array(known[node.input[2]]).astype(np.float64)


def _set_parameters(
    model: onnx.ModelProto, node: onnx.NodeProto, weights: NDArray[np.float64], bias: NDArray[np.float64]
) -> None:
    """Constants that others read too are left as they are, and the convolution gets its own."""
    readers = Counter(name for reader in model.graph.node for name in reader.input)
    if len(node.input) < 3:
        node.input.append("")
    for place, role, values in ((1, "weight", weights), (2, "bias", bias)):
        name = node.input[place]
        if not name or readers[name] > 1:
            name = f"{node.output[0]}.{role}"
            model.graph.initializer.append(onnx.TensorProto(name=name))
            node.input[place] = name
        constants(model)[name].CopyFrom(numpy_helper.from_array(values.astype(np.float32), name))
