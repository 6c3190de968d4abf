"""Jobs on a browser that crashes, hangs or lacks something: each costs its row, and nothing of it is left."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgesr.benchmarks.browser_worker import run_in_page
from edgesr.benchmarks.devices.browser import page as page_module
from edgesr.benchmarks.devices.browser.built import installed_app
from edgesr.benchmarks.devices.browser.channel import Patience
from edgesr.benchmarks.devices.browser.device import BrowserDevice, open_browser
from edgesr.benchmarks.devices.browser.engine import ENGINES, WASM
from edgesr.benchmarks.devices.browser.framing import packed
from edgesr.benchmarks.devices.browser.page import Page
from edgesr.benchmarks.devices.registry import open_devices
from edgesr.benchmarks.devices.worker_process import parsed_outcome
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.latency.call import LATENCY
from edgesr.benchmarks.latency.end_to_end import END_TO_END
from edgesr.benchmarks.latency.settings import EndToEndSettings, LatencySettings
from edgesr.benchmarks.parity.check import PARITY
from edgesr.benchmarks.parity.kept_images import ImageFolders
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.json_records import to_json
from tests.helpers.browser.fake_page import FakePage
from tests.helpers.browser.made_up_app import PACKAGES, make_app, put_program
from tests.helpers.places import RELEASED_BUNDLE

VERSION = 'case "$*" in *--version*) echo Chromium 156.0.1; exit;; esac'
HAS_ALL = {"simd": True, "threads": True, "webgpu": None}


def bundle() -> Bundle:
    return open_bundle(RELEASED_BUNDLE)


def parity_job(bundle: Bundle, artifact: str = "onnx-fp32-tile", runtime: str = "ort") -> Job:
    return PARITY.job(ImageFolders(), bundle=bundle, artifact=artifact, runtime=runtime)


def device(monkeypatch: pytest.MonkeyPatch, folder: Path, chromium: str, timeout: float = 60) -> BrowserDevice:
    put_program(monkeypatch, folder / "bin", "chromium", f"{VERSION}\n{chromium}")
    return BrowserDevice(WASM, installed_app(make_app(folder / "app")), "156.0.1", timeout_seconds=timeout)


def test_chromium_that_crashes_costs_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = device(monkeypatch, tmp_path, "echo 'no display' >&2; exit 9").run(parity_job(bundle()))
    assert (outcome.status, outcome.reason) == ("crashed", "Chromium: exit code 9: no display")


def test_a_worker_that_is_too_late_leaves_no_chromium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = device(monkeypatch, tmp_path, f"echo $$ > {tmp_path}/pid; exec sh -c 'sleep 600; :' \"$@\"", timeout=4)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outcome = hanging.run(parity_job(bundle()))
    assert outcome.status == "timeout"
    left = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/cmdline")
    assert not left.exists() or left.read_bytes() == b""  # none, or one that nobody has waited for yet
    assert list(tmp_path.glob("edgesr-*")) == []


def test_only_what_a_browser_can_do_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = device(monkeypatch, tmp_path, "exit 1")
    photograph = END_TO_END.job(EndToEndSettings(size=(90, 90)), bundle=bundle(), artifact="onnx-fp32-tile")
    assert here.run(photograph).status == "not run"
    on_cpu = BrowserDevice(ENGINES["browser:webgpu-software"], here.app, here.chromium)
    outcome = on_cpu.run(LATENCY.job(LatencySettings(), bundle=bundle(), artifact="onnx-fp32-tile"))
    assert (outcome.status, "says nothing about the time" in str(outcome.reason)) == ("not run", True)


def test_what_is_missing_is_told_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MissingPackageError, match="not set up: edgesr devices setup browser"):
        open_devices("browser")
    make_app(tmp_path / "edgesr" / "browser")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingPackageError, match=r"PATH has none of chromium, .*: apt install chromium"):
        open_devices("browser")
    put_program(monkeypatch, tmp_path / "bin", "chromium", "echo 'no version' >&2; exit 1")
    with pytest.raises(InputError, match="does not run: exit code 1: no version"):
        open_devices("browser")
    with pytest.raises(InputError, match="unknown device 'browser:firefox': choose from host"):
        open_devices("browser:firefox")
    (tmp_path / "edgesr" / "browser" / "site" / "app.js").write_text("changed")
    with pytest.raises(MissingPackageError, match="incomplete or changed: edgesr devices setup browser"):
        open_browser("browser")


def as_told(outcome: Outcome) -> Outcome:
    """As the file of a worker tells it."""
    return parsed_outcome(to_json(outcome).encode())


class _Process:
    """In place of Chromium."""

    def why_ended(self) -> None:
        return None

    def peak_rss_bytes(self) -> int:
        return 123_000_000


def page_of(
    monkeypatch: pytest.MonkeyPatch, folder: Path, features: dict[str, Any], run: Any, patience: Patience | None = None
) -> tuple[Page, list[FakePage]]:
    """A page whose browser is a thread here; ``run`` answers the questions to run."""
    pages: list[FakePage] = []

    def answer(question: dict[str, Any], payload: bytes) -> bytes | None:
        told = {"features": features, "open": {"session": 0, "ms": 41.0}}.get(question["do"])
        return run(question, payload) if told is None else packed({"id": question["id"], **told})

    @contextmanager
    def running(program: Path, url: str, *, folder: Path, options: Sequence[str]) -> Iterator[_Process]:
        pages.append(FakePage(url))
        threading.Thread(target=pages[-1].live, args=(answer,), daemon=True).start()
        yield _Process()

    monkeypatch.setattr(page_module, "running_chromium", running)
    monkeypatch.setattr(page_module, "require_chromium", lambda: Path("chromium"))
    return Page(app=folder, folder=folder, engine=WASM, patience=patience or Patience()), pages


def upscaled(question: dict[str, Any], payload: bytes) -> bytes:
    """A residual of zeros, that took 2.5 ms."""
    batch, channels, height, width = question["shape"]
    shape = [batch, channels, 4 * height, 4 * width]
    output = np.zeros(shape, "<f4").tobytes() if question["output"] else b""
    return packed({"id": question["id"], "ms": 2.5, "shape": shape}, output)


def test_time_and_memory_are_what_the_page_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, pages = page_of(monkeypatch, tmp_path, HAS_ALL, upscaled)
    settings = LatencySettings(calls=3, seconds=0)
    job = LATENCY.job(settings, bundle=bundle(), artifact="onnx-fp32-tile", runtime="ort", threads=2)
    outcome, measured = LATENCY.answer(as_told(run_in_page(job, page, PACKAGES)))
    assert measured is not None, outcome.reason
    assert (measured.load_ms, measured.first_call_ms, measured.samples_ms) == (41.0, 2.5, (2.5, 2.5, 2.5))
    assert (measured.peak_rss_mb, measured.state and measured.state.own_share) == (123.0, None)
    opened = next(one for one in pages[0].asked if one["do"] == "open")
    assert (opened["runtime"], opened["backend"], opened["threads"]) == ("onnxruntime-web", "wasm", 2)
    assert RUNTIMES["ort"].distribution == "onnxruntime"


def test_a_page_without_what_it_takes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for features, why in (({**HAS_ALL, "simd": False}, "no SIMD"), ({**HAS_ALL, "threads": False}, "no threads")):
        page, _ = page_of(monkeypatch, tmp_path, features, upscaled)
        outcome = run_in_page(parity_job(bundle()), page, PACKAGES)
        assert (outcome.status, why in str(outcome.reason)) == ("not run", True)


def test_a_page_that_hangs_or_refuses_costs_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience(answer_seconds=0.5)
    page, _ = page_of(monkeypatch, tmp_path, HAS_ALL, lambda *_: None, patience)
    outcome = run_in_page(parity_job(bundle()), page, PACKAGES)
    assert (outcome.status, outcome.reason) == ("timeout", "the page gave no answer in 0.5 s")
    page, _ = page_of(
        monkeypatch, tmp_path, HAS_ALL, lambda question, _: packed({"id": question["id"], "error": "out of memory"})
    )
    outcome = run_in_page(parity_job(bundle()), page, PACKAGES)
    assert (outcome.status, "runtime failed on an input of" in str(outcome.reason)) == ("error", True)
    assert "out of memory" in str(outcome.reason)


def test_goldens_of_other_sizes_are_left_out_where_a_build_sets_none(
    mobile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_nhwc(question: dict[str, Any], payload: bytes) -> bytes:
        batch, height, width, channels = question["shape"]
        shape = [batch, 4 * height, 4 * width, channels]
        return packed({"id": question["id"], "ms": 1.0, "shape": shape}, np.zeros(shape, "<f4").tobytes())

    page, pages = page_of(monkeypatch, tmp_path, HAS_ALL, in_nhwc)
    job = parity_job(mobile_bundle, "tflite-fp32-tile-64x64", "tflite")
    _, parity = PARITY.answer(as_told(run_in_page(job, page, PACKAGES)))
    assert parity is not None
    ids = [golden.id for golden in mobile_bundle.manifest.goldens]
    fixed = [golden.id for golden in mobile_bundle.manifest.goldens if golden.size == (64, 64)]
    assert [one.golden for one in parity.goldens] == fixed and len(fixed) == 3
    assert list(parity.not_run) == [one for one in ids if one not in fixed] and len(parity.not_run) == 3
    assert all(one["shape"] == [1, 64, 64, 3] for one in pages[0].asked if one["do"] == "run")
