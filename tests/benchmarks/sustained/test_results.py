"""Sustained results: the command, its file, Ctrl-C, limits of time, the section of the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.devices.worker_process import run_worker
from edgesr.benchmarks.jobs import HOST, Job, Outcome
from edgesr.benchmarks.report.builder import build_report
from edgesr.benchmarks.report.data import ReportFiles
from edgesr.benchmarks.report.sustained import sustained_figure
from edgesr.benchmarks.report.text_output import csv_files
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.sustained.measure import SUSTAINED, Sustained
from edgesr.benchmarks.sustained.results import SustainedResults, measure_each
from edgesr.benchmarks.sustained.settings import SustainedSettings
from edgesr.benchmarks.sustained.table import sustained_notes
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import to_json
from tests.helpers.state.made_up import sustained, windows

HOT = sustained(windows([100.0] * 6 + [60.0] * 6, clock=[2400.0] * 6 + [1440.0] * 6, heat=[50.0] * 6 + [85.0] * 6))
SQUEEZED = sustained(windows([50.0] * 12, share=0.5))


class Answering(Device):
    """Answers with these measurements, one a job; None is Ctrl-C."""

    name = HOST

    def __init__(self, *answers: Sustained | None) -> None:
        self.answers: Iterator[Sustained | None] = iter(answers)
        self.jobs: list[Job] = []

    def run(self, job: Job) -> Outcome:
        self.jobs.append(job)
        answer = next(self.answers)
        if answer is None:
            raise KeyboardInterrupt
        return Outcome(status="done", reason=None, result=json.loads(to_json(answer)))


class Emulated(Answering):
    emulated = True


@pytest.fixture
def results(mobile_bundle: Bundle) -> SustainedResults:
    """Results of two artifacts in ONNX Runtime, one throttled and one contended."""
    chosen = select_artifacts(mobile_bundle, runtime="ort")[:2]
    settings = SustainedSettings(seconds=60.0, cores="1")
    return measure_each(mobile_bundle, Answering(HOT, SQUEEZED), artifacts=chosen, threads=[1], settings=settings)


def test_the_file_is_read_as_it_was_written(results: SustainedResults, tmp_path: Path) -> None:
    write_json(results, tmp_path / "s.json")
    assert read_results(SustainedResults, tmp_path / "s.json") == results
    data = json.loads((tmp_path / "s.json").read_text())
    data["results"][0]["sustained"]["windows"][0]["seconds"] = 0
    (tmp_path / "s.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match="something took no time"):
        read_results(SustainedResults, tmp_path / "s.json")


def test_the_command(
    mobile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    device = Answering(HOT)
    monkeypatch.setattr("edgesr.benchmarks.devices.host.HostDevice", lambda: device)
    options = ("--artifact", "onnx-fp32-tile", "--runtime", "ort", "--json", tmp_path / "s.json")
    code, out, _ = run_cli("bench", mobile_bundle.root, *options, "--sustained", 300)
    assert code == 0
    assert "onnx-fp32-tile, 1 thread: throttled: the clock fell from 2400 to 1440 MHz" in out
    assert "the energy of a call is not known: the device has no sensor" in out
    row = next(line for line in out.splitlines() if "ort" in line).split()
    assert row[:4] == ["onnx-fp32-tile", "ort", "1", "host"]
    assert {"60%", "throttled", "2400,", "1440", "50,", "85"} <= set(row)
    assert device.jobs[0].lasts_seconds == 311
    assert read_results(SustainedResults, tmp_path / "s.json").settings.seconds == 300


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--sustained", "29"), "give 30 to 86400 seconds"),
        (("--sustained", "30", "--image-size", "64x64"), "leave out --image-size"),
        (("--sustained", "30", "--against", "old.json"), "leave out --image-size and --sustained"),
        (("--sustained", "30", "--cores", "some"), "give big, little, or numbers"),
    ],
)
def test_what_the_command_refuses(
    mobile_bundle: Bundle, run_cli: Callable[..., tuple[int, str, str]], options: tuple[str, ...], why: str
) -> None:
    code, _, err = run_cli("bench", mobile_bundle.root, *options)
    assert (code, why in err) == (2, True), err


def test_an_emulated_device_is_refused(
    mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    monkeypatch.setattr("edgesr.benchmarks.devices.host.HostDevice", Emulated)
    code, _, err = run_cli("bench", mobile_bundle.root, "--sustained", "30")
    assert (code, "host cannot be used" in err) == (2, True)


def test_ctrl_c_keeps_what_was_measured(mobile_bundle: Bundle) -> None:
    chosen = select_artifacts(mobile_bundle, runtime="ort")[:2]
    settings = SustainedSettings(seconds=60.0)
    found = measure_each(mobile_bundle, Answering(HOT, None), artifacts=chosen, threads=[1], settings=settings)
    assert (found.complete, len(found.results), found.passed) == (False, 1, True)
    with pytest.raises(KeyboardInterrupt):
        measure_each(mobile_bundle, Answering(None), artifacts=chosen, threads=[1], settings=settings)


def test_notes_tell_thread_counts_apart(mobile_bundle: Bundle) -> None:
    pair = (mobile_bundle.artifact("onnx-fp32-tile"), "ort")
    device, settings = Answering(HOT, SQUEEZED), SustainedSettings(seconds=60.0)
    found = measure_each(mobile_bundle, device, artifacts=[pair], threads=[1, 2], settings=settings)
    hot, squeezed = sustained_notes(found)[:2]
    assert hot.startswith("onnx-fp32-tile (ort), 1 thread: throttled: ")
    assert squeezed.startswith("onnx-fp32-tile (ort), 2 threads: contended: ")


def test_the_limit_of_time_is_longer_by_what_a_job_is_to_last(tmp_path: Path) -> None:
    job = replace(SUSTAINED.job(SustainedSettings(seconds=60.0)), lasts_seconds=1)
    outcome = run_worker(job, lambda *_: ["sleep", "60"], environment={}, timeout_seconds=0.5)
    assert (outcome.status, outcome.reason) == ("timeout", "no result after 1.5 s")


def test_the_section_of_the_report(results: SustainedResults, mobile_bundle: Bundle, tmp_path: Path) -> None:
    write_json(results, tmp_path / "s.json")
    page = build_report(mobile_bundle, ReportFiles(sustained=tmp_path / "s.json"), pictures=False)
    (section,) = [one for one in page.sections if one.id == "sustained"]
    assert section.commands == (
        f"edgesr bench {mobile_bundle.root} --threads 1 --sustained 60 --cores 1 --json {tmp_path / 's.json'}",
    )
    first, second = section.plots
    name = f"{results.results[0].key.artifact}, 1 thread"
    assert (first.option, section.choice) == (name, "Artifact")
    assert first.caption.startswith(f"{name}: throttled: the clock fell")
    assert "contended: in 12 of 12 windows" in second.caption
    assert [row[5:7] for row in section.tables[0].rows] == [("60%", "throttled"), ("100%", "contended")]
    windows_csv = csv_files(page.data, page.sections)["windows.csv"].splitlines()
    assert len(windows_csv) == 1 + 24
    without = build_report(mobile_bundle, ReportFiles(), pictures=False)
    (missing,) = [one for one in without.sections if one.id == "sustained"]
    assert "--sustained 300" in missing.commands[0]


def test_the_plot_tells_heat_from_other_processes() -> None:
    """Lines of the first window's percent; temperatures only where they are told."""
    hot, squeezed = ({one["name"]: one for one in sustained_figure(found)["data"]} for found in (HOT, SQUEEZED))
    assert list(hot) == ["clock", "own share of its cores", "calls a second", "calls per CPU second", "temperature"]
    assert [hot[name]["y"][-1] for name in hot] == pytest.approx([60.0, 100.0, 60.0, 60.0, 85.0])
    assert hot["calls a second"]["x"][:2] == [2.5, 7.5]
    assert list(squeezed) == ["own share of its cores", "calls a second", "calls per CPU second"]
    assert squeezed["own share of its cores"]["y"] == [50.0] * 12
