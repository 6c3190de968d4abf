"""Checkpoints as SRResCGAN and SRResCycGAN publish them (.pth state dicts), turned into our parameter names.

Weight norm is folded, w = g * v / ||v||, and the last layer, a transposed convolution with stride 1, becomes the
convolution with flipped and transposed weights that it equals.
"""

from __future__ import annotations

import pickle
import struct
import warnings
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import shown_text
from edgesr.sr_model.generators.config import GeneratorConfig, preset
from edgesr.sr_model.generators.finite_weights import FINITE, require_finite
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.generators.recognised import (
    UnknownNetworkError,
    compare_shapes,
    described_nesting,
    foreign_network,
)
from edgesr.sr_model.generators.weights_file import require_file

NETWORK = "SRResCGAN or SRResCycGAN x4 generator"
_BLOCKS = 5
_SAVE_ANEW = f"give the state dict of an {NETWORK}, or a file that edgesr train wrote"
_DAMAGE = (
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    OSError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
)


def load_published(path: Path) -> Generator:
    """Read a published .pth file strictly; pickles that hold anything but tensors are refused unread."""
    return from_published_state(read_state(path), source=str(path))


def read_state(path: Path, *, advice: str | None = None) -> dict[str, Tensor]:
    """The state dict in a .pth file, read with ``weights_only=True``; all its values are finite.

    ``advice`` ends a refusal in place of what to do about a checkpoint.
    """
    save_anew = advice or _SAVE_ANEW
    state = load_weights_only(path, save_anew)
    if not isinstance(state, dict) or not all(isinstance(k, str) and _is_dense(v) for k, v in state.items()):
        found = described_nesting(state)
        raise UnknownNetworkError(
            f"{path}: holds no state dict (a mapping of names to dense tensors){found}; {save_anew}"
        )
    require_finite(state, source=str(path), advice=advice or FINITE)
    return state


def load_weights_only(path: Path, save_anew: str) -> object:
    """The content of a .pth file, read with ``weights_only=True``; ``save_anew`` ends the message of a refusal."""
    require_file(path)
    _require_unpacked_size(path, save_anew)
    try:
        with warnings.catch_warnings(action="ignore"):  # of a TorchScript archive, which is refused
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(f"{path}: refused, its pickle holds more than weights; {save_anew}") from error
    except _DAMAGE as error:
        if "TorchScript archive" in str(error):
            raise InputError(f"{path}: a TorchScript archive, which holds code; {save_anew}") from error
        raise InputError(f"{path}: not a PyTorch checkpoint, or damaged: {_first_line(error)}; {save_anew}") from error


def from_published_state(state: dict[str, Tensor], *, source: str) -> Generator:
    """Preset `srrescycgan` with published parameters; anything else is refused, and told what it looks like."""
    expected = _published_shapes(preset("srrescycgan"))
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if len(found.keys() & expected.keys()) < len(expected) // 2:
        raise UnknownNetworkError(foreign_network(source, found, wanted=f"the {NETWORK}", expected=expected))
    if problems := compare_shapes(found, expected):
        raise InputError(f"{source}: not an {NETWORK}: {problems}; give the file as it is published")
    generator = Generator(preset("srrescycgan"))
    single = {name: tensor.float() for name, tensor in state.items()}
    require_finite(single, source=f"{source}: in float32")
    generator.load_state_dict(_convert(single, source), strict=True)
    return generator.eval()


def fold_weight_norm(direction: Tensor, magnitude: Tensor) -> Tensor:
    """w = g * v / ||v||, the norm over all but the first axis (torch.nn.utils.weight_norm, dim=0)."""
    norm = _norms(direction).view(-1, *[1] * (direction.dim() - 1))
    folded: Tensor = direction * (magnitude / norm)
    return folded


def _norms(direction: Tensor) -> Tensor:
    """(first axis,): the norm of each filter."""
    norms: Tensor = direction.flatten(1).norm(dim=1)
    return norms


def _require_foldable(layer: str, direction: Tensor, magnitude: Tensor, source: str) -> None:
    """Raise an InputError that names the tensor whose weight norm float32 does not hold."""
    norms = _norms(direction)
    advice = "give a checkpoint whose weight norm can be folded"
    for broken, why in ((norms == 0, "0"), (~norms.isfinite(), "too large for float32")):
        if broken.any():
            index = int(broken.int().argmax())
            raise InputError(
                f"{source}: the norm of {layer}.weight_v[{index}], by which weight norm divides, is {why}; {advice}"
            )
    if not fold_weight_norm(direction, magnitude).isfinite().all():
        raise InputError(
            f"{source}: {layer}.weight_g times {layer}.weight_v divided by its norm is not finite in float32; {advice}"
        )


def transposed_to_convolution(weight: Tensor) -> Tensor:
    """Weights (in,out,k,k) of a stride-1 transposed convolution -> (out,in,k,k) of the convolution that equals it."""
    return weight.transpose(0, 1).flip(2, 3).contiguous()


def _convert(state: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    def folded(layer: str) -> Tensor:
        direction, magnitude = state[f"{layer}.weight_v"], state[f"{layer}.weight_g"]
        _require_foldable(layer, direction, magnitude, source)
        return fold_weight_norm(direction, magnitude)

    result = {
        "projection.alpha": state["alpha"],
        "body.head.weight": folded("model.conv1"),
        "body.head.bias": state["model.conv1.bias"],
        "body.tail.weight": transposed_to_convolution(folded("model.conv_out")),
        "body.tail.bias": state["model.conv_out.bias"],
    }
    for block in range(_BLOCKS):
        ours, theirs = f"body.blocks.{block}", f"model.layer1.{block}"
        for i in (1, 2):
            result[f"{ours}.conv{i}.weight"] = folded(f"{theirs}.conv{i}")
            result[f"{ours}.conv{i}.bias"] = state[f"{theirs}.conv{i}.bias"]
            result[f"{ours}.act{i}.weight"] = state[f"{theirs}.relu{i}.weight"]
    return result


def _published_shapes(config: GeneratorConfig) -> dict[str, tuple[int, ...]]:
    width = config.width

    def normed(layer: str, first: int, second: int, kernel: int, outputs: int) -> dict[str, tuple[int, ...]]:
        return {
            f"{layer}.bias": (outputs,),
            f"{layer}.weight_g": (first, 1, 1, 1),
            f"{layer}.weight_v": (first, second, kernel, kernel),
        }

    shapes: dict[str, tuple[int, ...]] = {"alpha": (1,)}
    shapes |= normed("model.conv1", width, 3, 5, width)
    shapes |= normed("model.conv_out", width, 3, 5, 3)
    for block in range(_BLOCKS):
        for i in (1, 2):
            shapes |= normed(f"model.layer1.{block}.conv{i}", width, width, 3, width)
            shapes[f"model.layer1.{block}.relu{i}.weight"] = (width,)
    return shapes


def _require_unpacked_size(path: Path, advice: str) -> None:
    """torch.save does not compress: records larger than their file would fill the memory."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(record.file_size for record in archive.infolist())
    except (zipfile.BadZipFile, *_DAMAGE):
        return  # torch says what it is
    if unpacked > size:
        raise InputError(f"{path}: refused, its {size} bytes unpack to {unpacked}; {advice}")


def _is_dense(value: object) -> bool:
    """Whether it is a tensor with all its values in memory: not sparse, nested, quantized or expanded."""
    if not isinstance(value, Tensor) or value.layout is not torch.strided or not value.is_cpu:
        return False
    if value.is_quantized or value.is_nested:
        return False
    return value.untyped_storage().nbytes() >= value.numel() * value.element_size()


def _first_line(error: Exception) -> str:
    return shown_text(next(iter(str(error).strip().splitlines()), type(error).__name__))
