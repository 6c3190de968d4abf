"""Tile graphs that take the means of pooled features as an input: those of the whole image, not of a tile.

Next to the image (1,c,h,w) such a graph takes ``pooled_means`` (1,k), nan where the graph is to pool by itself, and
``pooled_mask`` (1,1,h,w), 1 where a pixel counts; next to its output it gives ``pooled_sums`` (1,k) of the features
that count.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from edgesr.runtimes.arrays import FloatArray

MEANS, MASK, SUMS = "pooled_means", "pooled_mask", "pooled_sums"


@runtime_checkable
class PooledSession(Protocol):
    """An open model file of such a graph; `Session.run` of it pools by itself."""

    def run_pooled(self, image: FloatArray, means: FloatArray, mask: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The graph's output and the sums."""
