"""ONNX Runtime's own profiler."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgesr.runtimes.adapters.operator_profile import OperatorProfile, OperatorTime
from edgesr.runtimes.adapters.ort import open_session, session_options
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_file import parse_json

_SUFFIX = "_kernel_time"


def profile(path: Path, batch: NDArray[np.float32], *, threads: int, calls: int) -> OperatorProfile:
    """Time every operator of the optimised graph on a batch (1,3,h,w)."""
    with tempfile.TemporaryDirectory(prefix="edgesr-profile-") as folder:
        options = session_options(threads)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = open_session(path, options)
        for _ in range(calls + 1):
            session.run(batch)
        events = parse_json(Path(session.session.end_profiling()).read_bytes())
    return read_profile(events, calls)


def read_profile(events: list[dict[str, Any]], calls: int) -> OperatorProfile:
    """The operators of a profile of ``calls`` + 1 calls: their events follow one another, call after call."""
    nodes = [event for event in events if event["cat"] == "Node" and event["name"].endswith(_SUFFIX)]
    wholes = [event["dur"] / 1000 for event in events if event["name"] == "model_run"]
    count = len(nodes) // (calls + 1)
    runs = [nodes[count * call : count * (call + 1)] for call in range(1, calls + 1)]
    names = {tuple(event["name"] for event in run) for run in runs}
    if len(wholes) != calls + 1 or len(nodes) != count * (calls + 1) or len(names) != 1:
        raise EdgesrError(f"ONNX Runtime did not record all {calls + 1} calls alike: profile fewer with --calls")
    return OperatorProfile(
        calls=calls,
        call_ms=median(wholes[1:]),
        operators=tuple(_operator([run[place] for run in runs]) for place in range(count)),
        why_no_times=None,
        delegation=None,
    )


def _operator(events: list[dict[str, Any]]) -> OperatorTime:
    """One operator from its event in each call."""
    first = events[0]
    shapes = first["args"].get("output_type_shape", [])
    sides = next(iter(shapes[0].values())) if shapes else []
    return OperatorTime(
        name=first["name"].removesuffix(_SUFFIX),
        kind=first["args"]["op_name"],
        output="x".join(map(str, sides)),
        ms=median(event["dur"] / 1000 for event in events),
    )
