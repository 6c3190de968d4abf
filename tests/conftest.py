"""Fixtures that the tests share: two exported bundles a session, without and with a projection."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runtimes.bundle import Bundle, open_bundle

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test images and published weights beside the clone; tests that need it skip without it."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the test images and weights of {SHARED.name}/ beside the clone")
    return SHARED


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One conversion cache for the whole session."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def mobile_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """The embedded srrescycgan-mobile (no projection) in all float32 targets, tiles of 64x64. Do not change it."""
    from export.options import ExportOptions
    from export.pipeline import export_bundle

    output = tmp_path_factory.mktemp("bundles") / "mobile"
    options = ExportOptions(preset="srrescycgan-mobile", tile_size=(64, 64))
    return export_bundle(options, output, cache_dir=cache_dir).bundle


@pytest.fixture(scope="session")
def projection_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """A small seeded generator of the published form, with projection, tiles of 32x32. Do not change it."""
    from small_generator import save_projected_generator

    from export.options import ExportOptions
    from export.pipeline import export_bundle

    checkpoint = save_projected_generator(tmp_path_factory.mktemp("weights"))
    output = tmp_path_factory.mktemp("bundles") / "projection"
    options = ExportOptions(checkpoint=checkpoint, tile_size=(32, 32))
    return export_bundle(options, output, cache_dir=cache_dir).bundle


@pytest.fixture(scope="session")
def published_int8_bundle(shared: Path, tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """The published weights, tile graphs of 64x64 in float32 and mixed int8 (two minutes: for slow tests)."""
    from export.options import ExportOptions
    from export.pipeline import export_bundle

    output = tmp_path_factory.mktemp("bundles") / "published"
    options = ExportOptions(
        checkpoint=shared / "weights" / "srrescgan_x4.pth",
        targets=("onnx", "tflite"),
        precisions=("fp32", "int8"),
        graphs=("tile",),
        tile_size=(64, 64),
    )
    return export_bundle(options, output, cache_dir=cache_dir).bundle


@pytest.fixture(scope="session")
def quantized_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """The embedded srrescycgan-mobile in every precision of ONNX and TFLite, tiles of 64x64. Do not change it."""
    from export.options import ExportOptions
    from export.pipeline import export_bundle

    output = tmp_path_factory.mktemp("bundles") / "quantized"
    precisions = ("fp32", "fp16", "fp16a", "int8", "w8", "w8d", "w8a16")
    options = ExportOptions(
        preset="srrescycgan-mobile", targets=("onnx", "tflite"), precisions=precisions, tile_size=(64, 64)
    )
    return export_bundle(options, output, cache_dir=cache_dir).bundle


@pytest.fixture(params=["mobile_bundle", "projection_bundle"])
def any_bundle(request: pytest.FixtureRequest) -> Bundle:
    """Each of the two bundles in turn."""
    bundle: Bundle = request.getfixturevalue(request.param)
    return bundle


@pytest.fixture
def bundle_copy(mobile_bundle: Bundle, tmp_path: Path) -> Bundle:
    """A private copy of the mobile bundle, to damage."""
    shutil.copytree(mobile_bundle.root, tmp_path / "bundle")
    return open_bundle(tmp_path / "bundle")


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process: arguments -> exit code, stdout, stderr."""
    import edgesr

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["edgesr", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_info:
            edgesr.main()
        captured = capsys.readouterr()
        code = exit_info.value.code
        return code if isinstance(code, int) else 1, captured.out, captured.err

    return run
