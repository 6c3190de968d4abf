"""The request to the process that runs a user's code. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgesr.runtimes.bundle.contract import Colour


@dataclass(frozen=True, kw_only=True)
class Request:
    """A function of a file by absolute path, and what the user says of the network, None where it is to be found.

    Where ``file`` is None, the architecture is recognised from the checkpoint. ``kind`` "onnx": the file is an ONNX
    model and has no function; ``data_files`` next to it may hold its weights.
    ``photograph``: a .npy (3,h,w), RGB, in [0,255].
    """

    file: str | None
    function: str
    checkpoint: str | None
    name: str
    peak: int | None
    multiple: int | None
    photograph: str
    colour: Colour | None = None
    kind: Literal["module", "onnx"] = "module"
    data_files: tuple[str, ...] = ()
