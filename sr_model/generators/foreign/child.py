"""The process that runs a user's code, once: python -P -m edgesr.sr_model.generators.foreign.child REQUEST RESULT.

REQUEST is JSON; RESULT.edgesr-program is the archive, next to it lies notes.json, or error.txt with what is wrong.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json
from edgesr.sr_model.generators.foreign.archive import ERROR, NOTES, Notes
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.factory import build_network
from edgesr.sr_model.generators.foreign.one_line import in_one_line
from edgesr.sr_model.generators.foreign.probe import as_seen, probe
from edgesr.sr_model.generators.foreign.program import save_program
from edgesr.sr_model.generators.foreign.request import Request
from edgesr.sr_model.generators.foreign.units import InOurUnits

_SIZES = ((41, 58), (40, 56), (64, 48), (33, 47), (96, 128), (81, 57))
"""Programs are traced at the first, where that bakes something in at the second, and proven at all."""
_TRACED = 2
_MULTIPLES = (2, 4, 8, 16)
"""Tried in turn where a network is another function at sizes that are no multiples."""


def main(request_file: Path, archive: Path) -> int:
    """Build, probe, export; the exit code."""
    request = read_record(Request, request_file, remake="export again")
    try:
        notes = _make(request, archive)
    except EdgesrError as error:
        archive.with_name(ERROR).write_text(str(error))
        return 2
    archive.with_name(NOTES).write_text(to_json(Notes(tuple(notes))))
    return 0


def _make(request: Request, archive: Path) -> list[str]:
    checkpoint = None if request.checkpoint is None else Path(request.checkpoint)
    built = build_network(Path(request.file), request.function, checkpoint)
    photograph = torch.from_numpy(np.load(request.photograph, allow_pickle=False))[None]
    found = partial(probe, built.network, request.name, photograph, peak=request.peak, colour=request.colour)
    contract, doubts = found(multiple=request.multiple)
    fault = _save(archive, built.network, contract, as_seen(photograph, contract.colour))
    if fault is None:
        return [*built.notes, *doubts]
    larger = [m for m in _MULTIPLES if m > contract.multiple and m % contract.multiple == 0]
    for multiple in larger if request.multiple is None else ():
        padded, doubts = found(multiple=multiple)
        if _save(archive, built.network, padded, as_seen(photograph, padded.colour)) is None:
            why = f"it is another function at sizes that are no multiples of {multiple}, which are padded by reflection"
            return [*built.notes, *doubts, why]
    raise fault


def _save(archive: Path, network: nn.Module, contract: Contract, photograph: Tensor) -> EdgesrError | None:
    """Write the archive, proven on a photograph (1,c,h,w) in [0,255].

    The first fault where no traced size gives the same function at all sizes.
    """
    least = contract.minimum_side
    sizes = [(max(least, height), max(least, width)) for height, width in _SIZES]
    images = [photograph[:, :, :height, :width].contiguous() for height, width in sizes]
    picture = InOurUnits(network, contract).eval()
    faults: list[EdgesrError] = []
    for traced in range(_TRACED):
        try:
            save_program(archive, picture, contract, [images[traced], *images[:traced], *images[traced + 1 :]])
            return None
        except EdgesrError as error:
            faults.append(error)
        except Exception as error:  # noqa: BLE001 - of any kind: torch.export runs the user's code
            faults.append(EdgesrError(f"{contract.name}: torch.export cannot export it: {in_one_line(error)}"))
    return faults[0]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
