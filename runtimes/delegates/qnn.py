"""The operators that LiteRT's compiler for Qualcomm's AI Engine Direct (QNN) takes, by the list that LiteRT publishes
with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgesr.runtimes.delegates.conditions import Condition, computed_types, known_sides, rank_up_to, types
from edgesr.runtimes.delegates.operators import kinds
from edgesr.runtimes.delegates.rules import DelegateRules

_TYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_FLOATS = ("float16", "float32", "float64")

_LISTED = kinds(
    "ABS ADD ARG_MAX ARG_MIN AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_TO CAST CEIL CONCATENATION "
    "CONV_2D CONV_3D COS CUMSUM DEPTH_TO_SPACE DEPTHWISE_CONV_2D DEQUANTIZE DIV DYNAMIC_UPDATE_SLICE ELU "
    "EMBEDDING_LOOKUP EQUAL EXP FLOOR FLOOR_DIV FULLY_CONNECTED GATHER_ND GELU GREATER GREATER_EQUAL HARD_SWISH "
    "L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC MAXIMUM "
    "MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL ONE_HOT PACK PAD PADV2 POW PRELU QUANTIZE REDUCE_ALL "
    "REDUCE_ANY REDUCE_MAX REDUCE_MIN RELU RELU_0_TO_1 RELU6 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR "
    "RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT SELECT_V2 SIGN SIN SLICE SOFTMAX SPACE_TO_BATCH_ND "
    "SPACE_TO_DEPTH SPLIT SPLIT_V SQUARE SQUARED_DIFFERENCE SQRT STRIDED_SLICE SUB SUM TANH TILE TOPK_V2 "
    "TRANSPOSE_CONV UNPACK"
)

_OPERATORS: Mapping[str, tuple[Condition, ...]] = {
    **dict.fromkeys(_LISTED, ()),
    "FLOOR_MOD": (types("int32"),),
    "GATHER": (rank_up_to(5),),
    "TRANSPOSE": (rank_up_to(5),),
}

QNN = DelegateRules(
    name="qnn",
    title="LiteRT compiler for Qualcomm QNN",
    source=(
        "google-ai-edge/LiteRT, litert/vendors/qualcomm/compiler/Qualcomm_QNN_Compiler.md of 2026-07-23 at commit "
        "f67457790c9c; that TRANSPOSE and GATHER take no 6 dimensions: onnxruntime/onnxruntime-qnn, pull request 51 of "
        "2026-02-16"
    ),
    operators=_OPERATORS,
    every=(known_sides, computed_types(*_TYPES, *_FLOATS)),
)
