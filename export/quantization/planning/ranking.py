"""Layers by what int8 costs in each of them alone; what lies before a layer is computed once for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgesr.export.graphs.onnx_graph import weighted_nodes
from edgesr.export.quantization.plan import Range
from edgesr.export.quantization.planning.fidelity import Fidelity
from edgesr.export.quantization.planning.stepwise import Stepwise
from edgesr.export.quantization.ranges import affine_8bit
from edgesr.export.quantization.weight_rounding import LEVELS_7BIT, round_weights

MOST_GROUPS = 48
_TELL_EACH_S = 10.0


def rank(
    model: onnx.ModelProto,
    layers: Sequence[str],
    ranges: Mapping[str, Range],
    fidelity: Fidelity,
    notify: Callable[[str], None],
) -> dict[str, float]:
    """Mean PSNR (dB) of the pictures where a layer, by node name, alone is in int8.

    Of more than 48 layers neighbours are one group, and each has what all of its group have together.
    """
    found: dict[str, float] = {}
    told = started = time.monotonic()
    steps = Stepwise(model, fidelity.tiles)
    inputs = {node.name: node.input[0] for node in weighted_nodes(model)}
    groups = _groups(layers)
    for done, group in enumerate(groups):
        if done and time.monotonic() - told > _TELL_EACH_S:
            told = time.monotonic()
            notify(f"ranking {len(found)} of {len(layers)} layers, {_time_left(told - started, done, len(groups))}")
        steps.run_to(inputs[group[0]])
        quality = fidelity.mean_psnr_db(steps.rest(partial(quantize_layers, layers=group, ranges=ranges)))
        found.update(dict.fromkeys(group, quality))
    return found


def quantize_layers(model: onnx.ModelProto, layers: Sequence[str], ranges: Mapping[str, Range]) -> onnx.ModelProto:
    """A copy in which the inputs and outputs of these layers are quantized, and their weights are on the grid."""
    result = round_weights(model, layers, LEVELS_7BIT)
    nodes = [node for node in result.graph.node if node.name in set(layers)]
    for name in dict.fromkeys(name for node in nodes for name in (node.input[0], node.output[0])):
        _round_tensor(result, name, ranges[name])
    return result


def _round_tensor(model: onnx.ModelProto, name: str, ends: Range) -> None:
    """Put a quantizer and a dequantizer behind a tensor, for all that read it."""
    scale, zero_point = affine_8bit(*ends)
    constants = {f"{name}.step": np.float32(scale), f"{name}.zero": np.uint8(zero_point)}
    nodes = list(model.graph.node)
    place = next((i + 1 for i, node in enumerate(nodes) if name in node.output), 0)
    source, rounded = (f"{name}.float", name) if place else (name, f"{name}.rounded")
    for node in nodes[:place]:
        node.output[:] = [source if output == name else output for output in node.output]
    if not place:
        for node in nodes:
            node.input[:] = [rounded if value == name else value for value in node.input]
    pair = [
        helper.make_node("QuantizeLinear", [source, *constants], [f"{name}.quantized"]),
        helper.make_node("DequantizeLinear", [f"{name}.quantized", *constants], [rounded]),
    ]
    del model.graph.node[:]
    model.graph.node.extend([*nodes[:place], *pair, *nodes[place:]])
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items())


def _groups(layers: Sequence[str]) -> list[Sequence[str]]:
    count = min(len(layers), MOST_GROUPS)
    return [layers[len(layers) * i // count : len(layers) * (i + 1) // count] for i in range(count)]


def _time_left(passed_s: float, done: int, count: int) -> str:
    """Each layer runs what lies behind it, so that the last ones cost least."""
    left = (count - done) ** 2
    seconds = passed_s * left / (count**2 - left)
    return (
        f"about {round(seconds / 60)} min left" if seconds >= 90 else f"about {max(round(seconds, -1), 10):.0f} s left"
    )
