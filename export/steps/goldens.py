"""Goldens of a checkpoint."""

from __future__ import annotations

from pathlib import Path

from edgesr.runtimes.bundle.manifest import Size


def record(folder: Path, checkpoint: Path, tile_size: Size) -> None:
    """Write the tensors of all goldens and their records."""
    from edgesr.export.goldens import record_goldens
    from edgesr.sr_model.generators.checkpoint import load_checkpoint

    record_goldens(load_checkpoint(checkpoint), tile_size, folder)
