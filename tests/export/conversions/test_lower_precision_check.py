"""Files of lower precision that are farther from their float32 file than bilinear upsampling are refused."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.conversions.lower_precision_check import (
    RESULT_FILE,
    Checked,
    Distances,
    check_lower_precision,
)
from edgesr.export.formats.onnx_target import ONNX
from edgesr.export.formats.target import ArtifactPlan
from edgesr.export.graphs.tflite_graph import write_tflite
from edgesr.export.stages.cache import StageCache
from edgesr.export.stages.converted import convert
from edgesr.export.stages.runner import StageRunner
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Glue, Precision
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_file import read_record
from tests.export.conversions.small_tflite import SIZE, tflite_convolution

CHECKED = Checked(
    id="onnx-w8-full",
    runtime="ort",
    precision="w8",
    layout="NCHW",
    size=(24, 32),
    scale=1,
    colour="rgb",
    glue=Glue(upsample="none", noise_level=None, alpha=None),
)
SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], dtype=np.float32)


def write(path: Path, *, bias: float = 0, gain: float = 1, least: float = -1e9) -> Path:
    """An ONNX file x1 that sharpens an image, in which a bias, a gain or a lower limit are wrong."""
    weights: FloatArray = np.eye(3, dtype=np.float32)[:, :, None, None] * SHARPEN * np.float32(gain)
    constants = {"w": weights, "b": np.full(3, bias, dtype=np.float32), "least": np.float32(least)}
    nodes = [
        helper.make_node("Conv", ["lr", "w", "b"], ["sharp"], pads=[1, 1, 1, 1]),
        helper.make_node("Max", ["sharp", "least"], ["sr"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, None, None]) for name in ("lr", "sr")]
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "sharpen", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def test_a_file_next_to_its_float_file_is_measured(tmp_path: Path) -> None:
    files = write(tmp_path / "float.onnx"), write(tmp_path / "lower.onnx", bias=0.25)
    check_lower_precision(tmp_path, CHECKED, *files)
    images = read_record(Distances, tmp_path / RESULT_FILE, remake="").images
    assert list(images) == [
        "the photograph cat",
        "the photograph coffee",
        "grey",
        "black",
        "white",
        "checkerboard",
    ]
    assert images["black"].psnr_db == pytest.approx(20 * np.log10(255 / 0.25), abs=0.01)
    assert images["black"].bilinear_db is None
    photograph_db = images["the photograph cat"].bilinear_db
    assert photograph_db is not None and photograph_db < 35


@pytest.mark.parametrize(
    ("planted", "image"),
    [
        ({"bias": -114.4}, "the photograph cat"),
        ({"bias": float("nan")}, "the photograph cat"),
        ({"least": 1.5}, "black"),
        ({"gain": 0.985}, "white"),
    ],
    ids=["a lost bias", "no number", "a clipped range", "a white that is grey"],
)
def test_planted_faults_are_refused(tmp_path: Path, planted: dict[str, float], image: str) -> None:
    files = write(tmp_path / "float.onnx"), write(tmp_path / "lower.onnx", **planted)
    with pytest.raises(EdgesrError, match=f"onnx-w8-full is too far from its float32 file: .* dB on {image}"):
        check_lower_precision(tmp_path, CHECKED, *files)


def test_a_bias_that_a_quantizer_overwrote_is_refused(tmp_path: Path) -> None:
    """In a TFLite file, as it was once with the mean of a network that its converter had folded into it."""
    files = []
    for name, mean in (("float", 114.4), ("lower", -20.0)):
        (tmp_path / f"{name}.tflite").write_bytes(write_tflite(tflite_convolution(np.eye(3), [mean] * 3)))
        files.append(tmp_path / f"{name}.tflite")
    checked = replace(CHECKED, runtime="tflite", layout="NHWC", size=SIZE)
    check_lower_precision(tmp_path, checked, files[0], files[0])
    with pytest.raises(EdgesrError, match=r"too far from its float32 file: .* dB on the photograph cat"):
        check_lower_precision(tmp_path, checked, *files)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_every_artifact_is_checked(tmp_path: Path, precision: Precision) -> None:
    float_file, file = write(tmp_path / "float.onnx"), write(tmp_path / "lower.onnx", bias=-114.4)
    contract = SimpleNamespace(minimum_side=1, multiple=1, scale=1, colour="rgb", padding="zero")
    runner = SimpleNamespace(
        config=contract, glue=CHECKED.glue, artifact=lambda *_: (file, {}), float_file=lambda _: float_file
    )
    cache, plan = StageCache(tmp_path / "cache"), ArtifactPlan(ONNX, "tile", precision, None)
    with cache.locked(), pytest.raises(EdgesrError, match=f"onnx-{precision}-tile is too far from its float32 file"):
        convert(cast(StageRunner, runner), cache, plan, None)


def test_files_of_one_channel_get_what_they_take(tmp_path: Path) -> None:
    """Luma is never 0: black is 16 of 255, white 235."""
    for name in ("float", "lower"):
        constants = [numpy_helper.from_array(np.asarray(17 if name == "lower" else 0, dtype=np.float32), "least")]
        nodes = [helper.make_node("Max", ["lr", "least"], ["sr"])]
        ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, [1, 1, None, None]) for end in ("lr", "sr")]
        graph = helper.make_graph(nodes, "limit", ends[:1], ends[1:], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        onnx.save(model, tmp_path / f"{name}.onnx")
    luma = replace(CHECKED, colour="luma")
    check_lower_precision(tmp_path, luma, tmp_path / "float.onnx", tmp_path / "lower.onnx")
    black = read_record(Distances, tmp_path / RESULT_FILE, remake="").images["black"]
    assert black.psnr_db == pytest.approx(20 * np.log10(255), abs=0.01)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes keep to processors on Linux alone")
def test_a_machine_of_which_one_processor_may_be_used(tmp_path: Path) -> None:
    """OpenVINO refuses more threads than that."""
    files = write(tmp_path / "float.onnx"), write(tmp_path / "lower.onnx", bias=0.25)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        check_lower_precision(tmp_path, replace(CHECKED, runtime="openvino"), *files)
    finally:
        os.sched_setaffinity(0, allowed)
    images = read_record(Distances, tmp_path / RESULT_FILE, remake="").images
    assert images["black"].psnr_db == pytest.approx(20 * np.log10(255 / 0.25), abs=0.01)


def test_a_file_that_its_runtime_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "lower.onnx").write_bytes(b"no model")
    with pytest.raises(EdgesrError, match="onnx-w8-full could not be run in ort: "):
        check_lower_precision(tmp_path, CHECKED, write(tmp_path / "float.onnx"), tmp_path / "lower.onnx")
