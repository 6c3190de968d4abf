"""Signs that the machine was not steady while it was measured: what a reader has to know beside the figures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from edgesr.benchmarks.latency.call import Latency
from edgesr.benchmarks.machine.environment import CPUS, system_number
from edgesr.runtimes.wording import counted

_LARGEST_SPREAD = 0.10
_LARGEST_DRIFT = 0.05
_LARGEST_CLOCK_CHANGE = 0.05
_LARGEST_LOAD = 0.5
_LARGEST_STOLEN_SHARE = 0.01


@dataclass(frozen=True, kw_only=True)
class MachineState:
    """What the system tells at one moment; None or empty where it does not.

    ``load`` is the mean number of running processes over one minute; ``governors`` decide the clocks of the cores;
    ``throttled`` counts how often heat lowered a clock since the start; ``stolen_ticks`` of ``all_ticks`` of processor
    time since the start went to other virtual machines.
    """

    cores: int
    load: float | None
    governors: tuple[str, ...]
    throttled: int
    stolen_ticks: int
    all_ticks: int


def read_machine_state(cpus: Path = CPUS, stat: Path = Path("/proc/stat")) -> MachineState:
    """The state now."""
    governors = {file.read_text().strip() for file in cpus.glob("cpu[0-9]*/cpufreq/scaling_governor")}
    throttled = [system_number(file) or 0 for file in cpus.glob("cpu[0-9]*/thermal_throttle/*_throttle_count")]
    ticks = [int(field) for field in stat.read_text().splitlines()[0].split()[1:9]] if stat.is_file() else [0] * 8
    return MachineState(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        governors=tuple(sorted(governors)),
        throttled=sum(throttled),
        stolen_ticks=ticks[7],
        all_ticks=sum(ticks),
    )


def instability(
    before: MachineState | None, after: MachineState | None, latencies: Mapping[str, Latency]
) -> tuple[str, ...]:
    """One sentence for every sign that figures are less sure than they look; latencies by what to call them.

    The states are those of the machine that was measured, None where they are not known.
    """
    of_rounds = [f"{name}: {text}" for name, latency in latencies.items() for text in _round_warnings(latency)]
    of_machine = [] if before is None or after is None else _machine_warnings(before, after)
    return (*of_machine, *_drift(latencies.values()), *of_rounds)


def _machine_warnings(before: MachineState, after: MachineState) -> list[str]:
    found = []
    if before.load is not None and before.load > _LARGEST_LOAD * before.cores:
        found.append(
            f"load average {before.load:.2f} before the run, on {counted(before.cores, 'core')}: "
            "other work was going on"
        )
    if set(before.governors) - {"performance"}:
        found.append(f"frequency governor is {', '.join(before.governors)}, not performance: clocks follow the load")
    if after.throttled > before.throttled:
        found.append(f"{counted(after.throttled - before.throttled, 'time')} a core was throttled for heat")
    ticks = after.all_ticks - before.all_ticks
    if ticks and (share := (after.stolen_ticks - before.stolen_ticks) / ticks) > _LARGEST_STOLEN_SHARE:
        found.append(f"{share:.0%} of processor time went to other virtual machines")
    return found


def _drift(latencies: Iterable[Latency]) -> list[str]:
    """The first round against the median of the later ones, over all artifacts."""
    rounds = [latency.rounds_p50_ms for latency in latencies if len(latency.rounds_p50_ms) > 2]
    if not rounds:
        return []
    change = median(first / median(later) for first, *later in rounds) - 1
    if abs(change) <= _LARGEST_DRIFT:
        return []
    return [f"the first round was {abs(change):.0%} {'slower' if change > 0 else 'faster'} than the later ones"]


def _round_warnings(latency: Latency) -> list[str]:
    found = []
    if len(latency.rounds_p50_ms) == 1:
        found.append("a single round: its intervals are of that process alone, and say nothing of a repeat")
    if (spread := _spread(latency.rounds_p50_ms)) > _LARGEST_SPREAD:
        found.append(f"p50 of the rounds spreads over {spread:.0%}")
    if (change := _spread(latency.rounds_mhz)) > _LARGEST_CLOCK_CHANGE:
        found.append(f"core clocks of the rounds spread over {change:.0%}")
    if not latency.steady:
        found.append("not steady when warm-up ended")
    return found


def _spread(values: Sequence[float]) -> float:
    """Largest less least, by the median."""
    return (max(values) - min(values)) / median(values) if values else 0.0
