"""A process that samples the state of the device: not on the cores that are measured, where there are others.

It is forked from the worker before a runtime is loaded, since a worker on a box cannot start a Python: that one is
started by a loader of its own. It uses Python's standard library alone, and ends when the worker does, however.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection

from edgesr.benchmarks.state.place import Place
from edgesr.benchmarks.state.readers import FREQUENT, RARE, take_sample
from edgesr.benchmarks.state.reading import Sample

_RARELY_SECONDS = 10.0
_LAST_SAMPLE_SECONDS = 30.0


class Sampler:
    """Samples from `begin` to `end`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.send(None)

    def end(self) -> tuple[Sample, ...]:
        """All samples, the last one of now; none where the process died."""
        with contextlib.suppress(OSError, EOFError):
            self._connection.send(None)
            if self._connection.poll(_LAST_SAMPLE_SECONDS):
                return tuple(self._connection.recv())
        return ()


@contextlib.contextmanager
def started_sampler(*, place: Place, seconds: float, cores: Sequence[int]) -> Iterator[Sampler | None]:
    """A sampler of this process, every so many seconds, on these cores, or where none is given on those of this
    process; None where the system has no /proc.
    """
    if sys.platform != "linux":
        yield None
        return
    context = multiprocessing.get_context("fork")
    own, other = context.Pipe()
    arguments = (other, own, place, os.getpid(), seconds, tuple(cores))
    process = context.Process(target=_sample, args=arguments, daemon=True)
    process.start()
    other.close()
    try:
        yield Sampler(own)
    finally:
        own.close()
        process.join()


def _sample(
    connection: Connection, worker_end: Connection, place: Place, process: int, seconds: float, cores: tuple[int, ...]
) -> None:
    """Sample between two messages, and answer the second with all samples. The end of the worker ends it, too."""
    worker_end.close()
    if cores:
        os.sched_setaffinity(0, cores)
    with contextlib.suppress(EOFError, OSError):
        connection.recv()
        samples: list[Sample] = []
        rarely = 0.0
        while True:
            samples.append(take_sample(place, process, FREQUENT))
            if time.monotonic() >= rarely:
                samples.append(take_sample(place, process, RARE))
                rarely = time.monotonic() + _RARELY_SECONDS
            if connection.poll(seconds):
                break
        connection.recv()
        samples += [take_sample(place, process, FREQUENT), take_sample(place, process, RARE)]
        connection.send(samples)
