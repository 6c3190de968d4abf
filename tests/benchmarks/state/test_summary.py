"""The state of a device from samples: courses, shares, what is not told, and the sentences that follow."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from edgesr.benchmarks.results.rows import Key
from edgesr.benchmarks.state.readers import take_sample
from edgesr.benchmarks.state.reading import Quantity
from edgesr.benchmarks.state.record import Course, DeviceState, joined
from edgesr.benchmarks.state.summary import Measured, device_state
from edgesr.benchmarks.state.warnings import state_warnings
from edgesr.benchmarks.tables.state import NOT_TOLD, STATE_COLUMNS, state_table
from tests.helpers.state.made_up import sample
from tests.helpers.state.trees import PROCESS, phone, pi5, place, thread, written

KEY = Key(artifact="a", runtime="ort", threads=1, device="ssh:pi")


def flat(value: float) -> Course:
    return Course(start=value, end=value, least=value, most=value)


def test_the_course_of_a_pi_that_gets_hot(tmp_path: Path) -> None:
    first = take_sample(pi5(tmp_path), PROCESS)
    pi5(tmp_path, mhz=1500, throttled="e0006", celsius=84.9)
    written(tmp_path, thread(PROCESS, core=1, waited_ns=502_000_000))
    second = replace(take_sample(place(tmp_path), PROCESS), at=first.at + 2)
    pi5(tmp_path, mhz=1000, celsius=80.0)
    after = replace(take_sample(place(tmp_path), PROCESS), at=first.at + 3)
    measured = Measured(during=(first, second), after=(after,), threads=1, pinned=(1,))
    state = device_state(measured, own_share=0.75, usable_cores=4)
    assert state.clock_mhz == Course(start=2400, end=1500, least=1500, most=2400), "not the clock after it ended"
    assert state.temperature_c == Course(start=61.4, end=80.0, least=61.4, most=84.9)
    assert (state.temperature_sensor, state.governors, state.ran_on) == ("cpu-thermal", ("ondemand",), (1, 2))
    assert state.throttling == ("clock capped", "throttled by the firmware")
    assert state.own_share == flat(0.75)
    assert (state.pinned_cores, state.usable_cores, state.samples) == ((1,), 4, 3)
    assert state_warnings({"a": state})[0].startswith("the frequency governor is ondemand, not performance")
    assert state_warnings({"a": state})[1:] == [
        "the clock fell from 2400 to 1500 MHz",
        "signs of throttling: clock capped, throttled by the firmware",
        "since the device was started, not while it was measured: under-voltage, soft temperature limit",
    ]


def test_a_free_process_has_the_clock_of_the_cores_that_it_is_seen_on(tmp_path: Path) -> None:
    found = take_sample(phone(tmp_path), PROCESS)
    free = Measured(during=(found,), after=(), threads=1, pinned=())
    assert free.clock(found) == 2842.0
    assert replace(free, pinned=(0, 4)).clock(found) == 2208.0
    nowhere = replace(found, readings=tuple(r for r in found.readings if r.quantity != Quantity.RUNS_ON))
    assert free.clock(nowhere) == 2842.0


def test_shares_of_the_cores_by_hand() -> None:
    first = sample(10.0, (Quantity.WAITED_SECONDS, "1", 1.0), (Quantity.WAITED_SECONDS, "2", 5.0))
    last = sample(
        12.0,
        (Quantity.WAITED_SECONDS, "1", 2.0),
        (Quantity.WAITED_SECONDS, "2", 5.5),
        (Quantity.WAITED_SECONDS, "3", 9.0),
    )
    two = Measured(during=(first, last), after=(), threads=2, pinned=())
    assert two.waiting_share(first, last) == pytest.approx(1.5 / 2 / 2), "a thread that is new counts nothing"
    before = sample(0.0, (Quantity.STOLEN_TICKS, "", 10), (Quantity.ALL_TICKS, "", 1000))
    after = sample(1.0, (Quantity.STOLEN_TICKS, "", 40), (Quantity.ALL_TICKS, "", 1200))
    assert two.stolen_share(before, after) == pytest.approx(0.15)
    assert two.stolen_share(first, last) is None


def test_counts_of_x86_that_rise_are_throttling() -> None:
    counts = [sample(float(at), (Quantity.THROTTLINGS, "cpu0", count)) for at, count in enumerate((7, 7, 9))]
    rising = Measured(during=tuple(counts), after=(), threads=1, pinned=())
    assert rising.throttling() == ("heat lowered a core's clock",)
    assert replace(rising, during=tuple(counts[:2])).throttling() == ()
    assert replace(rising, during=()).throttling() is None


def test_a_device_that_shows_nothing_is_not_told_and_never_0(tmp_path: Path) -> None:
    nothing = take_sample(place(tmp_path), PROCESS)
    measured = Measured(during=(nothing,), after=(nothing,), threads=1, pinned=())
    state = device_state(measured, own_share=None, usable_cores=None)
    told = {field.name for field in fields(DeviceState) if getattr(state, field.name) is not None}
    assert told == {"samples", "sample_ms"}
    (row,) = state_table([(KEY, state)]).rows
    assert row[4:] == (NOT_TOLD,) * len(STATE_COLUMNS)
    assert state_warnings({"a": state}) == []


def test_states_of_rounds_are_joined() -> None:
    first = DeviceState(
        samples=3,
        clock_mhz=Course(start=2000, end=1900, least=1800, most=2000),
        throttling=(),
        own_share=flat(1.0),
        supply="mains",
        ran_on=(1,),
    )
    second = DeviceState(
        samples=2,
        clock_mhz=Course(start=1900, end=1950, least=1900, most=2100),
        throttling=("under-voltage",),
        own_share=flat(0.6),
        supply="battery",
        ran_on=(0, 1),
    )
    state = joined([first, second])
    assert state.clock_mhz == Course(start=2000, end=1950, least=1800, most=2100)
    assert state.own_share == Course(start=1.0, end=0.6, least=0.6, most=1.0)
    assert (state.samples, state.throttling, state.supply, state.ran_on) == (5, ("under-voltage",), "battery", (1, 0))
    assert (state.temperature_c, state.governors, state.load) == (None, None, None)


CALM = DeviceState(
    usable_cores=4,
    clock_mhz=flat(2000),
    highest_clock_mhz=flat(2000),
    governors=("performance",),
    throttling=(),
    throttled_before=(),
    supply="mains",
    load=flat(1.9),
    own_share=flat(0.99),
    waiting_share=flat(0.01),
    stolen_share=flat(0.005),
)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"load": flat(2.1)}, "load average above half of 4 cores when it began"),
        ({"waiting_share": flat(0.4)}, "other processes took up to 40% of the measured cores"),
        ({"stolen_share": flat(0.05)}, "up to 5% of processor time went to other virtual machines"),
        ({"governors": ("performance", "powersave")}, "the frequency governor is performance, powersave"),
        (
            {"highest_clock_mhz": Course(start=2000, end=2000, least=1500, most=2000)},
            "the highest clock that the system allows fell from 2000 to 1500 MHz",
        ),
        ({"throttling": ("under-voltage",)}, "signs of throttling: under-voltage"),
        ({"throttled_before": ("under-voltage",)}, "since the device was started"),
        ({"supply": "battery"}, "the device ran on its battery"),
    ],
)
def test_warnings(changes: dict[str, object], sentence: str) -> None:
    assert state_warnings({"a": CALM}) == []
    changed = replace(CALM, **changes)  # type: ignore[arg-type]
    (found,) = state_warnings({"a": changed, "b": changed})
    assert found.startswith(sentence)
    (named,) = state_warnings({"a": CALM, "b": changed})
    assert named.startswith(f"b: {sentence}")
