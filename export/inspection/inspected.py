"""Parts that the descriptions of model files of all formats share."""

from __future__ import annotations

from edgesr.runtimes.bundle.manifest import Layout
from edgesr.runtimes.wording import shown_text

Shape = tuple[int | None, ...]
UNKNOWN_SHAPES = "unknown: its shapes cannot be inferred"


def first_line(error: Exception) -> str:
    """The first line of an error's text, or what kind of error it is."""
    return shown_text(next(iter(str(error).strip().splitlines()), type(error).__name__))


def per_pixel(macs: int | None, output: Shape | None, *, layout: Layout) -> str:
    """Multiply-accumulates of a call, divided by the pixels of its output; no figure where that is no image.

    None is what could not be inferred.
    """
    if output is None:
        return UNKNOWN_SHAPES
    if len(output) != 4:
        return "none: its output is not an image"
    height, width = output[2:] if layout == "NCHW" else output[1:3]
    if macs is None or height is None or width is None:
        return UNKNOWN_SHAPES
    return f"{macs / (height * width):,.1f}" if height * width > 0 else "none: its output has no pixels"
