"""Instructions that one call of an artifact executes on an emulated CPU. They are no time: see docs/arm64.md."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from edgesr.benchmarks.devices.arm64.counter import COUNTS_VARIABLE, KINDS, ByKind, Counts, read_counts, region
from edgesr.benchmarks.jobs import Job, JobKind, NoSettings
from edgesr.benchmarks.latency.call import photograph_golden
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.bundle.manifest import Artifact, Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_records import DecodeError

_WARMUP_CALLS = 5
_COUNTED_CALLS = 3
_EMPTY, _FIRST_CALL = 1, 2


@dataclass(frozen=True, kw_only=True)
class Instructions(ByKind):
    """Instructions of one call in the steady state, at one thread; those of an empty region are subtracted. The median
    of ``calls`` counts.

    ``size`` is the LR input (height, width); ``spread`` the largest less the smallest total, by the median.
    """

    size: Size
    calls: int
    spread: float


def count_instructions(bundle: Bundle, artifact: Artifact, *, runtime: str) -> Instructions:
    """Count in this process, which an emulated device started with its plugin; an EdgesrError elsewhere."""
    file = os.environ.get(COUNTS_VARIABLE)
    if file is None:
        raise EdgesrError("instructions are counted on an emulated device only, such as arm64:cortex-a76")
    golden = photograph_golden(bundle, artifact)
    session = open_session(bundle, artifact, runtime=runtime, threads=1)
    batch = session.prepare(bundle.tensor(golden.input))
    gc.disable()
    for _ in range(_WARMUP_CALLS):
        session.session.run(batch)
    with region(_EMPTY):
        pass
    for call in range(_COUNTED_CALLS):
        with region(_FIRST_CALL + call):
            session.session.run(batch)
    return summarised(read_counts(Path(file)), golden.size)


def summarised(counts: tuple[Counts, ...], size: Size) -> Instructions:
    """Medians of the counted calls less the empty region, which comes first."""
    empty, *calls = counts
    found = {kind: round(median(getattr(one, kind) - getattr(empty, kind) for one in calls)) for kind in KINDS}
    totals = [one.total for one in calls]
    spread = (max(totals) - min(totals)) / found["total"]
    return Instructions(size=size, calls=len(calls), spread=spread, **found)


def _count(job: Job, _: NoSettings) -> Instructions:
    return count_instructions(*job.opened(), runtime=job.runtime)


def _check(counted: Instructions) -> None:
    if counted.total <= 0:
        raise DecodeError("no instructions were counted")


INSTRUCTIONS = JobKind(
    name="instructions",
    settings=NoSettings,
    result=Instructions,
    measure=_count,
    counts_instructions=True,
    check=_check,
)
