"""Encoders that take finished rows from top to bottom: TIFF needs none, PNG and JPEG are libvips's.

libvips reads an uncompressed TIFF whose rows come as they are made, in a thread of its own, and hands out the encoded
file as it grows. Few rows are ever in memory.
"""

from __future__ import annotations

import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Thread
from typing import Any, BinaryIO, Protocol

import numpy as np

from edgesr.runtimes.arrays import PicturePixels
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.exif import MAX_JPEG_BYTES
from edgesr.runtimes.images.sixteen_bit import one_line, require_pyvips
from edgesr.runtimes.images.tiff_head import TiffLayout

_WAITING = 2
_POLL_SECONDS = 0.1
_Rows = tuple[memoryview, Callable[[], None]]
_NO_ROWS: _Rows = (memoryview(b""), lambda: None)
_JPEG_START, _PNG_START = b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"


class RowStream(Protocol):
    """An output file that grows: rows (n,W,c) of uint8 or uint16 from top to bottom, then `finish` or `abort`.

    ``done`` is called, in any thread, once the rows are not read any more.
    """

    def write(self, rows: PicturePixels, done: Callable[[], None]) -> None: ...

    def finish(self) -> None: ...

    def abort(self) -> None: ...


def opened_file(path: Path) -> BinaryIO:
    """A new file to write."""
    return path.open("wb")


class TiffStream:
    """Rows go into the file as they are."""

    def __init__(self, path: Path, layout: TiffLayout) -> None:
        self._file = opened_file(path)
        self._file.write(layout.head())

    def write(self, rows: PicturePixels, done: Callable[[], None]) -> None:
        self._file.write(np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder("<")).data)
        done()

    def finish(self) -> None:
        self._file.close()

    abort = finish


class VipsStream(ABC):
    """Rows go to libvips, which encodes them in a thread of its own.

    EXIF is put into the file here, byte for byte: libvips would write its own version of it.
    """

    def __init__(self, path: Path, layout: TiffLayout, *, waiting: int = _WAITING) -> None:
        """``waiting``: how many pieces of rows may be there before `write` waits."""
        self._path = path
        self._vips = require_pyvips(path)
        self._exif = layout.exif
        self._file = opened_file(path)
        self._rows: Queue[_Rows] = Queue(max(waiting, _WAITING))
        self._pixels, self._done = _NO_ROWS
        self._position = 0
        self._begun = self._ended = False
        self._failure: Exception | None = None
        self._layout = layout
        self._head = TiffLayout(width=layout.width, height=layout.height, bands=layout.bands, bits=layout.bits).head()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    @abstractmethod
    def encode(self, image: Any, target: Any) -> None:
        """Save a libvips image to a libvips target, with its colour profile and nothing else."""

    @abstractmethod
    def with_exif(self, start: bytes, exif: bytes) -> bytes:
        """The first bytes of the encoded file with EXIF put into them."""

    def write(self, rows: PicturePixels, done: Callable[[], None]) -> None:
        """Waits while libvips has enough to do; raises what stopped it."""
        self._hand_over((np.ascontiguousarray(rows).data.cast("B"), done))

    def finish(self) -> None:
        self._hand_over(_NO_ROWS)
        self._thread.join()
        self._file.close()
        self._raise_failure()

    def abort(self) -> None:
        """Let libvips run out of rows, which ends it."""
        while self._thread.is_alive():
            try:
                self._rows.put(_NO_ROWS, timeout=_POLL_SECONDS)
                self._thread.join(_POLL_SECONDS)
            except Full:
                self._empty()
        self._file.close()

    def _empty(self) -> None:
        try:
            while True:
                self._rows.get_nowait()
        except Empty:
            return

    def _hand_over(self, item: _Rows) -> None:
        while True:
            try:
                self._rows.put(item, timeout=_POLL_SECONDS)
                return
            except Full:
                if not self._thread.is_alive():
                    self._raise_failure()
                    raise InputError(f"{self._path}: cannot be encoded: libvips took too few rows") from None

    def _raise_failure(self) -> None:
        if isinstance(self._failure, OSError):
            raise self._failure
        if self._failure is not None:
            raise InputError(f"{self._path}: cannot be written: {one_line(self._failure)}") from self._failure

    def _run(self) -> None:
        source, target = self._vips.SourceCustom(), self._vips.TargetCustom()
        source.on_read(self._read)
        source.on_seek(self._seek)
        target.on_write(self._write)
        try:
            image = self._vips.Image.tiffload_source(source, access="sequential").copy()
            image.set_type(self._vips.GValue.gint_type, "concurrency", 1)
            if self._layout.icc is not None:
                image.set_type(self._vips.GValue.blob_type, "icc-profile-data", self._layout.icc)
            self.encode(image, target)
        except self._vips.Error as error:
            self._failure = self._failure or error

    def _read(self, size: int) -> bytes | memoryview:
        """Bytes of the TIFF, called by libvips."""
        if self._position < len(self._head):
            piece: bytes | memoryview = self._head[self._position : self._position + size]
        else:
            if not (self._pixels or self._ended):
                self._done()
                self._pixels, self._done = self._rows.get()
                self._ended = not self._pixels
            piece, self._pixels = self._pixels[:size], self._pixels[size:]
        self._position += len(piece)
        return piece

    def _seek(self, offset: int, whence: int) -> int:
        """libvips goes back and forth in the head alone."""
        starts = (0, self._position, len(self._head) + self._layout.pixel_bytes)
        self._position = starts[whence] + offset
        return self._position

    def _write(self, piece: Any) -> int:
        """Bytes of the encoded file, called by libvips; the first ones hold all that stands before EXIF."""
        try:
            if self._begun or self._exif is None:
                self._file.write(piece)
            else:
                self._file.write(self.with_exif(bytes(piece), self._exif))
            self._begun = True
        except OSError as error:
            self._failure = error
            return -1
        return len(piece)


class PngStream(VipsStream):
    """PNG of 8 or 16 bits: rows less those above them, at zlib's level 3; 5 takes half as long again for 5% less."""

    def encode(self, image: Any, target: Any) -> None:
        image.pngsave_target(target, compression=3, filter="up", keep="icc")

    def with_exif(self, start: bytes, exif: bytes) -> bytes:
        content = b"eXIf" + exif.removeprefix(b"Exif\0\0")
        chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
        place = len(_PNG_START) + 25  # behind IHDR
        return start[:place] + chunk + start[place:]


class JpegStream(VipsStream):
    """JPEG with all its colours, as in 4:4:4."""

    def __init__(self, path: Path, layout: TiffLayout, quality: int) -> None:
        self._quality = quality
        super().__init__(path, layout)

    def encode(self, image: Any, target: Any) -> None:
        image.jpegsave_target(target, Q=self._quality, subsample_mode="off", keep="icc")

    def with_exif(self, start: bytes, exif: bytes) -> bytes:
        """EXIF that is longer than a segment of JPEG can be is left out."""
        if len(exif) > MAX_JPEG_BYTES:
            return start
        place = 4 + int.from_bytes(start[4:6]) if start.startswith(_JPEG_START) else 2
        return start[:place] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + start[place:]
