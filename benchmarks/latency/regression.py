"""Two latency files side by side: what became faster or slower, and whether by more than a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edgesr.benchmarks.devices.device import DeviceEnvironment
from edgesr.benchmarks.latency.instruction_changes import CountChange, count_changes
from edgesr.benchmarks.latency.results import LatencyResult, LatencyResults
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.latency.statistics import Interval, ratio_interval
from edgesr.benchmarks.machine.environment import Environment
from edgesr.benchmarks.results.header import BundleIdentity
from edgesr.benchmarks.results.rows import Key
from edgesr.runtimes.errors import InputError

Verdict = Literal["faster", "slower", "no difference seen", "too few rounds", "failed"]


@dataclass(frozen=True, kw_only=True)
class Change:
    """``ratio`` is p50 of the new file by that of the old, with its 95% confidence interval.

    "too few rounds": one round in one of them says nothing of the differences between processes, hence no interval;
    "failed": measured in the old file, but not in the new one, for the ``reason`` given.
    """

    key: Key
    ratio: float | None
    interval: Interval | None
    verdict: Verdict
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Everything that both files measured; ``limit`` 0.05 allows 5% more time. ``unlike`` are accepted differences.

    ``only_old`` and ``only_new`` are devices that one of the files has alone: nothing of them is compared.
    """

    changes: tuple[Change, ...]
    limit: float
    unlike: tuple[str, ...]
    counts: tuple[CountChange, ...] = ()
    only_old: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed, became slower by more than the limit, or executes more instructions."""
        return not self.regressions and not self.count_regressions

    @property
    def regressions(self) -> tuple[Change, ...]:
        """The rows that failed, or are slower by more than the limit even at the lower end of their interval."""
        return tuple(
            c
            for c in self.changes
            if c.verdict == "failed" or (c.interval is not None and c.interval[0] > 1 + self.limit)
        )

    @property
    def count_regressions(self) -> tuple[CountChange, ...]:
        """The rows that execute more instructions than before, or could not be counted any more."""
        return tuple(c for c in self.counts if c.verdict in ("more", "failed"))


def require_same_bundle(old: LatencyResults, new: BundleIdentity, *, accept: bool) -> tuple[str, ...]:
    """Require that an old file measured the same bundle; raises InputError with the difference, unless that is
    accepted.
    """
    if old.bundle == new:
        return ()
    before, after = (f"{one.generator} (manifest {one.manifest_sha256[:12]})" for one in (old.bundle, new))
    return _accepted([f"the bundle was {before}, is {after}"], accept=accept)


def require_like(
    old: LatencyResults, environment: Environment, settings: LatencySettings, *, accept: bool
) -> tuple[str, ...]:
    """Require that the old file's conditions are those given; raises InputError with the differences, unless they
    are accepted.
    """
    differences = (
        *_differences("", asdict(old.environment), asdict(environment)),
        *_differences("settings.", asdict(old.settings), asdict(settings)),
    )
    return _accepted(differences, accept=accept)


def require_like_devices(
    old: Sequence[DeviceEnvironment], new: Sequence[DeviceEnvironment], *, accept: bool
) -> tuple[str, ...]:
    """Require that devices of the same name are alike; raises InputError with the differences, unless they are
    accepted.
    """
    before, after = ({device.name: asdict(device) for device in devices} for devices in (old, new))
    both = sorted(before.keys() & after.keys())
    found = [text for name in both for text in _differences(f"{name} ", before[name], after[name])]
    return _accepted(found, accept=accept)


def compare_results(old: LatencyResults, new: LatencyResults, *, limit: float, unlike: bool = False) -> Changes:
    """Compare what both files have by artifact, runtime, threads and device; counts do not depend on the machine."""
    differences = (
        *require_same_bundle(old, new.bundle, accept=unlike),
        *require_like_devices(old.devices, new.devices, accept=unlike),
    )
    if old.results and new.results:
        differences = (*require_like(old, new.environment, new.settings, accept=unlike), *differences)
    before = {result.key: result for result in old.results if result.latency is not None}
    changes = [_change(before[result.key], result) for result in new.results if result.key in before]
    counts = count_changes(old.instructions, new.instructions)
    if not counts and all(change.verdict == "too few rounds" for change in changes):
        raise InputError(
            "nothing to compare: no artifact was measured in two rounds or more in both files, on the same runtime, "
            "threads and device; give both 'edgesr bench --rounds 5'"
        )
    before_names, names = _devices(old), _devices(new)
    return Changes(
        changes=tuple(changes),
        limit=limit,
        unlike=differences,
        counts=counts,
        only_old=tuple(name for name in before_names if name not in names),
        only_new=tuple(name for name in names if name not in before_names),
    )


def _devices(results: LatencyResults) -> list[str]:
    return list(dict.fromkeys(row.key.device for row in (*results.results, *results.instructions)))


def _accepted(differences: Sequence[str], *, accept: bool) -> tuple[str, ...]:
    if differences and not accept:
        raise InputError(
            f"the files were measured in different conditions: {'; '.join(differences)}; measure both alike, or "
            "compare with --unlike"
        )
    return tuple(differences)


def _change(old: LatencyResult, new: LatencyResult) -> Change:
    assert old.latency is not None
    if new.latency is None:
        return Change(key=new.key, ratio=None, interval=None, verdict="failed", reason=f"{new.status}: {new.reason}")
    if old.latency.size != new.latency.size:
        sizes = f"{old.latency.size} and {new.latency.size}"
        raise InputError(f"{new.key.artifact}: measured at {sizes} LR pixels; measure both at one size")
    ratio, interval = ratio_interval(old.latency.samples_ms, new.latency.samples_ms)
    if min(len(old.latency.samples_ms), len(new.latency.samples_ms)) < 2:
        return Change(key=new.key, ratio=ratio, interval=None, verdict="too few rounds", reason=None)
    return Change(key=new.key, ratio=ratio, interval=interval, verdict=_verdict(interval), reason=None)


def _verdict(interval: Interval) -> Verdict:
    if interval[0] > 1:
        return "slower"
    return "faster" if interval[1] < 1 else "no difference seen"


def _differences(prefix: str, old: dict[str, Any], new: dict[str, Any]) -> Sequence[str]:
    """The differences between two environments, one text each. edgesr's own version is no difference: it is what is
    compared.
    """
    found: list[str] = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found += _differences(f"{prefix}{name}.", before, after)
        elif before != after and not f"{prefix}{name}".endswith("packages.edgesr"):
            found.append(f"{prefix}{name} was {before}, is {after}")
    return found
