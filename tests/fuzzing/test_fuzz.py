"""Inputs that fuzzing found once, and that fuzzing notices what it is there for (docs/reliability.md)."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edgesr.runtimes.errors import InputError
from tests.fuzzing.outcomes import LONGEST_MESSAGE, Outcome, outcome
from tests.fuzzing.targets import TARGETS, Target, work_folder
from tests.helpers.places import FUZZ_CORPUS

FILES = sorted(file for file in FUZZ_CORPUS.rglob("*") if file.is_file())


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_what_was_a_fault_is_read_or_refused_in_one_line(file: Path) -> None:
    """In this process: an exception in the one that the command uses would look like a refusal."""
    target = replace(TARGETS[file.parent.name], apart=False)
    assert outcome(target, file.read_bytes())[0] in ("read", "refused")


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read(name: str) -> None:
    """A target that refuses what edgesr wrote would find nothing."""
    for content in TARGETS[name].seeds():
        assert outcome(replace(TARGETS[name], apart=False), content) == ("read", "")


def _refuses(file: Path) -> None:
    raise InputError(f"{file}: {file.read_text()}")


def _fails(file: Path) -> None:
    raise KeyError(file.name)


def _crashes(_: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("read", "content", "expected"),
    [
        (Path.read_bytes, b"", "read"),
        (_refuses, b"is damaged", "refused"),
        (_refuses, b"x" * LONGEST_MESSAGE, "fault"),
        (_fails, b"", "fault"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_outcomes(read: object, content: bytes, expected: Outcome, apart: bool) -> None:
    assert callable(read)
    target = Target("x/any", list, lambda content, _: content, read, apart=apart)
    assert outcome(target, content)[0] == expected


def test_forks_share_one_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder for each of 20,000 inputs fills a disk."""
    work_folder().cleanup()
    work_folder.cache_clear()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    target = Target("x/any", list, lambda content, _: content, Path.read_bytes, apart=True)
    assert [outcome(target, b"")[0] for _ in range(3)] == ["read"] * 3
    assert list(tmp_path.iterdir()) == [Path(work_folder().name)]
    work_folder().cleanup()
    work_folder.cache_clear()


def test_what_does_not_end_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzzing.outcomes._MOST_SECONDS", 1)
    target = Target("x/any", list, lambda content, _: content, lambda _: time.sleep(60), apart=True)
    assert outcome(target, b"") == ("fault", "no end after 1 s")


def test_a_crash_is_told_from_a_fault() -> None:
    target = Target("x/any", list, lambda content, _: content, _crashes, apart=True)
    assert outcome(target, b"") == ("crashed", f"signal or exit code {-signal.SIGKILL}")
