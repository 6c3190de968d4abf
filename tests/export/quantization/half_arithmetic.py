"""float16 arithmetic, rounded operator by operator."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.graphs.onnx_graph import copied, float_tensors


def emulate_half_arithmetic(model: onnx.ModelProto) -> onnx.ModelProto:
    """A float32 copy that rounds every constant and the result of every operator to float16.

    A CPU without half-precision units computes a float16 graph in float32 and rounds only at its end. This graph, run
    with optimisations off, shows what half-precision units give, the sums inside a convolution aside.
    """
    result = copied(model)
    for tensor in result.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            rounded = numpy_helper.to_array(tensor).astype(np.float16).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))
    floats = set(float_tensors(model))
    nodes = list(result.graph.node)
    del result.graph.node[:], result.graph.value_info[:]
    for node in nodes:
        result.graph.node.append(node)
        for i, name in enumerate(node.output):
            if name in floats:
                exact, half = f"{name}.exact", f"{name}.half"
                node.output[i] = exact
                result.graph.node[-1].output[i] = exact
                result.graph.node.append(helper.make_node("Cast", [exact], [half], to=TensorProto.FLOAT16))
                result.graph.node.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    return result
