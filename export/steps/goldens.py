"""Goldens of a checkpoint."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.steps.loading import load_generator
from edgesr.runtimes.bundle.manifest import Size


def record(folder: Path, checkpoint: Path, tile_size: Size) -> None:
    """Write the tensors of all goldens and their records."""
    from edgesr.export.goldens import record_goldens

    record_goldens(load_generator(checkpoint, zero_padded=False), tile_size, folder)
