"""Image metrics on float arrays (3,H,W), RGB, in [0,255]."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.arrays import Image

_CAP_DB = 150.0
_PEAK = 255.0
_SSIM_WINDOW = 7
_SSIM_C1 = (0.01 * _PEAK) ** 2
_SSIM_C2 = (0.03 * _PEAK) ** 2
_Y_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255.0


def psnr(image: NDArray[np.floating], reference: NDArray[np.floating]) -> float:
    """Peak signal-to-noise ratio in dB, peak 255; inf for identical images, nan where a value is not finite."""
    difference = image.astype(np.float64) - reference.astype(np.float64)
    mse = float(np.square(difference).mean())
    return math.inf if mse == 0 else 10 * math.log10(_PEAK**2 / mse) if math.isfinite(mse) else math.nan


def capped_psnr(image: NDArray[np.floating], reference: NDArray[np.floating]) -> float:
    """The same, at most 150 dB, so that means over images are numbers where some are identical."""
    return min(psnr(image, reference), _CAP_DB)


def ssim(image: NDArray[np.floating], reference: NDArray[np.floating]) -> float:
    """Structural similarity of (C,H,W), H and W at least 7: mean over channels and windows that lie inside; at most 1.

    Wang et al. 2004, equation 13, K1 = 0.01, K2 = 0.03, peak 255, with a flat 7x7 window and sample covariance: what
    scikit-image's `structural_similarity` computes unless told otherwise. On RGB it is lower than the SSIM of Y with
    a Gaussian 11x11 window, which other papers print.
    """
    pairs = zip(image.astype(np.float64), reference.astype(np.float64), strict=True)
    return float(np.mean([_ssim(x, y) for x, y in pairs]))


def max_abs_error(image: Image, reference: Image) -> float:
    """Largest absolute difference, 0..255; nan where a value is not finite."""
    return float(np.abs(image.astype(np.float64) - reference).max())


def channel_mean_shift(image: Image, reference: Image) -> list[float]:
    """Mean of image - reference for each channel: a colour cast shows here before it shows in PSNR."""
    return [float(v) for v in (image.astype(np.float64) - reference).mean(axis=(1, 2))]


def border_max_abs_error(image: Image, reference: Image, ring: int) -> float:
    """Largest absolute difference within ``ring`` pixels of the image border."""
    error = np.abs(np.subtract(image, reference, dtype=np.float64))
    sides = (error[:, :ring], error[:, -ring:], error[:, :, :ring], error[:, :, -ring:])
    return max(float(side.max()) for side in sides)


def luma(image: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3,H,W) RGB -> (1,H,W) Y of BT.601 in [16,235], as super-resolution papers measure it."""
    return np.asarray(np.tensordot(_Y_WEIGHTS, image, axes=(0, 0))[None] + 16.0, dtype=np.float64)


def crop_border(image: NDArray[np.floating], border: int) -> NDArray[np.floating]:
    """(C,H,W) without its outer ``border`` pixels."""
    return image[:, border : image.shape[1] - border, border : image.shape[2] - border]


def _ssim(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """SSIM of one channel (H,W)."""
    sample = _SSIM_WINDOW**2 / (_SSIM_WINDOW**2 - 1)
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    variances = sample * (_window_mean(x * x) - mean_x**2 + _window_mean(y * y) - mean_y**2)
    covariance = sample * (_window_mean(x * y) - mean_x * mean_y)
    numerator = (2 * mean_x * mean_y + _SSIM_C1) * (2 * covariance + _SSIM_C2)
    return float((numerator / ((mean_x**2 + mean_y**2 + _SSIM_C1) * (variances + _SSIM_C2))).mean())


def _window_mean(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """(H,W) -> (H-6,W-6): mean of every 7x7 window that lies inside."""
    rows = np.sum([x[i : x.shape[0] - _SSIM_WINDOW + 1 + i] for i in range(_SSIM_WINDOW)], axis=0)
    total = np.sum([rows[:, i : x.shape[1] - _SSIM_WINDOW + 1 + i] for i in range(_SSIM_WINDOW)], axis=0)
    return np.asarray(total / _SSIM_WINDOW**2)
