"""TFLite files that LiteRT cannot run, or that compute something else than their ONNX graph, are no conversions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch.nn.functional as F

from edgesr.export.conversions.in_litert import prove_in_litert
from edgesr.export.conversions.to_onnx import export_onnx
from edgesr.export.conversions.to_tflite import export_tflite
from edgesr.export.graphs.fixed_size import fix_size
from edgesr.export.graphs.tflite_graph import write_tflite
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.errors import EdgesrError
from tests.export.conversions.planted_modules import Planted
from tests.export.conversions.small_tflite import SIZE, tflite_convolution, tflite_custom
from tests.helpers.small_graphs import conv, kernels, make_graph

ROWS, BIAS = np.diag([1.0, 2.0, 4.0]), [1.0, 2.0, 3.0]


def prove(model: Any, folder: Path) -> None:
    """Prove a TFLite model against the convolution in ONNX."""
    (folder / "model.tflite").write_bytes(write_tflite(model))
    graph = make_graph([conv("a", "x", "y")], {"body.a.weight": kernels(ROWS), "body.a.bias": BIAS})
    prove_in_litert(folder / "model.tflite", fix_size(graph, SIZE))


def test_the_same_convolution_is_proven(tmp_path: Path) -> None:
    prove(tflite_convolution(ROWS, BIAS), tmp_path)


def test_another_bias_is_told(tmp_path: Path) -> None:
    with pytest.raises(EdgesrError, match="does not compute what its ONNX graph does: at 4x6 it differs"):
        prove(tflite_convolution(ROWS, [1.0, 2.0, 3.5]), tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("FlexErf", r"no kernel for FlexErf \(erf, of a GELU that is not PyTorch's: use nn\.GELU\); replace"),
        ("FlexResizeBicubic", r"no kernel for FlexResizeBicubic \(bicubic resizing by no whole factor: use a"),
        (
            "Mystery",
            "no kernel for Mystery; replace these operators in the network, or leave tflite out",
        ),
    ],
)
def test_operators_without_a_kernel_are_named(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(EdgesrError, match=text):
        prove(tflite_custom(name), tmp_path)


def gelu() -> Planted:
    return Planted(lambda features, _lr: 40 * F.gelu(features / 40))


def test_a_gelu_is_one_operator_in_onnx(tmp_path: Path) -> None:
    module = gelu()
    export_onnx(module, tmp_path / "model.onnx", output_name="sr", proof=proof_of(module))
    operators = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert "Gelu" in operators
    assert "Erf" not in operators


@pytest.mark.slow
def test_a_gelu_runs_in_litert(tmp_path: Path) -> None:
    module = gelu()
    export_onnx(module, tmp_path / "model.onnx", output_name="sr", proof=proof_of(module))
    graph = fix_size(onnx.load(tmp_path / "model.onnx"), (16, 24))
    export_tflite(graph, tmp_path / "model.tflite", input_name="lr", output_name="sr")


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 3])
def test_bicubic_upsampling_runs_in_litert(scale: int, tmp_path: Path) -> None:
    module = Planted(lambda features, _lr: F.interpolate(features, scale_factor=scale, mode="bicubic"))
    export_onnx(module, tmp_path / "model.onnx", output_name="sr", proof=proof_of(module))
    graph = fix_size(onnx.load(tmp_path / "model.onnx"), (16, 24))
    export_tflite(graph, tmp_path / "model.tflite", input_name="lr", output_name="sr")


@pytest.mark.slow
def test_bicubic_resizing_by_another_factor_is_refused(tmp_path: Path) -> None:
    module = Planted(lambda features, _lr: F.interpolate(features, scale_factor=0.5, mode="bicubic"))
    export_onnx(module, tmp_path / "model.onnx", output_name="sr", proof=proof_of(module))
    graph = fix_size(onnx.load(tmp_path / "model.onnx"), (16, 24))
    with pytest.raises(EdgesrError, match="no kernel for FlexResizeBicubic"):
        export_tflite(graph, tmp_path / "model.tflite", input_name="lr", output_name="sr")
