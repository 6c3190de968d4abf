"""The state that Android tells its shell by dumpsys: temperatures, thermal status, battery."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgesr.benchmarks.state.heat import temperature
from edgesr.benchmarks.state.place import Place
from edgesr.benchmarks.state.reading import Quantity, Reader, Reading

_STATUSES = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
"""PowerManager.THERMAL_STATUS_*, by number."""
_TEMPERATURE = re.compile(r"Temperature\{mValue=(-?\d+(?:\.\d+)?), mType=(-?\d+), mName=([^,}]+), mStatus=\d+\}")
_CPU_TYPE = "0"
_CURRENT = "Current temperatures from HAL:"
"""The temperatures before this line are older ones."""


def _thermal(place: Place, _process: int) -> Iterator[Reading]:
    output = place.ask(("dumpsys", "thermalservice")) or ""
    status = re.search(r"^Thermal Status: (\d+)\s*$", output, re.MULTILINE)
    if status and int(status[1]) < len(_STATUSES):
        word = _STATUSES[int(status[1])]
        yield Reading(Quantity.THROTTLED, f"Android's thermal status is {word}", float(word != "none"))
    for celsius, kind, name in _TEMPERATURE.findall(output.partition(_CURRENT)[2]):
        sensor = name if kind != _CPU_TYPE or "cpu" in name.lower() else f"CPU {name}"
        yield from temperature(sensor, float(celsius))


def _battery(place: Place, _process: int) -> Iterator[Reading]:
    output = place.ask(("dumpsys", "battery")) or ""
    fields = dict(re.findall(r"^ *([A-Za-z ]+): (\S+)\s*$", output, re.MULTILINE))
    powered = [value == "true" for name, value in fields.items() if name.endswith(" powered")]
    if powered:
        yield Reading(Quantity.SUPPLY, "", "mains" if any(powered) else "battery")
    level, scale, celsius = (fields.get(name, "") for name in ("level", "scale", "temperature"))
    if level.isdecimal() and scale.isdecimal() and int(scale):
        yield Reading(Quantity.CHARGE_PERCENT, "battery", 100 * int(level) / int(scale))
    if celsius.isdecimal():
        yield from temperature("battery", int(celsius) / 10)


ANDROID = (
    Reader(title="dumpsys thermalservice", read=_thermal, rare=True),
    Reader(title="dumpsys battery", read=_battery, rare=True),
)
