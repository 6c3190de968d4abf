"""bfloat16 of ONNX files: OpenVINO computes it, where the CPU can."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.benchmarks.parity.check import check_parity
from edgesr.export.diff.diff import diff
from edgesr.export.formats.targets import plan_artifacts, require_converters
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import ExportReport, export_bundle
from edgesr.runtimes.adapters import openvino
from edgesr.runtimes.errors import MissingPackageError
from tests.helpers.small_generator import save_projected_generator

TILE = "onnx-bf16-tile"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> ExportReport:
    """A small network with a projection in float32 and bfloat16, both graphs."""
    if "BF16" not in openvino.load().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this CPU computes no bfloat16")
    folder = tmp_path_factory.mktemp("bfloat16")
    options = ExportOptions(
        checkpoint=save_projected_generator(folder), targets=("onnx",), precisions=("fp32", "bf16"), tile_size=(32, 32)
    )
    return export_bundle(options, folder / "bundle", cache_dir=cache_dir)


def test_the_tile_graph_keeps_its_tolerance(report: ExportReport) -> None:
    artifact = report.bundle.artifact(TILE)
    assert artifact.runtimes == ("openvino",)
    assert set(artifact.least_runtime) == {"openvino"}
    memory = artifact.uses[0].memory
    assert memory is not None and memory.bytes_per_lr_pixel > 0
    parity = check_parity(report.bundle, artifact, runtime="openvino", threads=1)
    assert [golden.failures for golden in parity.goldens] == [()] * len(parity.goldens)
    worst = min(golden.psnr_db for golden in parity.goldens if golden.psnr_db is not None)
    assert 40 < worst < 90, "float32 would be above 100 dB"
    assert parity.lacks_exact
    assert parity.execution is not None and parity.execution.main == "bfloat16"


def test_statistics_of_a_whole_image_are_refused(report: ExportReport) -> None:
    (failure,) = report.failures
    assert failure.id == "onnx-bf16-full"
    assert "too few digits for the noise level and the norm of a whole image" in failure.reason


def test_layers_are_read_in_bfloat16(report: ExportReport) -> None:
    """ONNX Runtime would show the float32 values of the same graph."""
    result = diff(report.bundle, TILE, "onnx-fp32-tile")
    errors = [layer.relative_rms for layer in result.layers if layer.relative_rms is not None]
    assert len(errors) > 3
    assert result.passed
    assert all(1e-4 < error < 0.1 for error in errors)


def test_it_is_refused_without_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = plan_artifacts(("onnx",), ("fp32", "bf16"), ("tile",), (32, 32))
    monkeypatch.setattr("edgesr.runtimes.interface.runtime.installed_version", lambda _: None)
    with pytest.raises(MissingPackageError, match=r"'openvino' .* pip install 'edgesr\[openvino\]'"):
        require_converters(plans)
