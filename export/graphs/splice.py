"""Put a rewritten tile graph into the full graph: body in its precision, noise level, projection and clip in float32.

Both graphs were exported from one generator, so some tensor of the full graph is the tile graph's residual; it is found
by its values. What computed it is replaced by the rewritten tile graph.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import compose

from edgesr.export.graphs.onnx_graph import copied, live_nodes, runner, sort_nodes
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError

_PREFIX = "tile."
_MAX_ABS_ERROR = 1e-2


def splice(
    full: onnx.ModelProto, tile_graph: onnx.ModelProto, rewritten: onnx.ModelProto, tile: FloatArray
) -> onnx.ModelProto:
    """The full graph (LR -> SR) around a rewritten tile graph (LR -> residual); ``tile``: a small image (3,h,w)."""
    residual = next(iter(runner(tile_graph)(tile).values()))
    name = find_tensor(full, residual, tile)
    body = compose.add_prefix(rewritten, _PREFIX)
    source, output = body.graph.input[0].name, body.graph.output[0].name
    _rename(body, {source: full.graph.input[0].name, output: name})
    result = copied(full)
    nodes = [node for node in result.graph.node if name not in node.output]
    rest = live_nodes(nodes, [result.graph.output[0].name])
    used = {i for node in rest for i in node.input}
    tensors = [t for t in result.graph.initializer if t.name in used]
    del result.graph.node[:], result.graph.initializer[:], result.graph.value_info[:]
    result.graph.node.extend([*body.graph.node, *rest])
    result.graph.initializer.extend([*body.graph.initializer, *tensors])
    known = {o.domain for o in result.opset_import}
    result.opset_import.extend(o for o in body.opset_import if o.domain not in known)
    sort_nodes(result)
    return result


def find_tensor(model: onnx.ModelProto, values: FloatArray, tile: FloatArray) -> str:
    """Name of the tensor of a graph that has these values when it runs on a tile; raises an EdgesrError where none
    has.
    """
    inferred = onnx.shape_inference.infer_shapes(model)
    floats = {v.name for v in inferred.graph.value_info if v.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}
    names = [name for node in model.graph.node for name in node.output if name in floats]
    for name, found in runner(model, names)(tile).items():
        if found.shape == values.shape and float(np.abs(found - values).max()) <= _MAX_ABS_ERROR:
            return name
    raise EdgesrError("the full graph has no tensor that equals the tile graph's residual; report this model")


def _rename(model: onnx.ModelProto, names: dict[str, str]) -> None:
    for node in model.graph.node:
        for side in (node.input, node.output):
            side[:] = [names.get(name, name) for name in side]
