"""Watch the device from within a worker, while it measures."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from edgesr.benchmarks.state.cores import pin, usable_cores
from edgesr.benchmarks.state.place import Place
from edgesr.benchmarks.state.record import DeviceState
from edgesr.benchmarks.state.sampler import Sampler, started_sampler
from edgesr.benchmarks.state.summary import Measured, device_state

SECONDS_A_SAMPLE = 0.5


class Watch:
    """A watch over the state during a process with so many threads: `begin` when measuring starts, `end` when it has
    ended. Samples from before the last `begin` are kept apart.
    """

    def __init__(self, sampler: Sampler | None, *, threads: int, pinned: tuple[int, ...], usable: int | None) -> None:
        self.pinned = pinned
        self.threads = threads
        self._sampler = sampler
        self._usable = usable
        self._began: tuple[float, float] | None = None

    def begin(self) -> None:
        begins, self._began = self._began is None, _clocks()
        if begins and self._sampler is not None:
            self._sampler.begin()

    def end(self) -> tuple[Measured, DeviceState]:
        """The samples since `begin`, and what they say."""
        began, ended = self._began or _clocks(), _clocks()
        samples = () if self._sampler is None else self._sampler.end()
        measured = Measured(
            before=tuple(one for one in samples if one.at < began[0]),
            during=tuple(one for one in samples if began[0] <= one.at <= ended[0]),
            after=tuple(one for one in samples if one.at > ended[0]),
            threads=self.threads,
            pinned=self.pinned,
        )
        wall, own = ended[0] - began[0], ended[1] - began[1]
        share = own / wall / self.threads if wall else None
        return measured, device_state(measured, own_share=share, usable_cores=self._usable)


@contextlib.contextmanager
def watched(
    *, threads: int, cores: str | None, pinned: bool, seconds: float = SECONDS_A_SAMPLE, place: Place | None = None
) -> Iterator[Watch]:
    """Keep this process to the cores that were asked for, and sample the device every so many seconds."""
    where, usable = place or Place(), usable_cores()
    kept = pin(cores, pinned=pinned, threads=threads, place=where)
    others = sorted(set(usable) - set(kept)) if kept else []
    with started_sampler(place=where, seconds=seconds, cores=others) as sampler:
        yield Watch(sampler, threads=threads, pinned=kept, usable=len(usable) or None)


def _clocks() -> tuple[float, float]:
    """Seconds of the monotonic clock, and of processor time of this process."""
    return time.monotonic(), time.process_time()
