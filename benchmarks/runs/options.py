"""Options of everything that is measured. Imports little: the command line takes its defaults from here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.jobs import HOST
from edgesr.benchmarks.latency.settings import EndToEndSettings, LatencySettings, ProfileSettings
from edgesr.benchmarks.sustained.settings import SustainedSettings, require_seconds
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.threads import require_threads

_MLPERF_QUERIES = 1024
_MLPERF_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Options of `run_bench`. ``artifact`` and ``runtime`` choose one of each; None means all. ``device`` is one device
    or several, separated by commas.

    In each of ``rounds`` every artifact is called at least ``calls`` times and for at least ``seconds``. Different
    machines are measured at the same time, devices of this machine one after the other. ``provider`` is an execution
    provider of the runtime. ``cores`` are those that each process keeps to: "big", "little" or numbers such as 0-3;
    ``pin`` keeps it to as many as it has threads, the fastest.

    ``mlperf`` raises ``calls`` and ``seconds`` of each round to MLPerf's least, 1024 and 60 over all rounds. On
    emulated devices edgesr counts instructions, at one thread, and the options of timing do not apply. ``against`` is a
    file of results to compare with later; if that is not possible, this raises before anything is measured. ``unlike``
    allows it to be from different conditions. ``device_python`` is the Python that runs the workers on other machines.
    """

    artifact: str | None = None
    runtime: str | None = None
    provider: str | None = None
    threads: tuple[int, ...] = (1,)
    calls: int = LatencySettings.calls
    seconds: float = LatencySettings.seconds
    rounds: int = 5
    mlperf: bool = False
    pin: bool = False
    cores: str | None = None
    device: str = HOST
    device_python: str | None = None
    against: Path | None = None
    unlike: bool = False

    def __post_init__(self) -> None:
        _require_threads(self.threads)
        if self.rounds < 1:
            raise InputError(f"rounds is {self.rounds}: need at least 1")
        _ = self.settings

    @property
    def settings(self) -> LatencySettings:
        """The settings of each round."""
        calls, seconds = self.calls, self.seconds
        if self.mlperf:
            calls = max(calls, math.ceil(_MLPERF_QUERIES / self.rounds))
            seconds = max(seconds, _MLPERF_SECONDS / self.rounds)
        return LatencySettings(calls=calls, seconds=seconds, pin=self.pin, mlperf=self.mlperf, cores=self.cores)


@dataclass(frozen=True, kw_only=True)
class SustainedOptions:
    """Options of `run_sustained`: each artifact is called for so many ``seconds``; the others are as in
    `BenchOptions`.
    """

    seconds: float
    artifact: str | None = None
    runtime: str | None = None
    provider: str | None = None
    threads: tuple[int, ...] = (1,)
    pin: bool = False
    cores: str | None = None
    device: str = HOST
    device_python: str | None = None

    def __post_init__(self) -> None:
        require_seconds(self.seconds)
        _require_threads(self.threads)
        _ = self.settings

    @property
    def settings(self) -> SustainedSettings:
        """The settings of each artifact."""
        return SustainedSettings(seconds=self.seconds, pin=self.pin, cores=self.cores)


@dataclass(frozen=True, kw_only=True)
class PhotographOptions:
    """Options of `run_photograph`: a photograph of ``size`` (h,w) in LR pixels is upscaled in tiles that take at
    most ``memory_bytes`` at one time; the others are as in `BenchOptions`.
    """

    size: tuple[int, int]
    memory_bytes: int = 256_000_000
    artifact: str | None = None
    runtime: str | None = None
    provider: str | None = None
    threads: tuple[int, ...] = (1,)
    cores: str | None = None
    device: str = HOST
    device_python: str | None = None

    def __post_init__(self) -> None:
        _require_threads(self.threads)
        _ = self.settings

    @property
    def settings(self) -> EndToEndSettings:
        """The settings of each artifact."""
        return EndToEndSettings(size=self.size, memory_bytes=self.memory_bytes, cores=self.cores)


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Options of `compare_files`. ``limit`` is the largest growth of p50 that passes, as a share of the old p50;
    ``unlike`` accepts files that were measured in different conditions.
    """

    limit: float = 0.05
    unlike: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.limit < math.inf:
            raise InputError(f"limit is {self.limit}: give a share of 0 or more, such as 0.05")


@dataclass(frozen=True, kw_only=True)
class ParityOptions:
    """Options of `run_parity`. ``artifact`` and ``runtime`` choose one of each; None means all. The comma-separated
    devices of ``device`` are measured after this host, and compared with it.

    With ``outputs`` nothing is run: the files that another program wrote into this folder are compared
    (docs/runners.md), and ``runner_name`` is the name of that program in the results.
    """

    artifact: str | None = None
    runtime: str | None = None
    provider: str | None = None
    device: str = HOST
    device_python: str | None = None
    outputs: Path | None = None
    runner_name: str | None = None

    def __post_init__(self) -> None:
        if self.outputs is None and self.runner_name is not None:
            raise InputError("--runner-name says what wrote the outputs that are checked: give --outputs DIR, too")
        if self.runner_name is not None and not self.runner_name.strip():
            raise InputError("--runner-name is empty: give the name of the program that wrote the outputs")
        ran = (self.runtime, self.provider, self.device_python, None if self.device == HOST else self.device)
        if self.outputs is not None and any(one is not None for one in ran):
            raise InputError(
                f"--outputs {self.outputs}: runs nothing; leave out --runtime, --provider, --device and --device-python"
            )


@dataclass(frozen=True, kw_only=True)
class ProfileOptions:
    """Options of `run_profile`. ``artifact`` and ``runtime`` choose one of each; None means all. ``calls`` are
    profiled after a first one.
    """

    artifact: str | None = None
    runtime: str | None = None
    provider: str | None = None
    threads: int = 1
    calls: int = ProfileSettings.calls

    def __post_init__(self) -> None:
        _require_threads((self.threads,))
        ProfileSettings(calls=self.calls)


def _require_threads(counts: tuple[int, ...]) -> None:
    if not counts:
        raise InputError("threads is empty: give at least one thread count")
    for count in counts:
        require_threads(count)
