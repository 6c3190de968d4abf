"""Several devices in one command: rows as of one after the other, each machine at its own pace, one that is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edgesr.benchmarks.devices import registry
from edgesr.benchmarks.devices.device import AbsentDevice, AbsentDeviceError, Device, DeviceKind
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.jobs import HOST, Job, Outcome
from edgesr.benchmarks.latency.results import LatencyResults
from edgesr.benchmarks.parity.on_devices import check_on_devices
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.runs.bench import run_bench
from edgesr.benchmarks.runs.options import BenchOptions
from edgesr.benchmarks.tables.latency import latency_notes, latency_table
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import ProgressEvent
from tests.helpers.cli_refusals import RunCli
from tests.helpers.made_up_latency import Crowd, NamedDevice
from tests.helpers.places import RELEASE, RELEASED_BUNDLE

QUICK = BenchOptions(runtime="ort", rounds=2, calls=3, seconds=0.0)
Open = Callable[..., LatencyResults]


@pytest.fixture
def bundle() -> Bundle:
    return open_bundle(RELEASED_BUNDLE)


@pytest.fixture
def bench(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Measure on these devices, two artifacts in two rounds."""

    def run(*devices: Device, **options: object) -> LatencyResults:
        monkeypatch.setattr(registry, "open_devices", lambda *_, **__: list(devices))
        return run_bench(bundle, QUICK, **options)  # type: ignore[arg-type]

    return run


def keys(results: LatencyResults | ParityResults) -> list[tuple[str, str]]:
    return [(row.key.device, row.key.artifact) for row in results.results]


def test_two_machines_are_timed_at_the_same_time_and_rows_are_those_of_each_alone(bench: Open) -> None:
    """A job of one waits for a job of the other, eight times; the first device's last job is the last of all."""
    meet, ended = threading.Barrier(2, timeout=30), threading.Event()
    left = iter(range(4))

    def first(_: Job) -> None:
        meet.wait()
        if next(left) == 3:
            assert ended.wait(30)

    def second(_: Job) -> None:
        meet.wait()

    class Ending(NamedDevice):
        def run(self, job: Job) -> Outcome:
            outcome = super().run(job)
            self.jobs = getattr(self, "jobs", 0) + (job.kind != "limits")
            if self.jobs == 4:
                ended.set()
            return outcome

    devices = (NamedDevice("ssh:a", before=first), Ending("ssh:b", p50=20, before=second))
    together = bench(*devices)
    alone = [bench(NamedDevice("ssh:a")), bench(NamedDevice("ssh:b", p50=20))]
    assert together.results == (*alone[0].results, *alone[1].results)
    assert together.limits == (*alone[0].limits, *alone[1].limits)
    assert [one.name for one in together.devices] == ["ssh:a", "ssh:b"]


def test_devices_of_one_machine_are_timed_in_turn(bench: Open) -> None:
    crowd = Crowd()

    def alone(_: Job) -> None:
        with crowd:
            threading.Event().wait(0.02)

    found = bench(*(NamedDevice(name, machine=HOST, before=alone) for name in ("one", "two")), NamedDevice("ssh:a"))
    assert (crowd.most, [name for name, _ in keys(found)]) == (1, ["one"] * 2 + ["two"] * 2 + ["ssh:a"] * 2)


def test_a_lost_device_costs_its_rows_alone(bench: Open, tmp_path: Path) -> None:
    """It is lost at its third job, in the second round."""
    jobs: list[Job] = []

    class Lost(NamedDevice):
        def run(self, job: Job) -> Outcome:
            jobs.append(job)
            if len([one for one in jobs if one.kind != "limits"]) > 2:
                return Outcome(status="crashed", reason="ssh:b: the connection was lost", result=None)
            return super().run(job)

    file = tmp_path / "l.json"
    found = bench(NamedDevice(HOST, machine=HOST), Lost("ssh:b"), NamedDevice("ssh:c"), json=file)
    assert [(row.key.device, row.status) for row in found.results] == [
        *[(HOST, "done")] * 2,
        *[("ssh:b", "crashed")] * 2,
        *[("ssh:c", "done")] * 2,
    ]
    assert {row.reason for row in found.results} == {None, "ssh:b: the connection was lost"}
    assert not found.passed and found.complete
    assert read_results(LatencyResults, file) == found


def test_tables_have_a_column_of_devices_where_there_are_several(bench: Open) -> None:
    several = bench(NamedDevice(HOST, machine=HOST), NamedDevice("ssh:b", p50=20))
    table = latency_table(several)
    assert table.title.startswith("Latency on this host and ssh:b, ")
    assert [row[table.columns.index("device")] for row in table.rows] == [HOST, HOST, "ssh:b", "ssh:b"]
    assert {len(row) for row in table.rows} == {len(table.columns)}
    notes = latency_notes(several)
    assert [note.partition(", copy")[0] for note in notes[:2]] == [
        "host, 1 thread: sgemm 80 GFLOP/s",
        "ssh:b, 1 thread: sgemm 160 GFLOP/s",
    ]
    alone = latency_table(bench(NamedDevice("ssh:b")))
    assert ("device" in alone.columns, alone.title[:17]) == (False, "Latency on ssh:b,")


def test_progress_names_each_device(bench: Open) -> None:
    events: list[ProgressEvent] = []
    bench(NamedDevice("ssh:a"), NamedDevice("ssh:b"), progress=events.append)
    last = {event.task: (event.done, event.total) for event in events}
    assert last == {
        "prepare ssh:a": (1, 1),
        "prepare ssh:b": (1, 1),
        "bench ssh:a": (6, 6),
        "bench ssh:b": (6, 6),
    }
    events.clear()
    bench(NamedDevice("ssh:a"), progress=events.append)
    assert {event.task for event in events} == {"bench"}


def test_what_is_sent_is_sent_before_anything_is_timed(bench: Open) -> None:
    prepared: list[str] = []

    class Slow(NamedDevice):
        def prepare(self, _bundle: Bundle, runtimes: Sequence[str], /) -> None:
            prepared.append(f"{self.name} {','.join(runtimes)}")

        def run(self, job: Job) -> Outcome:
            assert len(prepared) == 2
            return super().run(job)

    bench(Slow("ssh:a"), Slow("ssh:b"))
    assert sorted(prepared) == ["ssh:a ort", "ssh:b ort"]


def test_limits_of_an_earlier_file_are_of_its_one_device(bench: Open, tmp_path: Path) -> None:
    """Such a file did not name the device next to them."""
    file = tmp_path / "l.json"
    bench(NamedDevice("ssh:b"), json=file)
    content = json.loads(file.read_text())
    assert content["limits"][0].pop("device") == "ssh:b"
    file.write_text(json.dumps(content))
    assert [one.device for one in read_results(LatencyResults, file).limits] == ["ssh:b"]
    assert {one.device for one in read_results(LatencyResults, RELEASE / "latency.json").limits} == {HOST}


class Elsewhere(HostDevice):
    """This host under another name, as if it were another machine."""

    @property
    def machine(self) -> str:
        return self.name


def test_parity_of_two_machines_is_that_of_one_after_the_other(bundle: Bundle) -> None:
    pairs = select_artifacts(bundle, runtime="ort", artifact="onnx-fp32-tile")
    names = ("ssh:a", "ssh:b")
    found = [
        check_on_devices(bundle, [HostDevice(), *(kind(name=name) for name in names)], artifacts=pairs)
        for kind in (Elsewhere, HostDevice)
    ]
    assert found[0].results == found[1].results and found[0].differences == found[1].differences
    artifacts = [artifact.id for artifact, _ in pairs]
    assert keys(found[0]) == [(device, artifact) for artifact in artifacts for device in (HOST, *names)]


def _opening(monkeypatch: pytest.MonkeyPatch, *absent: str) -> None:
    """Boxes whose names begin with "box:"; these do not answer."""

    def open_box(name: str) -> Device:
        if name in absent:
            raise AbsentDeviceError(f"{name}: No route to host")
        return NamedDevice(name)

    kind = DeviceKind(titles={}, open=open_box, prefix="box:", form="box:NAME")
    monkeypatch.setattr(registry, "DEVICE_KINDS", (*registry.DEVICE_KINDS, kind))


def test_a_box_that_does_not_answer_costs_its_rows(
    bundle: Bundle, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _opening(monkeypatch, "box:a", "box:b")
    file = tmp_path / "l.json"
    words = ("bench", bundle.root, "--runtime", "ort", "--rounds", "1", "--json", file)
    code, out, error = run_cli(*words, "--device", "box:a,box:c")
    rows = [(row.key.device, row.status, row.reason) for row in read_results(LatencyResults, file).results]
    assert rows == [*[("box:a", "crashed", "box:a: No route to host")] * 2, *[("box:c", "done", None)] * 2]
    told = "box:a: No route to host. edgesr measures the other devices; rows of box:a give this reason"
    assert (code, error) == (1, f"edgesr: {told}\n")
    assert "onnx-fp32-full on box:a: crashed: box:a: No route to host" in out
    file.unlink()
    for names, why in (
        ("box:a", "box:a: No route to host"),
        ("box:a,box:b", "none of box:a, box:b answers: box:a: No route to host"),
        ("box:c,nothing", "unknown device 'nothing'"),
        ("box:c,box:c", "box:c is there twice; give each device once"),
    ):
        code, out, error = run_cli(*words, "--device", names)
        assert (code, out, why in error, len(error.splitlines()), file.exists()) == (2, "", True, 1, False), names


def test_two_names_of_one_machine_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = DeviceKind(titles={}, open=lambda name: NamedDevice(name, machine="box"), prefix="box:")
    monkeypatch.setattr(registry, "DEVICE_KINDS", (*registry.DEVICE_KINDS, kind))
    with pytest.raises(InputError, match="box:a and box:b are the same machine; give one of them"):
        registry.open_devices("host,box:a,box:b")
    assert [one.name for one in registry.open_devices("host,box:a")] == ["host", "box:a"]


def test_an_absent_device_has_rows_of_what_it_could_run(bundle: Bundle, bench: Open) -> None:
    found = bench(NamedDevice(HOST, machine=HOST), AbsentDevice(name="ssh:b", reason="off", runtimes=("tflite", "ort")))
    assert [(row.key.device, row.status) for row in found.results][2:] == [("ssh:b", "crashed")] * 2
    assert found.devices == ()
    with pytest.raises(InputError, match="ssh:b has no build of what these artifacts need: only tflite"):
        bench(NamedDevice(HOST, machine=HOST), AbsentDevice(name="ssh:b", reason="off", runtimes=("tflite",)))
