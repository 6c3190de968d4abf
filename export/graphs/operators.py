"""Names of operators, ONNX's where it has one: graphs of both file formats are read, matched and rewritten by them."""

from __future__ import annotations

QUANTIZE, DEQUANTIZE, CAST, PAD, SCALE = "Quantize", "Dequantize", "Cast", "Pad", "Scale"
CONVOLUTION, DEPTH_TO_SPACE, RESIZE, ADD = "Conv", "DepthToSpace", "Resize", "Add"
TRANSPOSED_CONVOLUTION, MATRIX_PRODUCT, GEMM = "ConvTranspose", "MatMul", "Gemm"
WEIGHTED = (CONVOLUTION, TRANSPOSED_CONVOLUTION, MATRIX_PRODUCT, GEMM)
ACTIVATIONS = ("LeakyRelu", "PRelu", "Relu")
MOVES = ("Concat", "MaxPool", "Reshape", "Slice", "Split", "Transpose")
"""They give values as they are, in other places."""
LOOKED_THROUGH = (QUANTIZE, DEQUANTIZE, CAST, PAD, SCALE)
"""What rewrites add, leave out or fold into weights."""

_OF_ONNX = {"QuantizeLinear": QUANTIZE, "DequantizeLinear": DEQUANTIZE, "Cast": CAST, "Identity": CAST}
_OF_TFLITE = {
    "ADD": ADD,
    "CONV_2D": CONVOLUTION,
    "DEPTH_TO_SPACE": DEPTH_TO_SPACE,
    "DEQUANTIZE": DEQUANTIZE,
    "GATHER": "Gather",
    "LEAKY_RELU": "LeakyRelu",
    "MIRROR_PAD": PAD,
    "PAD": PAD,
    "PRELU": "PRelu",
    "QUANTIZE": QUANTIZE,
    "RELU": "Relu",
    "RESIZE_BILINEAR": RESIZE,
    "SPACE_TO_DEPTH": "SpaceToDepth",
}
_FACTORS = ("Mul", "Div", "MUL", "DIV")


def onnx_kind(operator: str, data_inputs: int) -> str:
    """The name of an ONNX operator that reads so many computed tensors; its own where there is no other."""
    return _kind(operator, data_inputs, _OF_ONNX)


def tflite_kind(operator: str, data_inputs: int) -> str:
    """The name of a TFLite operator that reads so many computed tensors; its own where there is no other."""
    return _kind(operator, data_inputs, _OF_TFLITE)


def _kind(operator: str, data_inputs: int, names: dict[str, str]) -> str:
    return SCALE if operator in _FACTORS and data_inputs == 1 else names.get(operator, operator)
