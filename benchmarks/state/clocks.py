"""Clocks of the cores, the highest that the system allows, and what decides them."""

from __future__ import annotations

from collections.abc import Iterator

from edgesr.benchmarks.state.place import Place, number, text
from edgesr.benchmarks.state.reading import Quantity, Reader, Reading

CORES = "sys/devices/system/cpu"
"""Where Linux tells of cores."""


def _clocks(place: Place, _process: int) -> Iterator[Reading]:
    for folder in place.found(f"{CORES}/cpu[0-9]*/cpufreq"):
        core = folder.parent.name.removeprefix("cpu")
        for quantity, name in (
            (Quantity.CLOCK_MHZ, "scaling_cur_freq"),
            (Quantity.HIGHEST_CLOCK_MHZ, "scaling_max_freq"),
        ):
            khz = number(folder / name)
            if khz:
                yield Reading(quantity, core, khz / 1000)
        governor = text(folder / "scaling_governor")
        if governor is not None:
            yield Reading(Quantity.GOVERNOR, core, governor)


CLOCKS = Reader(title="cpufreq", read=_clocks)
