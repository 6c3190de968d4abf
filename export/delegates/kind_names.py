"""Names of TFLite's operators by those of ONNX, which all predictions share."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from edgesr.export.delegates.node_tensors import text

TFLITE_NAMES: Mapping[str, str] = {
    "And": "LOGICAL_AND",
    "ArgMax": "ARG_MAX",
    "ArgMin": "ARG_MIN",
    "AveragePool": "AVERAGE_POOL_2D",
    "Concat": "CONCATENATION",
    "ConvTranspose": "TRANSPOSE_CONV",
    "CumSum": "CUMSUM",
    "Erf": "CUSTOM FlexErf",
    "Expand": "BROADCAST_TO",
    "GatherElements": "GATHER_ND",
    "GatherND": "GATHER_ND",
    "Gemm": "FULLY_CONNECTED",
    "GreaterOrEqual": "GREATER_EQUAL",
    "HardSwish": "HARD_SWISH",
    "LeakyRelu": "LEAKY_RELU",
    "LessOrEqual": "LESS_EQUAL",
    "Max": "MAXIMUM",
    "MaxPool": "MAX_POOL_2D",
    "Min": "MINIMUM",
    "Mod": "FLOOR_MOD",
    "NonZero": "WHERE",
    "Not": "LOGICAL_NOT",
    "Or": "LOGICAL_OR",
    "PRelu": "PRELU",
    "ScatterND": "SCATTER_ND",
    "Sigmoid": "LOGISTIC",
    "SpaceToDepth": "SPACE_TO_DEPTH",
    "TopK": "TOPK_V2",
    "Where": "SELECT_V2",
}
"""Those left out are written alike but for capitals: Relu is RELU."""


def tflite_name(op_type: str) -> str:
    """The operator that does most of what an ONNX operator does, whether TFLite has one of that name or not."""
    return TFLITE_NAMES.get(op_type, op_type.upper())


def pad_name(pad: onnx.NodeProto) -> str:
    """PAD fills with a constant, MIRROR_PAD reflects the image or repeats its border."""
    return "PAD" if text(pad, "mode", "constant") == "constant" else "MIRROR_PAD"
