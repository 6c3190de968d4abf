"""A network whose tiles are not exact because it pools means of whole images: measured with these means given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgesr.runtimes.arrays import FloatArray, Image
from edgesr.runtimes.bundle.contract import EXACT, Tiling, next_multiple
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.upscaling.tiles import grid_of

if TYPE_CHECKING:
    from edgesr.runtimes.adapters.ort import OrtSession

MODEL_FILE, RESULT_FILE, FOUND_FILE = "model.onnx", "pooled.json", "pools.json"
_MOST_PASSES = 8
_KEPT = 40


@dataclass(frozen=True)
class Pooled:
    """The comparison of tiles that are given their ``means``; None if they are not exact even then."""

    tiling: Tiling | None
    means: int


@dataclass(frozen=True)
class Found:
    """Whether a network takes means of whole images."""

    pools: bool


@dataclass(frozen=True, kw_only=True)
class Network:
    """The known properties of a network whose tile graph is pooled; ``sparse`` as in `TiledNetwork`."""

    scale: int
    channels: int
    multiple: int
    least_side: int
    sparse: bool


def find(folder: Path, onnx_file: Path) -> None:
    """Write the `Found` of a float32 ONNX graph, before a tile graph is made of a network whose tiles are not exact."""
    import onnx

    from edgesr.export.tiling.pooled_graph import pools_means

    (folder / FOUND_FILE).write_text(to_json(Found(pools_means(onnx.load(onnx_file)))))


def measure(folder: Path, onnx_file: Path, network: Network) -> None:
    """Write the `Pooled` of a float32 ONNX tile graph of any size, and the graph that takes means as ``model.onnx``."""
    import onnx

    from edgesr.export.tiling.pooled_graph import with_given_means
    from edgesr.export.tiling.proof_images import is_telling, proof_images
    from edgesr.export.tiling.tile_proof import TiledNetwork, measure_tiling
    from edgesr.runtimes.adapters import ort
    from edgesr.runtimes.interface.runtime import RunSettings

    found = with_given_means(onnx.load(onnx_file), least_side=network.least_side)
    if found is None:
        (folder / RESULT_FILE).write_text(to_json(Pooled(None, 0)))
        return
    onnx.save(found[0], folder / MODEL_FILE)
    pooled = _PooledNetwork(ort.open(folder / MODEL_FILE, RunSettings(threads=2)), found[1], network.scale)
    tiled = TiledNetwork(
        run=pooled.whole,
        field=lambda _step: None,
        scale=network.scale,
        channels=network.channels,
        multiple=network.multiple,
        least_side=network.least_side,
        sparse=network.sparse,
        of_image=pooled.of_image,
    )
    tiling: Tiling | None = measure_tiling(tiled)
    assert tiling is not None
    images = [image[: network.channels] for image in proof_images()]
    passes = _passes(pooled, tiling, [image for image in images if is_telling(pooled.whole(image))])
    tiling = None if passes is None else replace(tiling, passes=passes)
    (folder / RESULT_FILE).write_text(to_json(Pooled(tiling, found[1])))


def give_means(folder: Path, onnx_file: Path, least_side: int) -> None:
    """Write the graph that takes means of a tile graph in lower precision, as ``model.onnx``."""
    import onnx

    from edgesr.export.tiling.pooled_graph import with_given_means

    found = with_given_means(onnx.load(onnx_file), least_side=least_side)
    if found is None:
        raise EdgesrError("in this precision the means that the network pools cannot be given to its tile graph")
    onnx.save(found[0], folder / MODEL_FILE)


@dataclass(frozen=True)
class _PooledNetwork:
    """An open graph that takes ``means`` of features."""

    session: OrtSession
    means: int
    scale: int

    def run(self, image: Image, means: FloatArray | None, mask: FloatArray) -> tuple[Image, FloatArray]:
        """The picture (c,H,W) and the sums (k,) under a mask (h,w)."""
        given = np.full(self.means, np.nan, dtype=np.float32) if means is None else means.astype(np.float32)
        output, sums = self.session.run_pooled(image[None], given[None], mask[None, None])
        return output[0], sums[0].astype(np.float64)

    def whole(self, image: Image) -> Image:
        """The picture of an image that is pooled by itself."""
        return self.run(image, None, _ones(image))[0]

    def of_image(self, image: Image) -> tuple[Image, Callable[[Image], Image]]:
        """The whole picture, and what runs tiles with the means of that image."""
        picture, sums = self.run(image, None, _ones(image))
        means = sums / (image.shape[1] * image.shape[2])
        return picture, lambda tile: self.run(tile, means, _ones(tile))[0]


def _ones(image: Image) -> FloatArray:
    return np.ones(image.shape[1:], dtype=np.float32)


def _passes(network: _PooledNetwork, tiling: Tiling, images: list[Image]) -> int | None:
    """The number of passes over all tiles until the picture is exact on all images; None if eight are too few."""
    if tiling.halo is None:
        return None
    needed = [_passes_of_image(network, tiling, image) for image in images]
    known = [passes for passes in needed if passes is not None]
    return max(known) if len(known) == len(needed) else None


def _passes_of_image(network: _PooledNetwork, tiling: Tiling, image: Image) -> int | None:
    picture = network.whole(image)
    means: FloatArray | None = None
    for passes in range(1, _MOST_PASSES + 1):
        tiled, means = _pass(network, tiling, image, means)
        if passes > 1 and float(np.abs(tiled - picture).max()) <= EXACT:
            return passes
    return None


def _pass(network: _PooledNetwork, tiling: Tiling, image: Image, means: FloatArray | None) -> tuple[Image, FloatArray]:
    """The picture of all tiles with given means, and the means that they had."""
    assert tiling.halo is not None
    size, scale = (image.shape[1], image.shape[2]), network.scale
    side = 2 * tiling.halo + next_multiple(_KEPT, tiling.step)
    grid = grid_of(size, (side, side), tiling.halo, step=tiling.step)
    picture = np.empty((image.shape[0], size[0] * scale, size[1] * scale), dtype=np.float32)
    sums = np.zeros(network.means)
    for spans in product(grid.rows, grid.columns):
        outer, inner = ([slice(s.start, s.stop) for s in spans], [slice(s.keep_start, s.keep_stop) for s in spans])
        kept = [slice(s.keep_start - s.start, s.keep_stop - s.start) for s in spans]
        tile = np.ascontiguousarray(image[:, outer[0], outer[1]])
        mask = np.zeros(tile.shape[1:], dtype=np.float32)
        mask[kept[0], kept[1]] = 1
        result, seen = network.run(tile, means, mask)
        sums += seen
        place, cut = ([slice(s.start * scale, s.stop * scale) for s in where] for where in (inner, kept))
        picture[:, place[0], place[1]] = result[:, cut[0], cut[1]]
    return picture, sums / (size[0] * size[1])
