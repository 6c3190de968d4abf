"""The cache of stage results."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from export.cache import Stage, StageCache
from runtimes.errors import EdgesrError


def test_cache_runs_a_stage_once_and_notices_changes(tmp_path: Path) -> None:
    stage = Stage("demo", ("runtimes.errors",), ("numpy",))
    runs: list[int] = []

    def produce(folder: Path) -> None:
        runs.append(1)
        (folder / "result").write_text("made")

    cache = StageCache(tmp_path)
    with cache.locked():
        first = cache.run(stage, {"a": 1}, produce)
        assert cache.run(stage, {"a": 1}, produce) == first
        assert len(runs) == 1
        cache.run(stage, {"a": 2}, produce)
        assert len(runs) == 2
        (first / "result").write_text("mad3")
        assert (cache.run(stage, {"a": 1}, produce) / "result").read_text() == "made"
    assert len(runs) == 3
    assert cache.conversions == ["demo"] * 3
    assert Stage("demo", ("runtimes.registry",), ("numpy",)).key({}) != stage.key({})
    assert Stage("demo", ("runtimes.errors",), ("pillow",)).key({}) != stage.key({})


def test_cache_drops_the_least_recently_used(tmp_path: Path) -> None:
    stage = Stage("demo", (), ())
    cache = StageCache(tmp_path, limit_bytes=2500)
    with cache.locked():
        entries = [cache.run(stage, {"n": n}, lambda folder: _fill(folder, 1000)) for n in range(3)]
        for age, entry in enumerate(entries):
            os.utime(entry / "entry.json", (1000 + age, 1000 + age))
        cache.run(stage, {"n": 0}, lambda folder: _fill(folder, 1000))
    assert [e.exists() for e in entries] == [True, False, True]


def _fill(folder: Path, size: int) -> None:
    (folder / "data").write_bytes(b"x" * size)


def test_a_failed_stage_leaves_nothing(tmp_path: Path) -> None:
    cache = StageCache(tmp_path)

    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise EdgesrError("no")

    with pytest.raises(EdgesrError), cache.locked():
        cache.run(Stage("demo", (), ()), {}, fail)
    assert list((tmp_path / "stages").iterdir()) == []
