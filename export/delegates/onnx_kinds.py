"""TFLite operators that onnx2tf makes of ONNX nodes, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import onnx

from edgesr.export.delegates.kind_names import TFLITE_NAMES, pad_name, tflite_name
from edgesr.export.delegates.node_tensors import NodeTensors, text, whole
from edgesr.runtimes.delegates.operators import Operator, Options, Tensor
from edgesr.runtimes.delegates.registry import DELEGATES
from edgesr.runtimes.delegates.remedies import SYMMETRIC

Kinds = Callable[[onnx.NodeProto, NodeTensors], tuple[Operator, ...]]

_OF_TFLITE = {kind for rules in DELEGATES for kind in rules.operators} | set(TFLITE_NAMES.values())
"""Operators that TFLite has: those that some delegate takes, and those that none does."""

_MEANS = {"GlobalAveragePool": "MEAN", "ReduceMean": "MEAN", "ReduceSum": "SUM", "ReduceMax": "REDUCE_MAX"}
_RESHAPES = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")
_FOLDED = ("Constant", "Dropout", "Identity")
_GROUPED = 6
_ROW = Tensor(shape=(1,), dtype="int32", constant=True)


def operators(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
    """Operators of a node, the first of which reads its inputs."""
    if node.op_type in _FOLDED:
        return ()
    return _SPECIAL.get(node.op_type, _alike)(node, tensors)


def _one(
    kind: str,
    node: onnx.NodeProto,
    tensors: NodeTensors,
    inputs: tuple[Tensor, ...],
    *,
    version: int = 1,
    options: Options | None = None,
) -> Operator:
    return Operator(
        kind=kind, version=version, inputs=inputs, outputs=tensors.outputs(node)[:1], options=dict(options or {})
    )


def _alike(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
    """The TFLite operator of the same kind; None for a node that becomes several operators, or none."""
    kind = tflite_name(node.op_type)
    return (_one(kind, node, tensors, tensors.inputs(node)),) if kind in _OF_TFLITE else ()


def _first(kind: str, *others: Tensor, version: int = 1) -> Kinds:
    """An operator with the node's first input and these constants."""

    def made(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
        return (_one(kind, node, tensors, (tensors.inputs(node)[0], *others), version=version),)

    return made


def _convolution(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
    """The converter adds a bias where there is none."""
    image, weights = tensors.inputs(node)[:2]
    groups, channels = whole(node, "group", 1), image.shape[-1]
    kind = "DEPTHWISE_CONV_2D" if groups > 1 and groups == channels else "CONV_2D"
    version = _GROUPED if groups > 1 and kind == "CONV_2D" else 1
    return (_one(kind, node, tensors, (image, weights, replace(_ROW, dtype="float32")), version=version),)


def _product(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
    left, right = tensors.inputs(node)
    kind = "FULLY_CONNECTED" if right.constant and right.rank == 2 else "BATCH_MATMUL"
    return (_one(kind, node, tensors, (left, right)),)


def _transpose(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
    image = tensors.inputs(node)[0]
    return (_one("TRANSPOSE", node, tensors, (image, _ROW), version=image.rank if image.rank > 4 else 1),)


def _pad(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
    image, mode = tensors.inputs(node)[0], text(node, "mode", "constant")
    pads = Tensor(shape=(image.rank, 2), dtype="int32", constant=True)
    return (_one(pad_name(node), node, tensors, (image, pads), options={"mode": SYMMETRIC if mode == "edge" else 0}),)


def _resize(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
    kinds = {"nearest": "RESIZE_NEAREST_NEIGHBOR", "linear": "RESIZE_BILINEAR", "cubic": "CUSTOM FlexResizeBicubic"}
    return _first(kinds[text(node, "mode", "nearest")], _ROW, version=3)(node, tensors)


def _gather(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
    """Constant places stay in int64."""
    image, places = tensors.inputs(node)
    return (_one("GATHER", node, tensors, (image, replace(places, dtype="int64") if places.constant else places)),)


def _clip(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
    """The operators of a clip: one if it is from 0 to 6, else one for each bound."""
    image, bound = tensors.inputs(node)[0], replace(_ROW, shape=(), dtype="float32")
    bounds = [tensors.numbers(name) for name in node.input[1:3]]
    if bounds == [[0.0], [6.0]]:
        return (_one("RELU6", node, tensors, (image,)),)
    low = _one("RELU", node, tensors, (image,)) if bounds[:1] == [[0.0]] else None
    made = [low or _one("MAXIMUM", node, tensors, (image, bound))] if bounds[:1] not in ([], [[]]) else []
    return (*made, *([_one("MINIMUM", node, tensors, (image, bound))] if bounds[1:] not in ([], [[]]) else []))


def _select(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
    """The older operator where nothing has to be repeated."""
    inputs = tensors.inputs(node)
    same = len({tensor.shape for tensor in inputs}) == 1
    return (_one("SELECT" if same else tflite_name(node.op_type), node, tensors, inputs),)


def _shuffle(node: onnx.NodeProto, tensors: NodeTensors) -> tuple[Operator, ...]:
    """The operators of a pixel shuffle: in PyTorch's order of channels it is a transpose of six dimensions;
    convolutions before it take the order.
    """
    image, result = tensors.inputs(node)[0], tensors.outputs(node)[0]
    if text(node, "mode", "DCR") == "DCR":
        return (_one("DEPTH_TO_SPACE", node, tensors, (image,)),)
    split, moved = (Tensor(shape=(1,) * 6, name=f"{result.name}.{what}") for what in ("split", "moved"))
    kinds = (("RESHAPE", image, split), ("TRANSPOSE", split, moved), ("RESHAPE", moved, result))
    return tuple(
        Operator(kind=kind, version=6 if kind == "TRANSPOSE" else 1, inputs=(source, _ROW), outputs=(target,))
        for kind, source, target in kinds
    )


_SPECIAL: Mapping[str, Kinds] = {
    **{name: _first(kind, _ROW) for name, kind in _MEANS.items()},
    **{name: _first("RESHAPE", _ROW) for name in _RESHAPES},
    "Clip": _clip,
    "Conv": _convolution,
    "DepthToSpace": _shuffle,
    "Gather": _gather,
    "LayerNormalization": _first("MEAN", _ROW),
    "MatMul": _product,
    "Pad": _pad,
    "Resize": _resize,
    "Slice": _first("STRIDED_SLICE", _ROW, _ROW, _ROW),
    "Softmax": _first("SOFTMAX"),
    "Split": _first("SPLIT", _ROW),
    "Tile": _first("TILE", _ROW),
    "Transpose": _transpose,
    "Where": _select,
}
