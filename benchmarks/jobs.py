"""What a worker process is asked to do and what it answers, as JSON-able dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.end_to_end import EndToEndSettings


@dataclass(frozen=True, kw_only=True)
class LatencySettings:
    """At least ``calls`` timed calls and ``seconds`` of them; warm-up ends when steady or after ``warmup_seconds``."""

    calls: int = 20
    seconds: float = 2.0
    warmup_seconds: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """One artifact on one runtime: check it on all goldens that fit, time it, or upscale a photograph with it."""

    kind: Literal["parity", "latency", "end-to-end"]
    bundle: str
    artifact: str
    runtime: str
    threads: int
    latency: LatencySettings = LatencySettings()
    end_to_end: EndToEndSettings | None = None


JobStatus = Literal["done", "missing", "error", "crashed", "timeout"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ended: "done" with a result, or a status and the reason in one line.

    "missing": the runtime is not installed; "error": the bundle or the runtime refused; "crashed": the process died.
    """

    status: JobStatus
    reason: str | None
    result: dict[str, Any] | None
