"""TFLite files at other sizes than their own, next to the ONNX graph that they came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from edgesr.export.graphs.tflite_graph import write_tflite
from edgesr.export.tiling.resized import RESULT_FILE, Resized, prove_resized
from edgesr.runtimes.json_file import read_record
from tests.export.conversions.small_tflite import tflite_convolution
from tests.helpers.small_graphs import conv, kernels, make_graph

ROWS, BIAS = np.diag([1.0, 2.0, 4.0]), [1.0, 2.0, 3.0]


def fault(bias: list[float], folder: Path) -> str:
    """The fault of a 1x1 convolution with a bias, next to the same with the bias 1, 2, 3."""
    graph = make_graph([conv("a", "x", "y")], {"body.a.weight": kernels(ROWS), "body.a.bias": BIAS})
    onnx.save(graph, folder / "model.onnx")
    (folder / "model.tflite").write_bytes(write_tflite(tflite_convolution(ROWS, bias)))
    prove_resized(folder, folder / "model.onnx", folder / "model.tflite", sizes=((9, 14), (21, 16)))
    return read_record(Resized, folder / RESULT_FILE, remake="again").fault


def test_a_convolution_can_be_resized(tmp_path: Path) -> None:
    assert fault(BIAS, tmp_path) == ""


def test_another_function_is_told(tmp_path: Path) -> None:
    assert "at 9x14 it differs by up to 0.5" in fault([1.0, 2.0, 3.5], tmp_path)
