"""Any checkpoint that edgesr reads -> one of our safetensors files."""

from __future__ import annotations

from pathlib import Path

FILE = "generator.safetensors"


def normalise(folder: Path, checkpoint: Path) -> None:
    """Write the generator of a published .pth file as ``generator.safetensors``."""
    from edgesr.sr_model.generators.checkpoint import load_checkpoint, save_checkpoint

    save_checkpoint(folder / FILE, load_checkpoint(checkpoint), {})
