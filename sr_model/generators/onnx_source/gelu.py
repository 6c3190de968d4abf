"""GELU as exporters write it below opset 20, x/2 * (1 + erf(x / sqrt 2)), as the one operator that it is from there on.

LiteRT has no kernel for erf, and has one for GELU (arXiv 1606.08415).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import onnx
from onnx import NodeProto, helper, numpy_helper

_NEAR = 1e-5


def use_gelu(model: onnx.ModelProto) -> None:
    """Replace each such group of nodes in place; a graph in a branch or a loop stays as it is."""
    for node in [node for node in model.graph.node if node.op_type == "Erf"]:
        found = _Graph(model.graph)
        x = found.divided_by_root_of_two(node.input[0])
        product = None if x is None else found.product_with_half(x, node.output[0])
        if x is not None and product is not None:
            _replace(model.graph, product, x)


def _replace(graph: onnx.GraphProto, product: str, x: str) -> None:
    """Compute a tensor as GELU of another, and drop what was computed for it alone."""
    for node in graph.node:
        if product in node.output:
            node.CopyFrom(helper.make_node("Gelu", [x], [product], name=node.name))
    while unused := [node for node in graph.node if not _is_needed(node, graph)]:
        for node in unused:
            graph.node.remove(node)


def _is_needed(node: NodeProto, graph: onnx.GraphProto) -> bool:
    if node.op_type not in ("Erf", "Add", "Mul", "Div"):
        return True
    read = {name for other in graph.node for name in other.input} | {output.name for output in graph.output}
    inner = any(attribute.HasField("g") for other in graph.node for attribute in other.attribute)
    return inner or not read.isdisjoint(node.output)


class _Graph:
    """Who makes a tensor, who reads it, and constants of one number."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._makers = {name: node for node in graph.node for name in node.output}
        self._readers: dict[str, list[NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._numbers = dict(_numbers(graph))

    def divided_by_root_of_two(self, name: str) -> str | None:
        """x, where a tensor is x / sqrt 2."""
        node = self._makers.get(name)
        if node is None or node.op_type not in ("Div", "Mul"):
            return None
        factor = math.sqrt(2) if node.op_type == "Div" else math.sqrt(0.5)
        return self._other(node, factor)

    def product_with_half(self, x: str, erf: str) -> str | None:
        """The tensor x/2 * (1 + erf), in whichever order its factors are."""
        name = self._only_reader(erf, "Add", 1.0)
        factors: list[str | float] = []
        for _ in range(2):
            reader = None if name is None else self._single(name)
            if reader is None or reader.op_type != "Mul":
                return None
            factors += self._factors(next(other for other in reader.input if other != name), x)
            name = reader.output[0]
            if sorted(map(str, factors)) == sorted((x, "0.5")):
                return str(name)
        return None

    def _factors(self, name: str, x: str) -> list[str | float]:
        number, maker = self._numbers.get(name), self._makers.get(name)
        if number is not None:
            return [number]
        if name != x and maker is not None and maker.op_type == "Mul" and self._other(maker, 0.5) == x:
            return [x, 0.5]
        return [name]

    def _only_reader(self, name: str, kind: str, constant: float) -> str | None:
        reader = self._single(name)
        if reader is None or reader.op_type != kind or self._other(reader, constant) != name:
            return None
        return str(reader.output[0])

    def _single(self, name: str) -> NodeProto | None:
        readers = self._readers.get(name, [])
        return readers[0] if len(readers) == 1 and len(set(readers[0].input)) == 2 else None

    def _other(self, node: NodeProto, constant: float) -> str | None:
        """The input of a node whose other one is a constant; a divisor is the second."""
        places = [1] if node.op_type == "Div" else [0, 1]
        for place in places:
            number = self._numbers.get(node.input[place])
            if number is not None and abs(number - constant) < _NEAR:
                return str(node.input[1 - place])
        return None


def _numbers(graph: onnx.GraphProto) -> Iterable[tuple[str, float]]:
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes = [node for node in graph.node if node.op_type == "Constant"]
    constants |= {node.output[0]: given.t for node in nodes for given in node.attribute if given.HasField("t")}
    for name, tensor in constants.items():
        if math.prod(tensor.dims) == 1:
            yield name, float(numpy_helper.to_array(tensor).reshape(()))
