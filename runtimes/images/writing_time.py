"""The time that it takes to place and encode an output, estimated from a small part of it."""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path

import numpy as np

from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.images.picture import Picture
from edgesr.runtimes.images.strips import StripPicture
from edgesr.runtimes.images.writing import opened_writer

_SAMPLE = (128, 512)


def writing_seconds(
    picture: Picture | StripPicture, suffix: str, *, scale: int, quality: int | None, streamed: bool
) -> float:
    """Seconds for the whole output: a part is enlarged, written twice, and the second time counts.

    A bilinear enlargement takes the encoders as long as the network's picture does.
    """
    sample = _sample(picture)
    values = upsample_bilinear(sample.values(), scale)
    with tempfile.TemporaryDirectory(prefix="edgesr-writing-") as folder:
        for name in ("first", "second"):
            started = time.perf_counter()
            path = Path(folder) / f"{name}{suffix}"
            with opened_writer(path, sample, scale=scale, quality=quality, streamed=streamed) as writer:
                writer.put(0, 0, values)
            took = time.perf_counter() - started
    return took * math.prod(picture.size) / math.prod(sample.size)


def _sample(picture: Picture | StripPicture) -> Picture:
    """A sample from the middle, or from the top of a picture that is decoded in strips.

    Without profile and EXIF, which do not grow with a picture.
    """
    top, left = (max(side - most, 0) // 2 for side, most in zip(picture.size, _SAMPLE, strict=True))
    rows, columns = slice(top, top + _SAMPLE[0]), slice(left, left + _SAMPLE[1])
    if isinstance(picture, StripPicture):
        pixels, alpha = picture.pixels.rows(0, min(_SAMPLE[0], picture.size[0])), None
    else:
        pixels, alpha = picture.pixels[rows], picture.alpha
    return Picture(
        pixels=np.ascontiguousarray(pixels[:, columns]),
        alpha=None if alpha is None else np.ascontiguousarray(alpha[rows, columns]),
        grey=picture.grey,
    )
