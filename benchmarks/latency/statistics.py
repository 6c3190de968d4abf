"""Intervals of percentiles from rounds: whole processes are resampled, since processes differ more than calls do.

A round is the samples of one process. Rounds are bounded by time, so a fast process takes more of them; every round
counts alike nevertheless. The standard error of a percentile's logarithm comes from a hierarchical bootstrap: as many
rounds as there are, drawn with replacement, and within each as many samples. Few rounds understate it by
sqrt((n - 1) / n), and the normal quantile with it: it is widened by sqrt(n / (n - 1)) and by Student's t. What is
common to all rounds of a bench they cannot tell: `DRIFT` is allowed for it.
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
    """p50, p90 and p99 of the samples of all rounds, in milliseconds: each of a round's n samples has the weight 1 / n.

    Akinshin's weighted quantile of type 7 (arXiv 2304.07265, sections 2 and 4). With n* = (sum of weights)^2 / (sum of
    squared weights), Kish's effective number of samples, and h = p * (n* - 1) + 1, it is the mean of the weighted
    empirical quantile function over the probabilities from (h - 1) / n* to h / n*. Rounds of equal length give the
    result of `np.percentile` (type 7 of Hyndman and Fan 1996).
    """
    pooled = _Pooled([np.asarray(one, dtype=np.float64) for one in rounds])
    p50, p90, p99 = pooled.percentiles(range(len(rounds)), [np.ones(len(one)) for one in rounds])
    return p50, p90, p99


def repeat_intervals(rounds: Rounds) -> tuple[Interval, Interval, Interval]:
    """The intervals in which p50, p90 and p99 of a repeat of the whole measurement lie in 95 of 100 cases.

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
    """The errors of p50, p90 and p99 on a log scale; a higher percentile never counts as surer than a lower one.

    Where rounds differ, p90 is about that of the slowest round, and a bootstrap understates how much a maximum varies.
    """
    count = len(rounds)
    errors = np.log(_draws([np.asarray(r, dtype=np.float64) for r in rounds])).std(axis=0)
    widened = np.maximum.accumulate(errors) * (math.sqrt(count / (count - 1)) if count > 1 else 1)
    degrees = count - 1 if count > 1 else math.inf
    p50, p90, p99 = (LogError(error=float(error), degrees=degrees) for error in widened)
    return p50, p90, p99


def difference_error(first: LogError, second: LogError) -> LogError:
    """The error of the difference of two independent logarithms."""
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


class _Pooled:
    """The samples of all rounds, sorted once: a resampling changes their weights alone."""

    def __init__(self, rounds: list[NDArray[np.float64]]) -> None:
        self._lengths = [len(one) for one in rounds]
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)])
        samples = np.concatenate(rounds)
        self._order = np.argsort(samples, kind="stable")
        self._sorted = samples[self._order]

    def percentiles(self, chosen: Sequence[int], counts: list[NDArray[np.float64]]) -> tuple[float, float, float]:
        """The percentiles of the rounds ``chosen``, where each sample of the i-th of them occurs ``counts[i]`` (n,)
        times.
        """
        weights = np.zeros(len(self._sorted))
        for place, count in zip(chosen, counts, strict=True):
            weights[self._starts[place] : self._starts[place + 1]] += count / count.sum()
        cumulated = np.concatenate([[0.0], np.cumsum(weights[self._order])])
        cumulated /= cumulated[-1]
        effective = len(chosen) ** 2 / sum(1 / self._lengths[place] for place in chosen)
        p50, p90, p99 = (self._quantile(cumulated, percent / 100, effective) for percent in PERCENTILES)
        return p50, p90, p99

    def _quantile(self, cumulated: NDArray[np.float64], p: float, effective: float) -> float:
        """The mean over a window of the empirical quantile function that steps at ``cumulated`` (n + 1,)."""
        low = p * (effective - 1) / effective
        shares = np.diff(np.clip((cumulated - low) * effective, 0, 1))
        return float(shares @ self._sorted)


def _draws(rounds: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Percentiles (draws,3) of resampled rounds."""
    random, pooled = np.random.default_rng(_SEED), _Pooled(rounds)
    drawn = np.empty((_DRAWS, len(PERCENTILES)))
    for draw in range(_DRAWS):
        chosen = random.integers(len(rounds), size=len(rounds)).tolist() if len(rounds) > 1 else [0]
        lengths = [len(rounds[place]) for place in chosen]
        counts = [np.bincount(random.integers(n, size=n), minlength=n).astype(np.float64) for n in lengths]
        drawn[draw] = pooled.percentiles(chosen, counts)
    return drawn
