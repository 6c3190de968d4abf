"""What an adapter tells of an artifact: the time of each operator, or what the delegate took of the graph."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.runtimes.bundle.delegation import Delegation
from edgesr.runtimes.delegates.rules import Refusals


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
    ``delegation`` is what its delegate took here, None for a runtime without delegates; ``refusals``: what delegates of
    other machines would refuse of the file, by their published lists.
    """

    calls: int
    call_ms: float
    operators: tuple[OperatorTime, ...]
    why_no_times: str | None
    delegation: Delegation | None
    refusals: tuple[Refusals, ...] = ()
