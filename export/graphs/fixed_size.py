"""An ONNX graph of any height and width -> the same for one size, in which what depends on the size alone is constant.

ONNX Runtime computes these constants from the graph itself, so that nothing else changes and nothing is left to prove.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from edgesr.export.graphs.onnx_graph import copied, image_nodes, input_channels, live_nodes, runner
from edgesr.runtimes.bundle.manifest import Size


def fix_size(model: onnx.ModelProto, size: Size) -> onnx.ModelProto:
    """A copy that takes (1,c,h,w) alone, with the shapes of all its tensors."""
    result, channels = copied(model), input_channels(model)
    kept = image_nodes(result)
    computed = {name for node in result.graph.node for name in node.output}
    of_image = {name for node in kept for name in node.output}
    sizes = [name for name in dict.fromkeys(i for node in kept for i in node.input) if name in computed - of_image]
    if sizes:
        values = runner(result, sizes)(np.zeros((channels, *size), dtype=np.float32))
        result.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())
    nodes = live_nodes(kept, [result.graph.output[0].name])
    used = {name for node in nodes for name in node.input}
    tensors = [tensor for tensor in result.graph.initializer if tensor.name in used]
    del result.graph.node[:], result.graph.initializer[:], result.graph.value_info[:]
    result.graph.node.extend(nodes)
    result.graph.initializer.extend(tensors)
    shape = result.graph.input[0].type.tensor_type.shape
    for dimension, side in zip(shape.dim, (1, channels, *size), strict=True):
        dimension.dim_value = side
    result.graph.output[0].type.tensor_type.ClearField("shape")
    inferred: onnx.ModelProto = onnx.shape_inference.infer_shapes(result, data_prop=True)
    return inferred
