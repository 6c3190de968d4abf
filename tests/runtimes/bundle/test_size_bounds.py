"""Bounds of the sizes that a file takes: read, checked, kept by sessions and by the upscaler's plan."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgesr.runtimes.adapters.session import ImageSession
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Artifact, Manifest, RunMemory, RuntimeUse, Size
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.bundle.size_bounds import SizeBounds, taken_sizes
from edgesr.runtimes.bundle.writing import write_bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.upscaling.grids import Needs, tile_grid
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.plan import plan_upscale
from edgesr.runtimes.upscaling.tiles import least_work_grid
from tests.helpers.small_bundle import fill

BOUNDS = SizeBounds(least=(2, 3), most=(60, 50))
MEMORY = RunMemory(fixed_bytes=1000, bytes_per_lr_pixel=10.0)


def bundle_of(folder: Path, bounds: SizeBounds, **changes: Any) -> Bundle:
    """One tile graph of those bounds, halo 4."""
    use = RuntimeUse(name="ort", resizable=False, memory=MEMORY, delegate=None)
    fields = {"graph": "tile", "halo": 4, "bounds": bounds, "uses": (use,), **changes}

    def filled(root: Path) -> Manifest:
        return fill(root, **fields)

    return write_bundle(folder / "bundle", filled)


def test_sizes_within_bounds() -> None:
    for size, held in (((2, 3), True), ((60, 50), True), ((1, 3), False), ((2, 2), False), ((61, 50), False)):
        assert BOUNDS.hold(size) is held
    assert (BOUNDS.fixed, BOUNDS.text) == (None, "2x3 to 60x50")
    one = SizeBounds(least=(8, 9), most=(8, 9))
    assert (one.fixed, one.text) == ((8, 9), "8x9")
    assert (taken_sizes(None, None), taken_sizes((5, 6), None), taken_sizes(None, BOUNDS)) == (
        *("any", "5x6"),
        "2x3 to 60x50",
    )


def test_a_manifest_keeps_them(tmp_path: Path) -> None:
    written = bundle_of(tmp_path, BOUNDS)
    (artifact,) = open_bundle(written.root).manifest.artifacts
    assert artifact.bounds == BOUNDS
    assert artifact.fits((60, 50), "ort") and not artifact.fits((60, 51), "ort")


@pytest.mark.parametrize(
    ("bounds", "changes", "message"),
    [
        (SizeBounds(least=(0, 1), most=(2, 2)), {}, "sides of its bounds have to be from 1"),
        (SizeBounds(least=(3, 1), most=(2, 2)), {}, "bounds 3x1 to 2x2 hold no size"),
    ],
)
def test_bounds_that_cannot_be_are_refused(
    bounds: SizeBounds, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises((InputError, EdgesrError), match=message):
        open_bundle(bundle_of(tmp_path, bounds, **changes).root)


def test_a_session_refuses_other_sizes_in_one_line(tmp_path: Path) -> None:
    class Never:
        def run(self, image: FloatArray) -> FloatArray:
            raise AssertionError("it is refused before")

    (artifact,) = bundle_of(tmp_path, BOUNDS).manifest.artifacts
    session = ImageSession(artifact, Never(), "ort")
    with pytest.raises(InputError, match=r"onnx-fp32-full takes 2x3 to 60x50 \(height x width\), not 60x51"):
        session.infer(np.zeros((3, 60, 51), dtype=np.float32))


@pytest.mark.parametrize("size", [(60, 50), (61, 50), (60, 51), (200, 3), (500, 700)])
def test_planned_tiles_lie_within_bounds(size: Size, tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, BOUNDS)
    grid = plan_upscale(bundle, size, UpscaleOptions(runtime="ort")).grid
    assert BOUNDS.hold(grid.tile_size)
    assert (grid.tiles == 1) is BOUNDS.hold(size)


def test_a_tile_size_beyond_them_is_refused(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, BOUNDS)
    options = UpscaleOptions(runtime="ort", tile_size=(60, 51))
    with pytest.raises(InputError, match=r"takes 2x3 to 60x50 .*, and not tiles of 60x51: give a smaller --tile-size"):
        plan_upscale(bundle, (100, 100), options)
    assert plan_upscale(bundle, (60, 50), options).grid.tile_size == (60, 50), "the image is smaller"


def test_one_size_is_that_of_all_tiles(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, SizeBounds(least=(24, 20), most=(24, 20)))
    grid = plan_upscale(bundle, (100, 61), UpscaleOptions(runtime="ort")).grid
    assert grid.uniform and grid.tile_size == (24, 20)
    with pytest.raises(InputError, match="smaller than the tiles of"):
        plan_upscale(bundle, (23, 20), UpscaleOptions(runtime="ort"))


def test_a_full_graph_names_what_it_takes(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, BOUNDS, graph="full", halo=None)
    assert plan_upscale(bundle, (60, 50), UpscaleOptions(runtime="ort")).grid.tiles == 1
    with pytest.raises(InputError, match=r"takes only 2x3 to 60x50 \(height x width\), not 61x50"):
        plan_upscale(bundle, (61, 50), UpscaleOptions(runtime="ort"))


@pytest.mark.parametrize("length", [61, 64, 95, 97])
def test_tiles_at_multiples_of_a_step_are_longer_by_less_than_it(length: int) -> None:
    """The last tile of an axis has what is left of it, and is no longer than the largest."""
    grid = least_work_grid((length, 8), 8, 10**9, step=8, largest=(60, 60))
    assert grid is not None
    assert max(span.stop - span.start for span in grid.rows) <= 60
    assert grid.rows[-1].stop == length


def test_both_artifacts_of_an_image_take_its_tiles(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, BOUNDS)
    (border,) = bundle.manifest.artifacts
    inside: Artifact = dataclasses.replace(
        border, id="inside", inside_only=True, bounds=SizeBounds(least=(2, 2), most=(30, 90))
    )
    needs = Needs((400, 400), "ort", UpscaleOptions(runtime="ort"), bundle.manifest, 0, False)
    height, width = tile_grid((border, inside), needs).tile_size
    assert height <= 30 and width <= 50
