"""Intervals of percentiles from rounds: whole processes are resampled, since processes differ more than calls do.

A round is the samples of one process. Rounds are bounded by time, so a fast one has more samples; every round counts
alike nevertheless: the weights of its samples add up to 1. The standard error of a percentile's logarithm comes from a
hierarchical bootstrap: as many rounds as there are, drawn with replacement, and within each as many samples. Few rounds
understate it by sqrt((n - 1) / n), and the normal quantile with it: it is widened by sqrt(n / (n - 1)) and by Student's
t. What is common to all rounds of a bench they cannot tell: `DRIFT` is allowed for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rounds = Sequence[Sequence[float]]
Interval = tuple[float, float]

PERCENTILES = (50, 90, 99)
DRIFT = 0.01
"""Standard deviation between benches beyond that of their rounds, as a share: clocks and neighbours change slowly."""

_DRAWS = 1000
_SEED = 20
_DEGREES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 60, math.inf)
_QUANTILES = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306),
    *(2.262, 2.228, 2.179, 2.131, 2.086, 2.042, 2.000, 1.960),
)


@dataclass(frozen=True, kw_only=True)
class LogError:
    """Standard error of a percentile's natural logarithm, and its degrees of freedom (infinite for a lone round)."""

    error: float
    degrees: float


def percentiles(rounds: Rounds) -> tuple[float, float, float]:
    """p50, p90 and p99 of all samples, those of each round together weighing as much as those of any other.

    A sorted sample stands in the middle of its weight, the least at 0 and the largest at 1, and between samples it is
    linear: for equal weights that is type 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages" (1996).
    """
    p50, p90, p99 = _weighted_percentiles([np.asarray(r, dtype=np.float64) for r in rounds])
    return float(p50), float(p90), float(p99)


def _weighted_percentiles(rounds: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    values = np.concatenate(rounds)
    order = np.argsort(values, kind="stable")
    weights = np.concatenate([np.full(len(r), 1 / len(r)) for r in rounds])[order]
    middles = np.cumsum(weights) - weights / 2
    places = (middles - middles[0]) / max(middles[-1] - middles[0], np.finfo(np.float64).tiny)
    return np.interp(np.asarray(PERCENTILES) / 100, places, values[order])


def repeat_intervals(rounds: Rounds) -> tuple[Interval, Interval, Interval]:
    """Where p50, p90 and p99 of a repeat of the whole measurement lie in 95 of 100 cases.

    A repeat errs as much as the measurement does, hence sqrt(2). Of a lone round the interval is about a repeat within
    that process: nothing is known of others, and `DRIFT` is left out.
    """
    low_high = []
    for centre, within in zip(percentiles(rounds), log_errors(rounds), strict=True):
        error = _with_drift(within) if len(rounds) > 1 else within
        reach = math.exp(math.sqrt(2) * student_t(error.degrees) * error.error)
        low_high.append((centre / reach, centre * reach))
    p50, p90, p99 = low_high
    return p50, p90, p99


def ratio_interval(old: Rounds, new: Rounds) -> tuple[float, Interval]:
    """p50 of ``new`` by that of ``old``, with its 95% confidence interval (Welch's degrees of freedom)."""
    ratio = percentiles(new)[0] / percentiles(old)[0]
    joined = difference_error(*(_with_drift(log_errors(rounds)[0]) for rounds in (old, new)))
    reach = math.exp(student_t(joined.degrees) * joined.error)
    return ratio, (ratio / reach, ratio * reach)


def log_errors(rounds: Rounds) -> tuple[LogError, LogError, LogError]:
    """Of p50, p90 and p99; a higher percentile never counts as surer than a lower one.

    Where rounds differ, p90 is about that of the slowest round, and a bootstrap understates how much a maximum varies.
    """
    count = len(rounds)
    errors = np.log(_draws([np.asarray(r, dtype=np.float64) for r in rounds])).std(axis=0)
    widened = np.maximum.accumulate(errors) * (math.sqrt(count / (count - 1)) if count > 1 else 1)
    degrees = count - 1 if count > 1 else math.inf
    p50, p90, p99 = (LogError(error=float(error), degrees=degrees) for error in widened)
    return p50, p90, p99


def difference_error(first: LogError, second: LogError) -> LogError:
    """Of the difference of two independent logarithms."""
    a, b = first.error**2, second.error**2
    if a + b == 0:
        return LogError(error=0.0, degrees=min(first.degrees, second.degrees))
    inverse_degrees = ((a / (a + b)) ** 2 / first.degrees) + ((b / (a + b)) ** 2 / second.degrees)
    return LogError(error=math.sqrt(a + b), degrees=math.inf if inverse_degrees == 0 else 1 / inverse_degrees)


def _with_drift(error: LogError) -> LogError:
    return difference_error(error, LogError(error=DRIFT, degrees=math.inf))


def student_t(degrees: float) -> float:
    """The 97.5% quantile of Student's t, between the table's entries linear in 1 / degrees."""
    inverse = [1 / d for d in reversed(_DEGREES)]
    return float(np.interp(1 / degrees, inverse, _QUANTILES[::-1]))


def _draws(rounds: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Percentiles (draws,3) of resampled rounds."""
    random = np.random.default_rng(_SEED)
    drawn = np.empty((_DRAWS, len(PERCENTILES)))
    for draw in range(_DRAWS):
        chosen = random.integers(len(rounds), size=len(rounds)) if len(rounds) > 1 else [0]
        picked = [rounds[i][random.integers(len(rounds[i]), size=len(rounds[i]))] for i in chosen]
        drawn[draw] = _weighted_percentiles(picked)
    return drawn
