"""The steps of papers on luma networks for a colour photograph, computed apart from edgesr."""

from __future__ import annotations

import importlib

import numpy as np
import torch
from PIL import Image
from torch import nn

from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.arrays import AnyPixels

TO_YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
"""As MATLAB's rgb2ycbcr."""
OFFSETS = np.array([16.0, 128.0, 128.0])


def network(name: str) -> nn.Module:
    found: nn.Module = getattr(importlib.import_module("tests.helpers.foreign.one_channel"), name)().eval()
    return found


def image_of(name: str, size: tuple[int, int]) -> AnyPixels:
    return np.ascontiguousarray(photograph(name, size).transpose(1, 2, 0))


def as_the_papers(name: str, image: AnyPixels, scale: int) -> AnyPixels:
    """Y of RGB (h,w,3) through the network, Cb and Cr by Pillow's bicubic of the image with its edge repeated."""
    ycbcr = image.astype(np.float64) @ TO_YCBCR.T + OFFSETS
    with torch.inference_mode():
        luma = network(name)(torch.from_numpy(ycbcr[:, :, 0].astype(np.float32))[None, None] / 255)[0, 0] * 255
    planes = [luma.clamp(0, 255).numpy().astype(np.float64)]
    for chroma in (1, 2):
        padded = np.pad(ycbcr[:, :, chroma].astype(np.float32), 4, mode="edge")
        size = (padded.shape[1] * scale, padded.shape[0] * scale)
        large = np.asarray(Image.fromarray(padded).resize(size, Image.Resampling.BICUBIC))
        planes.append(large[4 * scale : -4 * scale, 4 * scale : -4 * scale].astype(np.float64))
    rgb = (np.stack(planes, axis=2) - OFFSETS) @ np.linalg.inv(TO_YCBCR).T
    return np.asarray(np.clip(rgb, 0, 255))
