"""The operators that LiteRT's GPU delegate takes, by its code and by the compatibility check that LiteRT publishes."""

from __future__ import annotations

from collections.abc import Mapping

from edgesr.runtimes.delegates.conditions import (
    Condition,
    computed_inputs,
    computed_types,
    constant_input,
    known_sides,
    no_sign_bit,
    option_is,
    rank_from,
    rank_up_to,
    two_operands,
    version_up_to,
)
from edgesr.runtimes.delegates.links import MOST_DIMENSIONS
from edgesr.runtimes.delegates.operators import Operator, Tensor, kinds
from edgesr.runtimes.delegates.remedies import SYMMETRIC
from edgesr.runtimes.delegates.rules import DelegateRules

_NUMBERS = ("float32", "float16", "int8", "uint8")
_CASTS = {("bool", "float32"), ("bool", "float16"), ("float32", "bool"), ("float16", "bool")} | {
    (source, target) for source in ("float32", "int32") for target in ("float32", "int32")
}
_READ_COMPARISONS = ("CAST", "SELECT", "SELECT_V2")


def _row(most: int, *conditions: Condition, also: tuple[str, ...] = ()) -> tuple[Condition, ...]:
    """The conditions of a kind up to a version, on numbers and other types."""
    return (version_up_to(most), *conditions, computed_types(*_NUMBERS, *also))


def _casts(operator: Operator) -> str:
    pair = (operator.inputs[0].dtype, operator.outputs[0].dtype)
    return "" if pair in _CASTS else f"cast from {pair[0]} to {pair[1]}"


def _one_reader(operator: Operator) -> str:
    alone = len(operator.readers) == 1 and operator.readers[0] in _READ_COMPARISONS
    return "" if alone else "a comparison that other operators than one CAST or SELECT read"


def _broadcasts(operator: Operator) -> str:
    """Two operands of other ranks, both above 1: three sides next to four, or a value a channel."""
    longer, shorter = sorted(operator.inputs, key=lambda tensor: -tensor.rank)
    if shorter.rank < 2 or longer.rank == shorter.rank:
        return ""
    batch, channels = longer.shape[0], longer.shape[-1]
    three = (longer.rank, shorter.rank) == (4, 3) and batch == 1
    two = (longer.rank, shorter.rank) == (4, 2) and shorter.shape in ((1, 1), (batch, channels))
    return "" if three or two else f"operands of {longer.rank} and {shorter.rank} dimensions"


def _selects(operator: Operator) -> str:
    if len(operator.inputs) != 3:
        return "needs a condition and two values"
    condition, *values = operator.inputs
    output = operator.outputs[0].shape
    sides = zip(reversed(condition.shape), reversed(output), strict=False)
    if condition.rank > len(output) or any(side not in (1, wanted) for side, wanted in sides):
        return "a condition of another shape than the result"
    refused = [value for value in values if not _is_selected(value, output)]
    return "values that are neither numbers nor of the result's shape" if refused else ""


def _is_selected(value: Tensor, output: tuple[int | None, ...]) -> bool:
    scalar = value.rank == 0 or (value.rank == 1 and value.shape[0] == 1)
    return (scalar or value.shape == output) and (value.constant or value.rank != 2)


def _multiplies(operator: Operator) -> str:
    if len(operator.computed_inputs) == 2:
        return ""
    right = operator.inputs[1]
    return "" if right.constant and right.rank == 2 else "a constant factor that is no matrix on the right"


def _gathers(operator: Operator) -> str:
    places = operator.inputs[1]
    return "" if places.rank == 1 and places.dtype == "int32" else "indices that are not a row of int32"


def _pads(operator: Operator) -> str:
    if operator.kind == "MIRROR_PAD" and operator.options.get("mode", 0) == SYMMETRIC:
        return "mode SYMMETRIC, REFLECT alone"
    shape = operator.inputs[1].shape
    return "" if shape in ((3, 2), (4, 2)) else f"pads of {shape[0]} dimensions, 3 or 4 alone"


def _dequantizes(operator: Operator) -> str:
    return "input of type int16" if operator.inputs[0].dtype == "int16" else ""


def _prelu_slopes(operator: Operator) -> str:
    slopes, image = operator.inputs[1], operator.inputs[0]
    fits = slopes.size == image.shape[-1] or slopes.size == image.size
    return "" if fits and slopes.constant else "slopes that are neither one a channel nor one a value"


_CONVOLUTION = (computed_inputs(1, 2), no_sign_bit)
_AXES = constant_input(1, "axes")
_ONE = _row(2, computed_inputs(1, 1))
_TWO = _row(2, two_operands, no_sign_bit)
_COMPARISON = _row(2, _one_reader, also=("bool",))
_REDUCTION = (computed_inputs(1, 1), _AXES, computed_types(*_NUMBERS))
_SLICED = tuple(option_is(name, 0, f"{name} is set") for name in ("ellipsisMask", "newAxisMask", "shrinkAxisMask"))

_OPERATORS: Mapping[str, tuple[Condition, ...]] = {
    **dict.fromkeys(
        kinds("ABS COS ELU EXP FLOOR GELU LOG LOGISTIC NEG RSQRT SIGN SIN SQRT SQUARE TANH"),
        _ONE,
    ),
    **dict.fromkeys(("DIV", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM", "POW", "SQUARED_DIFFERENCE", "SUB"), _TWO),
    **dict.fromkeys(("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"), _COMPARISON),
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM", "MEAN"), _REDUCTION),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _row(2, computed_inputs(1, 1), no_sign_bit)),
    **dict.fromkeys(("RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU"), _row(2)),
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), _row(2, computed_inputs(1, 1), _pads)),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), _row(3, computed_inputs(1, 1))),
    **dict.fromkeys(("SELECT", "SELECT_V2"), _row(1, _selects, also=("bool",))),
    **dict.fromkeys(("SPLIT", "SPLIT_V", "PACK"), (computed_types(*_NUMBERS),)),
    "ADD": _row(2, two_operands, _broadcasts),
    "ADD_N": _row(2, computed_inputs(2, 2)),
    "BATCH_MATMUL": (_multiplies, computed_types(*_NUMBERS)),
    "CAST": (computed_inputs(1, 1), _casts),
    "CONCATENATION": _row(2),
    "CONV_2D": _row(6, *_CONVOLUTION),
    "CUMSUM": _row(1, constant_input(1, "axis")),
    "DEPTHWISE_CONV_2D": _row(6, *_CONVOLUTION),
    "DEPTH_TO_SPACE": (computed_inputs(1, 1), computed_types(*_NUMBERS)),
    "DEQUANTIZE": _row(3, _dequantizes),
    "FULLY_CONNECTED": _row(9, computed_inputs(1, 2)),
    "GATHER": _row(1, _gathers, also=("int32",)),
    "HARD_SWISH": (computed_inputs(1, 1), computed_types(*_NUMBERS)),
    "LOGICAL_AND": _row(2, two_operands, also=("bool",)),
    "MUL": _row(3, two_operands, _broadcasts, no_sign_bit),
    "PRELU": _row(1, _prelu_slopes),
    "QUANTIZE": _row(2, computed_inputs(1, 1)),
    "RESHAPE": _row(1, computed_inputs(1, 1)),
    "SLICE": _row(2, rank_from(3, 4)),
    "SOFTMAX": _row(2, option_is("beta", 1.0, "beta is not 1")),
    "SPACE_TO_DEPTH": _row(2, computed_inputs(1, 1)),
    "STRIDED_SLICE": _row(4, *_SLICED, rank_from(3, 4)),
    "TILE": _row(2, computed_inputs(1, 1)),
    "TRANSPOSE": _row(4, computed_inputs(1, 1)),
    "TRANSPOSE_CONV": _row(3, computed_inputs(1, 2)),
}

GPU = DelegateRules(
    name="gpu",
    title="LiteRT GPU delegate",
    source=(
        "google-ai-edge/LiteRT, tflite/tools/versioning/gpu_compatibility.cc and "
        "tflite/delegates/gpu/common/model_builder.cc at commit f67457790c9c of 2026-08-21; an operator has to be in "
        "both"
    ),
    operators=_OPERATORS,
    every=(known_sides, rank_up_to(MOST_DIMENSIONS)),
)
"""Operators of recurrent networks and of StableHLO are left out."""
