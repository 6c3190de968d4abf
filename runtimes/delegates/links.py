"""The origin and the readers of tensors of more than four dimensions, across operators that an export does not keep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from edgesr.runtimes.delegates.operators import Operator, Tensor, kinds

MOST_DIMENSIONS = 4
_SAME_SHAPE = ("DEQUANTIZE", "QUANTIZE")
"""Rewrites come before them: a file is rewritten in float32 and quantized then."""

_VIEWS = (*_SAME_SHAPE, "RESHAPE")
ON_LAST_AXIS = ("FULLY_CONNECTED", "SOFTMAX")
ON_EVERY_ELEMENT = kinds(
    "ABS ADD DIV EXP GELU HARD_SWISH LEAKY_RELU LOGISTIC MAXIMUM MINIMUM MUL NEG POW RELU RELU6 RELU_N1_TO_1 RSQRT "
    "SQRT SQUARE SQUARED_DIFFERENCE SUB TANH"
)


def has_many_dimensions(operator: Operator) -> bool:
    return any(tensor.rank > MOST_DIMENSIONS for tensor in operator.tensors)


def is_written_in_fewer(operator: Operator) -> bool:
    """Whether a rewrite knows the operator in at most four dimensions, whatever stands around it."""
    if operator.kind == "TRANSPOSE":
        return operator.inputs[1].constant
    if operator.kind in ON_EVERY_ELEMENT:
        shape = operator.outputs[0].shape
        return all(tensor.shape == shape or tensor.size == 1 for tensor in operator.inputs)
    return operator.kind in ON_LAST_AXIS


class Links:
    """The operators of a graph by the names of their tensors; tensors without a name are linked to nothing."""

    def __init__(self, operators: Sequence[Operator]) -> None:
        self._producers = {tensor.name: one for one in operators for tensor in one.outputs if tensor.name}
        self._readers: dict[str, list[Operator]] = defaultdict(list)
        for operator in operators:
            for name in {tensor.name for tensor in operator.inputs if tensor.name}:
                self._readers[name].append(operator)

    def goes_away(self, operator: Operator) -> bool:
        """Whether a RESHAPE, QUANTIZE or DEQUANTIZE on tensors of many dimensions is not needed after the rewrites."""
        if operator.kind == "RESHAPE" and operator.outputs[0].rank > MOST_DIMENSIONS:
            return self.are_readers_rewritten(operator.outputs[0])
        return operator.kind in _VIEWS and self.are_ends_rewritten(operator)

    def are_ends_rewritten(self, operator: Operator) -> bool:
        """Whether nothing keeps a tensor of many dimensions that the operator reads or writes."""
        sources = all(self._is_source_rewritten(tensor) for tensor in operator.inputs)
        return sources and all(self.are_readers_rewritten(tensor) for tensor in operator.outputs)

    def are_readers_rewritten(self, tensor: Tensor) -> bool:
        """Whether all readers of a tensor take it in fewer dimensions; an output of the graph has none."""
        if tensor.rank <= MOST_DIMENSIONS:
            return True
        readers = self._readers.get(tensor.name, [])
        return bool(readers) and all(self._is_read_in_fewer(reader) for reader in readers)

    def _is_read_in_fewer(self, reader: Operator) -> bool:
        if reader.kind in _SAME_SHAPE:
            return self.are_readers_rewritten(reader.outputs[0])
        return reader.kind == "RESHAPE" or is_written_in_fewer(reader)

    def _is_source_rewritten(self, tensor: Tensor) -> bool:
        """Whether the values of a tensor exist in at most four dimensions, be it in another shape."""
        if tensor.rank <= MOST_DIMENSIONS or tensor.constant:
            return True
        producer = self._producers.get(tensor.name)
        if producer is None:
            return False
        views = producer.kind in _VIEWS
        return self._is_source_rewritten(producer.inputs[0]) if views else is_written_in_fewer(producer)
