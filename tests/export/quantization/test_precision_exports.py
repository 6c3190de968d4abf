"""Exports of lower precision, from the command line to parity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from edgesr.benchmarks.parity.check import check_parity
from edgesr.export.graphs.onnx_graph import constants, convolutions
from edgesr.export.graphs.tflite_graph import operator_name, read_tflite
from edgesr.export.options import ExportOptions
from edgesr.runtimes.bundle.calibrated_quantization import QuantizationRecord
from edgesr.runtimes.bundle.opening import Bundle, open_bundle

RunCli = Callable[..., tuple[int, str, str]]
INT8 = 9  # in TFLite's schema

ONNX_IDS = [f"onnx-{p}-{g}" for p in ("fp32", "fp16", "fp16a", "int8", "w8a16") for g in ("full", "tile")]
TFLITE_IDS = [f"tflite-{p}-{g}-64x64" for p in ("fp32", "fp16", "int8", "w8", "w8d", "w8a16") for g in ("full", "tile")]


def test_ids_files_and_sizes(quantized_bundle: Bundle) -> None:
    assert [a.id for a in quantized_bundle.manifest.artifacts] == ONNX_IDS + TFLITE_IDS
    assert open_bundle(quantized_bundle.root).manifest == quantized_bundle.manifest
    sizes = {a.id: a.file.size_bytes for a in quantized_bundle.manifest.artifacts}
    for artifact in quantized_bundle.manifest.artifacts:
        assert artifact.file.path == artifact.id + (".onnx" if artifact.format == "onnx" else ".tflite")
        assert artifact.precision == artifact.id.split("-")[1]
    for graph in ("full", "tile"):
        ratios = {
            p: sizes[f"onnx-{p}-{graph}"] / sizes[f"onnx-fp32-{graph}"] for p in ("fp16", "fp16a", "int8", "w8a16")
        }
        assert ratios["int8"] <= 0.35 and ratios["w8a16"] <= 0.35, ratios
        assert ratios["fp16"] <= 0.55 and ratios["fp16a"] <= 0.55, ratios


@pytest.mark.parametrize("artifact_id", ONNX_IDS + TFLITE_IDS)
def test_parity_of_every_artifact(quantized_bundle: Bundle, artifact_id: str) -> None:
    artifact = quantized_bundle.artifact(artifact_id)
    result = check_parity(quantized_bundle, artifact, runtime=artifact.runtimes[0], threads=2)
    assert len(result.goldens) == (6 if artifact.tile_size is None or artifact.uses[0].resizable else 3)
    for golden in result.goldens:
        assert not golden.failures, golden
        exact = artifact.precision in ("fp16a", "int8", "w8d", "w8a16")
        assert (golden.exact_max_difference is not None) is exact
        if artifact.precision != "fp32" and golden.golden == "photograph":
            assert golden.psnr_db is not None and golden.psnr_db < 110


def test_records_of_quantization(quantized_bundle: Bundle) -> None:
    for artifact in quantized_bundle.manifest.artifacts:
        record = artifact.quantization
        assert (record is not None) is (artifact.precision in ("int8", "w8a16"))
        if record is None:
            continue
        assert (record.calibration.source, record.calibration.tiles, record.calibration.tile_size) == (
            "synthetic",
            27,
            (48, 48),
        )
        assert (record.float_layers, record.sensitivity, record.quantized_mac_share) == ((), (), 1.0)
        assert record.reduced_range is (artifact.id in ("onnx-int8-full", "onnx-int8-tile"))
        if artifact.precision == "int8":
            assert (record.scope, record.bias_corrected) == ("all", True)
            assert (record.min_psnr_budget_db, record.max_shift_budget) == (40, 0.3)
            assert record.mean_psnr_db is not None and record.mean_psnr_db >= 40
            assert record.max_mean_shift is not None and record.max_mean_shift <= 0.3
        else:
            assert (record.scope, record.range_method, record.mean_psnr_db) == ("conv", "minmax", None)


@pytest.mark.parametrize("graph", ["tile", "full"])
def test_every_convolution_is_int8(quantized_bundle: Bundle, graph: str) -> None:
    model = onnx.load(quantized_bundle.path(quantized_bundle.artifact(f"onnx-int8-{graph}").file))
    producers = {output: n for n in model.graph.node for output in n.output}
    known = constants(model)
    assert len(convolutions(model)) == 14
    for node in convolutions(model):
        assert [producers[name].op_type for name in node.input] == ["DequantizeLinear"] * 3
        weights = onnx.numpy_helper.to_array(known[producers[node.input[1]].input[0]])
        assert weights.dtype == np.int8
        assert 255 * 2 * int(np.abs(weights.astype(int)).max()) <= 32767
    content = quantized_bundle.path(quantized_bundle.artifact(f"tflite-int8-{graph}-64x64").file).read_bytes()
    lite = read_tflite(content)
    found = [op for op in lite.subgraphs[0].operators if operator_name(lite, op) == "CONV_2D"]
    assert [lite.subgraphs[0].tensors[op.inputs[i]].type for op in found for i in (0, 1)] == [INT8] * 28


def test_quantized_again_from_the_cache(quantized_bundle: Bundle, cache_dir: Path, tmp_path: Path) -> None:
    from edgesr.export.pipeline import export_bundle

    options = ExportOptions(targets=("onnx", "tflite"), precisions=("int8", "w8a16"), tile_size=(64, 64))
    report = export_bundle(options, tmp_path / "again", cache_dir=cache_dir)
    assert report.conversions == ()
    for artifact in report.bundle.manifest.artifacts:
        assert artifact == quantized_bundle.artifact(artifact.id)


def _parity_failures(root: Path) -> tuple[QuantizationRecord, list[str]]:
    """The quantization of its only artifact, and the failures in its parity."""
    bundle = open_bundle(root)
    (artifact,) = bundle.manifest.artifacts
    assert artifact.quantization is not None
    goldens = check_parity(bundle, artifact, runtime="ort", threads=2).goldens
    return artifact.quantization, [failure for golden in goldens for failure in golden.failures]


@pytest.mark.slow
def test_published_weights(shared: Path, run_cli: RunCli, cache_dir: Path, tmp_path: Path) -> None:
    """All in int8 with all values in range is worse than no network; the default budget is kept by float layers."""
    common: tuple[object, ...] = ("export", "--checkpoint", shared / "weights" / "srrescgan_x4.pth")
    common += (
        "--cache-dir",
        cache_dir,
        "--precision",
        "int8",
        "--targets",
        "onnx",
        "--graph",
        "tile",
        "--tile-size",
        "32x32",
    )
    plain = ("--int8-ranges", "minmax", "--int8-min-psnr", "0", "--int8-max-shift", "255")
    code, _, err = run_cli(*common, "--output", tmp_path / "plain", *plain)
    assert code == 2 and not (tmp_path / "plain").exists()
    assert "onnx-int8-tile is too far from its float32 file" in err and "where bilinear upsampling has" in err
    code, _, err = run_cli(*common, "--output", tmp_path / "mixed")
    assert code == 0, err
    mixed, failures = _parity_failures(tmp_path / "mixed")
    assert failures == []
    assert len(mixed.float_layers) >= 1
    assert mixed.scope == "conv" and mixed.quantized_mac_share >= 0.5
    assert mixed.mean_psnr_db is not None and mixed.mean_psnr_db >= 40
    assert len(mixed.sensitivity) == 12
    assert set(mixed.float_layers) < {s.layer for s in mixed.sensitivity}
    assert [s.psnr_db for s in mixed.sensitivity] == sorted(s.psnr_db for s in mixed.sensitivity)
    assert sum(s.mac_share for s in mixed.sensitivity) == pytest.approx(1)
    in_float = sum(s.mac_share for s in mixed.sensitivity if s.layer in mixed.float_layers)
    assert mixed.quantized_mac_share == pytest.approx(1 - in_float)
