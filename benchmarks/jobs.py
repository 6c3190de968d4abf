"""Jobs of worker processes and their answers, as JSON-able dataclasses, and what a kind of job is.

Imports little: the command line reads it at every start, and machines with nothing but a runtime.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.runtimes.wording import counted

if TYPE_CHECKING:
    from edgesr.runtimes.bundle.manifest import Artifact
    from edgesr.runtimes.bundle.opening import Bundle

S = TypeVar("S")
R = TypeVar("R")

HOST = "host"
"""The name of this machine among devices."""
OUTSIDE = "outside"
"""The name of runners that are not edgesr's, and of wherever they ran."""


def engine_title(runtime: str, provider: str | None) -> str:
    """The title of a runtime, with the execution provider that was asked for."""
    return runtime if provider is None else f"{runtime}, {provider}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One artifact on one runtime, or the machine itself: then ``bundle``, ``artifact`` and ``runtime`` are empty.

    ``manifest_sha256`` is that of the bundle when it was opened, None where this does not matter. ``settings`` are
    those of the job's `JobKind`, as JSON. A device starts the process with the variables of ``environment`` besides its
    own, and counts the instructions that it executes if ``counts_instructions``. ``provider``: the runtime's execution
    provider, None for its own CPU kernels. ``sends`` and ``brings`` are the settings that name folders of this machine,
    or None: a device that has other files is sent those, and its worker's files are brought to these.
    ``lasts_seconds``: how long it is to last by its settings, which a device adds to its limit of time.
    """

    kind: str
    bundle: str
    artifact: str
    runtime: str
    threads: int
    manifest_sha256: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    counts_instructions: bool = False
    provider: str | None = None
    sends: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
    lasts_seconds: int = 0

    @property
    def title(self) -> str:
        """The name of the job in progress lines and warnings."""
        engine = engine_title(self.runtime, self.provider)
        what = f"{self.artifact} on {engine}" if self.artifact else self.kind
        return f"{what}, {counted(self.threads, 'thread')}"

    def opened(self) -> tuple[Bundle, Artifact]:
        """The bundle and the artifact that it is about; raises an InputError where they are not there."""
        from edgesr.runtimes.bundle.opening import open_bundle

        bundle = open_bundle(self.bundle, verify="used")
        if self.manifest_sha256 not in (None, bundle.manifest_sha256):
            raise InputError(f"{self.bundle}: was replaced while it was measured; measure again")
        return bundle, bundle.artifact(self.artifact)


JobStatus = Literal["done", "missing", "not run", "error", "crashed", "timeout"]
NOT_RUN: JobStatus = "not run"
NOT_HERE: tuple[JobStatus, ...] = ("missing", NOT_RUN)
"""Of jobs that this machine cannot do, which says nothing about what they are on."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of a job: "done" with a result, or another status with the reason in one line.

    "missing": the runtime is not installed; "not run": it does not run on this system; "error": the bundle or the
    runtime refused; "crashed": the process died, or what it answered is no result.
    """

    status: JobStatus
    reason: str | None
    result: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """The settings of a kind of job that has none."""


def _accept(_result: object) -> None:
    """Any result."""


def _no_variables(_threads: int) -> dict[str, str]:
    return {}


def _no_longer(_settings: object) -> int:
    """A job that ends when it is done."""
    return 0


@dataclass(frozen=True, kw_only=True)
class JobKind(Generic[S, R]):
    """A kind of job: ``settings`` and ``result`` are dataclasses, ``measure`` does a job in a worker process.

    ``environment`` gives the variables that a process needs which is to use that many threads. ``check`` raises a
    DecodeError for a result that cannot have been measured. ``sends``, ``brings`` and ``lasts_seconds`` as in `Job`.
    """

    name: str
    settings: type[S]
    result: type[R]
    measure: Callable[[Job, S], R]
    environment: Callable[[int], dict[str, str]] = _no_variables
    counts_instructions: bool = False
    check: Callable[[R], None] = _accept
    sends: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
    lasts_seconds: Callable[[S], int] = _no_longer

    def job(
        self,
        settings: S,
        *,
        bundle: Bundle | None = None,
        artifact: str = "",
        runtime: str = "",
        threads: int = 1,
        provider: str | None = None,
    ) -> Job:
        """A job of this kind."""
        return Job(
            kind=self.name,
            bundle="" if bundle is None else str(bundle.root.absolute()),
            manifest_sha256=None if bundle is None else bundle.manifest_sha256,
            artifact=artifact,
            runtime=runtime,
            threads=threads,
            settings=asdict(settings),  # type: ignore[call-overload]
            environment=self.environment(threads),
            counts_instructions=self.counts_instructions,
            provider=provider,
            sends=self.sends,
            brings=self.brings,
            lasts_seconds=self.lasts_seconds(settings),
        )

    def perform(self, job: Job) -> R:
        """Do a job in this process; raises a DecodeError for settings of another kind."""
        return self.measure(job, decode(self.settings, job.settings, "settings"))

    def answer(self, outcome: Outcome) -> tuple[Outcome, R | None]:
        """The result of a job, None without one; a result of another kind turns the outcome into "crashed"."""
        if outcome.status != "done":
            return outcome, None
        try:
            result = decode(self.result, outcome.result)
            self.check(result)
            return outcome, result
        except DecodeError as error:
            return invalid_result(error), None


def invalid_result(error: Exception) -> Outcome:
    """The outcome of a worker that answered with something else than a result."""
    return Outcome(status="crashed", reason=f"invalid result: {' '.join(str(error).split())}", result=None)
