"""Small ONNX files that are written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgesr.runtimes.interface.pooled import MASK, MEANS, SUMS

OPSET = 17


def convolution(path: Path, *, quantized: bool = False) -> Path:
    """(1,3,h,w) -> ReLU of a 3x3 convolution to 16 channels -> one to 3, both of them in int8 where ``quantized``."""
    generator = np.random.default_rng(3)
    values = {f"w{n}": generator.normal(0, 0.2, shape) for n, shape in enumerate(((16, 3, 3, 3), (3, 16, 3, 3)))}
    constants: dict[str, Any] = {name: value.astype(np.float32) for name, value in values.items()}
    nodes: list[onnx.NodeProto] = []
    if quantized:
        steps = {"in_scale": 1.0, "mid_scale": 4.0, "weight_scale": 0.01}
        constants |= {name: np.float32(step) for name, step in steps.items()}
        zeros = {"zero": np.uint8(0), "weight_zero": np.int8(0)}
        for name in ("w0", "w1"):
            constants[name] = np.clip(np.round(constants[name] / 0.01), -64, 63).astype(np.int8)
            nodes.append(_node("DequantizeLinear", [name, "weight_scale", "weight_zero"], f"{name}_float"))
        constants |= zeros
        nodes += [*_rounded("x", "in_scale"), _convolve("x_float", "w0_float", "c0"), _node("Relu", ["c0"], "r")]
        nodes += [*_rounded("r", "mid_scale"), _convolve("r_float", "w1_float", "y")]
    else:
        nodes += [_convolve("x", "w0", "c0"), _node("Relu", ["c0"], "r"), _convolve("r", "w1", "y")]
    sides: list[int | str] = [1, 3, "h", "w"]
    return _saved(path, nodes, constants, {"x": sides}, {"y": sides})


def transposed(path: Path) -> Path:
    """(1,3,h,w) -> a 1x1 convolution -> a transposed one of 9x9 (1,3,4h,4w)."""
    generator = np.random.default_rng(4)
    shapes = {"w0": (3, 3, 1, 1), "w1": (3, 3, 9, 9)}
    constants = {name: generator.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    up = _node("ConvTranspose", ["c0", "w1"], "y", strides=[4, 4], pads=[3, 3, 3, 3], output_padding=[1, 1])
    nodes = [_node("Conv", ["x", "w0"], "c0"), up]
    return _saved(path, nodes, constants, {"x": [1, 3, "h", "w"]}, {"y": [1, 3, "H", "W"]})


def unknown_operator(path: Path) -> Path:
    """One operator of a domain that no runtime knows."""
    node = _node("Frobnicate", ["x"], "y", domain="my.domain")
    sides: list[int | str] = [1, 3, "h", "w"]
    return _saved(path, [node], {}, {"x": sides}, {"y": sides}, domains=("", "my.domain"))


def pooled(path: Path) -> Path:
    """A graph as `edgesr.runtimes.interface.pooled` says: the image times the means of its channels."""
    constants = {"axes": np.array([2, 3]), "shape": np.array([1, 3, 1, 1])}
    nodes = [
        _node("Mul", ["x", MASK], "counted"),
        _node("ReduceSum", ["counted", "axes"], SUMS, keepdims=0),
        _node("ReduceSum", [MASK, "axes"], "pixels", keepdims=0),
        _node("Div", [SUMS, "pixels"], "own"),
        _node("IsNaN", [MEANS], "missing"),
        _node("Where", ["missing", "own", MEANS], "means"),
        _node("Reshape", ["means", "shape"], "factors"),
        _node("Mul", ["x", "factors"], "y"),
    ]
    inputs: dict[str, list[int | str]] = {"x": [1, 3, "h", "w"], MEANS: [1, 3], MASK: [1, 1, "h", "w"]}
    return _saved(path, nodes, constants, inputs, {"y": [1, 3, "h", "w"], SUMS: [1, 3]})


def _node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, list(inputs), [output], name=f"node_{output}", **attributes)


def _convolve(image: str, weights: str, output: str) -> onnx.NodeProto:
    return helper.make_node("Conv", [image, weights], [output], name=f"node_{output}", pads=[1, 1, 1, 1])


def _rounded(tensor: str, scale: str) -> list[onnx.NodeProto]:
    return [
        _node("QuantizeLinear", [tensor, scale, "zero"], f"{tensor}_int8"),
        _node("DequantizeLinear", [f"{tensor}_int8", scale, "zero"], f"{tensor}_float"),
    ]


def _saved(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: Mapping[str, Any],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str]],
    domains: Sequence[str] = ("",),
) -> Path:
    taken, given = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, sides) for name, sides in values.items()]
        for values in (inputs, outputs)
    )
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "small", taken, given, initializers)
    opsets = [helper.make_opsetid(domain, OPSET if domain == "" else 1) for domain in domains]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
