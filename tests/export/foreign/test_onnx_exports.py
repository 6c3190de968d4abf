"""Bundles of existing ONNX files: what is in them, what their files compute, and which reference everything names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import edgesr
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.parity.check import check_parity
from edgesr.benchmarks.parity.results import ParityResults, check_artifact, parity_results
from edgesr.benchmarks.report.data import ReportData, ReportFiles
from edgesr.benchmarks.report.drawn.matrix import parity_matrix
from edgesr.benchmarks.tables.parity import golden_table
from edgesr.export.calibration.photographs import photograph
from edgesr.export.foreign.onnx_weights import sha256_with_weights
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.bundle.contract import REFERENCES
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.json_file import parse_json
from edgesr.runtimes.json_records import decode, to_json
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import upscale
from tests.helpers.foreign import convolutional, unusual
from tests.helpers.foreign.onnx_files import export_dynamic

RunCli = Callable[..., tuple[int, str, str]]
REFERENCE = "float32 ONNX Runtime without optimisations"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SRVGG as torch exports it, with its weights next to it."""
    return export_dynamic(convolutional.srvgg(), tmp_path_factory.mktemp("models") / "srvgg.onnx", opset=18)


@pytest.fixture(scope="module")
def bundle(file: Path, tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    output = tmp_path_factory.mktemp("bundles") / "onnx"
    options = ExportOptions(onnx=file, targets=("onnx",), tile_size=(48, 48))
    return export_bundle(options, output, cache_dir=cache_dir).bundle


def whole_picture(file: Path, image: np.ndarray) -> np.ndarray:
    """The picture that ONNX Runtime makes with the file itself of an image (h,w,3) in [0,255]."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    batch = (image.transpose(2, 0, 1)[None] / 255).astype(np.float32)
    picture = session.run(None, {session.get_inputs()[0].name: batch})[0][0] * 255
    return np.asarray(picture.clip(0, 255).transpose(1, 2, 0))


def image_of(size: tuple[int, int]) -> np.ndarray:
    return np.ascontiguousarray(photograph("coffee", size).transpose(1, 2, 0))


def test_the_manifest_tells_file_and_reference(bundle: Bundle, file: Path) -> None:
    manifest = bundle.manifest
    assert manifest.reference == "onnxruntime"
    assert (manifest.generator["name"], manifest.checkpoint.name) == ("srvgg.onnx", "srvgg.onnx")
    assert manifest.checkpoint.sha256 == sha256_with_weights(file)
    assert (manifest.scale, manifest.multiple, manifest.colour) == (4, 1, "rgb")
    assert [artifact.id for artifact in manifest.artifacts] == ["onnx-fp32-full", "onnx-fp32-tile"]
    assert manifest.tiling is not None and manifest.tiling.exact
    assert manifest.artifacts[0].mac_per_hr_pixel == (3 * 16 + 4 * 16 * 16 + 16 * 48) * 9 / 16


def test_files_are_of_our_opset_with_named_tensors(bundle: Bundle) -> None:
    for artifact, output in zip(bundle.manifest.artifacts, ("sr", "residual"), strict=True):
        model = onnx.load(bundle.model_path(artifact))
        assert [entry.version for entry in model.opset_import if entry.domain == ""] == [20]
        assert [value.name for value in (*model.graph.input, *model.graph.output)] == ["lr", output]


def test_files_compute_what_the_file_does(bundle: Bundle) -> None:
    for artifact in bundle.manifest.artifacts:
        parity = check_parity(bundle, artifact, runtime="ort", threads=1)
        assert len(parity.goldens) >= 6
        for golden in parity.goldens:
            assert golden.failures == ()
            assert golden.psnr_db is None or golden.psnr_db >= 95


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (17, 23), (70, 45)])
@pytest.mark.parametrize("artifact", ["onnx-fp32-full", "onnx-fp32-tile"])
def test_tiles_and_whole_give_the_picture_of_the_file(
    artifact: str, size: tuple[int, int], bundle: Bundle, file: Path
) -> None:
    options = UpscaleOptions(artifact_id=artifact, tile_size=(33, 24) if artifact.endswith("tile") else None)
    found = upscale(image_of(size), bundle, options)
    assert np.abs(found - whole_picture(file, image_of(size))).max() < 0.01


def test_tables_and_report_name_the_reference(bundle: Bundle, tmp_path: Path) -> None:
    checked = check_artifact(bundle, HostDevice(), bundle.manifest.artifacts[0], "ort")
    results = parity_results(bundle, [checked])
    assert results.reference == "onnxruntime"
    assert golden_table(results).title == f"Parity matrix: PSNR dB against {REFERENCE}"
    assert parity_matrix(results).caption == golden_table(results).title
    assert ReportData(bundle=bundle).reference == REFERENCE == REFERENCES["onnxruntime"]
    assert decode(ParityResults, parse_json(to_json(results).encode())).reference == "onnxruntime"
    (tmp_path / "parity.json").write_text(to_json(results))
    edgesr.report(bundle, ReportFiles(parity=tmp_path / "parity.json"), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.count(REFERENCE) >= 3
    assert "PyTorch" not in page


def test_commands_name_the_reference(bundle: Bundle, file: Path, cache_dir: Path, run_cli: RunCli) -> None:
    code, stdout, _ = run_cli("inspect", bundle.root)
    assert code == 0
    assert REFERENCE in stdout
    code, stdout, stderr = run_cli("inspect", "--onnx", file, "--cache-dir", cache_dir)
    assert code == 0
    assert stderr == "edgesr: the file was converted from opset 18 to 20\n"
    for part in (REFERENCE, "cannot be made: it is made from PyTorch", "exact", "from 1 on"):
        assert part in stdout
    code, _, stderr = run_cli("diff", bundle.root, "onnx-fp32-tile", "pytorch")
    assert code == 2
    assert stderr == (
        "edgesr: onnx-fp32-tile: the bundle was made from an ONNX file, without PyTorch; compare two artifacts\n"
    )


def test_torchscript_is_refused_by_name(file: Path, tmp_path: Path, run_cli: RunCli) -> None:
    code, stdout, stderr = run_cli("export", "--onnx", file, "--output", tmp_path / "b", "--targets", "torchscript")
    assert (code, stdout) == (2, "")
    assert stderr.startswith("edgesr: --targets torchscript: it is made from PyTorch")
    assert stderr.count("\n") == 1


def test_a_second_export_is_cached(bundle: Bundle, file: Path, cache_dir: Path, tmp_path: Path) -> None:
    options = ExportOptions(onnx=file, targets=("onnx",), tile_size=(48, 48))
    report = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir)
    assert report.conversions == ()
    assert report.bundle.manifest.artifacts[0].files == bundle.manifest.artifacts[0].files


@pytest.mark.slow
def test_tflite_of_an_existing_file(file: Path, cache_dir: Path, tmp_path: Path, run_cli: RunCli) -> None:
    options = ("--graph", "tile", "--tile-size", "48x48", "--cache-dir", cache_dir)
    code, _, stderr = run_cli("export", "--onnx", file, *options, "--output", tmp_path / "bundle")
    assert code == 0
    assert "edgesr: torchscript is left out: it is made from PyTorch" in stderr
    made = edgesr.open_bundle(tmp_path / "bundle")
    assert {artifact.format for artifact in made.manifest.artifacts} == {"onnx", "tflite"}
    for size in ((48, 48), (70, 101)):
        found = upscale(image_of(size), made, UpscaleOptions(artifact_id="tflite-fp32-tile-48x48"))
        assert np.abs(found - whole_picture(file, image_of(size))).max() < 0.01


@pytest.mark.slow
def test_a_file_of_multiples(cache_dir: Path, tmp_path: Path) -> None:
    """In tiles and whole, at sizes that are no multiples."""
    file = export_dynamic(unusual.pixel_unshuffle(), tmp_path / "net.onnx")
    options = ExportOptions(onnx=file, targets=("onnx",), tile_size=(48, 48))
    made = export_bundle(options, tmp_path / "bundle", cache_dir=cache_dir).bundle
    assert (made.manifest.multiple, made.manifest.reference) == (2, "onnxruntime")
    expected = whole_picture(file, image_of((70, 46)))
    for artifact in made.manifest.artifacts:
        found = upscale(image_of((70, 46)), made, UpscaleOptions(artifact_id=artifact.id))
        assert np.abs(found - expected).max() < 0.01
        assert upscale(image_of((45, 61)), made, UpscaleOptions(artifact_id=artifact.id)).shape == (90, 122, 3)
