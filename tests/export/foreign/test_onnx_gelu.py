"""GELU below opset 20 becomes one operator, whichever order its factors are in; what is no GELU stays."""

from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from onnx import NodeProto, TensorProto, helper

from edgesr.sr_model.generators.onnx_source.gelu import use_gelu
from edgesr.sr_model.generators.onnx_source.picture import OnnxPicture
from tests.export.foreign.test_onnx_source import image_of
from tests.helpers.foreign.onnx_files import constant, node

ERF = (node("Div", "x", "d", "root"), node("Erf", "d", "e"), node("Add", "e", "s", "one"))
GELU = {
    "x times s, halved": (*ERF, node("Mul", "x", "p", "s"), node("Mul", "p", "y", "half")),
    "half of x, times s": (node("Mul", "x", "h", "half"), *ERF, node("Mul", "h", "y", "s")),
    "half of s, times x": (*ERF, node("Mul", "half", "p", "s"), node("Mul", "p", "y", "x")),
    "by a product": (
        node("Mul", "inverse", "d", "x"),
        *ERF[1:],
        node("Mul", "s", "p", "x"),
        node("Mul", "half", "y", "p"),
    ),
}
NO_GELU = {
    "another divisor": (node("Div", "x", "d", "one"), *ERF[1:], *GELU["x times s, halved"][3:]),
    "another summand": (*ERF[:2], node("Add", "e", "s", "half"), *GELU["x times s, halved"][3:]),
    "another factor": (*ERF, node("Mul", "x", "p", "s"), node("Mul", "p", "y", "root")),
    "another tensor": (*ERF, node("Mul", "d", "p", "s"), node("Mul", "p", "y", "half")),
    "erf is read twice": (*ERF, node("Mul", "x", "p", "s"), node("Mul", "p", "q", "half"), node("Add", "q", "y", "e")),
}
NUMBERS = {"root": math.sqrt(2), "inverse": math.sqrt(0.5), "one": 1.0, "half": 0.5}


def model_of(nodes: tuple[NodeProto, ...], opset: int) -> onnx.ModelProto:
    used = {name for one in nodes for name in one.input}
    graph = helper.make_graph(
        nodes,
        "gelu",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, "h", "w"))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3, "h", "w"))],
        [constant(name, value) for name, value in NUMBERS.items() if name in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.mark.parametrize("nodes", GELU.values(), ids=list(GELU))
def test_gelu_becomes_one_operator(nodes: tuple[NodeProto, ...]) -> None:
    model, image = model_of(nodes, 20), image_of(20, 30) / 32 - 4
    expected = OnnxPicture(model)(image).numpy()
    use_gelu(model)
    assert [one.op_type for one in model.graph.node] == ["Gelu"]
    found = OnnxPicture(model)(image).numpy()
    assert np.ptp(found) > 3
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("nodes", NO_GELU.values(), ids=list(NO_GELU))
def test_what_is_no_gelu_stays(nodes: tuple[NodeProto, ...]) -> None:
    model = model_of(nodes, 20)
    before = model.SerializeToString(deterministic=True)
    use_gelu(model)
    assert model.SerializeToString(deterministic=True) == before
