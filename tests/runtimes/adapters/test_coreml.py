"""The adapter of Core ML where a made-up coremltools computes what the package should: macOS alone has the real one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgesr.benchmarks.parity.check import check_parity
from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.adapters import coreml
from edgesr.runtimes.adapters.profiling import profile_operators
from edgesr.runtimes.adapters.registry import is_usable
from edgesr.runtimes.adapters.session import ImageSession, open_session
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.interface.runtime import RunSettings

TILE = "coreml-fp32-tile-64x64"
UNITS = SimpleNamespace(ALL="all")


@dataclass(frozen=True)
class Model:
    """Answers a package's input by the ONNX file of the same graph."""

    onnx: ImageSession
    unit: str
    inputs: tuple[str, ...] = ("lr",)

    def get_spec(self) -> SimpleNamespace:
        names = [SimpleNamespace(name=name) for name in self.inputs]
        return SimpleNamespace(description=SimpleNamespace(input=names, output=[SimpleNamespace(name="residual")]))

    def predict(self, given: dict[str, FloatArray]) -> dict[str, FloatArray]:
        assert given["lr"].dtype == np.float32
        return {"residual": self.onnx.infer(given["lr"][0])[None]}


@pytest.fixture
def opened(mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A Mac with a coremltools; the packages that it opened, by name and compute unit."""
    found: list[tuple[str, str]] = []
    onnx = open_session(mobile_bundle, mobile_bundle.artifact("onnx-fp32-tile"))

    def model(path: str, *, compute_units: str) -> Model:
        found.append((Path(path).name, compute_units))
        return Model(onnx, compute_units)

    stub = SimpleNamespace(ComputeUnit=UNITS, models=SimpleNamespace(MLModel=model))
    monkeypatch.setitem(sys.modules, "coremltools", stub)
    monkeypatch.setattr(sys, "platform", "darwin")
    return found


def test_parity_runs_a_package(mobile_bundle: Bundle, opened: list[tuple[str, str]]) -> None:
    parity = check_parity(mobile_bundle, mobile_bundle.artifact(TILE), runtime="coreml", threads=1)
    fitting = [golden.id for golden in mobile_bundle.manifest.goldens if golden.size == (64, 64)]
    assert [golden.golden for golden in parity.goldens] == fitting
    assert all(not golden.failures and golden.psnr_db is not None and golden.psnr_db > 95 for golden in parity.goldens)
    assert opened == [(f"{TILE}.mlpackage", "all")]


def test_whole_calls_are_timed(mobile_bundle: Bundle, opened: list[tuple[str, str]]) -> None:
    image = photograph("cat", (64, 64))
    profile = profile_operators(
        mobile_bundle, mobile_bundle.artifact(TILE), image, runtime="coreml", threads=1, calls=2
    )
    assert (profile.calls, profile.operators) == (2, ())
    assert profile.call_ms > 0
    assert profile.why_no_times is not None and "Instruments" in profile.why_no_times


def test_a_package_of_two_inputs_is_refused(mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx = open_session(mobile_bundle, mobile_bundle.artifact("onnx-fp32-tile"))
    two = SimpleNamespace(MLModel=lambda _path, compute_units: Model(onnx, compute_units, ("lr", "mask")))
    monkeypatch.setitem(sys.modules, "coremltools", SimpleNamespace(ComputeUnit=UNITS, models=two))
    with pytest.raises(ValueError, match="it has 2 inputs and 1 output, need one of each"):
        coreml.open(mobile_bundle.model_path(mobile_bundle.artifact(TILE)), RunSettings())


def test_it_is_usable_on_macos_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert not is_usable("coreml")
    assert coreml.RUNTIME.why_not_here == "Core ML runs on macOS alone"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert coreml.RUNTIME.why_not_here is None
    assert is_usable("coreml") is (coreml.RUNTIME.version() is not None)
