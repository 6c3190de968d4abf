"""The distance of a quantized tile graph's pictures from those of the float graph, and that of the network's base."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
import onnx

from edgesr.benchmarks.parity.comparison import ONE_LEVEL_PSNR_DB
from edgesr.benchmarks.quality.metrics import capped_psnr, channel_mean_shift, max_abs_error, psnr
from edgesr.export.calibration.extremes import extreme_tiles
from edgesr.export.graphs.onnx_graph import input_channels, runner
from edgesr.export.quantization.plan import Measured
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import InputError

Finish = Callable[[FloatArray, FloatArray], FloatArray]
"""An LR tile (c,h,w) and what the tile graph gives for it -> the SR image."""
Base = Callable[[FloatArray], FloatArray]
"""An LR tile (c,h,w) -> its bilinear upsampling, what the network is to be better than."""


class Fidelity:
    """Compares pictures of the selection tiles, and of extreme ones, with those of a float tile graph.

    Tiles that the network leaves as they are say nothing of a residual, and where all are left the selection is
    refused, unless its output is the picture (``gives_picture``): all of them are compared then.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        selection: Sequence[FloatArray],
        finish: Finish,
        base: Base,
        *,
        gives_picture: bool = False,
    ) -> None:
        self._model, self._finish, self._base = model, finish, base
        pairs = list(zip(selection, self._pictures(model, selection, exact=False), strict=True))
        chosen = [pair for pair in pairs if self._tells(*pair)] or (pairs if gives_picture else [])
        if not chosen:
            raise InputError(
                "the network leaves every selection tile as it is: give --calibration photographs with detail"
            )
        self.tiles, self.references = ([*part] for part in zip(*chosen, strict=True))

    @cached_property
    def base_psnr_db(self) -> float:
        """Mean PSNR of the base on the selection tiles."""
        pairs = zip(self.tiles, self.references, strict=True)
        return float(np.mean([capped_psnr(self._base(tile), reference) for tile, reference in pairs]))

    def measure(self, quantized: onnx.ModelProto) -> Measured:
        """Measure a quantized form, in exact arithmetic."""
        images = self._pictures(quantized, self.tiles, exact=True)
        pairs = list(zip(images, self.references, strict=True))
        quality = [capped_psnr(image, reference) for image, reference in pairs]
        shifts = [abs(s) for image, reference in pairs for s in channel_mean_shift(image, reference)]
        return Measured(
            mean_psnr_db=float(np.mean(quality)),
            worst_psnr_db=min(quality),
            max_mean_shift=max(shifts),
            keeps_flat=self._keeps_extremes(quantized),
            max_abs_error=max(max_abs_error(image, reference) for image, reference in pairs),
        )

    def mean_psnr_db(self, outputs: Sequence[FloatArray]) -> float:
        """The mean PSNR (dB) of a graph's answers to the selection tiles."""
        pictures = [self._finish(tile, output[0]) for tile, output in zip(self.tiles, outputs, strict=True)]
        return float(np.mean([capped_psnr(*pair) for pair in zip(pictures, self.references, strict=True)]))

    def _tells(self, tile: FloatArray, picture: FloatArray) -> bool:
        """Whether the network changes a tile visibly: where it does nothing, nothing can be lost."""
        return psnr(picture, self._base(tile)) < ONE_LEVEL_PSNR_DB

    @cached_property
    def _extremes(self) -> Mapping[str, tuple[FloatArray, FloatArray, float]]:
        """Extreme tiles with the float graph's pictures, and the PSNR that is enough on each."""
        tiles = extreme_tiles(input_channels(self._model), self.tiles[0].shape[1:])
        pictures = self._pictures(self._model, list(tiles.values()), exact=False)
        return {
            name: (tile, picture, min(psnr(self._base(tile), picture), ONE_LEVEL_PSNR_DB))
            for (name, tile), picture in zip(tiles.items(), pictures, strict=True)
        }

    def _keeps_extremes(self, quantized: onnx.ModelProto) -> bool:
        """The flat-tile rule of parity, on mid grey, black, white and a checkerboard."""
        tiles = [tile for tile, _, _ in self._extremes.values()]
        found = zip(self._pictures(quantized, tiles, exact=True), self._extremes.values(), strict=True)
        return all(psnr(image, expected) >= enough for image, (_, expected, enough) in found)

    def _pictures(self, model: onnx.ModelProto, tiles: Sequence[FloatArray], *, exact: bool) -> list[FloatArray]:
        run = runner(model, exact=exact)
        return [self._finish(tile, next(iter(run(tile).values()))[0]) for tile in tiles]
