"""Rounds of latency: their order, how they join, and the ratio to float32."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.jobs import Job, LatencySettings, Outcome
from benchmarks.latency import Latency, join_rounds
from benchmarks.results import LatencyResults, run_latency, select_artifacts, write_json
from benchmarks.tables import latency_table, not_measured
from runtimes.bundle import Bundle
from runtimes.decoding import decode, to_json

QUICK = LatencySettings(calls=3, seconds=0.0, warmup_seconds=0.2)


def timed(p50: float, **changes: object) -> Latency:
    """A made-up measurement of three calls around its median."""
    fields: dict[str, object] = {
        "size": (64, 64),
        "load_ms": 5.0,
        "first_call_ms": 9.0,
        "warmup_calls": 6,
        "steady": True,
        "samples_ms": (p50 - 1, p50, p50 + 1),
        "rounds_p50_ms": (p50,),
        "p50_ms": p50,
        "p90_ms": p50,
        "p99_ms": p50,
        "ms_per_gmac": p50 / 2,
        "peak_rss_mb": 100.0,
    }
    return Latency(**{**fields, **changes})  # type: ignore[arg-type]


def test_rounds_join_by_hand() -> None:
    joined = join_rounds(
        [
            timed(10, load_ms=8.0, peak_rss_mb=90.0),
            timed(40, load_ms=2.0, first_call_ms=7.0, steady=False),
            timed(20, load_ms=3.0, first_call_ms=30.0, warmup_calls=9),
        ]
    )
    assert joined.samples_ms == (9, 10, 11, 39, 40, 41, 19, 20, 21)
    assert joined.rounds_p50_ms == (10, 40, 20)
    assert (joined.p50_ms, joined.ms_per_gmac) == (20, 10)
    assert joined.p90_ms == pytest.approx(40.2)
    assert joined.p99_ms == pytest.approx(40.92)
    assert (joined.load_ms, joined.first_call_ms, joined.peak_rss_mb) == (3, 9, 100)
    assert (joined.warmup_calls, joined.steady) == (21, False)


class MadeUpDevice:
    """Answers with the next made-up median of an artifact; None is a crash."""

    name = "made-up"

    def __init__(self, **medians: list[float | None]) -> None:
        self.medians = {name.replace("_", "-"): iter(values) for name, values in medians.items()}
        self.calls: list[tuple[str, int]] = []

    def run(self, given: Job) -> Outcome:
        self.calls.append((given.artifact, given.threads))
        p50 = next(self.medians[given.artifact])
        if p50 is None:
            return Outcome(status="crashed", reason="killed by SIGSEGV", result=None)
        return Outcome(status="done", reason=None, result=json.loads(to_json(timed(p50))))


def with_quantized(bundle: Bundle) -> Bundle:
    """The same files, with a full graph that says int8 beside the float32 one, and an int8 tile graph in TFLite."""
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
        artifacts=select_artifacts(bundle),
        threads=[1],
        settings=QUICK,
        rounds=3,
        progress=lambda event: notes.append((event.done, event.total)),
    )
    assert device.calls == [("onnx-fp32-full", 1), ("int8", 1), ("other", 1)] * 3
    assert notes == [(i, 9) for i in range(10)]
    assert results.rounds == 3
    fp32, int8, other = results.results
    assert int8.latency is not None
    assert int8.latency.rounds_p50_ms == (50, 120, 160)
    assert len(int8.latency.samples_ms) == 9
    assert (fp32.ratio_to_fp32, int8.ratio_to_fp32, other.ratio_to_fp32) == (1.0, 0.5, None)
    write_json(results, tmp_path / "l.json")
    assert decode(LatencyResults, json.loads((tmp_path / "l.json").read_text())) == results
    table = latency_table(results)
    assert [row[table.columns.index("vs fp32")] for row in table.rows] == ["1.00", "0.50", "-"]


def test_ratios_are_of_the_same_threads(mobile_bundle: Bundle) -> None:
    bundle = with_quantized(mobile_bundle)
    device = MadeUpDevice(onnx_fp32_full=[100, 60], int8=[50, 45])
    pairs = [pair for pair in select_artifacts(bundle) if pair[0].format == "onnx"]
    results = run_latency(bundle, device, artifacts=pairs, threads=[1, 2], settings=QUICK)
    assert [(r.key.threads, r.ratio_to_fp32) for r in results.results] == [(1, 1), (1, 0.5), (2, 1), (2, 0.75)]


@pytest.mark.parametrize(
    ("changes", "ratio"),
    [
        ({}, 0.5),
        ({"format": "other"}, None),
        ({"graph": "tile"}, None),
        ({"tile_size": (8, 8)}, None),
        ({"runtimes": ("tflite",)}, None),
    ],
)
def test_ratios_are_of_the_same_kind_of_file(
    changes: dict[str, Any], ratio: float | None, mobile_bundle: Bundle
) -> None:
    full = mobile_bundle.artifact("onnx-fp32-full")
    artifacts = (full, replace(full, id="int8", precision="int8", **changes))
    bundle = replace(mobile_bundle, manifest=replace(mobile_bundle.manifest, artifacts=artifacts))
    device = MadeUpDevice(onnx_fp32_full=[100], int8=[50])
    results = run_latency(bundle, device, artifacts=select_artifacts(bundle), threads=[1], settings=QUICK)
    assert [r.ratio_to_fp32 for r in results.results] == [1.0, ratio]


def test_failing_round_fails_its_row(mobile_bundle: Bundle) -> None:
    """It is not run again; what would be compared with it has no ratio."""
    bundle = with_quantized(mobile_bundle)
    device = MadeUpDevice(onnx_fp32_full=[100, None], int8=[50, 50, 50])
    pairs = [pair for pair in select_artifacts(bundle) if pair[0].format == "onnx"]
    results = run_latency(bundle, device, artifacts=pairs, threads=[1], settings=QUICK, rounds=3)
    assert [name for name, _ in device.calls] == ["onnx-fp32-full", "int8"] * 2 + ["int8"]
    fp32, int8 = results.results
    assert (fp32.status, fp32.latency, fp32.ratio_to_fp32) == ("crashed", None, None)
    assert (int8.status, int8.ratio_to_fp32) == ("done", None)
    assert not results.passed
    assert not_measured(results) == ["onnx-fp32-full: crashed: killed by SIGSEGV"]
    table = latency_table(results)
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_bench_command_runs_rounds(
    mobile_bundle: Bundle, tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    options = ("--artifact", "onnx-fp32-tile", "--calls", 2, "--seconds", 0, "--json", tmp_path / "l.json")
    code, out, _ = run_cli("bench", mobile_bundle.root, *options, "--rounds", 2)
    assert code == 0
    assert "vs fp32" in out
    results = decode(LatencyResults, json.loads((tmp_path / "l.json").read_text()))
    latency = results.results[0].latency
    assert latency is not None
    assert (results.rounds, len(latency.rounds_p50_ms), len(latency.samples_ms)) == (2, 2, 4)
    assert results.results[0].ratio_to_fp32 == 1.0
    assert run_cli("bench", mobile_bundle.root, "--rounds", 0)[0] == 2
