"""Parts of a network's graph: what is still the image, and the end that adds the image's own base."""

from __future__ import annotations

from collections.abc import Iterable

import onnx

from edgesr.export.graphs.onnx_graph import image_nodes, weighted_nodes
from edgesr.export.graphs.operators import ADD
from edgesr.export.graphs.walk import needed_for

_SUMS = (ADD, "Sub")


def image_tensors(model: onnx.ModelProto) -> set[str]:
    """The image and what is computed from it before any weights: scaled, padded, cut, upsampled."""
    pixels, images = _pixels(model), {model.graph.input[0].name}
    layers = {node.output[0] for node in weighted_nodes(model)}
    for node in image_nodes(model):
        if node.output[0] not in layers and pixels.intersection(node.input) <= images:
            images.update(node.output)
    return images


def float_end(model: onnx.ModelProto) -> set[str]:
    """Output names of the nodes that add the image's own base, of those that make it and of those that follow.

    The base is one summand of an addition or a subtraction that no layer follows: the image, which no weights precede,
    upsampled or repeated. Without it a layer's output is a residual, small next to the picture.
    """
    pixels, images = _pixels(model), image_tensors(model)
    before_layers = _before_layers(model)
    end: set[str] = set()
    for node in image_nodes(model):
        summands = pixels.intersection(node.input)
        is_sum = node.op_type in _SUMS and len(summands) == 2 and len(summands & images) == 1
        if end.intersection(node.input) or (is_sum and before_layers.isdisjoint(node.output)):
            end.update(node.output)
    readers = _readers(model)
    for node in reversed(image_nodes(model)):
        if set(node.output) <= images and all(readers.get(name, {""}) <= end for name in node.output):
            end.update(node.output)
    return end


def _pixels(model: onnx.ModelProto) -> set[str]:
    return {model.graph.input[0].name, *(name for node in image_nodes(model) for name in node.output)}


def _before_layers(model: onnx.ModelProto) -> set[str]:
    """Tensors from which a layer's output is computed, and these outputs."""
    layers = [node.output[0] for node in weighted_nodes(model)]
    return needed_for(layers, {output: node.input for node in model.graph.node for output in node.output})


def _readers(model: onnx.ModelProto) -> dict[str, set[str]]:
    """First outputs of the nodes that read each tensor."""
    found: dict[str, set[str]] = {}
    for node in model.graph.node:
        for name in node.input:
            found.setdefault(name, set()).add(node.output[0])
    return found


def names_of(model: onnx.ModelProto, outputs: Iterable[str]) -> list[str]:
    """Names of the nodes that compute these tensors."""
    wanted = set(outputs)
    return [node.name for node in model.graph.node if not wanted.isdisjoint(node.output)]
