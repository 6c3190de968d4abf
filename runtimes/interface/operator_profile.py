"""Profiles that an adapter makes of an artifact: the time of each operator, or the part of the graph that the delegate
took.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgesr.runtimes.bundle.delegation import Delegation
from edgesr.runtimes.delegates.rules import Refusals
from edgesr.runtimes.wording import counted


@dataclass(frozen=True, kw_only=True)
class OperatorTime:
    """One operator as the runtime executes it, fused and renamed: ``ms`` is the median over calls, or their mean.

    ``output`` is the shape of its first output, "" where the runtime does not tell it; ``ran_as`` is the provider or
    the arithmetic that it ran in, "" where that is not told or means nothing.
    """

    name: str
    kind: str
    output: str
    ms: float
    ran_as: str = ""


@dataclass(frozen=True, kw_only=True)
class ExecutionPart:
    """Operators of a file that ran on one provider, or in one arithmetic: ``share`` of the time of all parts."""

    ran_as: str
    operators: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Execution:
    """The providers or delegates that ran a file's operators in a call, the largest part first; ``warning`` says that
    it is not the one asked for, or that there are no parts because the runtime failed to tell them.
    """

    parts: tuple[ExecutionPart, ...]
    warning: str | None

    @property
    def main(self) -> str | None:
        """The name that the largest part ran as."""
        return self.parts[0].ran_as if self.parts else None

    @property
    def described(self) -> str:
        """The warning, if there is one, and all parts."""
        warning = "" if self.warning is None else f"warning: {self.warning}"
        return "; ".join(filter(None, (warning, self.text)))

    @property
    def text(self) -> str:
        """All parts in one line."""
        return ", ".join(f"{one.ran_as}: {counted(one.operators, 'operator')}, {one.share:.0%}" for one in self.parts)


@dataclass(frozen=True, kw_only=True)
class OperatorProfile:
    """Operators in order of execution, of ``calls`` calls after the first; ``call_ms`` is the whole call's median.

    The profiler's own work is in both. A runtime without operator times has none and says why in ``why_no_times``.
    ``delegation`` is what its delegate took here, None for a runtime without delegates; ``refusals``: what delegates of
    other machines would refuse of the file, by their published lists. ``execution`` is None where nothing is told.
    """

    calls: int
    call_ms: float
    operators: tuple[OperatorTime, ...]
    why_no_times: str | None
    delegation: Delegation | None
    refusals: tuple[Refusals, ...] = ()
    execution: Execution | None = None


def execution_parts(operators: Iterable[OperatorTime]) -> tuple[ExecutionPart, ...]:
    """The parts of a call by what ran their operators, for those operators that tell it."""
    groups: dict[str, list[float]] = {}
    for one in operators:
        if one.ran_as:
            groups.setdefault(one.ran_as, []).append(one.ms)
    total = sum(map(sum, groups.values()))
    parts = [
        ExecutionPart(ran_as=name, operators=len(times), share=sum(times) / total if total else 0.0)
        for name, times in groups.items()
    ]
    return tuple(sorted(parts, key=lambda one: -one.share))
