"""Counts of instructions: what is subtracted, ratios, comparison, and the rows that they make."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.arm64.counter import KINDS, Counts
from edgesr.benchmarks.devices.device import Device, DeviceEnvironment
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.latency.instruction_changes import count_changes
from edgesr.benchmarks.latency.instruction_results import InstructionResult, count_on_devices
from edgesr.benchmarks.latency.instructions import Instructions, summarised
from edgesr.benchmarks.latency.regression import compare_results
from edgesr.benchmarks.latency.results import LatencyResults, without_latency
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.rows import Key, select_artifacts
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.tables.changes import change_lines, count_change_table
from edgesr.benchmarks.tables.devices import instruction_lines, instruction_table
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import to_json

DEVICE = DeviceEnvironment(name="arm64:cortex-a76", kind="emulated", cpu="Cortex-A76", packages={"numpy": "2"})


def counts(total: int, tag: int = 1) -> Counts:
    """A region in which every other kind is a tenth of the total."""
    return Counts(region=tag, **{kind: total if kind == "total" else total // 10 for kind in KINDS})


def instructions(total: int) -> Instructions:
    return summarised((counts(0), counts(total)), (64, 64))


def result(artifact: str, total: int | None) -> InstructionResult:
    return InstructionResult(
        key=Key(artifact=artifact, runtime="ort", threads=1, device=DEVICE.name),
        status="done" if total else "crashed",
        reason=None if total else "killed by SIGILL",
        instructions=instructions(total) if total else None,
        ratio_to_fp32=None,
    )


def test_the_empty_region_is_subtracted_from_the_median() -> None:
    found = summarised((counts(100), counts(1100), counts(1300), counts(1200)), (64, 48))
    assert (found.total, found.simd, found.dot_product, found.calls, found.size) == (1100, 110, 110, 3, (64, 48))
    assert found.spread == pytest.approx(200 / 1100)


def test_ratio_is_to_float32_of_the_same_runtime_and_device(quantized_bundle: Bundle) -> None:
    totals = {"onnx-fp32-tile": 1000, "onnx-int8-tile": 420, "onnx-fp32-full": 2000, "tflite-int8-tile-64x64": 300}

    class MadeUp(Device):
        name = DEVICE.name

        def run(self, job: Job) -> Outcome:
            return Outcome(status="done", reason=None, result=json.loads(to_json(instructions(totals[job.artifact]))))

    pairs = [pair for pair in select_artifacts(quantized_bundle) if pair[0].id in totals]
    counted = count_on_devices(quantized_bundle, [(MadeUp(), *pair) for pair in pairs])
    found = {r.key.artifact: r.ratio_to_fp32 for r in counted.results}
    assert found == {
        "onnx-fp32-tile": 1.0,
        "onnx-int8-tile": 0.42,
        "onnx-fp32-full": 1.0,
        "tflite-int8-tile-64x64": None,
    }


@pytest.mark.parametrize(
    ("total", "verdict"),
    [(1000, "same"), (1004, "same"), (996, "same"), (1006, "more"), (994, "fewer"), (None, "failed")],
)
def test_counts_are_tracked_to_half_a_percent(total: int | None, verdict: str) -> None:
    (change,) = count_changes([result("a", 1000), result("b", 7)], [result("a", total), result("c", 1)])
    assert change.verdict == verdict
    assert count_change_table([change]).rows[0][-1] == verdict


def test_counts_at_other_sizes_are_refused() -> None:
    other = result("a", 10)
    assert other.instructions is not None
    with pytest.raises(InputError, match="counted at"):
        count_changes([replace(other, instructions=replace(other.instructions, size=(32, 32)))], [other])


def filled(bundle: Bundle, results: Sequence[InstructionResult], *devices: DeviceEnvironment) -> LatencyResults:
    empty = without_latency(bundle, LatencySettings(), 5)
    return replace(empty, instructions=tuple(results), devices=devices or (DEVICE,))


def test_files_of_counts_compare_across_machines(mobile_bundle: Bundle, tmp_path: Path) -> None:
    old, new = (filled(mobile_bundle, [result("a", total), result("b", 50)]) for total in (1000, 1010))
    elsewhere = replace(new, environment=replace(new.environment, cpu="another CPU"))
    changes = compare_results(old, elsewhere, limit=0.05)
    assert [c.verdict for c in changes.count_regressions] == ["more"]
    assert change_lines(changes) == ["1 of 2 failed or execute at least 0.5% more instructions"]
    write_json(new, tmp_path / "new.json")
    assert read_results(LatencyResults, tmp_path / "new.json") == new
    newer = filled(mobile_bundle, [result("a", 1)], replace(DEVICE, packages={"numpy": "3"}))
    with pytest.raises(InputError, match=r"arm64:cortex-a76 packages\.numpy was 2, is 3"):
        compare_results(old, newer, limit=0.05)
    assert compare_results(old, newer, limit=0.05, unlike=True).unlike
    with pytest.raises(InputError, match="nothing to compare"):
        compare_results(old, filled(mobile_bundle, [result("z", 1)]), limit=0.05)


def test_command_compares_counts(
    mobile_bundle: Bundle, tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    files = [tmp_path / name for name in ("old.json", "same.json", "more.json")]
    for file, total in zip(files, (1000, 1001, 1100), strict=True):
        write_json(filled(mobile_bundle, [result("a", total)]), file)
    code, out, _ = run_cli("compare", files[0], files[1])
    assert (code, "same" in out, "0 of 1 failed" in out) == (0, True, True)
    code, out, _ = run_cli("compare", files[0], files[2])
    assert (code, "1.1000" in out, "1 of 1 failed or execute" in out) == (1, True, True)


def test_rows_are_in_millions() -> None:
    rows = instruction_table([replace(result("a", 212_800_000), ratio_to_fp32=1.0), result("b", None)]).rows
    assert rows[0] == (
        *("a", "ort", "arm64:cortex-a76", "64x64", "212.8", "1.00"),
        *("21.3", "21.3", "21.3", "21.3", "21.3", "0.00%"),
    )
    assert rows[1][-1] == "crashed"
    assert {len(row) for row in rows} == {12}
    assert instruction_lines([result("b", None)]) == ["b on arm64:cortex-a76: crashed: killed by SIGILL"]
