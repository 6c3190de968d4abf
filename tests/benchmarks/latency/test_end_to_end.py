"""A photograph from file to file, measured; assertions on structure and consistency, not on speed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.benchmarks.devices import registry
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.jobs import Job, JobStatus, Outcome
from edgesr.benchmarks.latency.end_to_end import measure_end_to_end
from edgesr.benchmarks.latency.end_to_end_results import EndToEndResults, run_end_to_end
from edgesr.benchmarks.latency.settings import EndToEndSettings
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.runs.bench import run_photograph
from edgesr.benchmarks.runs.options import PhotographOptions
from edgesr.benchmarks.tables.end_to_end import end_to_end_table
from edgesr.benchmarks.tables.not_measured import not_measured
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from tests.helpers.made_up_latency import NamedDevice
from tests.helpers.places import RELEASE, RELEASED_BUNDLE

SETTINGS = EndToEndSettings(size=(120, 90), memory_bytes=19_000_000, repeats=1)


def test_times_and_memory_add_up(mobile_bundle: Bundle) -> None:
    artifact = mobile_bundle.artifact("onnx-fp32-tile")
    measured = measure_end_to_end(mobile_bundle, artifact, runtime="ort", threads=1, settings=SETTINGS)
    assert measured.size == (120, 90)
    assert measured.tiles > 1, "the memory allows no tile as large as the photograph"
    assert measured.tile_size[0] * measured.tile_size[1] * measured.tiles >= 120 * 90
    assert measured.file_ms is not None
    assert 0 < measured.network_ms < measured.file_ms == measured.whole_ms
    assert (measured.decode_ms, measured.tiles_ms, measured.encode_ms) == (None, None, None)
    assert 0 < measured.glue_share < 1
    assert measured.ratio_to_whole > 0
    assert measured.estimated_tile_mb is not None
    assert measured.estimated_tile_mb <= 19
    assert measured.runtime_mb > 10


@pytest.mark.parametrize(
    ("form", "runtime", "memory_bytes"),
    [("onnx", "ort", 60_000_000), ("onnx", "openvino", 120_000_000), ("mnn", "mnn", 60_000_000)],
)
def test_no_more_memory_than_planned_by_far(mobile_bundle: Bundle, form: str, runtime: str, memory_bytes: int) -> None:
    """In a process of its own: both images and the tile, with half of it again for the process."""
    settings = dataclasses.replace(SETTINGS, size=(400, 600), memory_bytes=memory_bytes)
    pairs = [(mobile_bundle.artifact(f"{form}-fp32-tile"), runtime)]
    results = run_end_to_end(mobile_bundle, HostDevice(), artifacts=pairs, threads=[1], settings=settings)
    (measured,) = [r.end_to_end for r in results.results]
    assert measured is not None
    assert measured.estimated_tile_mb is not None and measured.estimated_images_mb is not None
    assert measured.estimated_images_mb == pytest.approx(400 * 600 * (3 + 3 * 16) / 1e6, rel=0.35)
    assert measured.peak_above_runtime_mb <= 1.5 * (measured.estimated_tile_mb + measured.estimated_images_mb)


def test_earlier_files_say_what_each_part_took() -> None:
    """Up to version 7 the parts took turns, so that their sum is the time from file to file."""
    results = read_results(EndToEndResults, RELEASE / "end_to_end.json")
    measured = results.results[0].end_to_end
    assert measured is not None and measured.file_ms is None
    assert measured.decode_ms is not None and measured.tiles_ms is not None and measured.encode_ms is not None
    assert measured.whole_ms == measured.decode_ms + measured.tiles_ms + measured.encode_ms
    row = dict(zip((table := end_to_end_table(results)).columns, table.rows[0], strict=True))
    assert row["file to file ms"] == f"{measured.whole_ms:.0f}"
    with pytest.raises(InputError, match="give either the time from file to file, or those of its three parts"):
        dataclasses.replace(measured, tiles_ms=None)


def test_a_photograph_that_no_network_runs_on_is_refused() -> None:
    """It is so flat that its noise level is 0: the figures would be those of bilinear upsampling."""
    bundle = open_bundle(RELEASE / "bundle")
    settings = EndToEndSettings(size=(30, 30), memory_bytes=10**8)
    with pytest.raises(EdgesrError, match="the photograph of 30x30 is one flat area, where no network runs; give"):
        measure_end_to_end(bundle, bundle.artifact("onnx-fp32-tile"), runtime="ort", threads=1, settings=settings)


def test_tile_graphs_alone_are_measured(projection_bundle: Bundle) -> None:
    class Recorded(HostDevice):
        """Runs nothing."""

        def run(self, job: Job) -> Outcome:
            assert job.kind == "end-to-end"
            return Outcome(status="crashed", reason="killed by SIGSEGV", result=None)

    artifacts = select_artifacts(projection_bundle)
    results = run_end_to_end(projection_bundle, Recorded(), artifacts=artifacts, threads=[1, 2], settings=SETTINGS)
    expected = [a.id for a, _ in artifacts if a.graph == "tile" and not a.inside_only]
    assert [r.key.artifact for r in results.results] == expected * 2
    assert not results.passed
    assert not_measured(results)[0].endswith("crashed: killed by SIGSEGV")
    assert end_to_end_table(results).rows[0][-1] == "crashed"
    full = [(a, r) for a, r in artifacts if a.graph == "full"]
    with pytest.raises(InputError, match="no tile graph among the artifacts"):
        run_end_to_end(projection_bundle, Recorded(), artifacts=full, threads=[1], settings=SETTINGS)


def test_a_worker_that_answers_something_else_costs_its_row(mobile_bundle: Bundle) -> None:
    class Garbage(HostDevice):
        """Answers with what is no measurement."""

        def run(self, job: Job) -> Outcome:
            return Outcome(status="done", reason=None, result={"p50_ms": 3})

    pair = (mobile_bundle.artifact("onnx-fp32-tile"), "ort")
    results = run_end_to_end(mobile_bundle, Garbage(), artifacts=[pair], threads=[1], settings=SETTINGS)
    (found,) = results.results
    assert (found.status, found.end_to_end) == ("crashed", None)
    assert str(found.reason).startswith("invalid result: top level: unknown p50_ms; missing")


def test_a_device_without_the_runtime_costs_its_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answers(NamedDevice):
        """Crashes, or has no runtime."""

        def __init__(self, name: str, status: JobStatus) -> None:
            super().__init__(name)
            self.status = status

        def run(self, job: Job) -> Outcome:
            return Outcome(status=self.status, reason="told", result=None)

    bundle, options = open_bundle(RELEASE / "bundle"), PhotographOptions(size=(40, 60), artifact="onnx-fp32-tile")
    options = dataclasses.replace(options, runtime="ort")
    for statuses in (("missing", "crashed"), ("crashed", "missing")):
        devices = [Answers(f"box:{status}", status) for status in statuses]
        monkeypatch.setattr(registry, "open_devices", lambda *_, found=devices, **__: found)
        rows = run_photograph(bundle, options).results
        assert [(row.key.device, row.status) for row in rows] == [(f"box:{status}", status) for status in statuses]
    monkeypatch.setattr(registry, "open_devices", lambda *_, **__: [Answers("box:a", "missing")])
    with pytest.raises(EdgesrError, match="no runtime of this bundle runs here: told"):
        run_photograph(bundle, options)


def test_command_writes_results(
    mobile_bundle: Bundle, tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]
) -> None:
    file = tmp_path / "photograph.json"
    arguments = ("--image-size", "70x50", "--memory", "100MB", "--artifact", "tflite-fp32-tile-64x64", "--json", file)
    code, out, _ = run_cli("bench", mobile_bundle.root, *arguments)
    assert code == 0
    assert "A photograph of 50x70 pixels" in out
    results = read_results(EndToEndResults, file)
    assert [r.key.artifact for r in results.results] == ["tflite-fp32-tile-64x64"]
    assert results.settings == EndToEndSettings(size=(70, 50), memory_bytes=100_000_000)
    code, _, err = run_cli("bench", mobile_bundle.root, "--image-size", "70")
    assert (code, err.startswith("edgesr: --image-size '70': give height x width")) == (2, True)


def test_several_devices_have_a_row_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """These devices answer with something that is no photograph's result: their rows say so."""
    opened = [NamedDevice(name) for name in ("ssh:a", "ssh:b")]
    monkeypatch.setattr(registry, "open_devices", lambda *_, **__: opened)
    options, file = PhotographOptions(size=(32, 32), runtime="ort"), tmp_path / "e.json"
    found = run_photograph(open_bundle(RELEASED_BUNDLE), options, json=file)
    assert [(row.key.device, row.status) for row in found.results] == [("ssh:a", "crashed"), ("ssh:b", "crashed")]
    assert [one.name for one in found.devices] == ["ssh:a", "ssh:b"]
    table = end_to_end_table(found)
    assert table.title.endswith(", on ssh:a and ssh:b")
    assert [row[table.columns.index("device")] for row in table.rows] == ["ssh:a", "ssh:b"]
    assert {len(row) for row in table.rows} == {len(table.columns)}
    assert read_results(EndToEndResults, file) == found
