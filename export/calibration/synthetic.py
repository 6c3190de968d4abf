"""Synthetic photographs to calibrate on where none are given: dead leaves, and the plain areas that these lack.

Dead leaves are discs of random place and colour that occlude each other. Where the density of their radii falls as
r^-3 their statistics are those of photographs (Lee, Mumford, Huang 2001, "Occlusion Models for Natural Images").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.bundle.manifest import Size

PLAIN_TILES = 3
_SUPERSAMPLING = 4
_LEAST_RADIUS = 1.0
_MEANS = (40.0, 215.0)
_CONTRASTS = (8.0, 70.0)
_NOISE_STDS = (0.0, 0.0, 2.0, 6.0)
_MOST_LEAVES = 4000
_ENOUGH_COVERED = 0.995


def synthetic_tiles(count: int, size: Size, *, seed: int) -> list[NDArray[np.float32]]:
    """``count`` tiles (3,h,w), float32, whole numbers in [0,255], always the same for a seed.

    The first ``PLAIN_TILES`` are a flat, a dark and a saturated one; the others are leaves.
    """
    rng = np.random.default_rng(seed)
    plain = _plain_tiles(size)[:count]
    return plain + [_leaves(size, rng) for _ in range(count - len(plain))]


def _plain_tiles(size: Size) -> list[NDArray[np.float32]]:
    """Mid grey, a ramp of shadows, and a ramp into clipped highlights."""
    width = size[1]
    rows = (np.full(width, 128.0), np.linspace(0, 12, width), np.linspace(230, 300, width).clip(max=255))
    return [np.tile(np.rint(row).astype(np.float32), (3, size[0], 1)) for row in rows]


def _leaves(size: Size, rng: np.random.Generator) -> NDArray[np.float32]:
    """Leaves with the brightness, contrast and noise of one photograph, drawn large and reduced by area."""
    height, width = size
    mean = rng.uniform(*_MEANS)
    contrast = float(np.exp(rng.uniform(*np.log(_CONTRASTS))))
    covered = np.zeros((height * _SUPERSAMPLING, width * _SUPERSAMPLING), dtype=bool)
    pixels = np.full((3, *covered.shape), mean, dtype=np.float32)
    for _ in range(_MOST_LEAVES):
        _draw_leaf(pixels, covered, mean, contrast, rng)
        if np.count_nonzero(covered) > _ENOUGH_COVERED * covered.size:
            break
    pixels = pixels.clip(0, 255).reshape(3, height, _SUPERSAMPLING, width, _SUPERSAMPLING).mean((2, 4))
    pixels += rng.normal(0, rng.choice(_NOISE_STDS), pixels.shape)
    rounded: NDArray[np.float32] = np.rint(pixels.clip(0, 255))
    return rounded


def _draw_leaf(
    pixels: NDArray[np.float32], covered: NDArray[np.bool_], mean: float, contrast: float, rng: np.random.Generator
) -> None:
    """Draw the next leaf below those that are there: on pixels not covered yet, which it then covers."""
    height, width = covered.shape
    radius = _draw_radius(_LEAST_RADIUS * _SUPERSAMPLING, max(height, width), rng)
    y, x = rng.uniform(-radius, [height + radius, width + radius])
    rows = slice(max(int(y - radius), 0), min(int(y + radius) + 2, height))
    columns = slice(max(int(x - radius), 0), min(int(x + radius) + 2, width))
    dy, dx = np.arange(height)[rows, None] - y, np.arange(width)[None, columns] - x
    leaf = (dy**2 + dx**2 <= radius**2) & ~covered[rows, columns]
    if not leaf.any():
        return
    colour = mean + rng.normal(0, contrast) + rng.normal(0, 0.3 * contrast, 3)
    slope_y, slope_x = rng.normal(0, 0.5 * contrast, 2) / radius
    roughness = 0.2 * contrast * rng.uniform()
    shade = dy * slope_y + dx * slope_x + rng.normal(0, roughness, leaf.shape)
    pixels[:, rows, columns][:, leaf] = shade[leaf] + colour[:, None]
    covered[rows, columns] |= leaf


def _draw_radius(least: float, most: float, rng: np.random.Generator) -> float:
    """A radius whose density falls as r^-3 between the two: the inverse of its distribution function."""
    low, high = least**-2, most**-2
    return float((low + (high - low) * rng.uniform()) ** -0.5)
