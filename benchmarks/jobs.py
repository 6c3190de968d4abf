"""What a worker process is asked to do and what it answers, as JSON-able dataclasses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.runtimes.wording import counted

T = TypeVar("T")

HOST = "host"
"""The name of this machine among devices."""


@dataclass(frozen=True, kw_only=True)
class LatencySettings:
    """Of each round: at least ``calls`` timed calls and ``seconds`` of them, one at a time.

    Warm-up ends when steady or after ``warmup_seconds``. ``pin``: each worker keeps to as many cores as it has threads.
    ``mlperf``: the rules of MLPerf's single stream are kept over all rounds, and p90 is the figure to state.
    """

    calls: int = 20
    seconds: float = 2.0
    warmup_seconds: float = 5.0
    pin: bool = False
    mlperf: bool = False

    def __post_init__(self) -> None:
        if self.calls < 1:
            raise InputError(f"calls is {self.calls}: need at least 1")
        for name in ("seconds", "warmup_seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)}: give a number of seconds of 0 or more")


@dataclass(frozen=True, kw_only=True)
class EndToEndSettings:
    """The photograph's size (h,w), the memory for tiles (None: the default), how often both runs are timed in turn."""

    size: Size
    memory_bytes: int | None = None
    repeats: int = 3


@dataclass(frozen=True, kw_only=True)
class ImageFolders:
    """``kept``: where SR images (3,H,W) of goldens are written; ``exact_from``: where exact ones are read from.

    Files are named by a golden's place among those that an artifact takes, since names of a manifest are not to be
    trusted as paths.
    """

    kept: str | None = None
    exact_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class PictureFolders:
    """``count`` LR pictures, float32 (h,w,3) in [0,255], in the folder ``inputs``; SR ones are written to ``outputs``.

    Files are named by a picture's place.
    """

    inputs: str
    outputs: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Job:
    """One artifact on one runtime: check it on all goldens that fit, time it, upscale a photograph with it, time its
    operators, count its instructions (emulated devices), or upscale pictures.

    A profile takes ``calls`` of the latency settings; ``images`` are those of a parity check.
    "limits" measures the machine itself: bundle, artifact and runtime are empty.
    """

    kind: Literal["parity", "latency", "end-to-end", "limits", "profile", "instructions", "pictures"]
    bundle: str
    artifact: str
    runtime: str
    threads: int
    latency: LatencySettings = LatencySettings()
    end_to_end: EndToEndSettings | None = None
    images: ImageFolders | None = None
    pictures: PictureFolders | None = None

    @property
    def title(self) -> str:
        """How progress and warnings name it."""
        what = "limits" if self.kind == "limits" else f"{self.artifact} on {self.runtime}"
        return f"{what}, {counted(self.threads, 'thread')}"


JobStatus = Literal["done", "missing", "error", "crashed", "timeout"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ended: "done" with a result, or a status and the reason in one line.

    "missing": the runtime is not installed; "error": the bundle or the runtime refused; "crashed": the process died, or
    what it answered is no result.
    """

    status: JobStatus
    reason: str | None
    result: dict[str, Any] | None


def decode_result(cls: type[T], outcome: Outcome) -> tuple[Outcome, T | None]:
    """The result of a job, None without one; a result that is none turns the outcome into "crashed"."""
    if outcome.status != "done":
        return outcome, None
    try:
        return outcome, decode(cls, outcome.result)
    except DecodeError as error:
        return invalid_result(error), None


def invalid_result(error: Exception) -> Outcome:
    """The outcome of a worker that answered with something else than a result."""
    return Outcome(status="crashed", reason=f"invalid result: {' '.join(str(error).split())}", result=None)
