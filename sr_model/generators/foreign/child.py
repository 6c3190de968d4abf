"""The process that runs a user's code, or reads a user's ONNX file, once:

    python -P -m edgesr.sr_model.generators.foreign.child REQUEST RESULT

REQUEST is JSON; RESULT.edgesr-program is the archive, next to it lies notes.json, or error.txt with what is wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json
from edgesr.sr_model.generators.foreign.archive import ERROR, NOTES, Notes
from edgesr.sr_model.generators.foreign.factory import build_network
from edgesr.sr_model.generators.foreign.making import Built, make_archive
from edgesr.sr_model.generators.foreign.one_line import in_one_line
from edgesr.sr_model.generators.foreign.request import Request


def main(request_file: Path, archive: Path) -> int:
    """Build, probe, export; the exit code."""
    request = read_record(Request, request_file, remake="export again")
    try:
        notes = _make(request, archive)
    except EdgesrError as error:
        archive.with_name(ERROR).write_text(str(error))
        return 2
    archive.with_name(NOTES).write_text(to_json(Notes(notes)))
    return 0


def _make(request: Request, archive: Path) -> tuple[str, ...]:
    photograph = torch.from_numpy(np.load(request.photograph, allow_pickle=False))[None]
    if request.kind == "onnx":
        return _wrapped(request, archive, photograph)
    built, name = _built(request)
    made = make_archive(
        archive, built, name, photograph, peak=request.peak, multiple=request.multiple, colour=request.colour
    )
    return made.notes


def _built(request: Request) -> tuple[Built, str]:
    """The network and what it is called."""
    checkpoint = None if request.checkpoint is None else Path(request.checkpoint)
    if request.file is not None:
        return build_network(Path(request.file), request.function, checkpoint), request.name
    from edgesr.sr_model.generators.foreign.recognition import recognise

    assert checkpoint is not None
    built = recognise(checkpoint)
    assert built.described is not None
    return built, f"{built.described.architecture} ({request.name})"


def _wrapped(request: Request, archive: Path, photograph: Tensor) -> tuple[str, ...]:
    from edgesr.sr_model.generators.onnx_source.wrapping import wrap

    assert request.file is not None
    try:
        notes = wrap(
            Path(request.file),
            archive,
            photograph,
            name=request.name,
            data_files=request.data_files,
            peak=request.peak,
            multiple=request.multiple,
            colour=request.colour,
        )
    except EdgesrError:
        raise
    except Exception as error:  # of any kind: ONNX Runtime raises its own
        raise EdgesrError(f"{request.file}: cannot be wrapped: {in_one_line(error)}") from error
    return tuple(notes)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
