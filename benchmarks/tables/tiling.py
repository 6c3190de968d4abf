"""The comparison of a bundle's tiles with whole pictures, in words."""

from __future__ import annotations

from edgesr.runtimes.bundle.manifest import Manifest


def tiling_lines(manifest: Manifest) -> list[str]:
    """The verdict and its figure; nothing of a bundle that records none."""
    return [] if manifest.tiling is None else [f"Tiles: {manifest.tiling.text}"]
