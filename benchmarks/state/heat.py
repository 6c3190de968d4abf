"""Temperatures, and what tells that heat or a weak supply lowers clocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgesr.benchmarks.state.clocks import CORES
from edgesr.benchmarks.state.place import Place, number, text
from edgesr.benchmarks.state.reading import Quantity, Reader, Reading

_HOTTEST_C = 150.0
_SLOWS_CORES = ("cpufreq", "Processor", "intel_powerclamp")
"""In the types of cooling devices that lower clocks; others are fans."""

PI_FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"
_BITS = {0: "under-voltage", 1: "clock capped", 2: "throttled by the firmware", 3: "soft temperature limit"}
"""Of `vcgencmd get_throttled` of a Raspberry Pi; 16 higher is the same since it was started."""
_SINCE_START = 16


def temperature(sensor: str, celsius: float) -> Iterator[Reading]:
    """A temperature reading; none for a value that no running chip has: absent sensors tell 0, -40 or -99.9 degrees."""
    if 0 < celsius < _HOTTEST_C:
        yield Reading(Quantity.TEMPERATURE_C, sensor, celsius)


def _zones(place: Place, _process: int) -> Iterator[Reading]:
    for zone in place.found("sys/class/thermal/thermal_zone[0-9]*"):
        sensor, celsius = text(zone / "type"), number(zone / "temp")
        if sensor is not None and celsius is not None:
            yield from temperature(sensor, celsius / 1000)


def _chips(place: Place, _process: int) -> Iterator[Reading]:
    for chip in place.found("sys/class/hwmon/hwmon[0-9]*"):
        name = text(chip / "name")
        for file in sorted(chip.glob("temp[0-9]*_input")):
            celsius = number(file)
            label = text(chip / file.name.replace("_input", "_label"))
            if name is not None and celsius is not None:
                yield from temperature(name if label is None else f"{name} {label}", celsius / 1000)


def _cooling(place: Place, _process: int) -> Iterator[Reading]:
    for device in place.found("sys/class/thermal/cooling_device[0-9]*"):
        kind, state = text(device / "type"), number(device / "cur_state")
        if kind is not None and state is not None and any(sign in kind for sign in _SLOWS_CORES):
            yield Reading(Quantity.THROTTLED, f"cooling by {kind}", float(state > 0))


def _counts(place: Place, _process: int) -> Iterator[Reading]:
    for file in place.found(f"{CORES}/cpu[0-9]*/thermal_throttle/*_throttle_count"):
        count = number(file)
        if count is not None:
            yield Reading(Quantity.THROTTLINGS, f"{file.parent.parent.name} {file.name}", count)


def _bits(value: int) -> Iterator[Reading]:
    for bit, sign in _BITS.items():
        yield Reading(Quantity.THROTTLED, sign, float(value >> bit & 1))
        yield Reading(Quantity.THROTTLED_BEFORE, sign, float(value >> bit + _SINCE_START & 1))


def _pi_file(place: Place, _process: int) -> Iterator[Reading]:
    """The file has hexadecimal digits alone."""
    content = text(place.root / PI_FIRMWARE) or ""
    if re.fullmatch(r"[0-9a-f]{1,8}", content):
        yield from _bits(int(content, 16))


def _pi_program(place: Place, _process: int) -> Iterator[Reading]:
    """Signs of throttling from the Raspberry Pi's own program, for kernels that no longer have that file."""
    if not (place.root / PI_FIRMWARE).exists():
        found = re.search(r"throttled=0x([0-9a-f]{1,8})", place.ask(("vcgencmd", "get_throttled")) or "")
        if found:
            yield from _bits(int(found[1], 16))


HEAT = (
    Reader(title="thermal zones", read=_zones),
    Reader(title="hwmon temperatures", read=_chips),
    Reader(title="cooling devices", read=_cooling),
    Reader(title="throttle counts of x86", read=_counts),
    Reader(title="get_throttled of a Raspberry Pi", read=_pi_file),
    Reader(title="vcgencmd get_throttled", read=_pi_program, rare=True),
)
