"""The operators that the NNAPI delegate hands to an NPU, by the checks in its code: feature level 7, a named
accelerator.

Android stopped developing NNAPI in version 15; NPUs of that class are still reached through it.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgesr.runtimes.delegates.conditions import (
    Condition,
    constant_input,
    known_sides,
    option_is,
    rank_from,
    rank_up_to,
    types,
    version_up_to,
)
from edgesr.runtimes.delegates.operators import Operator
from edgesr.runtimes.delegates.rules import DelegateRules

_FLOAT = ("float32",)
_QUANTIZED = ("float32", "uint8", "int8")
_WHOLE = (*_QUANTIZED, "int32")
_RANK = rank_up_to(4)


def _row(most: int, *conditions: Condition, given: tuple[str, ...] = _QUANTIZED) -> tuple[Condition, ...]:
    return (version_up_to(most), types(*given), *conditions)


def _has_bias(operator: Operator) -> str:
    return "" if len(operator.inputs) == 3 else "no bias"


def _same_shapes(operator: Operator) -> str:
    """SELECT takes no condition that has to be repeated."""
    same = operator.inputs[0].shape == operator.inputs[1].shape
    return "" if same else "a condition of another shape than the values"


def _values(operator: Operator) -> str:
    """Type of the values of SELECT, behind its condition."""
    dtype = operator.inputs[1].dtype
    return "" if dtype in _WHOLE else f"values of type {dtype}"


def _multiplies(operator: Operator) -> str:
    left, right = operator.inputs
    if left.dtype != right.dtype:
        return "factors of two types"
    return "" if left.shape[:-2] == right.shape[:-2] else "factors of other batches"


def _written(operator: Operator) -> str:
    dtype = operator.outputs[0].dtype
    return "" if dtype in ("uint8", "int8") else f"output of type {dtype}"


def _not_wide(operator: Operator) -> str:
    return "output of type int16" if operator.outputs[0].dtype == "int16" else ""


def _no_scalar(operator: Operator) -> str:
    return "" if operator.outputs[0].rank else "a number as the result"


def _unpacks(operator: Operator) -> str:
    last = operator.inputs[0].rank - 1
    return "the last axis" if operator.options.get("axis", 0) in (-1, last) else ""


_ONE_FLOAT = _row(1, given=_FLOAT)
_COMPARISON = _row(2, given=(*_WHOLE, "bool"))
_REDUCTION = _row(2, _no_scalar)

_OPERATORS: Mapping[str, tuple[Condition, ...]] = {
    **dict.fromkeys(("ABS", "EXP", "LOG", "POW", "COS", "SIN", "SQRT", "ELU", "LOG_SOFTMAX"), _ONE_FLOAT),
    **dict.fromkeys(("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"), _COMPARISON),
    **dict.fromkeys(("LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR"), _row(1, given=("bool",))),
    **dict.fromkeys(("RELU", "RELU_N1_TO_1", "RELU6", "LOGISTIC", "TANH"), _row(2)),
    **dict.fromkeys(("LEAKY_RELU", "PRELU"), _row(1)),
    **dict.fromkeys(("MAXIMUM", "MINIMUM"), _row(3, given=_WHOLE)),
    **dict.fromkeys(("PAD", "PADV2", "STRIDED_SLICE"), _row(2)),
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN"), _REDUCTION),
    **dict.fromkeys(("REDUCE_PROD", "SUM"), _row(1, _no_scalar, given=_FLOAT)),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _row(2)),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), _row(2, given=(*_WHOLE, "float16"))),
    "ADD": _row(2, _RANK, given=_WHOLE),
    "BATCH_MATMUL": _row(2, rank_from(2, 4), _multiplies, given=("float32", "int32", "int8")),
    "BATCH_TO_SPACE_ND": (version_up_to(2),),
    "CAST": _row(1, given=_WHOLE),
    "CONCATENATION": _row(
        2,
        option_is("fusedActivationFunction", 0, "a fused activation"),
        rank_from(1, 4),
        given=(*_QUANTIZED, "float16"),
    ),
    "CONV_2D": (version_up_to(5), _has_bias),
    "DEPTHWISE_CONV_2D": (version_up_to(3),),
    "DEPTH_TO_SPACE": (types(*_QUANTIZED),),
    "DEQUANTIZE": _row(2, given=("uint8", "int8")),
    "DIV": _row(1, _RANK, given=_FLOAT),
    "EXPAND_DIMS": _row(1, constant_input(1, "axes"), given=(*_WHOLE, "float16")),
    "FILL": (version_up_to(1),),
    "FLOOR": (version_up_to(1),),
    "FULLY_CONNECTED": (version_up_to(5), _not_wide),
    "GATHER": _row(2, given=(*_WHOLE, "float16")),
    "HARD_SWISH": (types(*_QUANTIZED),),
    "L2_NORMALIZATION": (version_up_to(2), option_is("fusedActivationFunction", 0, "a fused activation")),
    "L2_POOL_2D": _row(1, given=_FLOAT),
    "LOCAL_RESPONSE_NORMALIZATION": (version_up_to(1),),
    "MEAN": _row(2, rank_from(1, 4), _no_scalar),
    "MIRROR_PAD": _row(2, given=_WHOLE),
    "MUL": _row(3, _RANK, given=_WHOLE),
    "NEG": _row(2, given=("float32", "int32")),
    "PACK": _row(2, given=_WHOLE),
    "QUANTIZE": _row(2, _written),
    "REDUCE_ANY": (version_up_to(2), _no_scalar),
    "RESHAPE": _row(1, _RANK, given=_WHOLE),
    "RESIZE_BILINEAR": _row(3, rank_from(4, 4)),
    "RESIZE_NEAREST_NEIGHBOR": _row(3),
    "REVERSE_V2": _row(3, given=_WHOLE),
    "RSQRT": _row(2),
    "SELECT": (version_up_to(2), _values, _same_shapes),
    "SLICE": _row(2, given=_WHOLE),
    "SOFTMAX": _row(2, rank_up_to(4)),
    "SPACE_TO_BATCH_ND": (version_up_to(2),),
    "SPACE_TO_DEPTH": _row(2),
    "SPLIT": (version_up_to(3),),
    "SPLIT_V": _row(2, given=_WHOLE),
    "SQUARED_DIFFERENCE": _row(2, _RANK, given=_WHOLE),
    "SQUEEZE": (version_up_to(1),),
    "SUB": _row(3, _RANK, given=_WHOLE),
    "TILE": _row(1, given=_WHOLE),
    "TOPK_V2": _row(2, constant_input(1, "number"), given=_WHOLE),
    "TRANSPOSE": (version_up_to(2),),
    "TRANSPOSE_CONV": (version_up_to(4),),
    "UNPACK": _row(2, rank_from(2, 4), _unpacks),
}

NNAPI = DelegateRules(
    name="nnapi",
    title="NNAPI delegate",
    source=(
        "google-ai-edge/LiteRT, tflite/delegates/nnapi/nnapi_delegate.cc, function Validate, at commit f67457790c9c of "
        "2026-08-21, with NNAPI feature level 7"
    ),
    operators=_OPERATORS,
    every=(known_sides,),
)
"""Operators of recurrent networks and look-ups are left out. What a vendor's driver takes of it is another question."""
