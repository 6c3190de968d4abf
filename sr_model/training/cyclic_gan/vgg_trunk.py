"""Weights of a VGG trunk, from a file or from the package stlpips-pytorch, and packed to go to another machine.

Any VGG16 or VGG19 state dict with torchvision's names (`features.0.weight`, ...) can be given. The trunk that
stlpips-pytorch ships is a VGG16 whose max pools are anti-aliased and whose weights were trained for it. A packed file
is safetensors and holds the first blocks of one of these.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from torch import Tensor

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import write_atomically
from edgesr.runtimes.json_file import JsonError, parse_json
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.sr_model.evaluation.shift_tolerant import packaged_state, packaged_weights_available
from edgesr.sr_model.generators.finite_weights import require_finite
from edgesr.sr_model.generators.published import read_state
from edgesr.sr_model.generators.safetensors_header import read_layout
from edgesr.sr_model.generators.weights_file import is_safetensors, require_file

_BLOCK_LENGTHS = {13: (2, 2, 3, 3, 3), 16: (2, 2, 4, 4, 4)}
_WIDTHS = (64, 128, 256, 512, 512)
_METADATA_KEY = "edgesr_vgg"

Convolutions = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class VGGTrunk:
    """Weight (out,in,3,3) and bias (out,) of the convolutions of each block, and whether pools are anti-aliased."""

    blocks: tuple[Convolutions, ...]
    anti_aliased: bool


@dataclass(frozen=True)
class _Packing:
    """The one entry of a packed file's metadata."""

    lengths: tuple[int, ...]
    anti_aliased: bool


def find_trunk(path: Path | None, block: int) -> VGGTrunk | None:
    """The trunk of a file, with ``block`` blocks or more; without one that of stlpips-pytorch, None where that is not
    installed."""
    if path is None:
        if not packaged_weights_available():
            return None
        return VGGTrunk(_in_blocks(_packaged_convolutions(packaged_state("vgg"))), anti_aliased=True)
    require_file(path)
    state = _read(path)
    packing = _packing_of(path)
    if packing is None:
        return VGGTrunk(_in_blocks(_torchvision_convolutions(state, path)), anti_aliased=False)
    return _unpacked(state, packing, path, block)


def save_trunk(path: Path, trunk: VGGTrunk, block: int) -> None:
    """Pack the first blocks of a trunk; the same trunk gives the same bytes."""
    from safetensors.torch import save

    blocks = trunk.blocks[:block]
    tensors: dict[str, Tensor] = {}
    for number, (weight, bias) in enumerate(pair for convolutions in blocks for pair in convolutions):
        tensors |= {f"{number}.weight": weight.contiguous(), f"{number}.bias": bias.contiguous()}
    described = {"lengths": [len(block) for block in blocks], "anti_aliased": trunk.anti_aliased}
    write_atomically(path, save(tensors, metadata={_METADATA_KEY: json.dumps(described, sort_keys=True)}))


def _packing_of(path: Path) -> _Packing | None:
    metadata = read_layout(path).metadata if is_safetensors(path) else {}
    if _METADATA_KEY not in metadata:
        return None
    try:
        return decode(_Packing, parse_json(metadata[_METADATA_KEY]))
    except (DecodeError, JsonError) as error:
        raise InputError(f"{path}: its description of the VGG trunk is damaged: {error}; pack it again") from error


def _unpacked(state: dict[str, Tensor], packing: _Packing, path: Path, block: int) -> VGGTrunk:
    names = [f"{number}.{part}" for number in range(sum(packing.lengths)) for part in ("weight", "bias")]
    expected = _expected_shapes(packing.lengths)
    pairs = [(state[w], state[b]) for w, b in zip(names[::2], names[1::2], strict=True) if w in state and b in state]
    if sorted(state) != sorted(names) or [tuple(weight.shape) for weight, _ in pairs] != expected:
        raise InputError(f"{path}: its tensors are not those of the VGG trunk that it describes; pack it again")
    if len(packing.lengths) < block:
        raise InputError(
            f"{path}: holds {len(packing.lengths)} blocks of a VGG trunk, perceptual_block is {block}; "
            "pack it again or give a smaller one"
        )
    return VGGTrunk(_in_blocks(pairs, packing.lengths), packing.anti_aliased)


def _in_blocks(convolutions: Convolutions, lengths: tuple[int, ...] | None = None) -> tuple[Convolutions, ...]:
    remaining = iter(convolutions)
    return tuple(list(islice(remaining, length)) for length in lengths or _BLOCK_LENGTHS[len(convolutions)])


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
    if len(found) not in _BLOCK_LENGTHS or shapes != _expected_shapes(_BLOCK_LENGTHS[len(found)]):
        raise InputError(
            f"{path}: no VGG16 or VGG19: its {len(found)} convolutions features.N.weight have other shapes; "
            "give a state dict with torchvision's names"
        )
    return found


def _expected_shapes(lengths: tuple[int, ...]) -> list[tuple[int, ...]]:
    widths = [width for width, length in zip(_WIDTHS, lengths, strict=False) for _ in range(length)]
    return [(width, inputs, 3, 3) for width, inputs in zip(widths, [3, *widths[:-1]], strict=True)]


def _packaged_convolutions(state: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    names = [n for n, v in state.items() if n.startswith("net.") and n.endswith(".weight") and v.dim() == 4]
    names.sort(key=lambda name: int(name.split(".")[2]))
    return [(state[name], state[name.removesuffix("weight") + "bias"]) for name in names]
