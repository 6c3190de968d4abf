"""A runtime as an object: what it is, which package it needs, how it opens and profiles a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Protocol

from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import REFERENCE, Precision, Tolerance
from edgesr.runtimes.delegates.rules import Refusals
from edgesr.runtimes.interface.distant import DistantSession
from edgesr.runtimes.interface.operator_profile import Execution, OperatorProfile
from edgesr.runtimes.packages import installed_version


class Session(Protocol):
    """An open model file with one input and one output, in the artifact's own layout, float32.

    One thread at a time may use it; those of two threads are two sessions, of one file or of several.
    """

    def run(self, image: FloatArray) -> FloatArray:
        """(1,3,h,w) or (1,h,w,3) by the artifact's layout -> the graph's output in the layout of its output."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The settings of a run of a file: the number of ``threads``, and the artifact's ``precision``, whose arithmetic is
    used.

    ``exact``: slow kernels that keep to what the file writes down, where the runtime has them. ``provider``: which of
    its execution providers runs the operators that it can, the CPU the others; None for the CPU alone.
    ``shares_cores``: other threads of the process work meanwhile, so that threads that wait give their core away.
    """

    threads: int = 1
    precision: Precision = REFERENCE
    exact: bool = False
    provider: str | None = None
    shares_cores: bool = False


class OpenFile(Protocol):
    """Opens a verified model file; the artifact's other files lie next to it."""

    def __call__(self, path: Path, settings: RunSettings) -> Session:
        """Load it to be run so."""


class ProfileFile(Protocol):
    """Profiles a verified model file."""

    def __call__(self, path: Path, batch: FloatArray, settings: RunSettings, *, calls: int) -> OperatorProfile:
        """Time ``calls`` calls on one input in the file's own layout."""


class ReadExecution(Protocol):
    """Tells what runs a verified model file."""

    def __call__(self, path: Path, batch: FloatArray, settings: RunSettings) -> Execution | None:
        """Run it once on an input in the file's own layout; None where there is nothing to tell of such settings."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """An execution provider of a runtime: ``name``, what it is for, whether edgesr was tested with it."""

    name: str
    title: str
    tested: bool = False


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """``extra`` of edgesr installs ``distribution``, which ``load`` imports: nothing else here does.

    ``failures`` gives the exceptions that it raises for a file or an input that it cannot take, or without memory.
    ``refusals`` of a verified file: what delegates of phones would refuse of it, by their published lists. None where
    the runtime has no such delegates; a damaged file is an InputError.
    ``providers`` names those execution providers that the installed package has, where a runtime has any;
    ``known_providers`` describes those of its builds.
    ``execution`` where the runtime tells in which arithmetic, or on which provider, it runs a file's operators.
    ``exact_arithmetic``: `RunSettings.exact` gives a reference for files that kernels of other CPUs round elsewhere,
    but for those of the precisions in ``inexact``.
    ``systems`` are those that it runs on, by their names in `sys.platform`, with their titles; none: all.
    ``own_tolerances``: what its fast kernels may differ from float32, for precisions in which that is more than goldens
    allow. What a golden allows is then for exact arithmetic, which such files are computed in, too.
    ``needs_torch``: its package runs next to torch alone, which devices without torch's wheel lack.
    ``successor``: the runtime that its makers name in its place, where it is legacy.
    ``memory_growth_bytes``: what the process may hold after many calls beyond what a few calls need.
    ``resizes``: this build sets other sizes than a file's own where the runtime can (`RuntimeUse.resizable`).
    ``find_version`` of its distribution, where that is no package of Python.
    ``saturates_without_vnni``: on an x86 without VNNI, sums of its int8 kernels saturate at 16 bits.
    """

    name: str
    title: str
    distribution: str
    extra: str
    load: Callable[[], object]
    open: OpenFile
    profile: ProfileFile
    failures: Callable[[], tuple[type[Exception], ...]]
    refusals: Callable[[Path], tuple[Refusals, ...]] | None = None
    execution: ReadExecution | None = None
    providers: Callable[[], tuple[str, ...]] | None = None
    known_providers: tuple[Provider, ...] = ()
    exact_arithmetic: bool = True
    inexact: tuple[Precision, ...] = ()
    own_tolerances: Mapping[Precision, Tolerance] = field(default_factory=dict)
    systems: Mapping[str, str] = field(default_factory=dict)
    successor: str = ""
    needs_torch: bool = False
    saturates_without_vnni: bool = False
    memory_growth_bytes: int = 0
    resizes: bool = True
    find_version: Callable[[str], str | None] | None = None

    @property
    def install_command(self) -> str:
        return f"pip install 'edgesr[{self.extra}]'"

    @property
    def why_not_here(self) -> str | None:
        """The reason why it cannot run on this system, whatever is installed; None if it can."""
        if not self.systems or sys.platform in self.systems:
            return None
        return f"{self.title} runs on {' and '.join(self.systems.values())} alone"

    def version(self) -> str | None:
        """Installed version, None when it is not installed."""
        return (self.find_version or installed_version)(self.distribution)

    def computes_exactly(self, precision: Precision) -> bool:
        """Whether it has exact arithmetic for files of a precision."""
        return self.exact_arithmetic and precision not in self.inexact


def timed_call_ms(session: Session, batch: FloatArray) -> float:
    """Time of one call on a batch in the file's own layout, told by the process that it runs in."""
    if isinstance(session, DistantSession):
        return session.call_ms(batch)
    start = time.perf_counter()
    session.run(batch)
    return (time.perf_counter() - start) * 1000


def profile_of_calls(session: Session, batch: FloatArray, *, calls: int, why_no_times: str) -> OperatorProfile:
    """The time of whole calls on a batch in the file's own layout, after a first one, where operators have none."""
    session.run(batch)
    times = [timed_call_ms(session, batch) for _ in range(calls)]
    return OperatorProfile(calls=calls, call_ms=median(times), operators=(), why_no_times=why_no_times, delegation=None)
