"""The values that the layers of a user's network compute, told by its exported program: the user's code is not run for
it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Interpreter, Node

_NETWORK, _WEIGHT = "network.", ".weight"
_NORMALISED = "batch_norm"
_MOST_LAYERS = 48


def record_layers(picture: nn.Module, lr: Tensor, keep: Callable[[str, Tensor], None]) -> None:
    """Run an exported program on images (1,c,h,w), and give each layer's name and output (of any axes) to ``keep``.

    Layers are what reads a weight of two or more axes; of many, a part is taken, evenly spread. A layer goes by its
    name in the user's module. A batch norm behind a layer alone is a part of it, as it is in files.
    """
    if isinstance(picture, GraphModule):
        layers = _spread([(_last(node), name) for node, name in _layers(picture)])
        _Recording(picture, dict(layers), keep).run(lr)


class _Recording(Interpreter):
    def __init__(self, program: GraphModule, layers: dict[Node, str], keep: Callable[[str, Tensor], None]) -> None:
        super().__init__(program)
        self._layers, self._keep = layers, keep

    def run_node(self, n: Node) -> Any:
        result = super().run_node(n)
        if n in self._layers and isinstance(result, Tensor):
            self._keep(self._layers[n], result)
        return result


def _layers(program: GraphModule) -> list[tuple[Node, str]]:
    """Nodes that read a weight, and the names of their layers: of layers that run several times, the first."""
    found: dict[str, Node] = {}
    for node in program.graph.nodes:
        for source in node.all_input_nodes[1:]:
            name = str(source.target)
            if source.op == "get_attr" and name.endswith(_WEIGHT) and _axes(program, name) > 1:
                found.setdefault(name.removeprefix(_NETWORK).removesuffix(_WEIGHT), node)
    return [(node, name) for name, node in found.items()]


def _axes(program: GraphModule, name: str) -> int:
    value: object = program
    for part in name.split("."):
        value = getattr(value, part)
    return value.ndim if isinstance(value, torch.Tensor) else 0


def _last(node: Node) -> Node:
    """The node, or the batch norm that alone reads it."""
    readers = list(node.users)
    return readers[0] if len(readers) == 1 and _NORMALISED in str(readers[0].target) else node


def _spread(layers: list[tuple[Node, str]]) -> list[tuple[Node, str]]:
    """A selection of at most so many of them, the last one included."""
    count = min(len(layers), _MOST_LAYERS)
    return [layers[(place + 1) * len(layers) // count - 1] for place in range(count)]
