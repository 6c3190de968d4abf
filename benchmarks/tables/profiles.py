"""Operator profiles and delegate partitions as rows of text."""

from __future__ import annotations

from edgesr.benchmarks.latency.profiles import KindTime, ProfileResult, ProfileResults
from edgesr.benchmarks.tables.execution import execution_lines
from edgesr.benchmarks.tables.table import DASH, Table
from edgesr.runtimes.bundle.delegation import Delegation
from edgesr.runtimes.bundle.manifest import Artifact, Manifest

_DEAREST = 3
_SMALL_SHARE = 0.01


def kind_table(results: ProfileResults) -> Table:
    """One row an artifact and kind of operator, the most expensive kind first; kinds below 1% are joined."""
    columns = ("artifact", "runtime", "operator", "count", "ms a call", "share")
    rows = tuple(
        (*_labels(result, place), one.kind, str(one.count), f"{one.ms:.3g}", f"{one.share:.1%}")
        for result in results.results
        for place, one in enumerate(_joined(result.kinds()))
    )
    return Table("Operators by kind, with the profiler's own work", columns, rows)


def operator_table(results: ProfileResults) -> Table:
    """The most expensive operators of every artifact."""
    columns = ("artifact", "runtime", "operator", "kind", "output", "ms a call", "share")
    rows = []
    for result in results.results:
        total = sum(kind.ms for kind in result.kinds())
        rows += [
            (*_labels(result, place), one.name, one.kind, one.output or DASH, f"{one.ms:.3g}", f"{one.ms / total:.1%}")
            for place, one in enumerate(result.dearest(_DEAREST))
        ]
    return Table(f"The {_DEAREST} most expensive operators of each artifact", columns, tuple(rows))


def delegate_table(manifest: Manifest, results: ProfileResults | None = None) -> Table:
    """A table of what a delegate takes of each artifact: predicted before conversion, found at export, found in
    ``results``.
    """
    columns = ("artifact", "delegate", "predicted: partitions; fallback", "found at export")
    rows = []
    for artifact in manifest.artifacts:
        for runtime, use in ((one.name, one.delegate) for one in artifact.uses if one.delegate is not None):
            cells = (artifact.id, use.delegate, _delegation(use.predicted), _beside(use.found, use.predicted))
            here = (_beside(_found(results, artifact, runtime), use.predicted),) if results else ()
            rows.append((*cells, *here))
    title = "Delegate: partitions, and operators that fall back to the CPU's own kernels"
    return Table(title, (*columns, "found now") if results else columns, tuple(rows))


def profile_notes(results: ProfileResults) -> list[str]:
    """Lines that tell what was not profiled, what ran the operators, why they have no times, and which runtimes have no
    delegates.
    """
    failed = [f"{r.key.artifact} on {r.key.engine}: {r.status}: {r.reason}" for r in results.results if r.reason]
    why = dict.fromkeys(r.profile.why_no_times for r in results.results if r.profile and r.profile.why_no_times)
    ran = execution_lines((r.key, r.profile.execution) for r in results.results if r.profile is not None)
    return [*failed, *ran, *(reason for reason in why if reason), *_without_delegates(results)]


def _without_delegates(results: ProfileResults) -> list[str]:
    """One line on the runtimes that were profiled and have none."""
    profiled = [(result.key.runtime, result.profile) for result in results.results if result.profile is not None]
    names = dict.fromkeys(runtime for runtime, profile in profiled if profile.delegation is None)
    return [f"{', '.join(names)}: no delegates, all operators run in kernels of the runtime's own"] if names else []


def _joined(kinds: list[KindTime]) -> list[KindTime]:
    """The kinds with at least 1% of the time, and all others as one."""
    small = [kind for kind in kinds if kind.share < _SMALL_SHARE]
    if len(small) < 2:
        return kinds
    rest = KindTime(
        kind=f"others ({len(small)})",
        count=sum(kind.count for kind in small),
        ms=sum(kind.ms for kind in small),
        share=sum(kind.share for kind in small),
    )
    return [*(kind for kind in kinds if kind.share >= _SMALL_SHARE), rest]


def _found(results: ProfileResults, artifact: Artifact, runtime: str) -> Delegation | None:
    """The part that the runtime's own delegate took, without an execution provider, as at export."""
    wanted = (artifact.id, runtime, None)
    keys = ((r.profile, (r.key.artifact, r.key.runtime, r.key.provider)) for r in results.results)
    profiles = (profile for profile, key in keys if key == wanted)
    return next((p.delegation for p in profiles if p is not None), None)


def _labels(result: ProfileResult, place: int) -> tuple[str, str]:
    """An artifact's name stands in its first row."""
    return (result.key.artifact, result.key.engine) if place == 0 else ("", "")


def _beside(found: Delegation | None, predicted: Delegation) -> str:
    if found is None:
        return DASH
    return "as predicted" if found == predicted else _delegation(found)


def _delegation(found: Delegation) -> str:
    left = ", ".join(f"{kind} {count}" for kind, count in found.fallback.items())
    return f"{found.partitions}; {left or 'no fallback'}"
