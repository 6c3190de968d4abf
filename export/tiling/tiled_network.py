"""A user's generator as the measurement of its tiles takes it."""

from __future__ import annotations

import warnings
from functools import partial

import torch

from edgesr.export.tiling.receptive_field import receptive_field
from edgesr.export.tiling.tile_proof import TiledNetwork, is_sparse
from edgesr.runtimes.arrays import Image
from edgesr.sr_model.generators.foreign.program import ForeignGenerator


def tiled_network(generator: ForeignGenerator, *, mac_per_hr_pixel: float) -> TiledNetwork:
    """The picture before the clip, of images of any size, and the receptive field."""
    config = generator.config
    return TiledNetwork(
        run=partial(_picture, generator),
        field=lambda step: receptive_field(
            partial(_picture_without_winograd, generator),
            scale=config.scale,
            channels=config.channels,
            step=step,
            least_side=config.minimum_side,
        ),
        scale=config.scale,
        channels=config.channels,
        multiple=config.multiple,
        least_side=config.minimum_side,
        sparse=is_sparse(mac_per_hr_pixel, config.scale),
    )


def _picture(generator: ForeignGenerator, image: Image) -> Image:
    with torch.inference_mode():
        picture: Image = generator.residual(torch.from_numpy(image)[None])[0].numpy()
    return picture


def _picture_without_winograd(generator: ForeignGenerator, image: Image) -> Image:
    """The picture by matrix products, each of which covers a kernel's own pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's flags warn of a setting of Intel's GPUs
        with torch.backends.mkldnn.flags(enabled=False), torch.backends.nnpack.flags(enabled=False):
            return _picture(generator, image)
