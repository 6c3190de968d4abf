"""What the conversions of a checkpoint share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgesr.sr_model.generators.generator import Generator


def load_generator(checkpoint: Path, *, zero_padded: bool) -> Generator:
    """The generator of a checkpoint, or its variant with zero padding in place of its own."""
    from edgesr.sr_model.generators.checkpoint import load_checkpoint
    from edgesr.sr_model.generators.generator import zero_padded as with_zero_padding

    generator = load_checkpoint(checkpoint)
    return with_zero_padding(generator) if zero_padded else generator
