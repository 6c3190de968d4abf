"""Rounds of latency: their order, how they join, and the ratio to float32."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.latency.call import join_rounds
from edgesr.benchmarks.latency.results import LatencyResults, run_latency
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.machine.limits import MachineLimits
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.tables.latency import latency_table
from edgesr.benchmarks.tables.not_measured import not_measured
from edgesr.runtimes.bundle.manifest import Artifact, RuntimeUse
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.json_records import decode
from tests.helpers.made_up_latency import MadeUpDevice, timed

QUICK = LatencySettings(calls=3, seconds=0.0, warmup_seconds=0.2)


def preferred(bundle: Bundle) -> list[tuple[Artifact, str]]:
    """Every artifact on its preferred runtime."""
    return [(artifact, artifact.runtimes[0]) for artifact in bundle.manifest.artifacts]


def test_rounds_join_by_hand() -> None:
    joined = join_rounds(
        [
            timed(10, load_ms=8.0, peak_rss_mb=90.0, core_mhz=900.0),
            timed(40, load_ms=2.0, first_call_ms=7.0, steady=False),
            timed(20, load_ms=3.0, first_call_ms=30.0, warmup_calls=9),
        ]
    )
    assert joined.samples_ms == ((9, 10, 11), (39, 40, 41), (19, 20, 21))
    assert joined.rounds_p50_ms == (10, 40, 20)
    assert (joined.p50_ms, joined.ms_per_gmac) == (20, 10)
    assert joined.p90_ms == pytest.approx(40.2)
    assert joined.p99_ms == pytest.approx(40.92)
    assert (joined.load_ms, joined.first_call_ms, joined.peak_rss_mb) == (3, 9, 100)
    assert (joined.warmup_calls, joined.steady, joined.rounds_mhz) == (21, False, (900,))
    assert joined.interval_of == "bench"
    for (low, high), middle in (
        (joined.p50_interval_ms, joined.p50_ms),
        (joined.p90_interval_ms, joined.p90_ms),
        (joined.p99_interval_ms, joined.p99_ms),
    ):
        assert low < middle < high
    assert joined.p50_interval_ms[1] > 40


def test_one_round_speaks_of_its_process_alone() -> None:
    joined = join_rounds([timed(10)])
    assert joined.interval_of == "process"
    assert joined.p50_interval_ms[0] < 10 < joined.p50_interval_ms[1]


def with_quantized(bundle: Bundle) -> Bundle:
    """The same files, with a full graph that says int8 next to the float32 one, and an int8 tile graph in TFLite."""
    full, tile = bundle.artifact("onnx-fp32-full"), bundle.artifact("tflite-fp32-tile-64x64")
    added = (replace(full, id="int8", precision="int8"), replace(tile, id="other", precision="int8"))
    return replace(bundle, manifest=replace(bundle.manifest, artifacts=(full, *added)))


def test_rounds_are_interleaved_and_compared_within_a_round(mobile_bundle: Bundle, tmp_path: Path) -> None:
    """The machine slows down by two, then four: the ratios of the rounds are 0.5, 0.6 and 0.4."""
    bundle = with_quantized(mobile_bundle)
    device = MadeUpDevice(onnx_fp32_full=[100, 200, 400], int8=[50, 120, 160], other=[7, 7, 7])
    notes: list[tuple[int, int]] = []
    results = run_latency(
        bundle,
        device,
        artifacts=preferred(bundle),
        threads=[1],
        settings=QUICK,
        rounds=3,
        progress=lambda event: notes.append((event.done, event.total)),
    )
    assert device.calls == [("onnx-fp32-full", 1), ("int8", 1), ("other", 1)] * 3
    assert notes == [(i, 12) for i in range(13)]
    assert (results.rounds, results.complete) == (3, True)
    assert results.limits == (MachineLimits(threads=1, sgemm_gflops=80.0, bandwidth_gb_per_s=8.0, device="made-up"),)
    fp32, int8, other = results.results
    assert int8.latency is not None
    assert int8.latency.rounds_p50_ms == (50, 120, 160)
    assert [len(one) for one in int8.latency.samples_ms] == [3, 3, 3]
    assert (int8.gflops, int8.share_of_peak) == pytest.approx((4 / 0.12, 4 / 0.12 / 80))
    assert int8.intensity_flop_per_byte is not None
    assert any("the first round was" in warning for warning in results.warnings)
    assert (fp32.ratio_to_fp32, int8.ratio_to_fp32, other.ratio_to_fp32) == (1.0, 0.5, None)
    write_json(results, tmp_path / "l.json")
    assert decode(LatencyResults, json.loads((tmp_path / "l.json").read_text())) == results
    table = latency_table(results)
    assert [row[table.columns.index("vs fp32")] for row in table.rows] == ["1.00", "0.50", "-"]


def test_ratios_are_of_the_same_threads(mobile_bundle: Bundle) -> None:
    bundle = with_quantized(mobile_bundle)
    device = MadeUpDevice(onnx_fp32_full=[100, 60], int8=[50, 45])
    pairs = [pair for pair in preferred(bundle) if pair[1] == "ort"]
    results = run_latency(bundle, device, artifacts=pairs, threads=[1, 2], settings=QUICK)
    assert [(r.key.threads, r.ratio_to_fp32) for r in results.results] == [(1, 1), (1, 0.5), (2, 1), (2, 0.75)]


@pytest.mark.parametrize(
    ("changes", "ratio"),
    [
        ({}, 0.5),
        ({"format": "other"}, None),
        ({"graph": "tile"}, None),
        ({"tile_size": (8, 8)}, None),
        ({"uses": (RuntimeUse(name="tflite", resizable=False, memory=None, delegate=None),)}, None),
    ],
)
def test_ratios_are_of_the_same_kind_of_file(
    changes: dict[str, Any], ratio: float | None, mobile_bundle: Bundle
) -> None:
    full = mobile_bundle.artifact("onnx-fp32-full")
    artifacts = (full, replace(full, id="int8", precision="int8", **changes))
    bundle = replace(mobile_bundle, manifest=replace(mobile_bundle.manifest, artifacts=artifacts))
    device = MadeUpDevice(onnx_fp32_full=[100], int8=[50])
    results = run_latency(bundle, device, artifacts=preferred(bundle), threads=[1], settings=QUICK)
    assert [r.ratio_to_fp32 for r in results.results] == [1.0, ratio]


def test_failing_round_fails_its_row(mobile_bundle: Bundle) -> None:
    """It is not run again; what would be compared with it has no ratio."""
    bundle = with_quantized(mobile_bundle)
    device = MadeUpDevice(onnx_fp32_full=[100, None], int8=[50, 50, 50])
    pairs = [pair for pair in preferred(bundle) if pair[1] == "ort"]
    results = run_latency(bundle, device, artifacts=pairs, threads=[1], settings=QUICK, rounds=3)
    assert [name for name, _ in device.calls] == ["onnx-fp32-full", "int8"] * 2 + ["int8"]
    fp32, int8 = results.results
    assert (fp32.status, fp32.latency, fp32.ratio_to_fp32) == ("crashed", None, None)
    assert (int8.status, int8.ratio_to_fp32) == ("done", None)
    assert not results.passed
    assert not_measured(results) == ["onnx-fp32-full on made-up: crashed: killed by SIGSEGV"]
    table = latency_table(results)
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_garbage_is_a_crash(mobile_bundle: Bundle) -> None:
    class Garbage(MadeUpDevice):
        def run(self, given: Job) -> Outcome:
            outcome = super().run(given)
            return replace(outcome, result={"size": "large"}) if given.artifact == "int8" else outcome

    bundle = with_quantized(mobile_bundle)
    device = Garbage(onnx_fp32_full=[100, 100], int8=[50], other=[7, 7])
    results = run_latency(bundle, device, artifacts=preferred(bundle), threads=[1], settings=QUICK, rounds=2)
    assert [r.status for r in results.results] == ["done", "crashed", "done"]
    assert results.results[1].reason is not None
    assert results.results[1].reason.startswith("invalid result: top level: missing")


def test_interrupted_bench_keeps_its_rounds(mobile_bundle: Bundle) -> None:
    """Ctrl-C in the second round, at the second artifact: the first has two rounds, the third has one."""
    bundle = with_quantized(mobile_bundle)
    device = MadeUpDevice(onnx_fp32_full=[100, 200], int8=[50, 0], other=[7])
    artifacts = preferred(bundle)
    results = run_latency(bundle, device, artifacts=artifacts, threads=[1], settings=QUICK, rounds=3)
    assert not results.complete
    assert [r.latency and len(r.latency.samples_ms) for r in results.results] == [2, 1, 1]
    assert results.results[1].ratio_to_fp32 == 0.5
    device = MadeUpDevice(onnx_fp32_full=[100], int8=[0])
    partly = run_latency(bundle, device, artifacts=artifacts, threads=[1], settings=QUICK)
    assert [r.key.artifact for r in partly.results] == ["onnx-fp32-full"]
    with pytest.raises(KeyboardInterrupt):
        run_latency(bundle, MadeUpDevice(onnx_fp32_full=[0]), artifacts=artifacts, threads=[1], settings=QUICK)
