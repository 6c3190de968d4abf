"""The ways to write an upscaled picture: row by row while it is made, or held as a whole and encoded at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import replaced_atomically
from edgesr.runtimes.images import sixteen_bit
from edgesr.runtimes.images.exif import resized_exif
from edgesr.runtimes.images.picture import PictureLook
from edgesr.runtimes.images.picture_writer import (
    DEFAULT_QUALITY,
    PictureWriter,
    canvas_bytes,
    check_output_format,
    holds_16_bits,
    holds_alpha,
)
from edgesr.runtimes.images.rounding import fitting_profile
from edgesr.runtimes.images.row_streams import JpegStream, PngStream, RowStream, TiffStream
from edgesr.runtimes.images.streamed_writer import CHUNK_ROWS, StreamedWriter
from edgesr.runtimes.images.tiff_head import TiffLayout

STREAMED_FROM_BYTES = 32_000_000
"""What an output may take as a whole: importing libvips takes longer than writing less than that."""
_ENCODER_BYTES = 8_000_000
_ENCODER_ROWS = 1100
"""What libvips holds: itself, and rows of the output, as measured with docs/photographs/measure.py."""


class Writer(Protocol):
    """Takes float32 pieces (3,h,w) in [0,255] of an output, rows of tiles from top to bottom."""

    def put(self, top: int, left: int, values: NDArray[np.float32]) -> None: ...

    def restart(self) -> None:
        """All pieces come again."""


@dataclass(frozen=True, kw_only=True)
class WritingWay:
    """``description`` for people. For each LR row of a tile ``row_bytes`` are held, and ``held_bytes`` in any case.

    ``slow``: the encoder takes so long that it is worth cutting the last row of tiles in two.
    """

    streamed: bool
    description: str
    row_bytes: int
    held_bytes: int
    slow: bool = False


@dataclass(frozen=True)
class _Format:
    """A format whose rows are written as they are finished, and whether that needs libvips.

    ``open`` takes the file, what it holds, the quality, and how many chunks of rows may wait for the encoder. ``slow``:
    it takes longer than a small network, so that a whole row of tiles waits while the next one is made.
    """

    open: Callable[[Path, TiffLayout, int, int], RowStream]
    by_libvips: bool
    slow: bool = False


_TIFF = _Format(lambda path, layout, *_: TiffStream(path, layout), by_libvips=False)
_JPEG = _Format(lambda path, layout, quality, _: JpegStream(path, layout, quality), by_libvips=True)
_FORMATS = {
    ".png": _Format(
        lambda path, layout, _, waiting: PngStream(path, layout, waiting=waiting), by_libvips=True, slow=True
    ),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
}
"""The encoder of WebP takes a picture as a whole, and BMP begins with the last row."""


def way_of_writing(path: Path, like: PictureLook, *, scale: int) -> WritingWay:
    """The way in which `opened_writer` writes a picture of ``scale`` times the size of ``like``."""
    whole = canvas_bytes(path, like, scale=scale)
    known = _FORMATS.get(path.suffix.lower())
    if known is None or whole < STREAMED_FROM_BYTES:
        return WritingWay(streamed=False, description="written as a whole", row_bytes=0, held_bytes=whole)
    if known.by_libvips and sixteen_bit.libvips_version() is None:
        text = "written as a whole, since pyvips is missing: pip install 'edgesr[images]'"
        return WritingWay(streamed=False, description=text, row_bytes=0, held_bytes=whole)
    layout = _layout(path, like, scale)
    return WritingWay(
        streamed=True,
        description="written row by row" + (" by libvips" if known.by_libvips else ""),
        row_bytes=layout.row_bytes * scale * (2 if known.slow else 1),
        held_bytes=(_ENCODER_BYTES + _ENCODER_ROWS * layout.row_bytes) if known.by_libvips else 0,
        slow=known.slow,
    )


@contextmanager
def opened_writer(
    path: Path,
    like: PictureLook,
    *,
    scale: int,
    quality: int | None = None,
    streamed: bool | None = None,
    tile_rows: int = 0,
) -> Iterator[Writer]:
    """A writer of a picture of ``scale`` times the size of ``like``, with its alpha, profile and EXIF.

    At the end of the body the file appears whole; when the body raises it does not. ``streamed``: row by row or not,
    as `way_of_writing` says unless given. ``tile_rows``: LR rows that come at a time, which wait for a slow encoder.
    """
    if not (way_of_writing(path, like, scale=scale).streamed if streamed is None else streamed):
        whole = PictureWriter(path, like, scale=scale, quality=quality)
        yield whole
        whole.save()
        return
    check_output_format(path, like.size, scale=scale, quality=quality)
    if like.alpha is not None and not holds_alpha(path):
        raise InputError(f"{path}: {path.suffix} holds no alpha; lay the picture on white, or write .png")
    layout, known = _layout(path, like, scale), _FORMATS[path.suffix.lower()]
    with replaced_atomically(path) as temporary:
        writer = StreamedWriter(
            like,
            layout,
            scale=scale,
            opened=lambda: known.open(temporary, layout, quality or DEFAULT_QUALITY, tile_rows // CHUNK_ROWS),
        )
        try:
            yield writer
            writer.finish()
        finally:
            writer.abort()


def _layout(path: Path, like: PictureLook, scale: int) -> TiffLayout:
    height, width = (side * scale for side in like.size)
    return TiffLayout(
        width=width,
        height=height,
        bands=(1 if like.grey else 3) + (like.alpha is not None),
        bits=16 if like.bits == 16 and holds_16_bits(path) else 8,
        icc=fitting_profile(like.icc, grey=like.grey),
        exif=None if like.exif is None else resized_exif(like.exif, (height, width)),
    )
