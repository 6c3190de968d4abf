"""All readers. Another source is one object in a file of its own, and one line here."""

from __future__ import annotations

import time
from collections.abc import Sequence

from edgesr.benchmarks.state.android import ANDROID
from edgesr.benchmarks.state.clocks import CLOCKS
from edgesr.benchmarks.state.heat import HEAT
from edgesr.benchmarks.state.place import Place
from edgesr.benchmarks.state.power import POWER
from edgesr.benchmarks.state.processor_time import PROCESSOR_TIME
from edgesr.benchmarks.state.reading import Reader, Sample

READERS: tuple[Reader, ...] = (
    CLOCKS,
    *PROCESSOR_TIME,
    *HEAT,
    *POWER,
    *ANDROID,
)
FREQUENT = tuple(one for one in READERS if not one.rare)
RARE = tuple(one for one in READERS if one.rare)


def take_sample(place: Place, process: int, readers: Sequence[Reader] = READERS) -> Sample:
    """A sample of all values that the device tells now."""
    at = time.monotonic()
    readings = tuple(reading for reader in readers for reading in reader.read(place, process))
    return Sample(at=at, readings=readings, cost_ms=(time.monotonic() - at) * 1000)
