"""Tensors of a TFLite model are found in an ONNX graph by their values, in few runs of each."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from edgesr.export.graphs.onnx_graph import runner
from edgesr.export.quantization.tflite import same_values as module
from edgesr.export.quantization.tflite.same_values import same_values
from edgesr.runtimes.arrays import FloatArray
from tests.export.graphs.tflite_graphs import add, graph_of
from tests.export.quantization.tflite.small_layers import SMALL_LAYERS
from tests.export.quantization.tflite.test_layers import model_of
from tests.helpers.small_graphs import make_graph

LENGTH, SIDE = 20, 8
TENSOR = 4 * 3 * SIDE * SIDE
"""Bytes of one."""


def doubled() -> tuple[object, onnx.ModelProto]:
    """An image that is doubled again and again, in both formats: tensor i of the model is "ti" of the graph."""
    editor = graph_of((1, SIDE, SIDE, 3))
    last, two = 0, editor.constant([2.0], "<f4")
    for _ in range(LENGTH):
        last = add(editor, "MUL", [last, two], (1, SIDE, SIDE, 3), schema.MulOptionsT())
    names = ["x", *(f"t{place}" for place in range(2, LENGTH + 2))]
    nodes = [onnx.helper.make_node("Mul", [source, "two"], [target]) for source, target in itertools.pairwise(names)]
    return editor.model, make_graph(nodes, {"two": 2.0}, output=names[-1])


@pytest.mark.parametrize(("budget", "runs"), [(2**28, 1), (10 * TENSOR, 2), (3 * TENSOR, 7), (1, LENGTH)])
def test_a_run_shows_as_many_tensors_as_fit(monkeypatch: pytest.MonkeyPatch, budget: int, runs: int) -> None:
    counts = {"onnx": 0, "tflite": 0}

    def counted_runner(model: onnx.ModelProto, names: list[str]) -> Callable[[FloatArray], dict[str, FloatArray]]:
        counts["onnx"] += 1
        return runner(model, names)

    def counted_interpreter(*, model_content: bytes, num_threads: int) -> Interpreter:
        counts["tflite"] += 1
        return Interpreter(model_content=model_content, num_threads=num_threads)

    monkeypatch.setattr(module, "runner", counted_runner)
    monkeypatch.setattr(module, "Interpreter", counted_interpreter)
    monkeypatch.setattr(module, "_BYTES_AT_ONCE", budget)
    model, graph = doubled()
    tensors = range(2, LENGTH + 2)
    image = np.random.default_rng(0).uniform(0, 1, (3, SIDE, SIDE)).astype(np.float32)
    found = same_values(model, [0, *tensors], graph, ["x", *(f"t{index}" for index in tensors)], image)
    assert found == {0: "x", **{index: f"t{index}" for index in tensors}}
    assert counts == {"onnx": runs, "tflite": runs}


def test_tensors_are_told_apart_by_their_values() -> None:
    layer = SMALL_LAYERS["matrix"]
    model, graph, image = model_of(layer), layer.graph(), layer.image()
    assert same_values(model, [0, 1], graph, ["x", "y"], image) == {0: "x", 1: "y"}
    assert same_values(model, [0, 1], graph, ["x"], image) == {0: "x"}
    assert same_values(model_of(layer, shift=0.1), [1], graph, ["x", "y", "moved"], image) == {}
