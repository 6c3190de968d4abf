"""Names of operators, ONNX's where it has one: graphs of both file formats are read, matched and rewritten by them."""

from __future__ import annotations

QUANTIZE, DEQUANTIZE, CAST, PAD, SCALE = "Quantize", "Dequantize", "Cast", "Pad", "Scale"
SHIFT, BOUND, LAYOUT = "Shift", "Bound", "Layout"
CONVOLUTION, TRANSPOSED_CONVOLUTION, LINEAR, MATRIX_PRODUCT = "Conv", "ConvTranspose", "Linear", "MatMul"
DEPTH_TO_SPACE, RESIZE, ADD, CONCAT, SLICE, CLIP = "DepthToSpace", "Resize", "Add", "Concat", "Slice", "Clip"
GEMM = "Gemm"
WEIGHTED = (CONVOLUTION, TRANSPOSED_CONVOLUTION, MATRIX_PRODUCT, GEMM)
"""Operators of ONNX that may have weights."""
LAYERS = (CONVOLUTION, TRANSPOSED_CONVOLUTION, LINEAR)
"""Operators with weights, in both formats; a product of two computed matrices (MatMul) is none of them."""
ACTIVATIONS = ("LeakyRelu", "PRelu", "Relu")
MOVES = ("Concat", "MaxPool", "Reshape", "Slice", "Split", "Transpose")
"""They give values as they are, in other places."""
LOOKED_THROUGH = (QUANTIZE, DEQUANTIZE, CAST, PAD, SCALE, SHIFT, BOUND, LAYOUT)
"""What rewrites and converters add, leave out or fold into weights, among it constant factors (Scale), addends (Shift)
and bounds, and what only orders values otherwise (Layout)."""

_OF_ONNX = {
    "QuantizeLinear": QUANTIZE,
    "DequantizeLinear": DEQUANTIZE,
    "Identity": CAST,
    GEMM: MATRIX_PRODUCT,
    "Einsum": MATRIX_PRODUCT,
    "GlobalAveragePool": "ReduceMean",
    "Split": SLICE,
    **dict.fromkeys(("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Expand"), LAYOUT),
}
_OF_TFLITE = {
    "AVERAGE_POOL_2D": "AveragePool",
    "CONCATENATION": CONCAT,
    "CONV_2D": CONVOLUTION,
    "DEPTHWISE_CONV_2D": CONVOLUTION,
    "LOGISTIC": "Sigmoid",
    "MAXIMUM": "Max",
    "MAX_POOL_2D": "MaxPool",
    "MEAN": "ReduceMean",
    "MINIMUM": "Min",
    "PRELU": "PRelu",
    "SUM": "ReduceSum",
    "TRANSPOSE_CONV": TRANSPOSED_CONVOLUTION,
    **dict.fromkeys(("BATCH_MATMUL", "FULLY_CONNECTED"), MATRIX_PRODUCT),
    **dict.fromkeys(("MIRROR_PAD", "PADV2"), PAD),
    **dict.fromkeys(("RELU6", "RELU_0_TO_1", "RELU_N1_TO_1"), CLIP),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), RESIZE),
    **dict.fromkeys(("SPLIT", "SPLIT_V", "STRIDED_SLICE"), SLICE),
    **dict.fromkeys(("RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "BROADCAST_TO"), LAYOUT),
}
_WITH_A_CONSTANT = {
    "Mul": SCALE,
    "Div": SCALE,
    "Add": SHIFT,
    "Sub": SHIFT,
    "Min": BOUND,
    "Max": BOUND,
    MATRIX_PRODUCT: LINEAR,
}


def onnx_kind(operator: str, data_inputs: int) -> str:
    """The name of an ONNX operator that reads so many computed tensors; its own where there is no other."""
    return _kind(_OF_ONNX.get(operator, operator), data_inputs)


def tflite_kind(operator: str, data_inputs: int) -> str:
    """The name of a TFLite operator that reads so many computed tensors; its own, as ONNX spells it, where there is no
    other."""
    return _kind(_OF_TFLITE.get(operator, "".join(part.title() for part in operator.split("_"))), data_inputs)


def _kind(name: str, data_inputs: int) -> str:
    return _WITH_A_CONSTANT.get(name, name) if data_inputs == 1 else name
