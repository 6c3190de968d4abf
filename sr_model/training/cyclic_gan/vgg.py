"""Perceptual features: a frozen VGG trunk, from a file or from the package stlpips-pytorch.

The papers take VGG19 at the depth of ESRGAN (arXiv 1809.00219): the last convolution before its activation. Any VGG16
or VGG19 state dict with torchvision's names (`features.0.weight`, ...) can be given. The trunk that stlpips-pytorch
ships is a VGG16 whose max pools are anti-aliased and whose weights were trained for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgesr.runtimes.errors import InputError
from edgesr.sr_model.evaluation.shift_tolerant import BlurPool, packaged_state, packaged_weights_available
from edgesr.sr_model.generators.finite_weights import require_finite
from edgesr.sr_model.generators.published import read_state
from edgesr.sr_model.generators.weights_file import is_safetensors, require_file

_BLOCK_LENGTHS = {13: (2, 2, 3, 3, 3), 16: (2, 2, 4, 4, 4)}
_WIDTHS = (64, 128, 256, 512, 512)
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
_SMALLEST_MEAN = 1e-6

Pool = Callable[[int], nn.Module]


class VGGFeatures(nn.Module):
    """RGB (N,3,H,W) in [0,1] -> the last convolution of a block (N,C,H/2^(b-1),W/2^(b-1)), before its activation."""

    mean: Tensor
    std: Tensor

    def __init__(self, convolutions: list[tuple[Tensor, Tensor]], block: int, pool: Pool) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)
        self.layers = nn.Sequential(*_layers(convolutions, block, pool))
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = self.layers((image - self.mean) / self.std)
        return features

    def loss(self, image: Tensor, reference: Tensor) -> Tensor:
        """L1 between the features of both as a share of the mean size of the reference's, so that trunks of unlike
        scale can take the same weight; gradients reach ``image`` alone."""
        with torch.no_grad():
            wanted = self(reference)
        loss: Tensor = F.l1_loss(self(image), wanted) / wanted.abs().mean().clamp_min(_SMALLEST_MEAN)
        return loss


def load_perceptual_features(path: Path | None, block: int) -> VGGFeatures | None:
    """The trunk of a file, or without one that of stlpips-pytorch; None where that package is not installed."""
    if path is not None:
        require_file(path)
        return VGGFeatures(_torchvision_convolutions(_read(path), path), block, lambda _: nn.MaxPool2d(2))
    if not packaged_weights_available():
        return None
    return VGGFeatures(_packaged_convolutions(packaged_state("vgg")), block, _anti_aliased_pool)


def _anti_aliased_pool(channels: int) -> nn.Module:
    return nn.Sequential(nn.MaxPool2d(2, stride=1), BlurPool(channels))


def _layers(convolutions: list[tuple[Tensor, Tensor]], block: int, pool: Pool) -> Iterator[nn.Module]:
    remaining = iter(convolutions)
    for index, length in enumerate(_BLOCK_LENGTHS[len(convolutions)][:block]):
        if index:
            yield nn.ReLU()
            yield pool(_WIDTHS[index - 1])
        for position in range(length):
            if position:
                yield nn.ReLU()
            yield _convolution(*next(remaining))


def _convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def _read(path: Path) -> dict[str, Tensor]:
    if not is_safetensors(path):
        return read_state(path)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = load_file(path)
    except SafetensorError as error:
        raise InputError(f"{path}: damaged safetensors file: {error}") from error
    require_finite(state, source=str(path))
    return state


def _torchvision_convolutions(state: dict[str, Tensor], path: Path) -> list[tuple[Tensor, Tensor]]:
    names = [n for n, v in state.items() if re.fullmatch(r"features\.\d+\.weight", n) and v.dim() == 4]
    names.sort(key=lambda name: int(name.split(".")[1]))
    found = [(state[n], state[n.removesuffix("weight") + "bias"]) for n in names if f"{n[:-6]}bias" in state]
    shapes = [tuple(weight.shape) for weight, _ in found]
    if len(found) not in _BLOCK_LENGTHS or shapes != _expected_shapes(len(found)):
        raise InputError(
            f"{path}: no VGG16 or VGG19: its {len(found)} convolutions features.N.weight have other shapes; "
            "give a state dict with torchvision's names"
        )
    return found


def _expected_shapes(count: int) -> list[tuple[int, ...]]:
    widths = [width for width, length in zip(_WIDTHS, _BLOCK_LENGTHS[count], strict=True) for _ in range(length)]
    return [(width, inputs, 3, 3) for width, inputs in zip(widths, [3, *widths[:-1]], strict=True)]


def _packaged_convolutions(state: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    names = [n for n, v in state.items() if n.startswith("net.") and n.endswith(".weight") and v.dim() == 4]
    names.sort(key=lambda name: int(name.split(".")[2]))
    return [(state[name], state[name.removesuffix("weight") + "bias"]) for name in names]
