"""Bundles of networks whose tiles are exact at multiples alone, and of one whose tiles never are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgesr.export.calibration.photographs import photograph
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.bundle.contract import Tiling
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.plan import plan_upscale
from edgesr.runtimes.upscaling.upscale import upscale, upscale_rows
from tests.export.foreign.conftest import NETWORKS
from tests.export.foreign.test_exports import whole_picture

RunCli = Callable[..., tuple[int, str, str]]
TILES, WHOLE = "onnx-fp32-tile", "onnx-fp32-full"
FIGURE = r"differ from (the|its) whole picture by up to 0\.\d+ of 255, \d\d dB"


def exported(network: str, folder: Path, cache_dir: Path, **options: object) -> Bundle:
    file, function = network.split(".")
    given = {"targets": ("onnx",), "tile_size": (64, 64), **options}
    asked = ExportOptions(module=f"{NETWORKS / file}.py:{function}", **given)  # type: ignore[arg-type]
    return export_bundle(asked, folder / function, cache_dir=cache_dir).bundle


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("attention.window_attention", marks=pytest.mark.slow),
        pytest.param("unusual.pixel_unshuffle", marks=pytest.mark.slow),
    ],
)
def aligned_bundle(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cache_dir: Path
) -> tuple[str, Bundle]:
    """A network with its name, whose tiles are exact at multiples of 8 or 2."""
    return request.param, exported(request.param, tmp_path_factory.mktemp("bundles"), cache_dir)


def image_of(size: tuple[int, int]) -> np.ndarray:
    return np.ascontiguousarray(photograph("coffee", size).transpose(1, 2, 0))


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (70, 45), (97, 131), (128, 64)])
def test_tiles_at_multiples_give_the_whole_picture(size: tuple[int, int], aligned_bundle: tuple[str, Bundle]) -> None:
    """The image is extended by its edge to the least side, and by reflection to the next multiple."""
    name, bundle = aligned_bundle
    image = image_of(size)
    least, multiple = bundle.manifest.minimum_side, bundle.manifest.multiple
    extended = np.pad(image, [*[(0, max(least - side, 0)) for side in size], (0, 0)], mode="edge")
    padding = [(0, -side % multiple) for side in extended.shape[:2]]
    expected = whole_picture(name, np.pad(extended, [*padding, (0, 0)], mode="reflect"))
    options = UpscaleOptions(artifact_id=TILES, tile_size=(48, 40))
    found = upscale(image, bundle, options)
    assert np.abs(found - expected[: found.shape[0], : found.shape[1]]).max() < 0.01
    assert np.array_equal(np.concatenate(list(upscale_rows(image, bundle, options))), found)


def test_all_tiles_begin_at_multiples(aligned_bundle: tuple[str, Bundle]) -> None:
    manifest = aligned_bundle[1].manifest
    assert manifest.tiling is not None
    step, tiles = manifest.tiling.step, set()
    assert step == manifest.multiple > 1
    for memory in (80, 120, 200, 10_000):
        options = UpscaleOptions(artifact_id=TILES, memory_bytes=memory * 10**6)
        grid = plan_upscale(aligned_bundle[1], (600, 800), options).grid
        assert grid.uniform
        assert all(span.start % step == 0 for span in (*grid.rows, *grid.columns))
        tiles.add(grid.tiles)
    assert len(tiles) >= 2


def test_tile_sizes_that_are_no_multiples_are_refused(
    aligned_bundle: tuple[str, Bundle], tmp_path: Path, cache_dir: Path
) -> None:
    name, bundle = aligned_bundle
    with pytest.raises(InputError, match=r"tiles of 63x64: those of onnx-fp32-tile have sides that are multiples"):
        plan_upscale(bundle, (300, 300), UpscaleOptions(artifact_id=TILES, tile_size=(63, 64)))
    with pytest.raises(InputError, match=r"tile size 63x65.* multiples of \d alone; give a --tile-size .* 64x(66|72) "):
        exported(name, tmp_path, cache_dir, tile_size=(63, 65))


def test_a_self_ensemble_in_tiles_is_that_of_the_whole_picture(aligned_bundle: tuple[str, Bundle]) -> None:
    _, bundle = aligned_bundle
    image = image_of((70, 61))
    tiled = UpscaleOptions(artifact_id=TILES, tile_size=(48, 48), self_ensemble=True)
    whole = UpscaleOptions(artifact_id=WHOLE, self_ensemble=True)
    assert np.abs(upscale(image, bundle, tiled) - upscale(image, bundle, whole)).max() < 0.01


def test_the_receptive_field_as_halo(aligned_bundle: tuple[str, Bundle]) -> None:
    _, bundle = aligned_bundle
    tiling = bundle.manifest.tiling
    assert tiling is not None and tiling.field is not None and tiling.halo is not None
    options = UpscaleOptions(artifact_id=TILES, tile_size=(64, 64), halo="field")
    first = plan_upscale(bundle, (200, 200), options).grid.rows[0]
    assert first.stop - first.keep_stop >= tiling.field
    image = image_of((97, 131))
    found = upscale(image, bundle, options)
    assert np.abs(found - upscale(image, bundle, UpscaleOptions(artifact_id=WHOLE))).max() < 0.01


@pytest.fixture(scope="module")
def inexact_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """A block of spatial attention, with tile graphs nevertheless."""
    folder = tmp_path_factory.mktemp("bundles")
    return exported("attention.spatial_attention", folder, cache_dir, allow_inexact_tiles=True, tile_size=(128, 128))


@pytest.mark.slow
def test_inexact_tiles_carry_their_figure(inexact_bundle: Bundle) -> None:
    """The whole picture is preferred, and tiles are about as near to it as the manifest says."""
    tiling = inexact_bundle.manifest.tiling
    assert tiling is not None
    assert (tiling.verdict, tiling.halo, tiling.field) == ("inexact", 32, None)
    assert tiling.error is not None and tiling.error > 0.03
    assert tiling.psnr_db is not None and 40 < tiling.psnr_db < 90
    assert plan_upscale(inexact_bundle, (300, 300), UpscaleOptions()).artifact.graph == "full"
    image = image_of((144, 144))
    options = UpscaleOptions(artifact_id=TILES, tile_size=(104, 104))
    error = np.abs(upscale(image, inexact_bundle, options) - upscale(image, inexact_bundle, UpscaleOptions())).max()
    assert 0.003 < error < 3 * tiling.error


@pytest.mark.slow
def test_inexact_tiles_are_told(inexact_bundle: Bundle, run_cli: RunCli, tmp_path: Path, cache_dir: Path) -> None:
    """By export, by inspect, and by upscale where it uses them."""
    module = f"{NETWORKS / 'attention.py'}:spatial_attention"
    options = ("--module", module, "--targets", "onnx", "--cache-dir", cache_dir, "--output", tmp_path / "bundle")
    code, _, stderr = run_cli("export", *options, "--allow-inexact-tiles")
    assert code == 0 and re.search(FIGURE, stderr)
    code, stdout, _ = run_cli("inspect", inexact_bundle.root)
    assert code == 0 and re.search(FIGURE, stdout)
    code, stdout, _ = run_cli("parity", inexact_bundle.root)
    assert code == 0 and re.search(FIGURE, stdout)
    (tmp_path / "photo.png").write_bytes((NETWORKS.parents[2] / "export/photographs/cat.png").read_bytes())
    upscaled = ("upscale", tmp_path / "photo.png", tmp_path / "large.png", "--bundle", inexact_bundle.root)
    code, _, stderr = run_cli(*upscaled, "--artifact", TILES, "--tile-size", "104x104")
    assert code == 0 and re.search(FIGURE, stderr)
    code, _, stderr = run_cli(*upscaled, "--artifact", WHOLE)
    assert code == 0 and not re.search(FIGURE, stderr)


def test_no_tile_graph_is_advised_where_there_is_none(foreign_bundle: Bundle) -> None:
    manifest, options = foreign_bundle.manifest, UpscaleOptions(artifact_id=WHOLE, tile_size=(48, 48))
    with pytest.raises(InputError, match=r"in one piece: leave .* out, or use a tile graph$"):
        plan_upscale(foreign_bundle, (90, 90), options)
    inexact = Tiling(verdict="inexact", halo=None, field=None, step=1, error=0.22, psnr_db=75.0)
    whole = tuple(artifact for artifact in manifest.artifacts if artifact.graph == "full")
    alone = replace(foreign_bundle, manifest=replace(manifest, tiling=inexact, artifacts=whole))
    with pytest.raises(InputError, match=FIGURE + ": leave --memory and --tile-size out$"):
        plan_upscale(alone, (90, 90), options)
