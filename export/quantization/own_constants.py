"""Constants of layers that are quantized, apart from those of what stays in float.

Networks use a layer twice, and exporters store equal weights once: what is rounded for one reader would be for all.
"""

from __future__ import annotations

from collections.abc import Collection

import onnx

from edgesr.export.graphs.onnx_graph import constants, copied, weighted_nodes

_COPY = "float."


def with_own_constants(model: onnx.ModelProto, layers: Collection[str]) -> onnx.ModelProto:
    """A copy in which other nodes than the layers of these node names read copies of these layers' constants."""
    result = copied(model)
    known = constants(result)
    read = {name for node in weighted_nodes(result) if node.name in layers for name in node.input[1:] if name in known}
    taken: set[str] = set()
    for node in result.graph.node:
        if node.name in layers:
            continue
        for place, name in enumerate(node.input):
            if name in read:
                node.input[place] = _COPY + name
                taken.add(name)
    for name in sorted(taken):
        tensor = result.graph.initializer.add()
        tensor.CopyFrom(known[name])
        tensor.name = _COPY + name
    return result
