"""Twenty kills at moments spread over a run of forty photographs: none is lost, none that was done is done again."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgesr.benchmarks.archive import supervisor
from edgesr.runtimes.upscaling.outcomes import FolderReport
from tests.helpers.archive.killer import Killer
from tests.helpers.archive.runs import archive_run, by_one_process, contents, photographs, stamps, workers_of
from tests.helpers.boxes.needs import children

if TYPE_CHECKING:
    from tests.helpers.boxes.sshd import SshdBox

pytest_plugins = ("tests.helpers.boxes.fixtures",)
pytestmark = pytest.mark.slow

IMAGES = 40


@pytest.fixture(autouse=True)
def _without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "ASK_AGAIN_SECONDS", (0.1,) * 20)


def compare(killer: Killer, report: FolderReport, source: Path, target: Path, **workers: object) -> None:
    """An image that was there at two kills is left to the next run; then all is as one process writes it."""
    assert len(killer.killed) == 20 and len(killer.seen) > 20
    if report.unfinished:
        assert archive_run(source, target, **workers).unfinished == ()
    assert stamps(target) | killer.seen == stamps(target)
    assert contents(target) == by_one_process(source, target.with_name("one"))


def test_workers_of_this_machine(tmp_path: Path) -> None:
    source, target = photographs(tmp_path / "in", IMAGES, (60, 60)), tmp_path / "out"
    with Killer(target, IMAGES, lambda: workers_of(os.getpid())) as killer:
        report = archive_run(source, target, jobs=2)
    compare(killer, report, source, target, jobs=2)


def test_two_boxes_their_connections_and_in_the_end_one_box(two_boxes: tuple[SshdBox, SshdBox], tmp_path: Path) -> None:
    source, target = photographs(tmp_path / "in", IMAGES, (60, 60)), tmp_path / "out"

    def found() -> list[int]:
        """Workers on the boxes, the shells around them, and the clients here that reach them; the last is a box."""
        if len(killer.killed) == 19:
            return children(two_boxes[1].process.pid)
        clients = [one for one in children(os.getpid()) if b" stay " in _words(one)]
        return [*two_boxes[0].processes(), *two_boxes[1].processes(), *clients]

    with Killer(target, IMAGES, found) as killer:
        report = archive_run(source, target, on="ssh:a,ssh:b")
    assert two_boxes[1].process.wait() != 0
    compare(killer, report, source, target, on="ssh:a")
    two_boxes[0].wait_until_clean()


def _words(process: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""
