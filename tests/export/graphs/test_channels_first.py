"""Matrices over the channels of pixels as convolutions: the same numbers, and only where no pixels are left over."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from edgesr.export.conversions.to_onnx import export_onnx
from edgesr.export.conversions.to_tflite import export_tflite
from edgesr.export.graphs.fixed_size import fix_size
from edgesr.export.graphs.for_converter.channels_first import use_channels_first
from edgesr.export.graphs.layer_graphs import layers_of
from edgesr.export.graphs.matching.match import match_layers
from edgesr.export.graphs.onnx_graph import runner
from edgesr.export.graphs.onnx_layers import onnx_layer_graph
from edgesr.export.steps.proof import proof_of

RANDOM = np.random.default_rng(0)
CONSTANTS = {
    "rows": np.array([-1, 3]),
    "pixels": np.array([1, 4, 6, 5]),
    "gemm": RANDOM.normal(size=(3, 5)),
    "turned": RANDOM.normal(size=(5, 3)),
    "bias": RANDOM.normal(size=5),
    "matrix": RANDOM.normal(size=(5, 5)),
    "row": RANDOM.normal(size=(1, 1, 5)),
    "number": 0.3,
    "side": RANDOM.normal(size=(6, 1)),
}


def graph(nodes: list[onnx.NodeProto]) -> onnx.ModelProto:
    """A graph of "x" (1,3,4,6) -> "y", whose pixels are "p" and rows "r"; the rows of five channels "g"."""
    before = [
        helper.make_node("Transpose", ["x"], ["p"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["p", "rows"], ["r"]),
    ]
    tensors = [
        numpy_helper.from_array(a if (a := np.asarray(v)).dtype == np.int64 else a.astype(np.float32), name)
        for name, v in CONSTANTS.items()
    ]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 4, 6])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    made = helper.make_graph([*before, *nodes], "pixels", ends, outputs, tensors)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    inferred: onnx.ModelProto = onnx.shape_inference.infer_shapes(model)
    return inferred


def linear(name: str = "g", source: str = "r") -> onnx.NodeProto:
    return helper.make_node("Gemm", [source, "gemm", "bias"], [name])


def back(source: str, name: str = "y") -> list[onnx.NodeProto]:
    """Rows of five channels -> pixels -> planes -> the output."""
    return [
        helper.make_node("Reshape", [source, "pixels"], [f"{name}.pixels"]),
        helper.make_node("Transpose", [f"{name}.pixels"], [f"{name}.planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Neg", [f"{name}.planes"], [name]),
    ]


WHOLE = {
    "gemm": ([linear(), *back("g")], {"Conv": 1}),
    "gemm of rows": (
        [helper.make_node("Gemm", ["r", "turned", "bias"], ["g"], transB=1), *back("g")],
        {"Conv": 1},
    ),
    "gemm after gemm": ([linear(), helper.make_node("Gemm", ["g", "matrix"], ["h"]), *back("h")], {"Conv": 2}),
    "product": ([linear(), helper.make_node("MatMul", ["g", "matrix"], ["h"]), *back("h")], {"Conv": 2}),
    "activation and numbers": (
        [
            linear(),
            helper.make_node("Gelu", ["g"], ["a"]),
            helper.make_node("Mul", ["number", "a"], ["b"]),
            helper.make_node("Sub", ["b", "bias"], ["c"]),
            helper.make_node("Div", ["c", "number"], ["e"]),
            helper.make_node("Mul", ["e", "a"], ["d"]),
            *back("d"),
        ],
        {"Conv": 1, "Gelu": 1, "Mul": 2, "Sub": 1, "Div": 1},
    ),
    "concatenated": (
        [
            linear(),
            helper.make_node("Reshape", ["g", "pixels"], ["q"]),
            helper.make_node("Add", ["q", "row"], ["s"]),
            helper.make_node("Concat", ["s", "p", "q"], ["c"], axis=-1),
            helper.make_node("Transpose", ["c"], ["z"], perm=[0, 3, 1, 2]),
            helper.make_node("Neg", ["z"], ["y"]),
        ],
        {"Conv": 1, "Add": 1, "Concat": 1},
    ),
}


@pytest.mark.parametrize("case", WHOLE)
def test_what_lies_between_two_transposes_is_on_planes(case: str) -> None:
    nodes, operators = WHOLE[case]
    model = graph(nodes)
    before = model.SerializeToString()
    written = use_channels_first(model)
    onnx.checker.check_model(written)
    assert model.SerializeToString() == before
    assert Counter(node.op_type for node in written.graph.node) == {**operators, "Neg": 1}
    image = RANDOM.normal(size=(3, 4, 6)).astype(np.float32)
    found, expected = (runner(m)(image)["y"] for m in (written, model))
    assert found.shape == expected.shape and np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("case", WHOLE)
def test_layers_are_followed_through_the_change(case: str) -> None:
    """A convolution of 1x1 is the matrix that it was: `edgesr diff` compares what it gives."""
    model = graph(WHOLE[case][0])
    reference = onnx_layer_graph(model)
    found = match_layers(onnx_layer_graph(use_channels_first(model)), reference)
    assert {layer.tensor for layer in layers_of(reference)} == found.tensors.keys()


LEFT = {
    "a norm over channels": [helper.make_node("LayerNormalization", ["g", "bias"], ["n"]), *back("n")],
    "rows of other pixels": [
        helper.make_node("Transpose", ["g"], ["t"], perm=[1, 0]),
        helper.make_node("Reshape", ["t", "pixels"], ["q"]),
        helper.make_node("Transpose", ["q"], ["z"], perm=[0, 3, 1, 2]),
        helper.make_node("Neg", ["z"], ["y"]),
    ],
    "pixels that are the output": [helper.make_node("Reshape", ["g", "pixels"], ["y"])],
    "planes that are the output": [
        helper.make_node("Reshape", ["g", "pixels"], ["q"]),
        helper.make_node("Transpose", ["q"], ["y"], perm=[0, 3, 1, 2]),
    ],
    "a factor": [helper.make_node("Gemm", ["g", "matrix"], ["h"], alpha=2.0), *back("h")],
    "values of a side": [
        helper.make_node("Reshape", ["g", "pixels"], ["q"]),
        helper.make_node("Add", ["q", "side"], ["s"]),
        helper.make_node("Transpose", ["s"], ["z"], perm=[0, 3, 1, 2]),
        helper.make_node("Neg", ["z"], ["y"]),
    ],
    "one reader of several": [
        *back("g", "e"),
        helper.make_node("ReduceMean", ["g"], ["m"], keepdims=0),
        helper.make_node("Add", ["e", "m"], ["y"]),
    ],
}


@pytest.mark.parametrize("case", LEFT)
def test_a_part_that_needs_its_pixels_is_left_as_it_is(case: str) -> None:
    model = graph([linear(), *LEFT[case]])
    assert use_channels_first(model).SerializeToString() == model.SerializeToString()


class LinearPixels(nn.Module):
    """Sixteen channels of linear layers on pixels, joined, as BSRN has them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two, self.last = nn.Linear(3, 8), nn.Linear(8, 8), nn.Linear(16, 3)
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        self.eval().requires_grad_(False)

    def forward(self, lr: Tensor) -> Tensor:
        one = nn.functional.gelu(self.one(lr.permute(0, 2, 3, 1) / 255))
        joined = self.last(torch.cat([one, self.two(one)], dim=-1))
        return cast(Tensor, self.convolution(joined.permute(0, 3, 1, 2))) * 255


@pytest.mark.slow
def test_as_many_channels_as_the_image_is_high_and_wide(tmp_path: Path) -> None:
    """The proof of the TFLite file refuses what onnx2tf makes of the pixels."""
    module = LinearPixels()
    export_onnx(module, tmp_path / "model.onnx", output_name="sr", proof=proof_of(module))
    fixed = fix_size(onnx.load(tmp_path / "model.onnx"), (16, 16))
    export_tflite(fixed, tmp_path / "model.tflite", input_name="lr", output_name="sr")
    assert (tmp_path / "model.tflite").stat().st_size > 1000
