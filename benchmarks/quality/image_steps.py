"""Steps that degradations are made of: Gaussian blur, antialiased resize, unsharp mask and JPEG of uint8 RGB images."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesr.runtimes.arrays import AnyPixels, FloatArray, Pixels

FILTERS = ("box", "bilinear", "bicubic")
"""Antialiased filters of Pillow with half-pixel centres: LR and HR stay aligned."""


def gaussian_radius(sigma: float) -> int:
    """Pixels to each side that a Gaussian's kernel reaches: three standard deviations."""
    return math.ceil(3 * sigma)


def gaussian_kernels(sigmas: NDArray[np.floating], radius: int) -> FloatArray:
    """(n,) standard deviations in pixels -> (n, 2*radius+1) kernels of sum 1; that of 0 changes nothing."""
    places = np.arange(-radius, radius + 1) / np.maximum(sigmas, 1e-3)[:, None]
    kernels = np.exp(-0.5 * places**2)
    return np.asarray(kernels / kernels.sum(axis=1, keepdims=True), dtype=np.float32)


def blur(image: FloatArray, sigma_x: float, sigma_y: float) -> FloatArray:
    """(h,w,3) -> same: separable Gaussian, borders replicated."""
    for axis, sigma in ((0, sigma_y), (1, sigma_x)):
        if sigma:
            radius = gaussian_radius(sigma)
            pads = [(radius, radius) if i == axis else (0, 0) for i in range(3)]
            kernel = gaussian_kernels(np.array([sigma]), radius)[0]
            image = convolve(np.pad(image, pads, mode="edge"), kernel, axis)
    return image


def convolve(padded: FloatArray, kernel: FloatArray, axis: int) -> FloatArray:
    """The part of a convolution along one axis that needs nothing beyond the edges."""
    length = padded.shape[axis] - len(kernel) + 1
    lines = np.moveaxis(padded, axis, 0)
    summed = kernel[0] * lines[:length]
    for offset, weight in enumerate(kernel[1:], start=1):
        summed += weight * lines[offset : offset + length]
    return np.moveaxis(summed, 0, axis)


def unsharp(image: Pixels, amount: float, sigma: float) -> Pixels:
    """Unsharp mask: x + amount * (x - blurred x)."""
    pixels = image.astype(np.float32)
    return to_pixels(pixels + np.float32(amount) * (pixels - blur(pixels, sigma, sigma)))


def resize(image: Pixels, height: int, width: int, kind: str) -> Pixels:
    """Resize an image with one of `FILTERS`, antialiased, as Pillow does."""
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling[kind.upper()]))


def compress_jpeg(image: Pixels, quality: int) -> Pixels:
    """Through a 4:2:0 JPEG file of that quality and back."""
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, "JPEG", quality=quality)
    return np.asarray(Image.open(encoded))


def to_pixels(image: AnyPixels) -> Pixels:
    """Rounded and clipped to uint8."""
    return np.rint(image).clip(0, 255).astype(np.uint8)
