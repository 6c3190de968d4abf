"""The limits of the machine: float32 matrix products and memory copies, measured in processes of their own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from edgesr.benchmarks.jobs import HOST, Job, JobKind
from edgesr.benchmarks.state.cores import pin
from edgesr.benchmarks.state.place import Place
from edgesr.runtimes.bundle.manifest import Artifact, Size
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.wording import counted

_BLAS_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_MATRIX_SIDE = 1024
_COPY_BYTES = 128 * 2**20
_SECONDS = 0.4
_LEAST_CALLS = 3


@dataclass(frozen=True, kw_only=True)
class LimitsSettings:
    """``pin``: the process keeps to as many cores as it has threads; ``cores``: to these."""

    pin: bool = False
    cores: str | None = None


@dataclass(frozen=True, kw_only=True)
class MachineLimits:
    """The limits of a machine with ``threads`` threads: ``sgemm_gflops`` is 1e9 float32 operations a second of a
    product of 1024x1024 matrices; ``bandwidth_gb_per_s`` is 1e9 bytes a second read and written by a copy of 128
    MiB. The fastest call counts. ``device`` is the device that was measured.
    """

    threads: int
    sgemm_gflops: float
    bandwidth_gb_per_s: float
    device: str = HOST


def blas_environment(threads: int) -> dict[str, str]:
    """Variables that give numpy's BLAS this many threads: it reads them once, when it is loaded."""
    return dict.fromkeys(_BLAS_VARIABLES, str(threads))


def measure_limits(threads: int, clock: Callable[[], float] = time.perf_counter) -> MachineLimits:
    """Measure in this process, which must have been started with `blas_environment`; ``clock`` gives seconds."""
    if any(os.environ.get(name) != str(threads) for name in _BLAS_VARIABLES):
        raise EdgesrError(
            f"machine limits of {counted(threads, 'thread')}: the process was started with another count for BLAS"
        )
    return MachineLimits(
        threads=threads,
        sgemm_gflops=2 * _MATRIX_SIDE**3 / _best_seconds(_product(), clock) / 1e9,
        bandwidth_gb_per_s=2 * _COPY_BYTES / _copy_seconds(threads, clock) / 1e9,
    )


def highest(limits: Sequence[MachineLimits]) -> MachineLimits:
    """The best of several measurements with as many threads."""
    return MachineLimits(
        threads=limits[0].threads,
        sgemm_gflops=max(one.sgemm_gflops for one in limits),
        bandwidth_gb_per_s=max(one.bandwidth_gb_per_s for one in limits),
    )


def intensity_flop_per_byte(artifact: Artifact, size: Size, *, scale: int) -> float:
    """Two operations a multiply-accumulate, by the bytes that must be moved: the file, the input and the output once.

    Activations between layers are left out: a runtime may keep them in caches.
    """
    pixels = size[0] * size[1]
    moved = artifact.size_bytes + sum(
        3 * count * np.dtype(spec.dtype).itemsize
        for spec, count in ((artifact.inputs[0], pixels), (artifact.outputs[0], pixels * scale**2))
    )
    return 2 * artifact.mac_per_hr_pixel * pixels * scale**2 / moved


def _product() -> Callable[[], object]:
    left, right = np.random.default_rng(0).random((2, _MATRIX_SIDE, _MATRIX_SIDE), dtype=np.float32)
    target = np.empty_like(left)
    return lambda: np.matmul(left, right, out=target)


def _copy_seconds(threads: int, clock: Callable[[], float]) -> float:
    source, target = np.ones(_COPY_BYTES // 8), np.zeros(_COPY_BYTES // 8)
    parts = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:
        return _best_seconds(lambda: list(pool.map(lambda part: np.copyto(part[1], part[0]), parts)), clock)


def _best_seconds(call: Callable[[], object], clock: Callable[[], float]) -> float:
    """The fastest call, after one that is not timed."""
    call()
    times: list[float] = []
    while len(times) < _LEAST_CALLS or sum(times) < _SECONDS:
        started = clock()
        call()
        times.append(clock() - started)
    return min(times)


def _limits(job: Job, settings: LimitsSettings) -> MachineLimits:
    pin(settings.cores, pinned=settings.pin, threads=job.threads, place=Place())
    return measure_limits(job.threads)


LIMITS = JobKind(
    name="limits", settings=LimitsSettings, result=MachineLimits, measure=_limits, environment=blas_environment
)
