"""TFLite files as editable graphs: read, write, and which of their tensors are those of the ONNX tile graph."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from onnx import numpy_helper

from edgesr.export.graphs.onnx_graph import constants, convolutions, data_inputs, fingerprint, is_close
from edgesr.export.graphs.operators import CONVOLUTION, RESIZE, tflite_kind
from edgesr.export.graphs.walk import needed_for
from edgesr.runtimes.errors import EdgesrError

_FILE_IDENTIFIER = b"TFL3"
_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


def read_tflite(content: bytes) -> Any:
    """The model of a file's content, as the schema's object API gives it."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def write_tflite(model: Any) -> bytes:
    """A file's content."""
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
    return bytes(builder.Output())


def operator_name(model: Any, operator: Any) -> str:
    """CONV_2D, PRELU, ..."""
    code = model.operatorCodes[operator.opcodeIndex]
    name: str = _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
    return name


def tensor_name(model: Any, index: int) -> str:
    """Name of a tensor; the tools call an operator by that of its first output."""
    name: str = model.subgraphs[0].tensors[index].name.decode()
    return name


def set_constant(model: Any, operator: Any, position: int, values: NDArray[np.float32]) -> None:
    """Replace a float32 constant input of one operator: equal biases may be stored once and read by several."""
    graph = model.subgraphs[0]
    index = int(operator.inputs[position])
    content = np.frombuffer(values.astype("<f4").tobytes(), dtype=np.uint8)
    if sum(int(i) == index for op in graph.operators for i in op.inputs) == 1:
        model.buffers[graph.tensors[index].buffer].data = content
        return
    tensor = copy.copy(graph.tensors[index])
    tensor.name, tensor.buffer = f"constant_{len(graph.tensors)}".encode(), len(model.buffers)
    model.buffers.append(schema.BufferT(data=content))
    graph.tensors.append(tensor)
    operator.inputs[position] = len(graph.tensors) - 1


def constant_values(model: Any, index: int) -> NDArray[np.float32]:
    """Float32 values of a constant tensor, in its shape."""
    tensor = model.subgraphs[0].tensors[index]
    return np.frombuffer(bytes(model.buffers[tensor.buffer].data), dtype="<f4").reshape(tensor.shape)


def match_convolutions(model: Any, reference: onnx.ModelProto) -> dict[str, Any]:
    """Node name of every ONNX convolution -> the CONV_2D operator with the same weights, in any scale and order.

    A converter folds constant factors into weights and permutes the channels of a pixel shuffle; a full graph has
    convolutions of the noise level beside. An EdgesrError where one is missing.
    """
    operators = [op for op in model.subgraphs[0].operators if operator_name(model, op) == "CONV_2D"]
    weights = constants(reference)
    found: dict[str, Any] = {}
    for node in convolutions(reference):
        wanted = fingerprint(numpy_helper.to_array(weights[node.input[1]]))
        same = [op for op in operators if is_close(fingerprint(constant_values(model, op.inputs[1])), wanted)]
        if not same:
            raise EdgesrError(f"the TFLite file has no convolution with the weights of {node.name}; report this model")
        found[node.name] = same[0]
        operators.remove(same[0])
    return found


def match_tensors(model: Any, reference: onnx.ModelProto, matched: Mapping[str, Any]) -> dict[int, str]:
    """Index of a TFLite tensor -> the tensor of the ONNX tile graph that it is, wherever both compute it.

    From the input and the convolutions' outputs on: an operator of the same kind on the same tensors is the same.
    """
    names = {int(model.subgraphs[0].inputs[0]): reference.graph.input[0].name}
    by_operator = {id(operator): node for node, operator in matched.items()}
    nodes = {node.name: node for node in reference.graph.node}
    known = constants(reference)
    operators = model.subgraphs[0].operators
    body = needed_for(
        (int(i) for one in matched.values() for i in one.inputs),
        {int(one.outputs[0]): [int(i) for i in one.inputs] for one in operators},
    )
    upsampled = _upsampled_input(model, reference, by_operator)
    for operator in operators:
        output = int(operator.outputs[0])
        if operator is upsampled:
            names[output] = next(n.output[0] for n in reference.graph.node if n.op_type == RESIZE)
            continue
        if id(operator) in by_operator:
            node = nodes[by_operator[id(operator)]]
            names[output] = node.output[0]
            names.setdefault(int(operator.inputs[0]), node.input[0])
            continue
        inputs = sorted(names[int(i)] for i in operator.inputs if int(i) in names)
        kind = tflite_kind(operator_name(model, operator), len(inputs))
        if not inputs or kind == CONVOLUTION:
            continue
        for node in reference.graph.node:
            inside = output in body or node.output[0] == reference.graph.output[0].name
            if inside and node.op_type == kind and sorted(data_inputs(node, known)) == inputs:
                names[output] = node.output[0]
                break
    return names


def _upsampled_input(model: Any, reference: onnx.ModelProto, matched: Mapping[int, str]) -> Any:
    """The operator that ends bilinear upsampling by convolution (`resizable.upsample_by_convolution`), if there is one.

    A DEPTH_TO_SPACE after a convolution with weights that the ONNX graph has not.
    """
    if not any(node.op_type == RESIZE for node in reference.graph.node):
        return None
    producers = {int(op.outputs[0]): op for op in model.subgraphs[0].operators}
    for operator in model.subgraphs[0].operators:
        source = producers.get(int(operator.inputs[0]))
        if operator_name(model, operator) != "DEPTH_TO_SPACE" or source is None or id(source) in matched:
            continue
        if operator_name(model, source) == "CONV_2D":
            return operator
    return None
