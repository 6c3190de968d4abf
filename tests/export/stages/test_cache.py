"""The cache of stage results."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesr.export.stages.cache import Stage, StageCache
from edgesr.runtimes.errors import EdgesrError


@dataclass(frozen=True)
class _Settings:
    """An argument of a stage."""

    name: str
    values: NDArray[np.float32]


def _write(folder: Path, text: str) -> None:
    (folder / "result").write_text(text)


def _write_all(folder: Path, *values: object) -> None:
    (folder / "result").write_text(repr(values))


def _fill(folder: Path, number: int, size: int) -> None:
    (folder / "data").write_bytes(bytes([number]) * size)


def test_cache_runs_a_stage_once_and_notices_changes(tmp_path: Path) -> None:
    stage, cache = Stage("demo", _write), StageCache(tmp_path)
    with cache.locked():
        first = cache.run(stage, "a")
        assert cache.run(stage, "a") == first
        assert len(cache.conversions) == 1
        assert cache.run(stage, "b") != first
        assert len(cache.conversions) == 2
        (first / "result").write_text("c")
        assert (cache.run(stage, "a") / "result").read_text() == "a"
    assert cache.conversions == ["demo"] * 3


@pytest.mark.parametrize(
    "damage", ["[]", "null", '{"files": [1]}', '{"files": {"result": 5}}', "{", '{"other": 1}', '{"files": {}}']
)
def test_a_damaged_entry_is_made_anew(tmp_path: Path, damage: str) -> None:
    stage, cache = Stage("demo", _write), StageCache(tmp_path)
    with cache.locked():
        entry = cache.run(stage, "a")
        (entry / "entry.json").write_text(damage)
        assert cache.run(stage, "a") == entry
    assert set(json.loads((entry / "entry.json").read_text())["files"]) == {"result"}
    assert len(cache.conversions) == 2


def test_a_folder_of_the_user_keeps_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("mine")
    with StageCache(tmp_path).locked():
        pass
    assert (tmp_path / "work" / "thesis.txt").read_text() == "mine"


def test_a_key_holds_the_content_of_all_arguments(tmp_path: Path) -> None:
    """Files and arrays count by what is in them; a callback does not count."""
    file, copy = tmp_path / "file", tmp_path / "copy"
    file.write_bytes(b"1")
    copy.write_bytes(b"1")
    stage = Stage("demo", _write_all)
    zeros = np.zeros(3, dtype=np.float32)
    keys = {
        stage.key(),
        stage.key(1),
        stage.key("1"),
        stage.key((1, 2)),
        stage.key(file),
        stage.key(zeros),
        stage.key(zeros.reshape(1, 3)),
        stage.key(zeros.astype(np.float64)),
        stage.key(_Settings("a", zeros)),
        stage.key(_Settings("b", zeros)),
        stage.key(_Settings("a", zeros + 1)),
        Stage("other", _write_all).key(),
    }
    assert len(keys) == 12
    assert stage.key(copy) == stage.key(file)
    assert stage.key(print) == stage.key(len)
    copy.write_bytes(b"2")
    assert stage.key(copy) not in {*keys, stage.key(file)}
    with pytest.raises(TypeError, match="cannot depend on a set"):
        stage.key({1})


def test_a_key_holds_sources_versions_and_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """The content of the closure and its versions is tested in test_import_closure; here, that the key holds them."""
    stage = Stage("demo", _write)
    closure = {"sources": {"a": "1"}, "versions": {"numpy": "1"}}
    made = SimpleNamespace(sources=closure["sources"], versions=lambda _packages: closure["versions"])
    monkeypatch.setattr("edgesr.export.stages.cache.import_closure", lambda _module: made)
    keys = [stage.key("x")]
    made.sources = {"a": "2"}
    keys.append(stage.key("x"))
    closure["versions"] = {"numpy": "2"}
    keys.append(stage.key("x"))
    monkeypatch.setattr("platform.python_version", lambda: "3.11.99")
    keys.append(stage.key("x"))
    assert len(set(keys)) == 4


def test_undeclared_packages_are_asked_for() -> None:
    assert Stage("demo", _write, ("onnx2tf",)).key("x") != Stage("demo", _write, ("tf_keras",)).key("x")


def test_cache_drops_the_least_recently_used(tmp_path: Path) -> None:
    stage, cache = Stage("demo", _fill), StageCache(tmp_path, limit_bytes=2500)
    with cache.locked():
        entries = [cache.run(stage, number, 1000) for number in range(3)]
        for age, entry in enumerate(entries):
            os.utime(entry / "entry.json", (1000 + age, 1000 + age))
        cache.run(stage, 0, 1000)
    assert [e.exists() for e in entries] == [True, False, True]


def test_a_failed_stage_leaves_nothing(tmp_path: Path) -> None:
    cache = StageCache(tmp_path)

    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise EdgesrError("no")

    with pytest.raises(EdgesrError), cache.locked():
        cache.run(Stage("demo", fail))
    assert list((tmp_path / "stages").iterdir()) == []
