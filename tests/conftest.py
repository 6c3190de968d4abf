"""Fixtures that the tests share: exported bundles, result files and training runs are made once a session."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from tests.helpers.light_install.absent import LightInstall
from tests.helpers.places import SHARED

if TYPE_CHECKING:
    from edgesr.benchmarks.report.data import ReportFiles
    from edgesr.sr_model.training.run.inputs import TrainInputs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--light", action="store_true", help="leave out the tests that need the full install")


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts a job in the background with Ctrl-C ignored, and tests send it to themselves and to their programs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("light"):
        config.pluginmanager.register(LightInstall(), "light install")


@pytest.fixture(autouse=True)
def _one_name_for_each_module() -> Iterator[None]:
    """No test imports a module of ours a second time, by the name of its folder in the checkout."""
    yield
    twice = {"benchmarks", "export", "runtimes", "sr_model"} & sys.modules.keys()
    assert not twice, f"import them as edgesr.{min(twice)}"


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    """Make the numbers that PyTorch draws in a test independent of the tests that its process ran before."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test images and published weights next to the clone; tests that need it skip without it."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the test images and weights of {SHARED.name}/ beside the clone")
    return SHARED


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One conversion cache for the whole session, of all its processes."""
    base = tmp_path_factory.getbasetemp()
    cache = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    cache.mkdir(exist_ok=True)
    return cache


@pytest.fixture(scope="session")
def mobile_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path, pytestconfig: pytest.Config) -> Bundle:
    """The embedded srrescycgan-mobile (no projection) in float32, tiles of 64x64. Do not change it.

    In all targets but ExecuTorch, which has bundles of its own: its runtime takes seconds to import, in each process.
    With `--light` it is the packed bundle, which has ONNX and TFLite files.
    """
    output = tmp_path_factory.mktemp("bundles") / "mobile"
    if pytestconfig.getoption("light"):
        from tests.helpers.light_install.bundle import write_light_bundle

        return write_light_bundle(output, precisions=("fp32",))
    return _mobile(output, cache_dir, targets=_without_executorch())


@pytest.fixture(scope="session")
def projection_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """A small seeded generator of the published form, with projection, tiles of 32x32. Do not change it."""
    return _projection(tmp_path_factory.mktemp("bundles") / "projection", cache_dir, targets=_without_executorch())


@pytest.fixture(scope="session")
def executorch_mobile_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """As `mobile_bundle`, in ExecuTorch and ONNX alone."""
    output = tmp_path_factory.mktemp("bundles") / "executorch"
    return _mobile(output, cache_dir, targets=("onnx", "executorch"))


@pytest.fixture(scope="session")
def executorch_projection_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """As `projection_bundle`, in ExecuTorch and ONNX alone."""
    output = tmp_path_factory.mktemp("bundles") / "executorch-projection"
    return _projection(output, cache_dir, targets=("onnx", "executorch"))


def _without_executorch() -> tuple[str, ...]:
    from edgesr.export.formats.targets import TARGETS

    return tuple(name for name in TARGETS if name != "executorch")


def _mobile(output: Path, cache_dir: Path, *, targets: tuple[str, ...]) -> Bundle:
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import export_bundle

    options = ExportOptions(preset="srrescycgan-mobile", targets=targets, tile_size=(64, 64))
    return export_bundle(options, output, cache_dir=cache_dir).bundle


def _projection(output: Path, cache_dir: Path, *, targets: tuple[str, ...]) -> Bundle:
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import export_bundle
    from tests.helpers.small_generator import save_projected_generator

    checkpoint = save_projected_generator(output.parent)
    options = ExportOptions(checkpoint=checkpoint, targets=targets, tile_size=(32, 32))
    return export_bundle(options, output, cache_dir=cache_dir).bundle


@pytest.fixture(scope="session")
def published_int8_bundle(shared: Path, tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """The published weights, tile graphs of 64x64 in float32 and mixed int8 (two minutes: for slow tests)."""
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import export_bundle

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
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import export_bundle

    output = tmp_path_factory.mktemp("bundles") / "quantized"
    precisions = ("fp32", "fp16", "fp16a", "int8", "w8", "w8d", "w8a16")
    options = ExportOptions(
        preset="srrescycgan-mobile", targets=("onnx", "tflite"), precisions=precisions, tile_size=(64, 64)
    )
    return export_bundle(options, output, cache_dir=cache_dir).bundle


@pytest.fixture(scope="session")
def report_files(mobile_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    """Parity, latency and operators of two ONNX artifacts of the mobile bundle. Do not change them."""
    from edgesr.benchmarks.devices.host import HostDevice
    from edgesr.benchmarks.latency.profiles import profile_artifacts
    from edgesr.benchmarks.latency.results import run_latency
    from edgesr.benchmarks.latency.settings import LatencySettings, ProfileSettings
    from edgesr.benchmarks.parity.on_devices import check_on_devices
    from edgesr.benchmarks.report.data import ReportFiles
    from edgesr.benchmarks.results.rows import select_artifacts
    from edgesr.benchmarks.results.writing import write_json

    folder, device = tmp_path_factory.mktemp("results"), HostDevice()
    chosen = select_artifacts(mobile_bundle, runtime="ort")[:2]
    quick = LatencySettings(calls=3, seconds=0.0, warmup_seconds=0.1)
    latency = run_latency(mobile_bundle, device, artifacts=chosen, threads=[1], settings=quick, rounds=2)
    files = ReportFiles(parity=folder / "parity.json", latency=folder / "latency.json", profile=folder / "profile.json")
    write_json(check_on_devices(mobile_bundle, [device], artifacts=chosen), files.parity)
    write_json(latency, files.latency)
    write_json(
        profile_artifacts(mobile_bundle, device, artifacts=chosen, threads=1, settings=ProfileSettings(calls=2)),
        files.profile,
    )
    return files


@pytest.fixture
def train_inputs(tmp_path: Path) -> TrainInputs:
    """A folder of its own with two photographs."""
    from tests.helpers.training_runs import make_inputs

    return make_inputs(tmp_path / "photographs")


@pytest.fixture(scope="session")
def whole_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of uninterrupted training runs, "l1" or "gan", made once. Do not change them."""
    from edgesr.sr_model.training.config import TrainConfig
    from edgesr.sr_model.training.train import train
    from tests.helpers.training_runs import SETTINGS, make_inputs

    root = tmp_path_factory.mktemp("whole")
    inputs = make_inputs(root / "photographs")

    @functools.cache
    def run(phase: str) -> Path:
        train(inputs, root / phase, TrainConfig(**SETTINGS[phase]))
        return root / phase

    return run


@pytest.fixture(params=["mobile_bundle", "projection_bundle"])
def any_bundle(request: pytest.FixtureRequest) -> Bundle:
    """Each of the two bundles in turn, with files of the runtime that a test names."""
    from tests.helpers.whole_runs import fixture_for

    bundle: Bundle = request.getfixturevalue(fixture_for(request.param, request))
    return bundle


@pytest.fixture
def bundle_copy(mobile_bundle: Bundle, tmp_path: Path) -> Bundle:
    """A private copy of the mobile bundle, to damage."""
    shutil.copytree(mobile_bundle.root, tmp_path / "bundle")
    return open_bundle(tmp_path / "bundle")


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process: arguments -> exit code, stdout, stderr."""
    from edgesr.cli.main import main

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["edgesr", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_info:
            main()
        captured = capsys.readouterr()
        code = exit_info.value.code
        return code if isinstance(code, int) else 1, captured.out, captured.err

    return run
