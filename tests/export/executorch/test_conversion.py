"""The conversion to ExecuTorch: proven within its bounds, of one size where no other can be made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.export import ExportedProgram

from edgesr.export.calibration.photographs import photograph
from edgesr.export.executorch import conversion
from edgesr.export.executorch.conversion import Wanted, export_executorch
from edgesr.export.executorch.lowering import Lowered, lower
from edgesr.export.records import read_taken_sizes
from edgesr.export.steps.proof import proof_of
from edgesr.runtimes.adapters import executorch
from edgesr.runtimes.adapters.executorch_file import read_pte
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.bundle.size_bounds import SizeBounds
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.conversions import planted_modules as planted
from tests.export.conversions.planted_modules import Planted

TILE: Size = (24, 40)


def converted(module: Planted, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    wanted = Wanted(least_side=1, tile_size=TILE, image_of=lambda size: photograph("cat", size))
    export_executorch(module, folder, proof=proof_of(module), wanted=wanted)
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network that takes any size."""
    return converted(planted.sound(), tmp_path_factory.mktemp("sound"))


def test_a_file_is_right_up_to_its_bounds(sound: Path) -> None:
    assert sorted(file.name for file in sound.iterdir()) == [
        "delegation.json",
        "model.pte",
        "program.pt2",
        "sizes.json",
    ]
    sizes = read_taken_sizes(sound)
    assert (sizes.bounds, sizes.why_fixed) == (SizeBounds(least=(1, 1), most=(256, 256)), "")
    session = executorch.open(sound / "model.pte", RunSettings())
    for size in ((1, 1), (1, 256), (256, 256), (255, 3)):
        image = photograph("coffee", size)[None]
        expected = planted.sound()(torch.from_numpy(image)).numpy()
        assert np.abs(session.run(image) - expected).max() <= 1e-3, size


def test_bounds_are_smaller_where_more_memory_would_be_planned(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """12 features of 256x256 are outside the delegate twice, and three times inside; for 128x128 they are a quarter.

    Files are the same each time.
    """
    largest, whole = 12 * 256 * 256 * 4, read_pte(sound / "model.pte").planned_bytes
    assert 2 * largest <= whole <= 3 * largest
    monkeypatch.setattr(conversion, "_HELD_BYTES", whole + 3 * largest - 1)
    made: list[bytes] = []

    def kept(program: ExportedProgram, path: Path) -> Lowered:
        lowered = lower(program, path)
        made.append(path.read_bytes())
        return lowered

    monkeypatch.setattr(conversion, "lower", kept)
    converted(planted.sound(), tmp_path)
    assert made[0] == (sound / "model.pte").read_bytes()
    assert read_taken_sizes(tmp_path).bounds == SizeBounds(least=(1, 1), most=(128, 128))
    assert read_pte(tmp_path / "model.pte").planned_bytes == pytest.approx(whole / 4, rel=0.01)
    monkeypatch.setattr(conversion, "_HELD_BYTES", 1)
    converted(planted.sound(), tmp_path)
    assert read_taken_sizes(tmp_path).bounds == SizeBounds(least=(1, 1), most=(64, 64))
    assert len(made) == 3, "what needs too much without its planned memory is not made"


@pytest.mark.parametrize("make", [planted.fixed_mask, planted.parity_branch], ids=["mask", "branch"])
def test_a_network_of_one_size_gives_a_file_of_the_tile_size(make: Callable[[], Planted], tmp_path: Path) -> None:
    """The mask has another size, of which no file can be made."""
    if make is planted.fixed_mask:
        with pytest.raises(EdgesrError, match=r"PyTorch cannot export the network: .*40"):
            converted(make(), tmp_path)
        return
    folder = converted(make(), tmp_path)
    sizes = read_taken_sizes(folder)
    assert sizes.bounds is not None and sizes.bounds.fixed == TILE
    assert sizes.why_fixed
    session = executorch.open(folder / "model.pte", RunSettings())
    image = photograph("coffee", TILE)[None]
    assert np.abs(session.run(image) - make()(torch.from_numpy(image)).numpy()).max() <= 1e-3
    with pytest.raises(executorch.RUNTIME.failures()):
        session.run(photograph("coffee", (TILE[0] - 1, TILE[1]))[None])
