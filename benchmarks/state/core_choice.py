"""The job that finds out whether a device has the cores that were asked for."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.benchmarks.jobs import Job, JobKind
from edgesr.benchmarks.state.cores import pin
from edgesr.benchmarks.state.place import Place


@dataclass(frozen=True, kw_only=True)
class CoreSettings:
    """``cores``: as of `chosen_cores`."""

    cores: str


@dataclass(frozen=True, kw_only=True)
class CoreChoice:
    """The cores that a process of the device was kept to."""

    cores: tuple[int, ...]


def _choose(job: Job, settings: CoreSettings) -> CoreChoice:
    return CoreChoice(cores=pin(settings.cores, pinned=False, threads=job.threads, place=Place()))


CORES = JobKind(name="cores", settings=CoreSettings, result=CoreChoice, measure=_choose)
