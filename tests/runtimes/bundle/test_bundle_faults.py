"""Manifests made to confuse the reader, and swaps that die half way."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edgesr.runtimes import directory_swap
from edgesr.runtimes.bundle.manifest import Manifest
from edgesr.runtimes.bundle.opening import MANIFEST_FILE, Bundle, open_bundle
from edgesr.runtimes.bundle.writing import write_bundle
from edgesr.runtimes.errors import InputError
from tests.helpers.small_bundle import fill


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "b", fill)


def _listing(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"schema_version": 3}', b"[" * 100_000],
    ids=["empty", "cut", "list", "null", "no-text", "no-fields", "deep"],
)
def test_damaged_manifest_is_refused(content: bytes, bundle: Bundle) -> None:
    (bundle.root / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(InputError, match=re.escape(str(bundle.root / MANIFEST_FILE))):
        open_bundle(bundle.root)


@pytest.mark.parametrize("path", ["", ".", "a\0b", "x" * 300], ids=["empty", "dot", "zero-byte", "long"])
def test_path_that_is_no_file_is_refused(path: str, bundle: Bundle) -> None:
    file = bundle.root / MANIFEST_FILE
    data = json.loads(file.read_text())
    data["artifacts"][0]["files"][0]["path"] = path
    file.write_text(json.dumps(data))
    with pytest.raises(InputError, match=re.escape(str(bundle.root))):
        open_bundle(bundle.root)


def _fail_at_rename(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename
    calls: list[Path] = []

    def interrupted(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == number:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(directory_swap, "_exchange", lambda _first, _second: False)
    monkeypatch.setattr(Path, "rename", interrupted)


@pytest.mark.parametrize("number", [1, 2])
def test_swap_that_dies_at_a_rename_keeps_the_old_bundle(
    number: int, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without renameat2: the old bundle opens, and the next write succeeds and clears up."""
    _fail_at_rename(number, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        write_bundle(bundle.root, lambda root: fill(root, b"newer"))
    monkeypatch.undo()
    assert open_bundle(bundle.root) == bundle
    write_bundle(bundle.root, fill)
    assert _listing(tmp_path) == ["b"]


def test_interrupt_while_filling_keeps_the_old_bundle(bundle: Bundle, tmp_path: Path) -> None:
    def interrupted(root: Path) -> Manifest:
        (root / "model.onnx").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bundle(bundle.root, interrupted)
    assert open_bundle(bundle.root) == bundle
    assert _listing(tmp_path) == ["b"]


def test_staging_directory_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(InputError, match="b: cannot be written: Permission denied"):
        write_bundle(tmp_path / "b", fill)


def test_parent_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        write_bundle(tmp_path / "new" / "b", fill)
