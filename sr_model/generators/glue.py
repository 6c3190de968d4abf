"""The glue of a generator, read from its checkpoint without torch, so that a cached export stays fast."""

from __future__ import annotations

from pathlib import Path

from edgesr.runtimes.bundle.manifest import Glue
from edgesr.sr_model.generators.config import GeneratorConfig

_ALPHA = "projection.alpha"


def glue_around(alpha: float | None) -> Glue:
    """Bilinear upsampling, with noise level and projection where there is an alpha."""
    return Glue(upsample="bilinear", noise_level=None if alpha is None else "db7-mad", alpha=alpha)


def read_glue(checkpoint: Path, config: GeneratorConfig) -> Glue:
    """The glue of one of our safetensors checkpoints."""
    if not config.projection:
        return glue_around(None)
    from safetensors import safe_open

    with safe_open(checkpoint, framework="numpy") as tensors:
        return glue_around(float(tensors.get_tensor(_ALPHA)[0]))
