"""Power that a device takes, and whether from the mains or a battery.

The readers of power are in the order of preference: where several sensors tell, the first counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from edgesr.benchmarks.state.place import Place, number, text
from edgesr.benchmarks.state.reading import Quantity, Reader, Reading

_WHOLE_MODULE = ("VDD_IN", "POM_5V_IN", "5V_IN")
"""Rails of a Jetson that feed all others; a module without one has rails beside each other, which add up."""
_RAIL = re.compile(r"(\w+)_([AV]) (?:current|volt)\(\d+\)=(\d+\.\d+)[AV]")


def _jetson(place: Place, _process: int) -> Iterator[Reading]:
    """INA3221 monitors: mV times mA."""
    rails = {}
    for chip in place.found("sys/class/hwmon/hwmon[0-9]*"):
        for channel in (1, 2, 3) if text(chip / "name") == "ina3221" else ():
            label = text(chip / f"in{channel}_label")
            volts, amps = number(chip / f"in{channel}_input"), number(chip / f"curr{channel}_input")
            if label is not None and volts is not None and amps is not None:
                rails[label] = volts * amps / 1e6
    whole = next((label for label in _WHOLE_MODULE if label in rails), None)
    if rails:
        sensor = f"INA3221 {whole or ' + '.join(rails)}"
        yield Reading(Quantity.POWER_W, sensor, sum(rails.values()) if whole is None else rails[whole])


def _monitors(place: Place, _process: int) -> Iterator[Reading]:
    """Single monitors of a board's supply, INA219 to INA238, in microwatts."""
    for chip in place.found("sys/class/hwmon/hwmon[0-9]*"):
        name, microwatts = text(chip / "name"), number(chip / "power1_input")
        if name is not None and microwatts is not None and re.fullmatch(r"ina2\d\d", name):
            yield Reading(Quantity.POWER_W, name.upper(), microwatts / 1e6)


def _pi_rails(place: Place, _process: int) -> Iterator[Reading]:
    """The rails of a Raspberry Pi 5 behind its power chip, without what is plugged into it."""
    found: dict[str, dict[str, float]] = {}
    for rail, unit, value in _RAIL.findall(place.ask(("vcgencmd", "pmic_read_adc")) or ""):
        found.setdefault(rail, {})[unit] = float(value)
    watts = [one["A"] * one["V"] for one in found.values() if len(one) == 2]
    if watts:
        yield Reading(Quantity.POWER_W, f"{len(watts)} rails of the Pi's power chip", sum(watts))


def _supplies(place: Place, _process: int) -> Iterator[Reading]:
    """A battery's power is that of the device while nothing charges it."""
    online = False
    states: dict[Path, str] = {}
    for supply in place.found("sys/class/power_supply/*"):
        if text(supply / "type") == "Battery" and text(supply / "scope") != "Device":
            states[supply] = text(supply / "status") or ""
            charge = number(supply / "capacity")
            if charge is not None:
                yield Reading(Quantity.CHARGE_PERCENT, supply.name, charge)
        online |= number(supply / "online") == 1
    discharging = [supply for supply, state in states.items() if state == "Discharging"]
    if discharging and not online:
        yield Reading(Quantity.SUPPLY, "", "battery")
        yield from _battery_power(discharging[0])
    elif online or any(states.values()):
        yield Reading(Quantity.SUPPLY, "", "mains")


def _battery_power(battery: Path) -> Iterator[Reading]:
    """The power, told in microwatts, or computed from microvolts and microamperes, whose sign is the maker's choice."""
    watts, amps, volts = (number(battery / name) for name in ("power_now", "current_now", "voltage_now"))
    if watts:
        yield Reading(Quantity.POWER_W, f"battery {battery.name}", abs(watts) / 1e6)
    elif amps and volts:
        yield Reading(Quantity.POWER_W, f"battery {battery.name}", abs(amps) * volts / 1e12)


POWER = (
    Reader(title="INA3221 of a Jetson", read=_jetson),
    Reader(title="INA2xx power monitors", read=_monitors),
    Reader(title="vcgencmd pmic_read_adc of a Raspberry Pi 5", read=_pi_rails, rare=True),
    Reader(title="power supplies and batteries", read=_supplies),
)
