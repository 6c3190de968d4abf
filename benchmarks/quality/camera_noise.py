"""Noise of a camera: of photons (shot) and of electronics (read), in linear light, then white-balanced and denoised.

With x a channel's linear light in [0,1] and g its white-balance gain, the sensor sees x / g with variance
shot * x / g + read (Brooks et al., "Unprocessing images for learned raw denoising", arXiv 1811.11127, section 3.1);
multiplied by g again, the picture's variance is

    g * shot * x + g^2 * read

Demosaicing and denoising leave noise that neighbouring pixels share: it is filtered with a small Gaussian and scaled
back to that variance, which is therefore the finished picture's. The sRGB curve is that of IEC 61966-2-1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgesr.benchmarks.quality.image_steps import convolve, gaussian_kernels, to_pixels
from edgesr.runtimes.arrays import FloatArray, Pixels

CORRELATION_RADIUS = 2
"""Pixels to each side that the filter of correlated noise reaches."""


@dataclass(frozen=True, kw_only=True)
class CameraNoise:
    """``shot`` and ``read`` as above; the gain of green is 1; ``correlation``: standard deviation of the noise's filter
    in pixels, 0 for independent pixels.
    """

    shot: float
    read: float
    gain_red: float = 1.0
    gain_blue: float = 1.0
    correlation: float = 0.0

    def apply(self, image: Pixels, random: np.random.Generator) -> Pixels:
        """(h,w,3) sRGB -> same."""
        gains = np.array([self.gain_red, 1.0, self.gain_blue], dtype=np.float32)
        linear = srgb_to_linear(image.astype(np.float32) / np.float32(255))
        deviation = np.sqrt(gains * np.float32(self.shot) * linear + gains**2 * np.float32(self.read))
        noisy = linear + deviation * self._noise(image.shape, random)
        return to_pixels(linear_to_srgb(noisy.clip(0, 1)) * np.float32(255))

    def _noise(self, shape: tuple[int, ...], random: np.random.Generator) -> FloatArray:
        height, width, channels = shape
        margin = 2 * CORRELATION_RADIUS
        noise = random.standard_normal((height + margin, width + margin, channels), dtype=np.float32)
        kernel = correlation_kernels(np.array([self.correlation]))[0]
        return convolve(convolve(noise, kernel, 0), kernel, 1)


def correlation_kernels(sigmas: FloatArray) -> FloatArray:
    """(n,) -> (n, 5): Gaussian kernels whose squares sum to 1, so that they keep the variance of independent noise."""
    kernels = gaussian_kernels(sigmas, CORRELATION_RADIUS)
    return np.asarray(kernels / np.sqrt((kernels**2).sum(axis=1, keepdims=True)), dtype=np.float32)


def srgb_to_linear(value: FloatArray) -> FloatArray:
    """sRGB in [0,1] -> linear light in [0,1]."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def linear_to_srgb(value: FloatArray) -> FloatArray:
    """Linear light in [0,1] -> sRGB in [0,1]."""
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055).astype(np.float32)
