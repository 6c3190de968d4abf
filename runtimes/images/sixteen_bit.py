"""Images of 16 bits a channel, which Pillow reduces to 8: read by libvips, written by libvips (PNG) or here (TIFF)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesr.runtimes.errors import InputError, MissingImagePackageError
from edgesr.runtimes.images.tiff_head import TiffLayout

Deep = NDArray[np.uint16]


@dataclass(frozen=True, kw_only=True)
class TiffHeader:
    """Properties of a TIFF file that libvips tells before it decodes it; ``sample_type`` is a name such as "ushort"."""

    width: int
    height: int
    bands: int
    frames: int
    sample_type: str
    is_cmyk: bool
    orientation: int
    icc: bytes | None


def require_pyvips(path: Path) -> Any:
    """The module, imported; raises a MissingImagePackageError that names ``path`` when it is absent or lacks its
    library.
    """
    try:
        import pyvips
    except (ImportError, OSError) as error:
        raise MissingImagePackageError(
            f"{path}: has 16 bits a channel, which needs pyvips: pip install 'edgesr[images]'"
        ) from error
    return pyvips


def libvips_version() -> str | None:
    """Version of the library below pyvips; None where one of them is missing."""
    try:
        import pyvips
    except (ImportError, OSError):
        return None
    return ".".join(str(pyvips.version(place)) for place in range(3))


def tiff_header(path: Path) -> TiffHeader:
    """Read the header only."""
    vips = require_pyvips(path)
    try:
        image = _open(vips, path, tiff=True)
        fields = image.get_fields()
        return TiffHeader(
            width=image.width,
            height=image.height,
            bands=image.bands,
            frames=image.get("n-pages") if "n-pages" in fields else 1,
            sample_type=image.format,
            is_cmyk=image.interpretation == "cmyk",
            orientation=image.get("orientation") if "orientation" in fields else 1,
            icc=image.get("icc-profile-data") if "icc-profile-data" in fields else None,
        )
    except vips.Error as error:
        raise damaged(path, error) from error


def read(path: Path, *, tiff: bool) -> Deep:
    """uint16 (h,w,c) of a PNG or TIFF file as stored, not turned; libvips divides associated alpha out."""
    vips = require_pyvips(path)
    try:
        image = _open(vips, path, tiff=tiff)
        if image.format != "ushort":
            raise InputError(f"{path}: damaged or truncated image: its samples are {image.format}; give a whole file")
        return np.asarray(image.numpy(), dtype=np.uint16).reshape(image.height, image.width, image.bands)
    except vips.Error as error:
        raise damaged(path, error) from error


def write_png(path: Path, pixels: Deep, *, icc: bytes | None, exif: bytes | None) -> None:
    """Encode uint16 (h,w,c), c of 1 to 4 with alpha last when even; the file streams to disk."""
    height, width, bands = pixels.shape
    if bands == 1:
        metadata = {} if exif is None else {"exif": exif}
        Image.fromarray(pixels[:, :, 0]).save(path, format="PNG", icc_profile=icc, **metadata)
        return
    vips = require_pyvips(path)
    try:
        memory = vips.Image.new_from_memory(pixels.data, width, height, bands, "ushort")
        image = memory.copy(interpretation="grey16" if bands == 2 else "rgb16")
        for name, content in (("icc-profile-data", icc), ("exif-data", exif)):
            if content is not None:
                image.set_type(vips.GValue.blob_type, name, content)
        image.pngsave(os.fsencode(path), keep="icc" if exif is None else "icc|exif")
    except vips.Error as error:
        raise InputError(f"{path}: cannot be written: {one_line(error)}") from error


def write_tiff(path: Path, pixels: Deep, *, icc: bytes | None, exif: bytes | None) -> None:
    """Write uint16 (h,w,c), c as in `write_png`, uncompressed; libvips would leave the EXIF out."""
    height, width, bands = pixels.shape
    layout = TiffLayout(width=width, height=height, bands=bands, bits=16, icc=icc, exif=exif)
    with path.open("wb") as file:
        file.write(layout.head())
        pixels.astype("<u2", copy=False).tofile(file)


def _open(vips: Any, path: Path, *, tiff: bool) -> Any:
    """``revalidate``: libvips would else give what it remembers of an overwritten file."""
    load = vips.Image.tiffload if tiff else vips.Image.pngload
    return load(os.fsencode(path), access="sequential", fail_on="error", revalidate=True)


def damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: damaged or truncated image: {one_line(error)}; give a whole file")


def one_line(error: Exception) -> str:
    """The message of libvips on one line, each of its lines once."""
    return "; ".join(dict.fromkeys(line.strip() for line in str(error).splitlines() if line.strip()))
