"""The files of an export, made in two lanes at a time: those that other processes convert, next to all others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from edgesr.export.formats.target import ArtifactPlan
from edgesr.runtimes.bundle.manifest import GraphKind
from edgesr.runtimes.errors import EdgesrError, InputError, MissingPackageError
from edgesr.runtimes.machine_memory import memory_bytes

_NEEDED_BYTES = 4 * 10**9
"""Of a lane in this process and one in others: TensorFlow, coremltools and PyTorch, with a network each."""


def in_lanes(
    plans: Sequence[ArtifactPlan], make: Callable[[ArtifactPlan], object], *, ready: Callable[[GraphKind], bool]
) -> dict[str, EdgesrError]:
    """Make the file of each artifact, and give the errors of those that cannot be made by their ids.

    PyTorch traces and exports in this thread alone. Targets that convert in processes of their own are made in a second
    one, where there is a second core, and memory for both; ``ready`` makes the ONNX file of a graph, which they may
    need, and tells whether there is one. The first error of the input, or of a package that is missing, is raised when
    both lanes are done.
    """
    apart = [plan for plan in plans if plan.target.converts_apart]
    if len(apart) in (0, len(plans)) or not _has_room():
        return _made(plans, make, threading.Event())
    graphs = {plan.graph: ready(plan.graph) for plan in apart}
    apart = [plan for plan in apart if graphs[plan.graph]]
    here = [plan for plan in plans if plan not in apart]
    stopped = threading.Event()
    with ThreadPoolExecutor(1) as other:
        second = other.submit(_made, apart, make, stopped)
        try:
            first = _made(here, make, stopped)
        except BaseException:
            stopped.set()
            raise
        return first | second.result()


def _has_room() -> bool:
    _, available = memory_bytes()
    return (os.cpu_count() or 1) > 1 and (available is None or available >= _NEEDED_BYTES)


def _made(
    plans: Sequence[ArtifactPlan], make: Callable[[ArtifactPlan], object], stopped: threading.Event
) -> dict[str, EdgesrError]:
    errors: dict[str, EdgesrError] = {}
    for plan in plans:
        if stopped.is_set():
            break
        try:
            make(plan)
        except (InputError, MissingPackageError):
            raise
        except EdgesrError as error:
            errors[plan.id] = error
    return errors
