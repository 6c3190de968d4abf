"""Predictions of `edgesr inspect` about delegates before a conversion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import edgesr
from edgesr.export.delegates import prediction
from edgesr.export.delegates.prediction import predicted_refusals
from edgesr.export.inspection import onnx_file
from edgesr.export.inspection.contents import inspect
from edgesr.export.inspection.model_file import describe
from edgesr.export.options import ExportOptions
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.delegates.rules import Refusals
from tests.export.foreign.conftest import NETWORKS
from tests.helpers.foreign.onnx_files import OnnxFile
from tests.helpers.small_graphs import make_graph

PADS = np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64)


def padded(path: Path, kind: str = "Pad") -> Path:
    """An ONNX file of an image whose border is repeated, or of another operator in its place."""
    attributes = {"mode": "edge"} if kind == "Pad" else {}
    node = helper.make_node(kind, ["x", "pads"], ["y"], **attributes)
    onnx.save(make_graph([node], {"pads": PADS}), path)
    return path


def test_an_onnx_file_of_an_image(tmp_path: Path) -> None:
    facts, refused = inspect(padded(tmp_path / "padded.onnx"))
    assert ("operators", "Pad 1") in facts.rows
    assert refused.columns[0] == "file"
    assert refused.rows == (
        (
            "padded.onnx",
            "gpu",
            "MIRROR_PAD 1",
            "mode SYMMETRIC, REFLECT alone",
            "--delegate gpu: the border by slices",
        ),
        ("", "nnapi, qnn", "none of 1", "-", "-"),
    )


@pytest.mark.parametrize(
    ("image", "weight"),
    [
        (TensorProto.FLOAT16, TensorProto.FLOAT16),
        (TensorProto.FLOAT, TensorProto.FLOAT16),
        (TensorProto.UINT8, TensorProto.FLOAT),
    ],
)
def test_the_command_describes_files_of_lower_precision(
    tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]], image: int, weight: int
) -> None:
    """All but the delegates, of which one line says what to do."""
    path = tmp_path / "other.onnx"
    onnx.save(scaled(image, weight), path)
    code, output, error = run_cli("inspect", path)
    assert (code, error) == (0, "")
    told = " ".join(output.split())
    assert f"inputs x 1x3x8x8 {TensorProto.DataType.Name(image).lower()}" in told
    assert "operators" in told and "Mul 1" in told
    assert "cannot be told: this is predicted for float32 graphs alone" in told
    assert "inspect the TFLite file" in told


def scaled(image: int, weight: int) -> onnx.ModelProto:
    """An image of a type, times a constant that is stored in a type, in float32 unless both are of one type."""
    ends = [
        helper.make_tensor_value_info(name, kind, [1, 3, 8, 8])
        for name, kind in (("x", image), ("y", image if image == weight else TensorProto.FLOAT))
    ]
    half = helper.make_tensor("half", weight, [], [0.5])
    nodes, names = [], []
    for name, kind in (("x", image), ("half", weight)):
        names.append(name if kind == ends[1].type.tensor_type.elem_type else f"{name}.float")
        if names[-1] != name:
            nodes.append(helper.make_node("Cast", [name], [names[-1]], to=TensorProto.FLOAT))
    nodes.append(helper.make_node("Mul", names, ["y"]))
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], [half])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_an_onnx_file_of_no_image_is_told_of_without_delegates(tmp_path: Path) -> None:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "graph", ends[:1], ends[1:])
    path = tmp_path / "matrix.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    described = describe(path)
    assert described.refusal is None
    assert described.delegates == ()
    assert "delegates" not in described.facts


@pytest.mark.slow
def test_a_network_before_its_conversion(cache_dir: Path) -> None:
    options = ExportOptions(module=str(NETWORKS / "attention.py:window_attention"))
    _, refused = edgesr.inspect_module(options, cache_dir=cache_dir)
    assert refused.columns[0] == "as a TFLite file"
    assert [row[1:3] for row in refused.rows] == [
        ("gpu", "GATHER 4"),
        ("", "RESHAPE 4"),
        ("", "TRANSPOSE 2"),
        ("", "TRANSPOSE 1"),
        ("nnapi", "RESHAPE 4"),
        ("", "TRANSPOSE 3"),
        ("qnn", "TRANSPOSE 2"),
    ]


@pytest.mark.slow
def test_a_file_is_predicted_on_one_size_either_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache_dir: Path
) -> None:
    sizes: list[Size] = []

    def recorded(model: onnx.ModelProto, size: Size) -> tuple[Refusals, ...]:
        sizes.append(size)
        return predicted_refusals(model, size)

    monkeypatch.setattr(onnx_file, "predicted_refusals", recorded)
    monkeypatch.setattr(prediction, "predicted_refusals", recorded)
    path = OnnxFile().write(tmp_path / "network.onnx")
    onnx_file.predicted_of(path)
    edgesr.inspect_module(ExportOptions(onnx=path), cache_dir=cache_dir)
    assert sizes == [(48, 48)] * 2
