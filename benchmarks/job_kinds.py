"""The kinds of jobs that a worker does. Another kind is one object in a file of its own, and one line here."""

from __future__ import annotations

from typing import Any

from edgesr.benchmarks.jobs import JobKind
from edgesr.benchmarks.latency.call import LATENCY
from edgesr.benchmarks.latency.end_to_end import END_TO_END
from edgesr.benchmarks.latency.instructions import INSTRUCTIONS
from edgesr.benchmarks.latency.operators import PROFILE
from edgesr.benchmarks.machine.limits import LIMITS
from edgesr.benchmarks.parity.check import PARITY
from edgesr.benchmarks.quality.upscaled_pictures import PICTURES
from edgesr.benchmarks.state.core_choice import CORES
from edgesr.benchmarks.sustained.measure import SUSTAINED
from edgesr.runtimes.errors import InputError

JOB_KINDS: tuple[JobKind[Any, Any], ...] = (
    PARITY,
    LATENCY,
    SUSTAINED,
    END_TO_END,
    INSTRUCTIONS,
    PROFILE,
    LIMITS,
    CORES,
    PICTURES,
)


def job_kind(name: str) -> JobKind[Any, Any]:
    """The kind of that name; an InputError lists the known ones."""
    found = next((kind for kind in JOB_KINDS if kind.name == name), None)
    if found is None:
        raise InputError(f"unknown job {name!r}: choose one of {', '.join(kind.name for kind in JOB_KINDS)}")
    return found
