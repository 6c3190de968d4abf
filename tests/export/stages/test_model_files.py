"""Models of several files: which they are, how they are named in a bundle, and that all of them count in cache keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.export.assembly import _copied
from edgesr.export.stages.cache import ENTRY_FILE, Stage, stage_folder
from edgesr.export.stages.model_files import model_files


def write(folder: Path, *names: str) -> list[Path]:
    files = [folder / name for name in (*names, ENTRY_FILE, "plan.json")]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(file.name)
    return files


@pytest.mark.parametrize(
    ("names", "in_bundle"),
    [
        (["model.tflite"], ["x-1.tflite"]),
        (["model.param", "model.bin"], ["x-1.param", "x-1.bin"]),
        (
            ["model.mlpackage/Manifest.json", "model.mlpackage/Data/a.bin", "model.mlpackage/Data/b.bin"],
            ["x-1.mlpackage/Manifest.json", "x-1.mlpackage/Data/a.bin", "x-1.mlpackage/Data/b.bin"],
        ),
    ],
)
def test_files_of_a_model_keep_their_places(names: list[str], in_bundle: list[str], tmp_path: Path) -> None:
    """The one that is opened comes first; what else a stage wrote is none of them."""
    opened, *_ = write(tmp_path / "stage", *names)
    assert stage_folder(opened) == tmp_path / "stage"
    found = model_files(tmp_path / "stage", opened)
    assert list(found) == names
    entries = [_copied(place, file, "x-1", tmp_path / "bundle") for place, file in found.items()]
    assert [entry.path for entry in entries] == in_bundle
    for place, entry in zip(names, entries, strict=True):
        assert (tmp_path / "bundle" / entry.path).read_text() == Path(place).name


def produce(folder: Path, source: Path) -> None:
    (folder / "model").write_text(source.read_text())


def test_a_key_counts_every_file_of_a_model(tmp_path: Path) -> None:
    opened, other, *_ = write(tmp_path / "stage", "model.param", "model.bin")
    alone = tmp_path / "alone.param"
    alone.write_text(opened.read_text())
    stage = Stage("x", produce)
    before, of_alone = stage.key(opened), stage.key(alone)
    other.write_text("changed")
    assert stage.key(opened) != before
    assert stage.key(alone) == of_alone
