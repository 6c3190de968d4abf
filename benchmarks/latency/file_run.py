"""The cost of running a model file, measured in a process of its own.

python -P -m edgesr.benchmarks.latency.file_run JOB.json RESULT.json

Memory is told apart from the runtime's own: the highest resident memory with the file open and run, less what was
resident once the runtime was imported.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesr.benchmarks.machine.memory import peak_rss_bytes, rss_bytes
from edgesr.runtimes.adapters.registry import runtime_info
from edgesr.runtimes.adapters.session import from_layout, to_layout
from edgesr.runtimes.allocator import keep_large_blocks_after_torch
from edgesr.runtimes.bundle.manifest import Layout, Precision, Size
from edgesr.runtimes.interface.runtime import RunSettings
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json


@dataclass(frozen=True, kw_only=True)
class RunJob:
    """Open ``files`` with a runtime at one thread; call each once, then ``calls`` times in turn, on a tile (c,h,w)."""

    runtime: str
    precision: Precision
    files: tuple[str, ...]
    layout: Layout
    size: Size
    calls: int
    channels: int = 3


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """``output_size`` (H,W) of all files, None when the runtime refused the size, for the ``refusal`` given.

    ``memory_bytes`` is for all files together, without the answer of the last call, which is held during the next one
    as the upscaler holds it; ``best_ms`` the fastest of each file's further calls.
    """

    output_size: Size | None
    refusal: str | None
    memory_bytes: int
    best_ms: tuple[float, ...]


def measure_run(job: RunJob) -> RunCost:
    """Do the job in this process."""
    runtime = runtime_info(job.runtime)
    runtime.load()
    before = rss_bytes()
    sessions = [runtime.open(Path(file), RunSettings(precision=job.precision)) for file in job.files]
    tile = np.random.default_rng(0).uniform(0, 255, (job.channels, *job.size)).astype(np.float32)
    batch = to_layout(tile, job.layout)
    try:
        held = [session.run(batch) for session in sessions]
    except runtime.failures() as error:
        return RunCost(output_size=None, refusal=" ".join(str(error).split()), memory_bytes=0, best_ms=())
    shapes = [from_layout(answer, job.layout).shape for answer in held]
    if len(set(shapes)) > 1 or shapes[0][0] != job.channels:
        return RunCost(output_size=None, refusal=f"answers of shapes {shapes}", memory_bytes=0, best_ms=())
    times = np.full((job.calls, len(sessions)), np.inf)
    for call in range(job.calls):
        for place, session in enumerate(sessions):
            started = time.perf_counter()
            answer = session.run(batch)
            times[call, place] = (time.perf_counter() - started) * 1000
            held[place] = answer
    return RunCost(
        output_size=(shapes[0][1], shapes[0][2]),
        refusal=None,
        memory_bytes=max(peak_rss_bytes() - before - sum(answer.nbytes for answer in held if job.calls), 0),
        best_ms=tuple(float(best) for best in times.min(axis=0)) if job.calls else (),
    )


if __name__ == "__main__":
    keep_large_blocks_after_torch()
    result = measure_run(read_record(RunJob, Path(sys.argv[1]), remake="export again", file_names=True))
    Path(sys.argv[2]).write_text(to_json(result))
