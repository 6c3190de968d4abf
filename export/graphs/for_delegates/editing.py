"""Adding operators, tensors and constants to a TFLite model, and putting operators in the place of one."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import ArrayLike, NDArray

from edgesr.export.graphs.tflite_graph import operator_name

_TYPES = {np.dtype("<i4"): schema.TensorType.INT32, np.dtype("<f4"): schema.TensorType.FLOAT32}
_DTYPES = {
    schema.TensorType.INT32: "<i4",
    schema.TensorType.INT64: "<i8",
    schema.TensorType.FLOAT32: "<f4",
    schema.TensorType.FLOAT16: "<f2",
    schema.TensorType.INT8: "<i1",
    schema.TensorType.INT16: "<i2",
    schema.TensorType.UINT8: "<u1",
    schema.TensorType.BOOL: "?",
}
_LARGEST_OLD_CODE = 127


class Editor:
    """Changes one model (`read_tflite`) of one graph; tensors go by their index."""

    def __init__(self, model: Any) -> None:
        self.model = model
        (self.graph,) = model.subgraphs

    def kind(self, operator: Any) -> str:
        return operator_name(self.model, operator)

    def shape(self, tensor: int) -> tuple[int, ...]:
        sides = self.graph.tensors[tensor].shape
        return () if sides is None else tuple(int(side) for side in sides)

    def values(self, tensor: int) -> NDArray[Any] | None:
        """Values of a constant tensor in its shape and type, None for one that is computed."""
        data = self.model.buffers[self.graph.tensors[tensor].buffer].data
        dtype = _DTYPES.get(self.graph.tensors[tensor].type)
        if data is None or len(data) == 0 or dtype is None:
            return None
        return np.frombuffer(bytes(data), dtype=dtype).reshape(self.shape(tensor))

    def is_float(self, tensor: int) -> bool:
        """Whether a tensor is of float32."""
        return bool(self.graph.tensors[tensor].type == schema.TensorType.FLOAT32)

    def tensor(self, like: int, shape: Sequence[int], suffix: str) -> int:
        """A new computed tensor of the type of another."""
        made = copy.copy(self.graph.tensors[like])
        made.name = f"{made.name.decode()}.{suffix}{len(self.graph.tensors)}".encode()
        made.shape, made.shapeSignature, made.buffer = np.array(shape, dtype=np.int32), None, 0
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def constant(self, values: ArrayLike, dtype: str = "<i4") -> int:
        """A new constant of int32 or float32."""
        array = np.asarray(values, dtype=dtype)
        self.model.buffers.append(schema.BufferT(data=np.frombuffer(array.tobytes(), dtype=np.uint8)))
        tensor = schema.TensorT(
            shape=np.array(array.shape, dtype=np.int32),
            type=_TYPES[array.dtype],
            buffer=len(self.model.buffers) - 1,
            name=f"delegate.constant{len(self.graph.tensors)}".encode(),
            quantization=schema.QuantizationParametersT(),
            hasRank=True,
        )
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant_as(self, constant: int, shape: Sequence[int]) -> int:
        """The values of a constant in another shape."""
        buffer = self.graph.tensors[constant].buffer
        made = self.tensor(constant, shape, "as")
        self.graph.tensors[made].buffer = buffer
        return made

    def code(self, kind: str) -> int:
        """Index of an operator code of a kind in version 1, which a new one is added for where there is none."""
        number = getattr(schema.BuiltinOperator, kind)
        for index, code in enumerate(self.model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == number and code.version <= 1:
                return index
        old = min(number, _LARGEST_OLD_CODE)
        added = schema.OperatorCodeT(builtinCode=number, deprecatedBuiltinCode=old, version=1)
        self.model.operatorCodes.append(added)
        return len(self.model.operatorCodes) - 1

    def operator(self, kind: str, inputs: Sequence[int], output: int, options: Any = None) -> Any:
        """A new operator, which is in no place of the graph yet; ``options`` as the schema has them."""
        made = schema.OperatorT(
            opcodeIndex=self.code(kind),
            inputs=np.array(inputs, dtype=np.int32),
            outputs=np.array([output], dtype=np.int32),
        )
        if options is not None:
            made.builtinOptions = options
            made.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        return made

    def reshape(self, source: int, output: int) -> Any:
        """A RESHAPE of a tensor to the shape that another has."""
        sides = self.shape(output)
        options = schema.ReshapeOptionsT(newShape=np.array(sides, dtype=np.int32))
        return self.operator("RESHAPE", [source, self.constant(sides)], output, options)

    def replace(self, operator: Any, others: Sequence[Any]) -> None:
        """Put operators in the place of one."""
        place = next(i for i, one in enumerate(self.graph.operators) if one is operator)
        self.graph.operators[place : place + 1] = list(others)

    def read_counts(self) -> Counter[int]:
        """The number of operators and ends of the graph that read each tensor."""
        read = Counter(int(index) for operator in self.graph.operators for index in operator.inputs)
        read.update(int(index) for index in self.graph.outputs)
        return read

    def producers(self) -> dict[int, Any]:
        """The operator that computes each tensor."""
        return {int(index): operator for operator in self.graph.operators for index in operator.outputs}
