"""A generator of the published form (body at HR size, reflect padding, projection) that exports in seconds."""

from __future__ import annotations

from pathlib import Path

import torch

from edgesr.sr_model.generators.checkpoint import save_checkpoint
from edgesr.sr_model.generators.config import GeneratorConfig
from edgesr.sr_model.generators.generator import Generator


def projected_generator() -> Generator:
    """Seeded; its residual has a root mean square of about 3, its alpha gives k = 1 on a photograph as it is."""
    config = GeneratorConfig(
        name="small", body="hr", width=8, blocks=2, activation="prelu", padding="reflect", initial_alpha=8.5
    )
    torch.manual_seed(0)
    return Generator(config).eval().requires_grad_(False)


def save_projected_generator(folder: Path) -> Path:
    """Checkpoint of `projected_generator` in a folder."""
    path = folder / "small.safetensors"
    save_checkpoint(path, projected_generator(), {})
    return path
