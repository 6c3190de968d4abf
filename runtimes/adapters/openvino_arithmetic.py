"""The arithmetic in which OpenVINO ran the layers of a file, by the names of their kernels."""

from __future__ import annotations

from edgesr.runtimes.bundle.manifest import Precision
from edgesr.runtimes.interface.operator_profile import Execution, OperatorTime, execution_parts
from edgesr.runtimes.wording import counted

_LAYERS = {
    *("Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData"),
    *("MatMul", "FullyConnected"),
}
_NO_LAYERS = {
    *("Parameter", "Result", "Constant", "Reorder", "Convert", "Reshape", "Squeeze", "Unsqueeze", "Transpose"),
    *("Concat", "Split", "VariadicSplit", "Slice", "StridedSlice", "Tile", "Broadcast", "Pad", "Roll", "Gather"),
    *("GatherElements", "GatherND", "ScatterUpdate", "ScatterNDUpdate", "DepthToSpace", "SpaceToDepth"),
    *("BatchToSpace", "SpaceToBatch", "ShuffleChannels", "Interpolate", "GridSample", "ExtractImagePatches", "Add"),
    *("Subtract", "Multiply", "Divide", "SquaredDifference", "Maximum", "Minimum", "Mod", "FloorMod", "Power"),
    *("PowerStatic", "Eltwise", "Select", "Math", "Exp", "Log", "Abs", "Sqrt", "Erf", "Round", "FakeQuantize"),
    *("Subgraph", "Relu", "LeakyRelu", "PRelu", "Elu", "Gelu", "Sigmoid", "Tanh", "Clamp", "Swish", "SwishCPU"),
    *("HSwish", "HSigmoid", "Mish", "SoftPlus", "SoftSign", "Softmax", "MVN", "NormalizeL2", "RMS", "LRN"),
    *("AvgPool", "MaxPool", "AdaptiveAvgPool", "AdaptiveMaxPool", "ReduceSum", "ReduceMean", "ReduceMax"),
    *("ReduceMin", "ReduceL1", "ReduceL2", "ReduceProd", "TopK"),
}
"""What moves values, or computes each from a few: all others that name an arithmetic count as layers."""
_FLOAT32 = "float32"
_ARITHMETIC = {"i8": "int8", "u8": "int8", "f32": _FLOAT32, "f16": "float16", "bf16": "bfloat16"}
_WANTED: dict[Precision, str] = {"fp32": _FLOAT32, "fp16": _FLOAT32, "bf16": "bfloat16", "int8": "int8"}


def ran_as(kind: str, kernel: str) -> str:
    """The arithmetic of a layer, of its kernel's name such as "brgconv_avx512_I8"; "" for other operators."""
    last = kernel.rsplit("_", 1)[-1].lower()
    is_layer = kind in _LAYERS or (kind not in _NO_LAYERS and last in _ARITHMETIC)
    return _ARITHMETIC.get(last, last) if is_layer else ""


def execution_of(operators: tuple[OperatorTime, ...], precision: Precision) -> Execution:
    """The execution, with a warning if layers of a float32 graph are not all in float32, or most others not in their
    precision.
    """
    parts = execution_parts(operators)
    wanted = _WANTED.get(precision)
    layers = sum(part.operators for part in parts)
    others = {part.ran_as: part.operators for part in parts if part.ran_as != wanted}
    missed = sum(others.values())
    warning = None
    if wanted is not None and missed > (0 if wanted == _FLOAT32 else layers / 2):
        told = ", ".join(f"{count} of {counted(layers, 'layer')} in {name}" for name, count in others.items())
        warning = f"OpenVINO runs {told} on this CPU, not in {wanted}"
    return Execution(parts=parts, warning=warning)
