"""A runtime that fails to tell what runs a file's operators costs nothing that was measured before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

import numpy as np
import pytest

from edgesr.benchmarks.latency.call import measure_latency
from edgesr.benchmarks.latency.operators import measure_profile
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.parity.check import check_parity
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.operator_profile import Execution
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import Upscaler

ARTIFACT = "onnx-fp32-tile"
FAILED = f"{ARTIFACT}: ONNX Runtime failed while it was profiled: "
UNKNOWN = "what runs its operators is not known: "
FAST = LatencySettings(calls=1, seconds=0, warmup_seconds=0)

FAILURES = [
    (RuntimeError("no events\nand more lines"), f"{FAILED}no events"),
    (OSError("no space left"), f"{FAILED}no space left"),
    (EdgesrError("it did not record all calls"), "it did not record all calls"),
]


@pytest.fixture(params=FAILURES, ids=["runtime", "disk", "edgesr"])
def message(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The message about the failure that profiling ends with in this test."""
    error, text = request.param

    def fail(*_: object, **_settings: object) -> NoReturn:
        raise error

    monkeypatch.setitem(RUNTIMES, "ort", replace(RUNTIMES["ort"], profile=fail, execution=fail))
    return str(text)


def parity_execution(bundle: Bundle) -> Execution | None:
    found = check_parity(bundle, bundle.artifact(ARTIFACT), runtime="ort", threads=1, provider="cpu")
    assert found.goldens and not any(golden.failures for golden in found.goldens)
    return found.execution


def latency_execution(bundle: Bundle) -> Execution | None:
    found = measure_latency(bundle, bundle.artifact(ARTIFACT), runtime="ort", threads=1, settings=FAST, provider="cpu")
    assert len(found.samples_ms) == 1
    return found.execution


@pytest.mark.parametrize("measure", [parity_execution, latency_execution])
def test_what_was_measured_stays(
    mobile_bundle: Bundle, message: str, measure: Callable[[Bundle], Execution | None]
) -> None:
    found = measure(mobile_bundle)
    assert found == Execution(parts=(), warning=UNKNOWN + message)
    assert found.main is None
    assert found.described == f"warning: {UNKNOWN}{message}"


def test_upscaling_goes_on_and_tells_it(mobile_bundle: Bundle, message: str) -> None:
    told: list[str] = []
    options = UpscaleOptions(provider="cpu", tile_size=(48, 48), artifact_id=ARTIFACT)
    upscaler = Upscaler(mobile_bundle, options, progress=lambda event: told.append(event.note))
    assert upscaler.array(np.full((60, 60, 3), 90, np.uint8)).shape == (240, 240, 3)
    assert f"{ARTIFACT}: warning: {UNKNOWN}{message}" in told


def test_a_profile_is_refused_in_one_line(mobile_bundle: Bundle, message: str) -> None:
    with pytest.raises(EdgesrError) as caught:
        measure_profile(mobile_bundle, mobile_bundle.artifact(ARTIFACT), runtime="ort", threads=1, calls=1)
    assert str(caught.value) == message
