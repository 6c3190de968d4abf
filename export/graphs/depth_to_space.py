"""ONNX DepthToSpace in the channel order that TFLite has as one operator.

torch's pixel shuffle is DepthToSpace in CRD order; TFLite knows DCR only, and converters make a 6-D transpose of CRD,
which GPU and NPU delegates refuse. Permuting the output channels of the convolution before it gives the same numbers.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from edgesr.export.graphs.onnx_graph import copied
from edgesr.export.graphs.operators import CONVOLUTION, DEPTH_TO_SPACE


def use_dcr_order(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the model in which every DepthToSpace (CRD) that follows a convolution is one in DCR order."""
    result = copied(model)
    producers = {output: node for node in result.graph.node for output in node.output}
    for node in result.graph.node:
        producer = producers.get(node.input[0]) if node.op_type == DEPTH_TO_SPACE else None
        if producer is not None and producer.op_type == CONVOLUTION and _attribute(node, "mode").s == b"CRD":
            _permute_outputs(result, producer, blocksize=_attribute(node, "blocksize").i)
            _attribute(node, "mode").s = b"DCR"
    return result


def _permute_outputs(model: onnx.ModelProto, convolution: onnx.NodeProto, *, blocksize: int) -> None:
    """Reorder weights (c*b*b,...) and bias (c*b*b,) from channel-major to block-major."""
    for tensor in model.graph.initializer:
        if tensor.name in list(convolution.input)[1:]:
            values = numpy_helper.to_array(tensor)
            grouped = values.reshape(-1, blocksize * blocksize, *values.shape[1:])
            permuted = np.ascontiguousarray(grouped.swapaxes(0, 1).reshape(values.shape))
            tensor.CopyFrom(numpy_helper.from_array(permuted, tensor.name))


def _attribute(node: onnx.NodeProto, name: str) -> onnx.AttributeProto:
    found: onnx.AttributeProto = next(a for a in node.attribute if a.name == name)
    return found
