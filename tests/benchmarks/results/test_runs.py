"""The measurements of commands for Python callers: one function each, with options that check themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgesr.benchmarks.devices.registry import list_devices
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.runs.bench import run_bench, run_photograph
from edgesr.benchmarks.runs.compare import compare_files
from edgesr.benchmarks.runs.options import (
    BenchOptions,
    CompareOptions,
    ParityOptions,
    PhotographOptions,
    ProfileOptions,
)
from edgesr.benchmarks.runs.parity import run_parity
from edgesr.benchmarks.runs.profile import run_profile
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from tests.benchmarks.devices.toy_device import ToyDevice
from tests.helpers.made_up_latency import MadeUpDevice

TILE = "onnx-fp32-tile"


def test_bench_and_its_comparison(mobile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = MadeUpDevice(onnx_fp32_tile=[10, 10, 12, 12])
    monkeypatch.setattr("edgesr.benchmarks.devices.host.HostDevice", lambda: device)
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    write_json(run_bench(mobile_bundle, BenchOptions(artifact=TILE, runtime="ort", rounds=2)), old)
    with pytest.raises(InputError, match=r"settings\.pin was False, is True"):
        run_bench(mobile_bundle, BenchOptions(artifact=TILE, runtime="ort", rounds=2, pin=True, against=old))
    write_json(run_bench(mobile_bundle, BenchOptions(artifact=TILE, runtime="ort", rounds=2, against=old)), new)
    assert [change.ratio for change in compare_files(old, new).changes] == [pytest.approx(1.2)]
    assert compare_files(old, new, CompareOptions(limit=10.0)).passed


def test_parity_and_profile_of_one_artifact(mobile_bundle: Bundle) -> None:
    (checked,) = run_parity(mobile_bundle, ParityOptions(artifact=TILE, runtime="ort")).results
    assert (checked.key.artifact, checked.key.runtime) == (TILE, "ort")
    (row,) = run_profile(mobile_bundle, ProfileOptions(artifact=TILE, runtime="ort", calls=1)).results
    assert row.profile is not None
    assert row.profile.calls == 1


def test_time_is_not_measured_on_emulated_devices(mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgesr.benchmarks.devices.registry.open_devices", lambda *_, **__: [ToyDevice()])
    with pytest.raises(InputError, match="the time of emulated devices is not real"):
        run_photograph(mobile_bundle, PhotographOptions(size=(90, 90)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (lambda: BenchOptions(threads=()), "threads is empty"),
        (lambda: BenchOptions(threads=(1, 0)), "threads is 0: need 1 to"),
        (lambda: BenchOptions(rounds=0), "rounds is 0: need at least 1"),
        (lambda: BenchOptions(calls=0), "calls is 0: need at least 1"),
        (lambda: BenchOptions(seconds=-1.0), "seconds is -1.0: give"),
        (lambda: PhotographOptions(size=(9, 9), threads=(0,)), "threads is 0"),
        (lambda: ProfileOptions(calls=0), "calls is 0: need at least 1"),
        (lambda: ProfileOptions(threads=0), "threads is 0"),
    ],
)
def test_options_check_themselves(options: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        options()


def test_mlperf_raises_what_a_round_measures() -> None:
    few, many = BenchOptions(mlperf=True), BenchOptions(mlperf=True, rounds=2, calls=600, seconds=40.0)
    assert (few.settings.calls, few.settings.seconds, few.settings.mlperf) == (205, 12.0, True)
    assert (many.settings.calls, many.settings.seconds) == (600, 40.0)


def test_devices_without_a_guest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    host, *others = list_devices().devices
    assert (host.name, host.missing, host.set_up) == ("host", None, None)
    assert {one.set_up for one in others} == {"edgesr devices setup arm64", "edgesr devices setup browser"}
