"""Worker processes of this machine: the files of one process, whatever dies meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import edgesr
from edgesr.benchmarks.archive import run, supervisor
from edgesr.benchmarks.archive.messages import Reply, Settings, read_message, write_message
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.devices.standing import STANDING_WORKER, Standing
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import ProgressEvent
from edgesr.runtimes.upscaling.folders.journal import JOURNAL_FILE
from edgesr.runtimes.upscaling.folders.occupied import WORK_FOLDER, occupied
from edgesr.runtimes.upscaling.options import FileOptions
from tests.helpers.archive.runs import (
    OPTIONS,
    archive_run,
    by_one_process,
    contents,
    kill_workers_at,
    photographs,
    released_bundle,
    stamps,
    workers_of,
)
from tests.helpers.cli_refusals import RunCli
from tests.helpers.made_up_latency import NamedDevice
from tests.helpers.places import RELEASED_BUNDLE


def test_the_files_are_those_of_one_process_to_the_bit(tmp_path: Path, run_cli: RunCli) -> None:
    source = photographs(tmp_path / "in", 5)
    (source / "broken.png").write_bytes(b"no image")
    alone = run_cli("upscale", source, tmp_path / "one", "--bundle", RELEASED_BUNDLE, "--runtime", "ort")
    shared = run_cli("upscale", source, tmp_path / "many", "--bundle", RELEASED_BUNDLE, "--runtime", "ort", "--jobs", 2)
    expected = contents(tmp_path / "one")
    found = contents(tmp_path / "many")
    assert found.pop(JOURNAL_FILE) != b"" and expected.pop(JOURNAL_FILE) != b""
    assert found == expected and len(found) == 5
    assert (alone[0], shared[0]) == (2, 2)
    assert shared[1] == alone[1].replace(f"{tmp_path}/one", f"{tmp_path}/many")
    assert shared[2].splitlines()[-1] == alone[2].splitlines()[-1].replace(f"{tmp_path}/one", f"{tmp_path}/many")


def test_an_image_that_kills_every_worker_is_listed_and_tried_again_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunCli
) -> None:
    source, target = photographs(tmp_path / "in", 5), tmp_path / "out"
    expected = by_one_process(source, tmp_path / "one")
    command = ("upscale", source, target, "--bundle", RELEASED_BUNDLE, "--runtime", "ort", "--jobs", 2)
    with monkeypatch.context() as patched:
        kill_workers_at(patched, "p01.png")
        code, out, error = run_cli(*command)
    assert (code, len(out.splitlines())) == (1, 4)
    assert f"edgesr: {source / 'p01.png'}: its worker died twice, host: killed by SIGKILL" in error
    assert error.count("its worker died, host: killed by SIGKILL") == error.count("it is tried once more") == 1
    assert error.splitlines()[-1].startswith(f"edgesr: {source} is not finished")
    done = contents(target)
    assert done.pop(JOURNAL_FILE) and done == {name: one for name, one in expected.items() if name != "p01.png"}
    before = stamps(target)
    code, out, error = run_cli(*command)
    assert (code, out.count("\n")) == (0, 1)
    assert contents(target) == expected
    assert stamps(target) | before == stamps(target)


def test_workers_that_are_killed_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    """Both of two workers in the middle: none of what was done is written again."""
    source, target = photographs(tmp_path / "in", 8, (60, 60)), tmp_path / "out"
    expected = by_one_process(source, tmp_path / "one")
    seen: dict[str, tuple[int, int]] = {}
    moments = {2, 4}

    def progress(event: ProgressEvent) -> None:
        seen.update({name: stamp for name, stamp in stamps(target).items() if name not in seen})
        if event.task == "images" and event.done in moments:
            moments.remove(event.done)
            for worker in workers_of(os.getpid()):
                os.kill(worker, signal.SIGKILL)

    options = edgesr.WorkerOptions(jobs=2)
    report = edgesr.upscale_archive(source, target, released_bundle(), OPTIONS, workers=options, progress=progress)
    if report.unfinished:  # one image was there both times
        archive_run(source, target, jobs=2)
    assert contents(target) == expected
    assert stamps(target) | seen == stamps(target) and len(seen) >= 2 and not moments


def test_a_supervisor_that_is_killed_leaves_no_worker_and_the_next_run_goes_on(tmp_path: Path) -> None:
    source, target = photographs(tmp_path / "in", 12, (100, 100)), tmp_path / "out"
    words = ["upscale", source, target, "--bundle", RELEASED_BUNDLE, "--runtime", "ort", "--jobs", 2]
    command = [sys.executable, "-m", "edgesr", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _until(lambda: len(list(target.glob("*.png"))) >= 2)
        process.send_signal(signal.SIGSTOP)
        workers = workers_of(process.pid)
        again = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (again.returncode, f"process {process.pid} on " in again.stderr) == (2, True), again.stderr
    finally:
        process.kill()
        process.wait()
    assert len(workers) == 2
    _until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    done = stamps(target)
    report = archive_run(source, target, jobs=2)
    assert report.done_before >= len(done) and len(report.written) + report.done_before == 12
    assert stamps(target) | done == stamps(target)
    assert contents(target) == by_one_process(source, tmp_path / "one")


def test_ctrl_c_ends_all_workers_and_removes_what_they_began(tmp_path: Path) -> None:
    source, target = photographs(tmp_path / "in", 6, (150, 150)), tmp_path / "out"

    def progress(event: ProgressEvent) -> None:
        if event.done == 1:
            signal.raise_signal(signal.SIGINT)

    options = edgesr.WorkerOptions(jobs=2)
    with pytest.raises(KeyboardInterrupt):
        edgesr.upscale_archive(source, target, released_bundle(), OPTIONS, workers=options, progress=progress)
    assert workers_of(os.getpid()) == [] and not (target / WORK_FOLDER).exists()
    assert archive_run(source, target, jobs=2).done_before >= 1


def test_workers_that_never_start_leave_all_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = photographs(tmp_path / "in", 3)
    monkeypatch.setattr(supervisor, "ASK_AGAIN_SECONDS", (0.01, 0.01))
    command = (sys.executable, "-c", "import sys; sys.exit('no such library')")
    standing = Standing(command=command, environment={}, bundle="")
    monkeypatch.setattr(HostDevice, "standing", lambda *_: standing)
    report = archive_run(source, tmp_path / "out", jobs=2)
    (line,) = report.unfinished
    assert line.startswith("3 images left, no worker is there any more: host: exit code 1: no such library")
    assert (report.written, contents(tmp_path / "out")) == ((), {})


def test_a_folder_has_one_run_at_a_time(tmp_path: Path, run_cli: RunCli) -> None:
    source, target = photographs(tmp_path / "in", 1), tmp_path / "out"
    command = ("upscale", source, target, "--bundle", RELEASED_BUNDLE)
    with occupied(target):
        for jobs in ((), ("--jobs", 2)):
            code, _, error = run_cli(*command, *jobs)
            assert (code, f"{target}: process {os.getpid()} on " in error, error.count("\n")) == (2, True, 1), error
    assert list(target.iterdir()) == []
    assert run_cli(*command)[0] == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--jobs", "0"), "--jobs 0: give a number from 1 to 256"),
        (("--jobs", "999"), "--jobs 999: give a number from 1 to 256"),
        (("--on", "host,host"), "--on 'host,host': host is there twice"),
        (("--on", ""), "--on '': give one or more of"),
        (("--ray", "local"), "--ray 'local': give the address of a cluster that runs"),
        (("--on", "nowhere"), "--on nowhere: is no place for workers; give host, ssh:"),
        (("--on", "host,browser"), "--on browser: is no place for workers; give host, ssh:"),
        (("--on", "adb:x"), "--on adb:x: is no place for workers; give host, ssh:[USER@]HOST"),
        (("--on", "arm64:cortex-a53", "--dry-run"), "--on arm64:cortex-a53: is no place for workers"),
        (("--on", "host", "--ray", "auto"), "give one of them"),
    ],
)
def test_what_cannot_be_asked_for(words: tuple[str, ...], why: str, tmp_path: Path, run_cli: RunCli) -> None:
    source = photographs(tmp_path / "in", 1)
    code, _, error = run_cli("upscale", source, tmp_path / "out", "--bundle", RELEASED_BUNDLE, *words)
    assert (code, why in error) == (2, True), error
    assert not (tmp_path / "out").exists()


def test_a_dry_run_tells_that_each_worker_takes_memory(tmp_path: Path, run_cli: RunCli) -> None:
    source = photographs(tmp_path / "in", 1)
    command = ("upscale", source, tmp_path / "out", "--bundle", RELEASED_BUNDLE, "--dry-run", "--jobs", 3)
    one = run_cli("upscale", source / "p00.png", *command[2:])
    assert (one[0], "p00.png: is not a folder: several workers" in one[2]) == (2, True)
    code, out, _ = run_cli(*command)
    assert (code, out.splitlines()[-1]) == (0, "3 workers: each takes the memory of an image at one time")
    assert not (tmp_path / "out").exists()


def test_a_worker_of_another_machine_ends_when_it_hears_nothing_any_more(tmp_path: Path) -> None:
    """Its lease is renewed by empty lines; without them it ends itself, in the middle of a photograph too."""
    settings = Settings(
        bundle=str(RELEASED_BUNDLE), manifest_sha256=None, options=OPTIONS, files=FileOptions(), lease_seconds=1
    )
    command = [sys.executable, "-P", "-m", STANDING_WORKER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdin is not None and process.stdout is not None
        write_message(process.stdin, settings)
        assert read_message(process.stdout, Reply) == Reply(kind="ready")
        for _ in range(15):
            process.stdin.write(b"\n")
            process.stdin.flush()
            time.sleep(0.1)
        assert process.poll() is None
        assert process.wait(30) == -signal.SIGALRM


def test_a_device_where_no_process_stays_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = photographs(tmp_path / "in", 1)
    monkeypatch.setattr(run, "open_devices", lambda *_, **__: [HostDevice(), NamedDevice("toy")])
    with pytest.raises(InputError, match=r"^toy: no process stays there; give host or ssh:"):
        archive_run(source, tmp_path / "out", jobs=2)
    assert not (tmp_path / "out").exists()


def test_one_image_has_one_worker(tmp_path: Path) -> None:
    source = photographs(tmp_path / "in", 1)
    with pytest.raises(InputError, match="is not a folder: several workers share the images of one"):
        archive_run(source / "p00.png", tmp_path / "out.png", jobs=2)
    with pytest.raises(InputError, match=r"nowhere: no such folder$"):
        archive_run(tmp_path / "nowhere", tmp_path / "out", jobs=2)
    report = archive_run(source, tmp_path / "out", jobs=200)
    assert [one.path.name for one in report.written] == ["p00.png"]


def _until(found: object, seconds: float = 60.0) -> None:
    assert callable(found)
    ends = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < ends
        time.sleep(0.02)
