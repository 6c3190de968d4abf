"""The state of the device in result files, tables, the report and comparisons of bare calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.latency.call import LATENCY
from edgesr.benchmarks.latency.regression import compare_results
from edgesr.benchmarks.latency.results import LatencyResults
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.report.builder import build_report
from edgesr.benchmarks.report.data import ReportFiles
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.state.cores import usable_cores
from edgesr.benchmarks.tables.latency import latency_states
from edgesr.runtimes.bundle.opening import Bundle
from tests.helpers.made_up_latency import MadeUpDevice

QUICK = LatencySettings(calls=2, seconds=0.0, warmup_seconds=0.1)


def test_a_worker_tells_the_state_of_its_device(mobile_bundle: Bundle) -> None:
    core = usable_cores()[0]
    settings = replace(QUICK, cores=str(core))
    job = LATENCY.job(settings, bundle=mobile_bundle, artifact="onnx-fp32-tile", runtime="ort")
    _, measured = LATENCY.answer(HostDevice().run(job))
    assert measured is not None
    assert measured.state is not None
    state = measured.state
    assert (measured.pinned_cores, state.pinned_cores, state.usable_cores) == ((core,), (core,), len(usable_cores()))
    assert state.ran_on in ((core,), None)
    assert state.load is not None
    assert state.own_share is not None
    assert 0 < state.own_share.least <= 1.1


def test_cores_reach_the_workers_and_the_file(
    mobile_bundle: Bundle, tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    core, file = usable_cores()[-1], tmp_path / "l.json"
    quick = ("--artifact", "onnx-fp32-tile", "--runtime", "ort", "--calls", 2, "--seconds", 0, "--rounds", 2)
    code, out, _ = run_cli("bench", mobile_bundle.root, *quick, "--cores", core, "--json", file)
    assert code == 0
    assert f"kept to {core}" in out
    results = read_results(LatencyResults, file)
    latency = results.results[0].latency
    assert latency is not None
    assert latency.state is not None
    assert (latency.pinned_cores, latency.state.pinned_cores, results.settings.cores) == ((core,), (core,), str(core))
    page = build_report(mobile_bundle, ReportFiles(latency=file), pictures=False)
    (section,) = [one for one in page.sections if one.id == "latency"]
    assert f"--cores {core}" in section.commands[0]
    assert section.tables[1].rows[0][4] == f"kept to {core}"
    code, _, err = run_cli("bench", mobile_bundle.root, *quick, "--cores", "4000", "--json", tmp_path / "no.json")
    assert (code, "core 4000 cannot be used" in err, (tmp_path / "no.json").exists()) == (2, True, False)
    code, _, err = run_cli("bench", mobile_bundle.root, *quick, "--cores", core, "--threads", 2)
    assert (code, "2 threads would wait for each other" in err) == (2, True)


@pytest.mark.parametrize("lacking", ["old", "new"])
def test_files_with_and_without_states_are_read_and_compared(
    mobile_bundle: Bundle, report_files: ReportFiles, tmp_path: Path, lacking: str
) -> None:
    assert report_files.latency is not None
    told = read_results(LatencyResults, report_files.latency)
    assert all(row.latency is not None and row.latency.state is not None for row in told.results)
    data = json.loads(report_files.latency.read_text())
    data["settings"].pop("cores")
    for row in data["results"]:
        row["latency"].pop("state")
    (tmp_path / "without.json").write_text(json.dumps(data))
    without = read_results(LatencyResults, tmp_path / "without.json")
    assert latency_states(without).rows == ()
    old, new = (without, told) if lacking == "old" else (told, without)
    assert {one.ratio for one in compare_results(old, new, limit=0.05).changes} == {1.0}
    page = build_report(mobile_bundle, ReportFiles(latency=tmp_path / "without.json"), pictures=False)
    (section,) = [one for one in page.sections if one.id == "latency"]
    assert len(section.tables) == 1


def test_a_device_that_tells_no_state_has_no_row_of_it(
    mobile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    monkeypatch.setattr("edgesr.benchmarks.devices.host.HostDevice", lambda: MadeUpDevice(onnx_fp32_tile=[10, 10]))
    options = ("--artifact", "onnx-fp32-tile", "--runtime", "ort", "--rounds", 2)
    code, out, _ = run_cli("bench", mobile_bundle.root, *options)
    assert (code, "State of the device" in out) == (0, False)


def test_an_untold_quantity_is_null_in_the_file(report_files: ReportFiles, tmp_path: Path) -> None:
    assert report_files.latency is not None
    results = read_results(LatencyResults, report_files.latency)
    row = results.results[0]
    assert row.latency is not None
    assert row.latency.state is not None
    state = replace(row.latency.state, clock_mhz=None, temperature_c=None, governors=None, throttling=None)
    latency = replace(row.latency, state=state)
    write_json(replace(results, results=(replace(row, latency=latency),)), tmp_path / "l.json")
    written = json.loads((tmp_path / "l.json").read_text())["results"][0]["latency"]["state"]
    assert [written[name] for name in ("clock_mhz", "temperature_c", "governors", "throttling")] == [None] * 4
    (cells,) = latency_states(read_results(LatencyResults, tmp_path / "l.json")).rows
    assert cells[5:9] == ("not told",) * 4
