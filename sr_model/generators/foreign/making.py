"""A network -> the archive that all later stages read: probed, exported, proven."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.one_line import in_one_line
from edgesr.sr_model.generators.foreign.probe import probe
from edgesr.sr_model.generators.foreign.program import save_program
from edgesr.sr_model.generators.foreign.units import InOurUnits

_SIZES = ((41, 58), (40, 56), (64, 48), (33, 47), (96, 128), (81, 57))
_DEPEND_ON_MODE = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


@dataclass(frozen=True, kw_only=True)
class Described:
    """What ``by`` says of a network: its architecture, scale and channels, the multiples and the least of its sides."""

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
    """What was found about a network, in words, and the hash of what its program computes."""

    notes: tuple[str, ...]
    sha256: str


def in_evaluation_mode(network: nn.Module, notes: list[str], described: Described | None = None) -> Built:
    """The network, changed in place, and the notes, with one where its mode makes a difference."""
    if any(isinstance(module, _DEPEND_ON_MODE) and module.training for module in network.modules()):
        notes = [*notes, "the network was in training mode: it is exported in evaluation mode"]
    return Built(network.eval().requires_grad_(False), tuple(notes), described)


def make_archive(
    archive: Path,
    built: Built,
    name: str,
    photograph: Tensor,
    *,
    scale: int | None = None,
    peak: int | None,
    multiple: int | None,
) -> Made:
    """Write the archive of a network. ``photograph``: (1,3,h,w) in [0,255]; None of the others is found by running."""
    contract, doubts = probe(built.network, name, photograph, peak=peak, multiple=multiple)
    if scale not in (None, contract.scale):
        raise InputError(
            f"{name}: its scale was stated as {scale}, and its pictures are {contract.scale} times as large"
        )
    if built.described is not None:
        contract, differences = _compared(contract, built.described)
        doubts += differences
    least = contract.minimum_side
    sizes = [(max(least, height), max(least, width)) for height, width in _SIZES]
    images = [photograph[:, :, :height, :width] for height, width in sizes]
    picture = InOurUnits(built.network, contract).eval()
    try:
        sha256 = save_program(archive, picture, contract, images)
    except EdgesrError:
        raise
    except Exception as error:  # of any kind: torch.export runs the user's code
        raise EdgesrError(f"{contract.name}: torch.export cannot export it: {in_one_line(error)}") from error
    return Made((*built.notes, *doubts), sha256)


def _compared(contract: Contract, said: Described) -> tuple[Contract, list[str]]:
    """The contract with sides that fit what was found and what is said, and where these differ, in words."""
    both = {
        "scale": (said.scale, contract.scale),
        "number of channels": (said.channels, contract.channels),
        "multiple of its sides": (said.multiple, contract.multiple),
    }
    notes = [
        f"{contract.name}: {said.by} says that its {what} is {theirs}, and running it gives {ours}"
        for what, (theirs, ours) in both.items()
        if theirs != ours
    ]
    multiple = math.lcm(contract.multiple, said.multiple)
    least = max(contract.network_side, said.least_side)
    return replace(contract, multiple=multiple, network_side=-(-least // multiple) * multiple), notes
