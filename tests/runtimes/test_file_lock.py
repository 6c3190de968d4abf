"""Waiting for another process is told once; an export and a set-up of a device wait so."""

from __future__ import annotations

from pathlib import Path

import filelock
import pytest

from edgesr.benchmarks.devices.arm64 import setup
from edgesr.export.stages.cache import StageCache
from edgesr.runtimes import file_lock
from edgesr.runtimes.errors import MissingPackageError
from edgesr.runtimes.progress import Progress, ProgressEvent


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lock, "PATIENCE_SECONDS", 0.01)


def released_when_told(lock: Path) -> tuple[Progress, list[ProgressEvent]]:
    """A callback that keeps what it is told, and the lock of another one, which it then gives up."""
    other, told = filelock.FileLock(lock), list[ProgressEvent]()
    other.acquire()

    def progress(event: ProgressEvent) -> None:
        told.append(event)
        other.release()

    return progress, told


def test_an_export_tells_that_it_waits_for_another(tmp_path: Path) -> None:
    progress, told = released_when_told(tmp_path / "lock")
    with StageCache(tmp_path).locked(progress):
        with pytest.raises(filelock.Timeout):
            filelock.FileLock(tmp_path / "lock").acquire(timeout=0)
        assert [event.note for event in told] == [f"waiting for another export that uses the cache {tmp_path}"]
        assert told[0].is_notice
    filelock.FileLock(tmp_path / "lock").acquire(timeout=0).lock.release()


def test_nothing_is_told_where_nobody_else_is(tmp_path: Path) -> None:
    told: list[ProgressEvent] = []
    with StageCache(tmp_path).locked(told.append):
        assert told == []


def test_a_set_up_tells_that_it_waits_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it finds what is wrong: here, that there is no dpkg."""

    def missing(*_given: object) -> None:
        raise MissingPackageError("no dpkg")

    monkeypatch.setattr(setup, "require_host", lambda _place: None)
    monkeypatch.setattr(setup, "_make", missing)
    progress, told = released_when_told(tmp_path / "arm64.lock")
    with pytest.raises(MissingPackageError, match="no dpkg"):
        setup.set_up(progress, folder=tmp_path / "arm64")
    assert [event.note for event in told] == [f"waiting for another set-up of {tmp_path / 'arm64'}"]


def test_the_lock_is_given_up_after_a_failure(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="broken"),
        file_lock.locked(tmp_path / "lock", other="another", progress=lambda _event: None),
    ):
        raise ValueError("broken")
    filelock.FileLock(tmp_path / "lock").acquire(timeout=0).lock.release()
