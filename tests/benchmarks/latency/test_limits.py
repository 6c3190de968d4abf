"""The machine's limits, signs of an unsteady machine, and pinned cores."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.latency.call import LATENCY, Latency, Round, join_rounds
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.latency.stability import instability
from edgesr.benchmarks.machine.environment import core_mhz
from edgesr.benchmarks.machine.limits import (
    LIMITS,
    LimitsSettings,
    MachineLimits,
    blas_environment,
    highest,
    intensity_flop_per_byte,
    measure_limits,
)
from edgesr.benchmarks.state.record import DeviceState
from edgesr.benchmarks.worker import run_job
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError


def latency(*p50: float, steady: bool = True, mhz: float | None = None) -> Latency:
    """Made-up rounds of three equal calls."""
    return join_rounds(
        [
            Round(
                size=(8, 8),
                gmac=1.0,
                load_ms=1.0,
                first_call_ms=1.0,
                warmup_calls=6,
                steady=steady,
                samples_ms=(one, one, one),
                peak_rss_mb=1.0,
                pinned_cores=(),
                core_mhz=mhz and mhz * (place + 1),
            )
            for place, one in enumerate(p50)
        ]
    )


def test_limits_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock of half a second a look, a product and a copy take half a second each."""
    monkeypatch.setattr("edgesr.benchmarks.machine.limits._COPY_BYTES", 8_000_000)
    for name, value in blas_environment(2).items():
        monkeypatch.setenv(name, value)
    ticks = itertools.count(0, 0.5)
    limits = measure_limits(2, clock=lambda: next(ticks))
    assert limits.threads == 2
    assert limits.sgemm_gflops == pytest.approx(2 * 1024**3 / 0.5 / 1e9)
    assert limits.bandwidth_gb_per_s == pytest.approx(0.032)


def test_blas_of_another_thread_count_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in blas_environment(2).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(EdgesrError, match="another count for BLAS"):
        measure_limits(1)
    assert run_job(LIMITS.job(LimitsSettings())).status == "error"


def test_device_starts_blas_with_the_threads_of_the_row() -> None:
    outcome, limits = LIMITS.answer(HostDevice().run(LIMITS.job(LimitsSettings(), threads=2)))
    assert outcome.status == "done", outcome.reason
    assert limits is not None
    assert limits.threads == 2
    assert min(limits.sgemm_gflops, limits.bandwidth_gb_per_s) > 0


def test_highest_limits_of_several_rounds() -> None:
    rounds = [
        MachineLimits(threads=1, sgemm_gflops=50.0, bandwidth_gb_per_s=9.0),
        MachineLimits(threads=1, sgemm_gflops=40.0, bandwidth_gb_per_s=12.0),
    ]
    assert highest(rounds) == MachineLimits(threads=1, sgemm_gflops=50.0, bandwidth_gb_per_s=12.0)


def test_intensity_counts_the_file_and_both_images_once(mobile_bundle: Bundle) -> None:
    artifact = mobile_bundle.artifact("onnx-fp32-tile")
    moved = artifact.file.size_bytes + 3 * 4 * 64 * 64 * (1 + 16)
    flop = 2 * artifact.mac_per_hr_pixel * 256 * 256
    assert intensity_flop_per_byte(artifact, (64, 64), scale=4) == pytest.approx(flop / moved)


def test_a_steady_machine_has_no_warnings() -> None:
    assert instability({"a": latency(10, 10.5, 10.2, mhz=None)}) == ()


def test_the_state_of_the_device_warns_beside_the_rounds() -> None:
    state = DeviceState(supply="battery")
    measured = replace(latency(10, 10, 10, steady=False), state=state)
    assert instability({"a": measured, "b": latency(10, 10, 10)}) == (
        "the device ran on its battery",
        "a: not steady when warm-up ended",
    )


@pytest.mark.parametrize(
    ("measured", "sentences"),
    [
        (latency(10.3, 10, 11.1), ["a: p50 of the rounds spreads over 11%"]),
        (latency(10.8, 10, 10), ["the first round was 8% slower than the later ones"]),
        (latency(10), ["a: a single round: its intervals are of that process alone, and say nothing of a repeat"]),
        (latency(10, 10, steady=False), ["a: not steady when warm-up ended"]),
        (latency(10, 10, mhz=1000.0), ["a: core clocks of the rounds spread over 67%"]),
    ],
)
def test_warnings_of_rounds(measured: Latency, sentences: list[str]) -> None:
    assert list(instability({"a": measured})) == sentences


def test_the_clock_is_read_where_the_system_tells(tmp_path: Path) -> None:
    for core, khz in enumerate(("1500000", "<unknown>", "2400000")):
        clock = tmp_path / f"cpu{core}" / "cpufreq"
        clock.mkdir(parents=True)
        (clock / "scaling_cur_freq").write_text(f"{khz}\n")
    assert core_mhz(tmp_path) == 2400
    assert core_mhz(tmp_path / "none") is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot pin processes")
@pytest.mark.parametrize("pin", [True, False])
def test_pinned_worker_records_its_cores(pin: bool, mobile_bundle: Bundle) -> None:
    settings = LatencySettings(calls=1, seconds=0.0, warmup_seconds=0.0, pin=pin)
    job = LATENCY.job(settings, bundle=mobile_bundle, artifact="onnx-fp32-tile", runtime="ort")
    _, measured = LATENCY.answer(HostDevice().run(job))
    assert measured is not None
    assert len(measured.pinned_cores) == int(pin)
    assert set(measured.pinned_cores) <= os.sched_getaffinity(0)
