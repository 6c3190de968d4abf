"""What an adapter tells of an artifact: the time of each operator, or what the delegate took of the graph."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgesr.runtimes.adapters.registry import require_installed, runtime_info
from edgesr.runtimes.adapters.session import to_layout
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.delegation import Delegation
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError


@dataclass(frozen=True, kw_only=True)
class OperatorTime:
    """One operator as the runtime executes it, fused and renamed: ``ms`` is the median over calls.

    ``output`` is the shape of its first output, "" where the runtime does not tell it.
    """

    name: str
    kind: str
    output: str
    ms: float


@dataclass(frozen=True, kw_only=True)
class OperatorProfile:
    """Operators in order of execution, of ``calls`` calls after the first; ``call_ms`` is the whole call's median.

    The profiler's own work is in both. A runtime without operator times has none and says why in ``why_no_times``.
    ``delegation`` is what its delegate took here, None for a runtime without delegates.
    """

    calls: int
    call_ms: float
    operators: tuple[OperatorTime, ...]
    why_no_times: str | None
    delegation: Delegation | None


class Profiler(Protocol):
    """What an adapter module offers beside `edgesr.runtimes.adapters.session.Adapter`."""

    def profile(self, path: Path, batch: FloatArray, *, threads: int, calls: int) -> OperatorProfile:
        """Profile a verified model file on one input in its own layout."""


def profile_operators(
    bundle: Bundle, artifact: Artifact, image: FloatArray, *, runtime: str, threads: int, calls: int
) -> OperatorProfile:
    """Profile an artifact on an LR image (3,h,w) of a size that it takes, in one of its runtimes."""
    info = runtime_info(runtime)
    if info.name not in artifact.runtimes:
        raise InputError(f"{artifact.id} cannot run on {info.name!r}: it opens in {', '.join(artifact.runtimes)}")
    require_installed(info)
    profiler: Profiler = importlib.import_module(info.adapter)
    batch = to_layout(image, artifact.inputs[0].layout)
    return profiler.profile(bundle.path(artifact.file), batch, threads=threads, calls=calls)
