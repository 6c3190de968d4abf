"""What LiteRT's delegate takes of a file. LiteRT's Python package tells no operator times."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from edgesr.runtimes.adapters.operator_profile import OperatorProfile
from edgesr.runtimes.adapters.tflite import LiteRtSession, open
from edgesr.runtimes.bundle.delegation import Delegation, GraphOperator, read_partitions

_DELEGATE_NODE = "DELEGATE"
_NO_TIMES = "LiteRT's Python package has no operator profiler"


def profile(path: Path, batch: NDArray[np.float32], *, threads: int, calls: int) -> OperatorProfile:
    """Parts that the delegate takes of a file, and the time of whole calls on a batch (1,h,w,3)."""
    session = open(path, threads)
    session.run(batch)
    times = [_timed(session, batch) for _ in range(calls)]
    return OperatorProfile(
        calls=calls,
        call_ms=median(times),
        operators=(),
        why_no_times=_NO_TIMES,
        delegation=_delegation(session.interpreter),
    )


def delegation_of(path: Path) -> Delegation:
    """What the default delegate takes of a file at the size that it has."""
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    return _delegation(interpreter)


def _delegation(interpreter: Interpreter) -> Delegation:
    details = interpreter._get_ops_details()
    operators = [_operator(one) for one in details if one["op_name"] != _DELEGATE_NODE]
    return read_partitions(operators, [_operator(one) for one in details if one["op_name"] == _DELEGATE_NODE])


def _operator(details: Mapping[str, Any]) -> GraphOperator:
    return GraphOperator(
        kind=details["op_name"],
        inputs=tuple(str(index) for index in details["inputs"] if index >= 0),
        outputs=tuple(map(str, details["outputs"])),
    )


def _timed(session: LiteRtSession, batch: NDArray[np.float32]) -> float:
    start = time.perf_counter()
    session.run(batch)
    return (time.perf_counter() - start) * 1000
