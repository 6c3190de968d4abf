"""What `edgesr inspect` tells of delegates before a conversion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import edgesr
from edgesr.export.inspection.contents import inspect
from edgesr.export.inspection.model_file import describe
from edgesr.export.options import ExportOptions
from tests.export.foreign.conftest import NETWORKS
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
