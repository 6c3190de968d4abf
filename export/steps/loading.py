"""Parts that all conversions of a checkpoint share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgesr.sr_model.generators.foreign.archive import is_archive

if TYPE_CHECKING:
    from edgesr.sr_model.generators.foreign.program import ForeignGenerator
    from edgesr.sr_model.generators.generator import Generator


def load_generator(checkpoint: Path, *, zero_padded: bool) -> Generator | ForeignGenerator:
    """The generator of a checkpoint, or its variant with zero padding in place of its own."""
    if is_archive(checkpoint):
        from edgesr.sr_model.generators.foreign.program import load_program

        return load_program(checkpoint)
    from edgesr.sr_model.generators.checkpoint import load_checkpoint
    from edgesr.sr_model.generators.generator import zero_padded as with_zero_padding

    generator = load_checkpoint(checkpoint)
    return with_zero_padding(generator) if zero_padded else generator


def load_traceable(checkpoint: Path, *, zero_padded: bool) -> Generator | ForeignGenerator:
    """The same, for `torch.jit.trace`: that of a user's network was made next to the user's code."""
    if is_archive(checkpoint):
        from edgesr.sr_model.generators.foreign.program import load_program

        return load_program(checkpoint, traced=True)
    return load_generator(checkpoint, zero_padded=zero_padded)
