"""Windows by a made-up clock, what samples tell of them, and the energy of a call."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.benchmarks.state.reading import Quantity, Sample
from edgesr.benchmarks.state.summary import Measured
from edgesr.benchmarks.sustained.energy import Energy, energy
from edgesr.benchmarks.sustained.measure import Sustained, measure_sustained
from edgesr.benchmarks.sustained.settings import SustainedSettings, require_seconds
from edgesr.benchmarks.sustained.windows import TimedWindow, timed_windows, told_windows
from edgesr.runtimes.errors import InputError
from tests.helpers.state.made_up import sample, windows
from tests.helpers.state.trees import jetson, place

QUICK = SustainedSettings(
    seconds=0.4, window_seconds=0.1, edge_seconds=0.2, idle_seconds=0.3, warmup_seconds=0.01, sample_seconds=0.03
)


def test_windows_by_hand() -> None:
    """A call takes a second of which it has half: a window of 2.5 s ends with its third call."""
    now = [0.0]

    def call() -> None:
        now[0] += 1.0

    found = timed_windows(call, seconds=5.0, window_seconds=2.5, clock=lambda: now[0], cpu_clock=lambda: now[0] / 2)
    assert found == [
        TimedWindow(began=0.0, ended=3.0, calls_ms=(1000.0,) * 3, cpu_seconds=1.5),
        TimedWindow(began=3.0, ended=6.0, calls_ms=(1000.0,) * 3, cpu_seconds=1.5),
    ]


def at(seconds: float, mhz: float, celsius: float, watts: float, waited: float) -> Sample:
    return sample(
        seconds,
        (Quantity.CLOCK_MHZ, "0", mhz),
        (Quantity.CLOCK_MHZ, "1", 300.0),
        (Quantity.TEMPERATURE_C, "cpu-thermal", celsius),
        (Quantity.POWER_W, "INA3221 VDD_IN", watts),
        (Quantity.WAITED_SECONDS, "1", waited),
    )


def test_samples_belong_to_their_window() -> None:
    samples = (
        at(100.0, 2000, 50, 5, 0),
        at(102.0, 2000, 54, 7, 0),
        at(104.0, 1500, 60, 9, 1),
        at(107.0, 1500, 62, 9, 2),
    )
    timed = [
        TimedWindow(began=100.0, ended=103.0, calls_ms=(10.0, 20.0, 90.0), cpu_seconds=3.0),
        TimedWindow(began=103.0, ended=108.0, calls_ms=(20.0,), cpu_seconds=3.5),
        TimedWindow(began=108.0, ended=109.0, calls_ms=(20.0,), cpu_seconds=1.0),
    ]
    first, second, third = told_windows(timed, Measured(during=samples, after=(), threads=1, pinned=(0,)))
    assert (first.begin_seconds, first.seconds, first.calls, first.p50_ms, first.own_share) == (0, 3, 3, 20, 1)
    assert (first.clock_mhz, first.temperature_c, first.power_w, first.waiting_share) == (2000, 52, 6, 0)
    assert (second.clock_mhz, second.temperature_c) == (1500, 61)
    assert second.own_share == pytest.approx(0.7)
    assert second.waiting_share == pytest.approx(2 / 5), "since the last sample before it"
    assert (third.clock_mhz, third.temperature_c, third.power_w, third.waiting_share) == (None,) * 4


def watts(sensor: str, *values: float) -> list[Sample]:
    return [sample(float(place), (Quantity.POWER_W, sensor, value)) for place, value in enumerate(values)]


def test_energy_by_hand() -> None:
    """7 W and 3 W idle are 4 W at 100 calls a second: 40 mJ."""
    found = energy(watts("VDD_IN", 2.0, 4.0), watts("VDD_IN", 6.0, 8.0), windows([100.0, 100.0]))
    assert found == Energy(sensor="VDD_IN", idle_w=3.0, running_w=7.0, mj_per_call=40.0)


@pytest.mark.parametrize(
    ("idle", "running", "why"),
    [
        ([], [], "no sensor of its power"),
        ([], watts("VDD_IN", 5.0), "no sensor of its power"),
        (watts("VDD_IN", 5.0), watts("battery bat", 6.0), "was not told by one sensor all the time"),
        (watts("VDD_IN", 5.0), watts("VDD_IN", 4.0), "VDD_IN told 4.00 W while it ran and 5.00 W idle"),
    ],
)
def test_energy_is_refused(idle: list[Sample], running: list[Sample], why: str) -> None:
    found = energy(idle, running, windows([100.0]))
    assert isinstance(found, str)
    assert why in found


def measured(root: Path, *, sensor: bool) -> Sustained:
    """Real calls on a made-up device."""
    device = jetson(root) if sensor else place(root)

    def opened():  # type: ignore[no-untyped-def]
        if sensor:
            jetson(root / "busy", milliamperes=2_500)
            (root / "busy/sys/class/hwmon/hwmon1/curr1_input").replace(root / "sys/class/hwmon/hwmon1/curr1_input")
        return lambda: sum(range(20_000))

    return measure_sustained(opened, size=(8, 8), threads=1, settings=QUICK, place=device)


def test_the_power_of_a_device_is_watched_idle_before(tmp_path: Path) -> None:
    """7.5 W idle; from the moment at which the artifact is opened, 12.5 W."""
    found = measured(tmp_path, sensor=True)
    assert found.no_energy is None
    assert found.energy is not None
    assert (found.energy.sensor, found.energy.idle_w, found.energy.running_w) == ("INA3221 VDD_IN", 7.5, 12.5)
    calls, seconds = sum(one.calls for one in found.windows), sum(one.seconds for one in found.windows)
    assert found.energy.mj_per_call == pytest.approx(5 * seconds / calls * 1000)


def test_a_device_that_shows_nothing_gives_windows_without_them(tmp_path: Path) -> None:
    found = measured(tmp_path, sensor=False)
    assert found.energy is None
    assert found.no_energy == "the device has no sensor of its power that an ordinary user may read"
    assert all(one.clock_mhz is None and one.temperature_c is None and one.power_w is None for one in found.windows)
    assert sum(one.calls for one in found.windows) > 0


@pytest.mark.parametrize("seconds", [0.0, 29.9, -1.0, float("nan"), float("inf"), 1e6])
def test_times_that_are_refused(seconds: float) -> None:
    with pytest.raises(InputError, match="give 30 to 86400 seconds"):
        require_seconds(seconds)
