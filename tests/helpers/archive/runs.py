"""Folders of small photographs and runs over them with many workers."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import edgesr
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.devices.standing import STANDING_WORKER, Standing
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.outcomes import FolderReport
from tests.helpers.boxes.needs import children
from tests.helpers.folder_runs import save_photograph
from tests.helpers.places import RELEASED_BUNDLE

OPTIONS = UpscaleOptions(runtime="ort")
_DEADLY = """
import os, signal, sys
from edgesr.benchmarks.archive import process, service

upscale = service.Service.upscale

def deadly(self, source, target):
    if source.name == {name!r}:
        target.write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    return upscale(self, source, target)

service.Service.upscale = deadly
process.main()
"""


def photographs(folder: Path, count: int, size: tuple[int, int] = (20, 24)) -> Path:
    """A new folder with photographs p00.png and so on, each of another height."""
    folder.mkdir()
    for place in range(count):
        save_photograph(folder / f"p{place:02}.png", (size[0] + place, size[1]))
    return folder


def released_bundle() -> Bundle:
    return open_bundle(RELEASED_BUNDLE)


def by_one_process(source: Path, target: Path, options: UpscaleOptions = OPTIONS) -> dict[str, bytes]:
    """The files that a run without workers writes, by name."""
    edgesr.upscale_files(source, target, released_bundle(), options)
    return contents(target)


def contents(folder: Path) -> dict[str, bytes]:
    """All that is in a folder; a folder in it is an error."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """By name what changes when a picture is written again."""
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in folder.glob("*.png")}


def archive_run(source: Path, target: Path, **workers: object) -> FolderReport:
    options = edgesr.WorkerOptions(**workers)  # type: ignore[arg-type]
    return edgesr.upscale_archive(source, target, released_bundle(), OPTIONS, workers=options)


def workers_of(parent: int) -> list[int]:
    """The worker processes of a process."""
    found = []
    for process in children(parent):
        with contextlib.suppress(OSError):
            if STANDING_WORKER.encode() in Path(f"/proc/{process}/cmdline").read_bytes():
                found.append(process)
    return found


def kill_workers_at(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Workers of this machine kill themselves when they are given the photograph of that name."""
    usual = HostDevice.standing

    def deadly(self: HostDevice, bundle: Bundle, runtimes: Sequence[str], /) -> Standing:
        found = usual(self, bundle, runtimes)
        command = (sys.executable, "-P", "-c", _DEADLY.format(name=name))
        return Standing(command=command, environment=found.environment, bundle=found.bundle)

    monkeypatch.setattr(HostDevice, "standing", deadly)
