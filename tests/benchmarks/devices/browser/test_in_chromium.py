"""Goldens in a real Chromium, by the real builds: parity, time, and what is left when the page crashes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.devices.browser.channel import PageEndedError, Patience
from edgesr.benchmarks.devices.browser.chromium import descendants
from edgesr.benchmarks.devices.browser.engine import ENGINES, WASM
from edgesr.benchmarks.devices.browser.page import Page, open_in_page
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.devices.registry import open_devices
from edgesr.benchmarks.latency.call import LATENCY
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.parity.on_devices import check_on_devices
from edgesr.benchmarks.parity.results import check_artifact
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.runs.web import write_web
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.interface.runtime import RunSettings
from edgesr.runtimes.web.site import LARGEST_FIRST_LOAD_BYTES
from edgesr.runtimes.web.web_runtimes import WEB_RUNTIMES
from tests.helpers.browser.needs import require_browser
from tests.helpers.places import RELEASED_BUNDLE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def app() -> Path:
    return require_browser().folder


def test_every_precision_is_right_and_int8_is_as_on_the_host(quantized_bundle: Bundle) -> None:
    """fp32, fp16 and int8, tile and full graphs, both runtimes: as PyTorch, and int8 as exact arithmetic has it."""
    builds = {one.runtime: one for one in WEB_RUNTIMES}
    chosen = [
        (artifact, runtime)
        for artifact, runtime in select_artifacts(quantized_bundle)
        if runtime in builds and artifact.precision in ("fp32", "fp16", "int8")
    ]
    assert len(chosen) == 12
    results = check_on_devices(quantized_bundle, [HostDevice(), *open_devices("browser")], artifacts=chosen)
    rows = [one for one in results.results if one.key.device == "browser"]
    assert [(one.key.artifact, one.reason) for one in rows if not one.passed] == []
    for row in rows:
        assert row.parity is not None and len(row.parity.goldens) >= 3
        int8 = "int8" in row.key.artifact
        assert all((one.exact_psnr_db is not None) == int8 for one in row.parity.goldens)
        assert row.parity.lacks_exact is False
    differences = {one.artifact: one.max_difference for one in results.differences}
    assert len(differences) == 12
    assert all(difference is not None for difference in differences.values())
    assert all(difference < 0.01 for name, difference in differences.items() if difference and "int8" not in name)
    assert results.devices[0].kind == "browser" and set(results.devices[0].packages) == {
        "Chromium",
        *(one.package for one in WEB_RUNTIMES),
    }


@pytest.mark.parametrize(("artifact", "runtime"), [("onnx-int8-tile", "ort"), ("tflite-int8-tile-64x64", "tflite")])
def test_time_and_memory_are_those_of_the_page(artifact: str, runtime: str, quantized_bundle: Bundle) -> None:
    settings = LatencySettings(calls=3, seconds=0, warmup_seconds=0.1)
    job = LATENCY.job(settings, bundle=quantized_bundle, artifact=artifact, runtime=runtime, threads=2)
    outcome, measured = LATENCY.answer(open_devices("browser")[0].run(job))
    assert measured is not None, outcome.reason
    assert len(measured.samples_ms) == 3 and measured.load_ms > measured.samples_ms[-1] > 0
    assert measured.peak_rss_mb > 50


def test_a_page_that_crashes_is_told_and_nothing_of_it_is_left(
    quantized_bundle: Bundle, app: Path, tmp_path: Path
) -> None:
    patience = Patience(silence_seconds=5)
    path = quantized_bundle.model_path(quantized_bundle.artifact("onnx-int8-tile"))
    tile = np.zeros((1, 3, 64, 64), np.float32)
    with Page(app=app, folder=tmp_path, engine=WASM, patience=patience) as page:
        session = open_in_page(page, "onnxruntime-web", path, RunSettings())
        assert session.run(tile).shape == (1, 3, 256, 256)
        started = [pid for pid in descendants(os.getpid()) if Path(f"/proc/{pid}").exists()]
        for pid in started:
            if b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        with pytest.raises(PageEndedError, match="no sign of life"):
            session.run(tile)
    assert [pid for pid in descendants(os.getpid()) if b"chromium" in Path(f"/proc/{pid}/cmdline").read_bytes()] == []


def test_webgpu_computed_by_the_cpu_is_right() -> None:
    """Parity alone: its time means nothing."""
    bundle = open_bundle(RELEASED_BUNDLE)
    (device,) = open_devices("browser:webgpu-software")
    row = check_artifact(bundle, device, bundle.artifact("onnx-fp32-tile"), "ort")
    assert (row.key.device, row.reason, row.passed) == (device.name, None, True)
    assert ENGINES[device.name].untimed is not None


def test_the_first_load_of_the_page_is_small(quantized_bundle: Bundle, tmp_path: Path) -> None:
    made = write_web(quantized_bundle, tmp_path / "site")
    assert made.site.default == "tflite-int8-tile-64x64"
    assert 2_000_000 < made.first_load_gzip_bytes <= LARGEST_FIRST_LOAD_BYTES < made.size_bytes
    onnx = write_web(quantized_bundle, tmp_path / "site", artifact="onnx-fp32-tile")
    assert onnx.first_load_gzip_bytes <= LARGEST_FIRST_LOAD_BYTES
