"""Write an upscaled picture while its rows are finished, so that memory does not grow with the image."""

from __future__ import annotations

import functools
import mmap
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.arrays import PicturePixels
from edgesr.runtimes.images.picture import PictureLook
from edgesr.runtimes.images.rounding import luma, upsampled_rows
from edgesr.runtimes.images.row_streams import RowStream
from edgesr.runtimes.images.tiff_head import TiffLayout

CHUNK_ROWS = 8
"""LR rows that are handed to the encoder at one time."""


class StreamedWriter:
    """The output of ``scale`` times the size of ``like``; pieces may come in any order, but each pixel once.

    What is held are rows that are not full yet and what the encoder has not taken: a row of tiles, mostly.
    """

    def __init__(self, like: PictureLook, layout: TiffLayout, *, scale: int, opened: Callable[[], RowStream]) -> None:
        self._like, self._layout, self._scale, self._opened = like, layout, scale, opened
        self._colours = layout.bands - (like.alpha is not None)
        self._dtype = np.dtype(np.uint8 if layout.bits == 8 else np.uint16)
        self._rows_each = CHUNK_ROWS * scale
        self._stream = opened()
        self._buffers = _Buffers((self._rows_each, layout.width, layout.bands), self._dtype)
        self._chunks: dict[int, _Chunk] = {}
        self._next = 0

    def restart(self) -> None:
        """All pieces come again."""
        self._stream.abort()
        self._chunks, self._next = {}, 0
        self._stream = self._opened()

    def put(self, top: int, left: int, values: NDArray[np.float32]) -> None:
        """Place float32 (3,h,w) in [0,255] at an output position, rounded."""
        bottom = top + values.shape[1]
        for place in range(top // self._rows_each, -(-bottom // self._rows_each)):
            start = place * self._rows_each
            first, last = max(top, start), min(bottom, start + self._rows_each)
            chunk = self._chunk(place)
            chunk.put(first - start, left, values[:, first - top : last - top], self._colours)
        while (full := self._chunks.get(self._next)) is not None and full.missing == 0:
            del self._chunks[self._next]
            self._stream.write(self._with_alpha(full.pixels), functools.partial(self._buffers.give, full.buffer))
            self._next += 1

    def finish(self) -> None:
        """The file is whole."""
        assert self._next == -(-self._layout.height // self._rows_each), "pieces are missing"
        self._stream.finish()

    def abort(self) -> None:
        """The file is of no use."""
        self._stream.abort()

    def _chunk(self, place: int) -> _Chunk:
        if place not in self._chunks:
            rows = min(self._rows_each, self._layout.height - place * self._rows_each)
            self._chunks[place] = _Chunk(self._buffers.take(), rows)
        return self._chunks[place]

    def _with_alpha(self, pixels: PicturePixels) -> PicturePixels:
        if self._like.alpha is not None:
            first = self._next * CHUNK_ROWS
            last = first + pixels.shape[0] // self._scale
            alpha = upsampled_rows(self._like.alpha, self._scale, first, last)
            if self._like.bits == 16 and self._layout.bits == 8:
                alpha = alpha / np.float32(257)
            pixels[:, :, -1] = np.rint(alpha).clip(0, (1 << self._layout.bits) - 1)
        return pixels


class _Chunk:
    """Rows (n,W,c) of which ``missing`` pixels have not come yet."""

    def __init__(self, buffer: PicturePixels, rows: int) -> None:
        self.buffer, self.pixels = buffer, buffer[:rows]
        self.missing = rows * buffer.shape[1]

    def put(self, top: int, left: int, values: NDArray[np.float32], colours: int) -> None:
        """One colour after the other, so that its values stay in the cache of the CPU."""
        scaling = None if self.pixels.dtype == np.uint8 else np.float32(257)
        height, width = values.shape[1:]
        place = self.pixels[top : top + height, left : left + width]
        rounded = np.empty((height, width), dtype=np.float32)
        channels = np.empty((3, height, width), dtype=self.pixels.dtype) if colours == 1 else place.transpose(2, 0, 1)
        for colour in range(3):
            scaled = values[colour] if scaling is None else np.multiply(values[colour], scaling, out=rounded)
            np.copyto(channels[colour], np.rint(scaled, out=rounded), casting="unsafe")
        if colours == 1:
            place[:, :, 0] = luma(channels)
        self.missing -= height * width


class _Buffers:
    """Pixels of chunks, used again once they are encoded: pages of new ones cost more than what is put into them.

    They go back to the system with the writer; of what is freed in another thread, the heap would keep some.
    """

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
        self._shape, self._dtype = shape, dtype
        self._free: list[PicturePixels] = []

    def take(self) -> PicturePixels:
        """Pixels with any values."""
        if self._free:
            return self._free.pop()
        pages = mmap.mmap(-1, int(np.prod(self._shape)) * self._dtype.itemsize, access=mmap.ACCESS_COPY)
        return np.frombuffer(pages, dtype=self._dtype).reshape(self._shape)

    def give(self, buffer: PicturePixels) -> None:
        """Called by whatever thread is done with it."""
        self._free.append(buffer)
