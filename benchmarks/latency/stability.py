"""Signs that the machine was not steady while it was measured: what a reader has to know next to the figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from edgesr.benchmarks.latency.call import Latency
from edgesr.benchmarks.state.warnings import state_warnings

_LARGEST_SPREAD = 0.10
_LARGEST_DRIFT = 0.05
_LARGEST_CLOCK_CHANGE = 0.05


def instability(latencies: Mapping[str, Latency]) -> tuple[str, ...]:
    """One sentence for every sign that figures are less sure than they look; latencies by what to call them."""
    states = {name: latency.state for name, latency in latencies.items() if latency.state is not None}
    of_rounds = [f"{name}: {text}" for name, latency in latencies.items() for text in _round_warnings(latency)]
    return (*state_warnings(states), *_drift(latencies.values()), *of_rounds)


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
