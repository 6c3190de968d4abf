"""edgesr sends nothing, writes nothing but what it says, and switches off what its packages would."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from edgesr.benchmarks.devices.arm64.cpus import CPUS
from edgesr.benchmarks.devices.arm64.guest import Guest
from edgesr.benchmarks.devices.emulated_x86 import EmulatedX86Device
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.telemetry import TELEMETRY_OFF, absent_module
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint
from tests.helpers.arm64.host_guest import RECORD
from tests.helpers.places import PHOTOGRAPHS


@pytest.fixture
def untouched(tmp_path: Path) -> dict[str, str]:
    """The environment of a user whose home, temporary and working folders are empty; no telemetry is switched off."""
    kept = ("PATH", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    for name, folder in (("HOME", "home"), ("TMPDIR", "temporary")):
        (tmp_path / folder).mkdir()
        environment[name] = str(tmp_path / folder)
    (tmp_path / "work").mkdir()
    return environment


def run(command: list[object], environment: Mapping[str, str], folder: Path) -> None:
    done = subprocess.run(
        [str(word) for word in command], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def written(tmp_path: Path) -> list[str]:
    """Every file and folder below home, temporary and working folder."""
    folders = [tmp_path / name for name in ("home", "temporary", "work")]
    return sorted(str(p.relative_to(tmp_path)) for folder in folders for p in folder.rglob("*"))


@pytest.mark.slow
def test_parity_writes_its_results_alone(mobile_bundle: Bundle, untouched: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgesr", "parity", mobile_bundle.root, "--json", "parity.json"]
    run(command, untouched, tmp_path / "work")
    assert written(tmp_path) == ["work/parity.json"]


@pytest.mark.slow
def test_upscaling_and_the_report_write_their_outputs_alone(
    mobile_bundle: Bundle, untouched: dict[str, str], tmp_path: Path
) -> None:
    photograph = PHOTOGRAPHS / "cameraman.png"
    edgesr = [sys.executable, "-m", "edgesr"]
    run([*edgesr, "upscale", photograph, "out.png", "--bundle", mobile_bundle.root], untouched, tmp_path / "work")
    run([*edgesr, "report", mobile_bundle.root, "--output", "report.html"], untouched, tmp_path / "work")
    assert written(tmp_path) == ["work/out.png", "work/report.html"]


@pytest.mark.slow
def test_an_export_leaves_no_trace_of_telemetry(untouched: dict[str, str], tmp_path: Path) -> None:
    """With int8, which goes through every converter. Keras, Matplotlib and PyTorch have settings and caches at home."""
    options = ["--precision", "fp32,int8", "--tile-size", "32x32", "--output", "bundle", "--cache-dir", "cache"]
    source = ["--checkpoint", embedded_checkpoint("srrescycgan-mobile")]
    run([sys.executable, "-m", "edgesr", "export", *source, *options], untouched, tmp_path / "work")
    names = written(tmp_path)
    assert {"work/bundle/manifest.json", "work/cache/lock"} <= set(names)
    traces = ("icrosoft", "onnxruntime", ".ses", ".db")
    assert [name for name in names if any(trace in name for trace in traces)] == []
    assert {Path(name).parts[1] for name in names if name.startswith("home/")} <= {".keras", ".config", ".cache"}


def test_every_child_process_gets_the_switches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in TELEMETRY_OFF:
        monkeypatch.delenv(name, raising=False)
    seen: list[Mapping[str, str]] = []

    def ran(_job: Job, _command: object, *, environment: Mapping[str, str], timeout_seconds: float) -> Outcome:
        seen.append(environment)
        return Outcome(status="crashed", reason=None, result=None)

    monkeypatch.setattr("edgesr.benchmarks.devices.host.run_worker", ran)
    monkeypatch.setattr("edgesr.benchmarks.devices.emulated_x86.run_worker", ran)
    job = Job(kind="parity", bundle="", artifact="", runtime="", threads=1)
    guest = Guest(tmp_path, RECORD)
    HostDevice().run(job)
    EmulatedX86Device(guest).run(job)
    seen.append(guest.command(next(iter(CPUS.values())), python_path=tmp_path).environment)

    def converted(*_: object, environment: Mapping[str, str], **__: object) -> subprocess.CompletedProcess[str]:
        seen.append(environment)
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr("edgesr.export.subprocesses.ended_process", converted)
    run_converter("edgesr.export.conversions.to_tflite", [], folder=tmp_path, result=Path(__file__), what="")
    assert len(seen) == 4
    for environment in seen:
        assert {name: environment.get(name) for name in TELEMETRY_OFF} == TELEMETRY_OFF


def test_a_module_is_absent_until_the_last_thread_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small_telemetry.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def imported(seconds: float) -> None:
        with absent_module("small_telemetry", package="small_package"):
            time.sleep(seconds)
            with pytest.raises(ImportError):
                importlib.import_module("small_telemetry")

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(imported, (0.05, 0.2)))
    assert "small_telemetry" not in sys.modules


def test_a_module_that_the_user_has_imported_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ModuleType("small_telemetry")
    monkeypatch.setitem(sys.modules, "small_telemetry", own)
    with absent_module("small_telemetry", package="small_package"), pytest.raises(ImportError):
        importlib.import_module("small_telemetry")
    assert sys.modules["small_telemetry"] is own
    with absent_module("small_telemetry", package="sys"):
        assert importlib.import_module("small_telemetry") is own, "the package is there already"


@pytest.mark.parametrize(
    "module",
    [
        "edgesr.runtimes.adapters.ort; edgesr.runtimes.adapters.ort.load()",
        "edgesr.export.conversions.simplify",
        "edgesr.export.quantization.quantize_onnx",
        "edgesr.export.quantization.float16",
    ],
)
def test_the_switches_are_set_before_the_package_is_imported(module: str) -> None:
    program = f"""
import os, sys, importlib.abc
class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "onnxruntime":
            print(os.environ.get("ORT_DISABLE_TELEMETRY"))
        return None
sys.meta_path.insert(0, Watch())
import {module}
"""
    environment = {name: value for name, value in os.environ.items() if name not in TELEMETRY_OFF}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1"]
