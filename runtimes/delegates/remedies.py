"""The rewrites of ``edgesr export --delegate gpu``, by the operators that they take away."""

from __future__ import annotations

from collections.abc import Callable

from edgesr.runtimes.delegates.operators import Operator, kinds

MOST_DIMENSIONS = 4
ON_LAST_AXIS = ("FULLY_CONNECTED", "SOFTMAX")
ON_EVERY_ELEMENT = kinds(
    "ABS ADD DIV EXP GELU HARD_SWISH LEAKY_RELU LOGISTIC MAXIMUM MINIMUM MUL NEG POW RELU RELU6 RELU_N1_TO_1 RSQRT "
    "SQRT SQUARE SQUARED_DIFFERENCE SUB TANH"
)
SYMMETRIC = 1
"""Mode of a MIRROR_PAD that repeats the border."""

_OLD_TRANSPOSE = 4


def remedy_for(operator: Operator) -> str:
    """How an export without this operator is made, "" where no rewrite is known."""
    rewrites = (rewrite for takes_away, rewrite in _REWRITES if takes_away(operator))
    return next((f"--delegate gpu: {rewrite}" for rewrite in rewrites), "")


def _has_too_many_dimensions(operator: Operator) -> bool:
    if not _has_many_dimensions(operator):
        return operator.kind == "TRANSPOSE" and operator.version > _OLD_TRANSPOSE
    if operator.kind in ON_EVERY_ELEMENT:
        shape = operator.outputs[0].shape
        return all(tensor.shape == shape or tensor.size == 1 for tensor in operator.inputs)
    return operator.kind in (*ON_LAST_AXIS, "RESHAPE", "TRANSPOSE")


def _repeats_border(operator: Operator) -> bool:
    return operator.kind == "MIRROR_PAD" and operator.options.get("mode") == SYMMETRIC


def _gathers(operator: Operator) -> bool:
    if operator.kind != "GATHER" or _has_many_dimensions(operator):
        return False
    places = operator.inputs[1]
    return places.constant and places.rank <= 1


def _drops_sides(operator: Operator) -> bool:
    dropped = operator.kind == "STRIDED_SLICE" and bool(operator.options.get("shrinkAxisMask"))
    return dropped and not _has_many_dimensions(operator)


def _has_many_dimensions(operator: Operator) -> bool:
    return any(tensor.rank > MOST_DIMENSIONS for tensor in operator.tensors)


_REWRITES: tuple[tuple[Callable[[Operator], bool], str], ...] = (
    (_has_too_many_dimensions, "written in at most 4 dimensions"),
    (_repeats_border, "the border by slices"),
    (lambda operator: operator.kind == "RELU_0_TO_1", "RELU and MINIMUM"),
    (_gathers, "places as a row of int32"),
    (_drops_sides, "a slice that keeps its sides, and a RESHAPE"),
)
"""Whether a rewrite takes an operator away, and what stands in its place."""
