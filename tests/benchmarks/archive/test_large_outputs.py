"""Outputs that are written row by row: a box writes the bytes that this machine writes."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgesr.runtimes.images.image_io import read_picture
from edgesr.runtimes.images.writing import way_of_writing
from tests.helpers.archive.runs import archive_run, by_one_process, contents, photographs

if TYPE_CHECKING:
    from tests.helpers.boxes.sshd import SshdBox

pytest_plugins = ("tests.helpers.boxes.fixtures",)
pytestmark = pytest.mark.slow


def test_a_box_encodes_by_libvips_as_this_machine(on_sshd: SshdBox, tmp_path: Path) -> None:
    """Pillow would make other files, of the same pixels."""
    source, target = photographs(tmp_path / "in", 1, (700, 750)), tmp_path / "out"
    picture = read_picture(source / "p00.png")
    assert way_of_writing(target / "p00.png", picture, scale=4).description == "written row by row by libvips"
    archive_run(source, target, on="ssh:pi")
    found, expected = contents(target), by_one_process(source, tmp_path / "one")
    assert {name: sha256(file).hexdigest() for name, file in found.items()} == {
        name: sha256(file).hexdigest() for name, file in expected.items()
    }
