"""A network -> the archive that all later stages read: probed, exported, proven."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgesr.runtimes.bundle.contract import Colour, next_multiple
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.wording import first_names
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.one_line import in_one_line
from edgesr.sr_model.generators.foreign.probe import as_seen, probe
from edgesr.sr_model.generators.foreign.program import save_program
from edgesr.sr_model.generators.foreign.units import InOurUnits

_SIZES = ((41, 58), (40, 56), (64, 48), (33, 47), (96, 128), (81, 57))
"""Programs are traced at the first, where that bakes something in at the second, and proven at all."""
_TRACED = 2
_MULTIPLES = (2, 4, 8, 16)
"""Tried in turn where a network is another function at sizes that are no multiples."""
_DEPEND_ON_MODE = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


@dataclass(frozen=True, kw_only=True)
class Described:
    """The description that ``by`` gives of a network: its architecture, scale and channels, and the multiples and least
    of its sides.
    """

    by: str
    architecture: str
    scale: int
    channels: int
    multiple: int
    least_side: int


class Built(NamedTuple):
    """A network in evaluation mode, what was found on the way to it, in words, and what others say of it."""

    network: nn.Module
    notes: tuple[str, ...]
    described: Described | None = None


class Made(NamedTuple):
    """The findings about a network, in words, and the hash of what its program computes."""

    notes: tuple[str, ...]
    sha256: str


def in_evaluation_mode(network: nn.Module, notes: list[str], described: Described | None = None) -> Built:
    """The network, changed in place to float32, and the notes, with one for each change that makes a difference."""
    kinds = {str(p.dtype).removeprefix("torch.") for p in network.parameters() if p.is_floating_point()}
    if kinds - {"float32"}:
        notes = [*notes, f"the network was in {', '.join(sorted(kinds))}: it is exported in float32"]
    if any(isinstance(module, _DEPEND_ON_MODE) and module.training for module in network.modules()):
        notes = [*notes, "the network was in training mode: it is exported in evaluation mode"]
    return Built(network.eval().requires_grad_(False).float(), tuple(notes), described)


def make_archive(
    archive: Path,
    built: Built,
    name: str,
    photograph: Tensor,
    *,
    scale: int | None = None,
    peak: int | None,
    multiple: int | None,
    colour: Colour | None = None,
) -> Made:
    """Write the archive of a network. ``photograph``: RGB (1,3,h,w) in [0,255]; None of the others is found by running.

    A multiple is also found where a program depends on it: networks that pad an image themselves take any.
    """
    found = partial(probe, built.network, name, photograph, peak=peak, colour=colour)
    contract, doubts = found(multiple=multiple)
    if scale not in (None, contract.scale):
        raise InputError(
            f"{name}: its scale was stated as {scale}, and its pictures are {contract.scale} times as large"
        )
    if built.described is not None:
        contract, differences = _compared(contract, built.described)
        doubts += differences
    seen = as_seen(photograph, contract.colour)
    saved = _save(archive, built.network, contract, seen)
    if isinstance(saved, str):
        return Made((*built.notes, *doubts), saved)
    larger = [m for m in _MULTIPLES if m > contract.multiple and m % contract.multiple == 0]
    for wider in larger if multiple is None else ():
        padded = _with_multiple(found(multiple=wider)[0], 1, contract.network_side)
        again = _save(archive, built.network, padded, seen)
        if isinstance(again, str):
            why = f"it is another function at sizes that are no multiples of {wider}, which are padded by reflection"
            return Made((*built.notes, *doubts, why), again)
    raise saved


def _save(archive: Path, network: nn.Module, contract: Contract, photograph: Tensor) -> str | EdgesrError:
    """Write the archive, proven on a photograph (1,c,h,w) in [0,255].

    The first fault where no traced size gives the same function at all sizes.
    """
    least = contract.minimum_side
    sizes = [(max(least, height), max(least, width)) for height, width in _SIZES]
    images = [photograph[:, :, :height, :width].contiguous() for height, width in sizes]
    picture = InOurUnits(network, contract).eval()
    written = _written_in_forward(network, images[0])
    faults: list[EdgesrError] = []
    for traced in range(_TRACED):
        order = [images[traced], *images[:traced], *images[traced + 1 :]]
        try:
            return save_program(archive, picture, contract, order)
        except EdgesrError as error:
            faults.append(error)
        except Exception as error:  # of any kind: torch.export runs the user's code
            if written:
                raise EdgesrError(
                    f"{contract.name}: writes its weights in forward ({first_names(written)}), which torch.export "
                    "cannot export: write them once, where the network is built"
                ) from error
            faults.append(EdgesrError(f"{contract.name}: torch.export cannot export it: {in_one_line(error)}"))
    return faults[0]


def _written_in_forward(network: nn.Module, image: Tensor) -> list[str]:
    """Names of the parameters that lie elsewhere after a run of an image (1,c,h,w)."""

    def places() -> dict[str, tuple[int, int]]:
        return {name: (id(p), p.data_ptr()) for name, p in network.named_parameters()}

    before = places()
    with suppress(Exception), torch.no_grad():  # what it raises, torch.export raises too
        network(image / 255)
    return [name for name, place in places().items() if before.get(name) != place]


def _with_multiple(contract: Contract, multiple: int, least: int = 1) -> Contract:
    """The contract with sides that are multiples of another number too, from another least one on."""
    both = math.lcm(contract.multiple, multiple)
    least = max(contract.network_side, least)
    return replace(contract, multiple=both, network_side=next_multiple(least, both))


def _compared(contract: Contract, said: Described) -> tuple[Contract, list[str]]:
    """The contract with sides that fit what was found and what is said, and where these differ, in words."""
    both = {
        "its scale": (said.scale, contract.scale),
        "the number of its channels": (said.channels, contract.channels),
        "the multiple of its sides": (said.multiple, contract.multiple),
    }
    notes = [
        f"{contract.name}: {said.by} says that {what} is {theirs}, and running it gives {ours}"
        for what, (theirs, ours) in both.items()
        if theirs != ours
    ]
    return _with_multiple(contract, said.multiple, said.least_side), notes
