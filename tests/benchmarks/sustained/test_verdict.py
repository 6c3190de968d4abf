"""Every verdict, on made-up windows: what heat does, what other processes do, and what neither explains."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from edgesr.benchmarks.sustained.verdict import Judgement, judged
from edgesr.benchmarks.sustained.windows import Window
from tests.helpers.state.made_up import windows

COUNT = 60
FALL = [100.0] * 20 + [60.0] * 40
STEADY = [100.0] * COUNT
CLOCK = [2400.0] * 20 + [1440.0] * 40
TAKEN = [1.0] * 20 + [0.6] * 40


def judge(shown: Sequence[Window], *, threads: int = 1) -> Judgement:
    return judged(shown, edge_seconds=30.0, threads=threads)


def test_a_device_that_keeps_its_speed_is_steady() -> None:
    found = judge(windows(STEADY, clock=[2400.0] * COUNT))
    assert (found.verdict, found.retention, found.why) == ("steady", 1.0, "calls a second stayed at 100%")


def test_a_clock_that_falls_while_the_cores_are_kept_is_throttling() -> None:
    found = judge(windows(FALL, clock=CLOCK))
    assert found.verdict == "throttled"
    assert found.retention == pytest.approx(0.6)
    assert found.why == (
        "the clock fell from 2400 to 1440 MHz and the calls per second of processor time fell from 100 to 60, "
        "while it kept its cores"
    )


def test_without_clocks_the_calls_per_cpu_second_tell() -> None:
    found = judge(windows(FALL))
    assert found.verdict == "throttled"
    assert found.why == "the calls per second of processor time fell from 100 to 60, while it kept its cores"


@pytest.mark.parametrize("share", [[0.5] * COUNT, TAKEN, TAKEN[::-1]])
def test_a_process_that_lost_its_cores_is_contended_and_not_throttled(share: list[float]) -> None:
    """The calls fall with the share, as they do where others take the cores; caches are shared, too."""
    found = judge(windows([100 * one - (5 if one < 1 else 0) for one in share], share=share))
    assert found.verdict == "contended"
    assert found.why.endswith(f"at worst {min(share):.0%}")


def test_a_clock_that_falls_while_the_cores_are_lost_tells_nothing_of_heat() -> None:
    assert judge(windows(FALL, share=[0.6] * COUNT, clock=CLOCK)).verdict == "contended"


def test_heat_is_seen_between_windows_that_others_took() -> None:
    """Every fifth window is lost: the others still tell of the clock."""
    share = [0.5 if place % 5 == 0 else 1.0 for place in range(COUNT)]
    rates = [rate * own for rate, own in zip(FALL, share, strict=True)]
    assert judge(windows(rates, share=share, clock=CLOCK)).verdict == "throttled"


def test_a_few_lost_windows_in_the_middle_do_not_matter() -> None:
    share = [1.0] * 30 + [0.5] * 3 + [1.0] * 27
    assert judge(windows([100 * one for one in share], share=share)).verdict == "steady"


def test_a_share_just_below_all_of_it_is_kept() -> None:
    assert judge(windows(STEADY, share=0.951)).verdict == "steady"
    assert judge(windows(STEADY, share=0.949)).verdict == "contended"


def test_a_process_that_waits_for_another_chip_keeps_its_cores() -> None:
    """It takes little processor time and is never ready to run without a core: its calls became slower elsewhere."""
    found = judge(windows(FALL, share=0.2, waiting=0.0, cpu=[rate / 100 for rate in FALL]))
    assert found.verdict == "not told"
    assert found.retention == pytest.approx(0.6)
    assert "something else than its cores became slower" in found.why
    assert judge(windows(FALL, share=0.2, waiting=0.7, cpu=[rate / 100 for rate in FALL])).verdict == "contended"


def test_threads_that_may_wait_for_each_other_tell_nothing_without_the_system() -> None:
    found = judge(windows(STEADY, share=0.7), threads=2)
    assert found.verdict == "not told"
    assert found.why.endswith("its threads may have waited for each other, and the device does not tell")
    assert judge(windows(STEADY, share=0.7, waiting=0.0), threads=2).verdict == "steady"
    assert judge(windows(STEADY, share=0.7, waiting=0.3), threads=2).verdict == "contended"


def test_calls_without_processor_time_have_no_rate_of_it() -> None:
    assert judge(windows(STEADY, share=0.0, waiting=0.0, cpu=[0.0] * COUNT)).verdict == "steady"


def test_a_call_longer_than_a_window_tells_nothing() -> None:
    assert judge(windows([1.0])) == Judgement(
        verdict="not told", why="a call takes longer than a window: give more seconds", retention=None
    )


def test_a_short_measurement_is_compared_in_halves() -> None:
    found = judge(windows([100.0] * 3 + [80.0] * 3, clock=[2000.0] * 3 + [1600.0] * 3))
    assert found.verdict == "throttled"
    assert found.retention == pytest.approx(0.8)
