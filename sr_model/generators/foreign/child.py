"""The process that runs a user's code, once: python -P -m edgesr.sr_model.generators.foreign.child REQUEST RESULT.

REQUEST is JSON; RESULT.edgesr-program is the archive, next to it lies notes.json, or error.txt with what is wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json
from edgesr.sr_model.generators.foreign.archive import ERROR, NOTES, Notes
from edgesr.sr_model.generators.foreign.factory import build_network
from edgesr.sr_model.generators.foreign.one_line import in_one_line
from edgesr.sr_model.generators.foreign.probe import as_seen, probe
from edgesr.sr_model.generators.foreign.program import save_program
from edgesr.sr_model.generators.foreign.request import Request
from edgesr.sr_model.generators.foreign.units import InOurUnits

_SIZES = ((41, 58), (40, 56), (64, 48), (33, 47), (96, 128), (81, 57))


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
    contract, doubts = probe(
        built.network,
        request.name,
        photograph,
        peak=request.peak,
        multiple=request.multiple,
        colour=request.colour,
    )
    least = contract.minimum_side
    sizes = [(max(least, height), max(least, width)) for height, width in _SIZES]
    seen = as_seen(photograph, contract.colour)
    images = [seen[:, :, :height, :width].contiguous() for height, width in sizes]
    picture = InOurUnits(built.network, contract).eval()
    try:
        save_program(archive, picture, contract, images)
    except EdgesrError:
        raise
    except Exception as error:  # of any kind: torch.export runs the user's code
        raise EdgesrError(f"{contract.name}: torch.export cannot export it: {in_one_line(error)}") from error
    return [*built.notes, *doubts]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
