"""TFLite files as editable graphs: read and written, their operators and constants."""

from __future__ import annotations

import copy
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

_FILE_IDENTIFIER = b"TFL3"
_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


def read_tflite(content: bytes) -> Any:
    """The model of a file's content, as the schema's object API gives it; constants behind the graph are taken in."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for buffer in model.buffers:
        if buffer.offset:
            buffer.data = np.frombuffer(content, dtype=np.uint8, count=buffer.size, offset=buffer.offset)
            buffer.offset = buffer.size = 0
    return model


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
    """Replace a float32 constant input of one operator: equal ones may be stored once and read by several."""
    graph = model.subgraphs[0]
    index = int(operator.inputs[position])
    content = np.frombuffer(values.astype("<f4").tobytes(), dtype=np.uint8)
    buffer = graph.tensors[index].buffer
    if sum(graph.tensors[i].buffer == buffer for op in graph.operators for i in op.inputs if i >= 0) == 1:
        model.buffers[buffer].data = content
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


def holds_constant(model: Any, index: int) -> bool:
    """Whether a tensor is a float32 constant."""
    tensor = model.subgraphs[0].tensors[index]
    return tensor.type == schema.TensorType.FLOAT32 and model.buffers[tensor.buffer].data is not None


def computed_inputs(model: Any, operator: Any) -> list[int]:
    """Indices of an operator's inputs that are no constants."""
    graph = model.subgraphs[0]
    given = [int(index) for index in operator.inputs if index >= 0]
    return [index for index in given if model.buffers[graph.tensors[index].buffer].data is None]
