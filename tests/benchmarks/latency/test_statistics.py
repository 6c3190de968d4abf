"""Intervals from rounds: by hand, and whether they cover what they say when benches are simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgesr.benchmarks.latency.statistics import (
    DRIFT,
    LogError,
    difference_error,
    log_errors,
    percentiles,
    ratio_interval,
    repeat_intervals,
    student_t,
)


def simulated_bench(
    random: np.random.Generator, *, rounds: int, between: float, factor: float = 1.0
) -> list[list[float]]:
    """Twelve calls a round around 10 ms: benches differ by 1%, processes by ``between``, calls by 2%; 3% are slow."""
    common = factor * np.exp(random.normal(0, DRIFT))
    return [
        list(
            10
            * common
            * np.exp(random.normal(0, between) + random.normal(0, 0.02, 12))
            * np.where(random.random(12) < 0.03, 1.5, 1)
        )
        for _ in range(rounds)
    ]


def test_percentiles_of_rounds_of_one_length_are_those_of_all_samples() -> None:
    random = np.random.default_rng(3)
    for rounds in (random.exponential(1, (1, 1)), random.exponential(1, (1, 7)), random.exponential(1, (5, 12))):
        assert percentiles([list(r) for r in rounds]) == pytest.approx(np.percentile(rounds, (50, 90, 99)))


def test_every_round_counts_alike() -> None:
    """Rounds are bounded by time: a process that is twice as fast leaves twice as many samples."""
    fast, slow = [10.0] * 200, [20.0] * 100
    rounds = [fast, fast, slow, slow, slow]
    assert percentiles(rounds) == pytest.approx((20, 20, 20))
    assert percentiles([[10, 10], [10, 10], [20], [20], [20]])[0] == pytest.approx(20)
    assert percentiles([fast, fast, fast, slow, slow]) == pytest.approx((10, 20, 20))
    assert ratio_interval([fast, fast, fast], rounds)[0] == pytest.approx(2)
    low, high = repeat_intervals(rounds)[0]
    assert low < 20 < high


def test_a_percentile_between_rounds_of_unlike_length() -> None:
    """n* = 2**2 / (1/4 + 1) = 3.2: the mean of quantiles from 0.34375 to 0.65625: 3 to 0.375, 4 to 0.5, then 8."""
    assert percentiles([[1, 2, 3, 4], [8]])[0] == pytest.approx(3.2 * (0.03125 * 3 + 0.125 * 4 + 0.15625 * 8))


def test_more_samples_of_one_round_move_no_interval() -> None:
    random = np.random.default_rng(4)
    rounds = [list(random.normal(mean, 0.01, 400)) for mean in (10, 11, 12)]
    longer = [rounds[0] * 3, *rounds[1:]]
    for short, long in zip(log_errors(rounds), log_errors(longer), strict=True):
        assert long.error == pytest.approx(short.error, rel=0.1)


def test_equal_samples_leave_the_drift_between_benches() -> None:
    reach = math.exp(1.96 * math.sqrt(2) * DRIFT)
    assert np.array(repeat_intervals([[7, 7], [7, 7]])) == pytest.approx(np.tile([7 / reach, 7 * reach], (3, 1)))
    ratio, interval = ratio_interval([[4, 4], [4, 4]], [[6, 6], [6, 6]])
    assert (ratio, *interval) == pytest.approx((1.5, 1.5 / reach, 1.5 * reach))
    assert np.array(repeat_intervals([[7, 7]])) == pytest.approx(np.full((3, 2), 7.0))


def test_student_t() -> None:
    assert student_t(1) == 12.706
    assert student_t(4) == 2.776
    assert student_t(math.inf) == 1.96
    assert student_t(11) == pytest.approx(2.201, abs=2e-3)
    assert student_t(100) == pytest.approx(1.984, abs=2e-3)


def test_errors_of_a_difference_add_as_squares() -> None:
    joined = difference_error(LogError(error=0.03, degrees=4), LogError(error=0.04, degrees=4))
    assert joined.error == pytest.approx(0.05)
    assert joined.degrees == pytest.approx(4 / (0.36**2 + 0.64**2))
    lone = difference_error(LogError(error=0.0, degrees=2), LogError(error=0.1, degrees=math.inf))
    assert (lone.error, lone.degrees) == (0.1, math.inf)


def test_processes_count_more_than_calls() -> None:
    """Many calls in each of three processes that differ: the error is that of three values, not of 300."""
    random = np.random.default_rng(0)
    rounds = [list(level + random.normal(0, 0.01, 100)) for level in (9.0, 10.0, 11.0)]
    apart = log_errors(rounds)[0]
    assert apart.degrees == 2
    assert apart.error > 0.05
    mixed = np.concatenate([np.asarray(one) for one in rounds])
    lone = log_errors([list(mixed)])[0]
    assert lone.degrees == math.inf
    assert lone.error < apart.error


def test_a_higher_percentile_is_never_surer() -> None:
    p50, p90, p99 = log_errors(simulated_bench(np.random.default_rng(3), rounds=5, between=0.1))
    assert p50.error <= p90.error <= p99.error


@pytest.mark.slow
@pytest.mark.parametrize(("rounds", "between"), [(3, 0.05), (5, 0.0), (5, 0.05)])
def test_intervals_cover_a_repeat_of_the_bench(rounds: int, between: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least 90 of 100 repeats of 120 simulated pairs of benches fall inside the intervals, and so does a ratio of
    1.
    """
    monkeypatch.setattr("edgesr.benchmarks.latency.statistics._DRAWS", 100)
    random = np.random.default_rng(1)
    inside, alike = [], []
    for _ in range(120):
        first, second = (simulated_bench(random, rounds=rounds, between=between) for _ in range(2))
        (low, high), (low90, high90), _ = repeat_intervals(first)
        p50, p90, _ = percentiles(second)
        inside.append((low <= p50 <= high, low90 <= p90 <= high90))
        _, (least, most) = ratio_interval(first, second)
        alike.append(least <= 1 <= most)
    assert np.mean(inside, axis=0)[0] >= 0.9
    assert np.mean(inside, axis=0)[1] >= 0.85
    assert np.mean(alike) >= 0.9


def test_a_slow_down_of_ten_percent_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """With five rounds whose processes differ by 1%: seen in nearly all repeats, beyond 5% even so in most."""
    monkeypatch.setattr("edgesr.benchmarks.latency.statistics._DRAWS", 100)
    random = np.random.default_rng(2)
    found = []
    for _ in range(40):
        old = simulated_bench(random, rounds=5, between=0.01)
        new = simulated_bench(random, rounds=5, between=0.01, factor=1.1)
        low = ratio_interval(old, new)[1][0]
        found.append((low > 1, low > 1.05))
    assert np.mean(found, axis=0)[0] >= 0.95
    assert np.mean(found, axis=0)[1] >= 0.6
