"""Small graphs with layers of other kinds than plain convolutions, from "x" (1,3,h,w)."""

from __future__ import annotations

import numpy as np
import onnx
from onnx.helper import make_node

from tests.helpers.small_graphs import conv, make_graph


def linear_layers() -> onnx.ModelProto:
    """A transposed convolution by 2, a Gemm over channels in rows, a MatMul, and a product of two activations."""
    random = np.random.default_rng(5)
    nodes = [
        make_node("Div", ["x", "white"], ["unit"], name="div"),
        make_node("ConvTranspose", ["unit", "up.weight", "up.bias"], ["up"], name="up", strides=[2, 2]),
        make_node("Transpose", ["up"], ["last"], name="to_last", perm=[0, 2, 3, 1]),
        make_node("Shape", ["last"], ["shape"], name="shape"),
        make_node("Reshape", ["last", "rows"], ["flat"], name="flatten"),
        make_node("Gemm", ["flat", "gemm.weight", "gemm.bias"], ["mixed"], name="gemm", transB=1),
        make_node("MatMul", ["mixed", "matrix.weight"], ["again"], name="matrix"),
        make_node("Transpose", ["again"], ["columns"], name="turn", perm=[1, 0]),
        make_node("MatMul", ["columns", "again"], ["products"], name="products"),
        make_node("Softmax", ["products"], ["weights"], name="softmax", axis=0),
        make_node("MatMul", ["again", "weights"], ["attended"], name="attended"),
        make_node("Reshape", ["attended", "shape"], ["image"], name="unflatten"),
        make_node("Transpose", ["image"], ["y"], name="to_first", perm=[0, 3, 1, 2]),
    ]
    tensors = {
        "white": 255.0,
        "rows": np.array([-1, 4], dtype=np.int64),
        "up.weight": random.normal(size=(3, 4, 2, 2)),
        "up.bias": random.normal(size=4),
        "gemm.weight": random.normal(size=(4, 4)) / 20,
        "gemm.bias": random.normal(size=4) / 20,
        "matrix.weight": random.normal(size=(4, 4)),
    }
    return make_graph(nodes, tensors)


def grouped_transposed() -> onnx.ModelProto:
    """A convolution, and a transposed one of three groups that makes a picture twice as large."""
    random = np.random.default_rng(5)
    up = make_node("ConvTranspose", ["a", "up.weight", "up.bias"], ["y"], name="up", strides=[2, 2], group=3)
    tensors = {
        "body.a.weight": random.normal(size=(3, 3, 3, 3)) / 9,
        "body.a.bias": np.zeros(3),
        "up.weight": np.ones((3, 1, 2, 2)),
        "up.bias": np.array([1.0, 2.0, 3.0]),
    }
    return make_graph([conv("a", "x", "a", pads=1), up], tensors)


def with_base(operator: str = "Add") -> onnx.ModelProto:
    """A residual of a few grey levels and the image, nearest by 2."""
    random = np.random.default_rng(5)
    nodes = [
        make_node("Div", ["x", "white"], ["unit"], name="unit"),
        conv("a", "unit", "features", pads=1),
        make_node("Relu", ["features"], ["active"], name="relu"),
        conv("b", "active", "wide", pads=1),
        make_node("DepthToSpace", ["wide"], ["residual"], name="shuffle", blocksize=2, mode="CRD"),
        make_node("Resize", ["unit", "", "factors"], ["base"], name="resize", mode="nearest"),
        make_node(operator, ["base", "residual"], ["sum"], name="sum"),
        make_node("Mul", ["sum", "white"], ["y"], name="picture"),
    ]
    tensors = {
        "white": 255.0,
        "factors": np.array([1, 1, 2, 2], dtype=np.float32),
        "body.a.weight": random.normal(size=(8, 3, 3, 3)) / 3,
        "body.a.bias": random.normal(size=8) / 9,
        "body.b.weight": random.normal(size=(12, 8, 3, 3)) * 3e-3,
        "body.b.bias": np.zeros(12),
    }
    return make_graph(nodes, tensors)
