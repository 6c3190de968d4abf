"""The table of runtimes. Importing it imports none of their packages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from edgesr.runtimes.adapters import coreml, executorch, mnn, ncnn, openvino, ort, tflite, torchscript
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.errors import InputError, MissingPackageError, OtherSystemError
from edgesr.runtimes.interface.runtime import Runtime

RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        ort.RUNTIME,
        tflite.RUNTIME,
        torchscript.RUNTIME,
        openvino.RUNTIME,
        ncnn.RUNTIME,
        executorch.RUNTIME,
        mnn.RUNTIME,
        coreml.RUNTIME,
    )
}


@contextmanager
def other_builds(builds: Sequence[Runtime]) -> Iterator[None]:
    """Let these take the places of the runtimes of the same names, for the whole process, until the end of the block.

    It is for a process that does one job on other builds than those of this Python.
    """
    before = {build.name: RUNTIMES[build.name] for build in builds}
    RUNTIMES.update({build.name: build for build in builds})
    try:
        yield
    finally:
        RUNTIMES.update(before)


def runtime_info(name: str) -> Runtime:
    """The runtime of that name; an unknown one is an InputError that lists the known ones."""
    if name not in RUNTIMES:
        raise InputError(f"unknown runtime {name!r}: choose one of {', '.join(RUNTIMES)}")
    return RUNTIMES[name]


def is_usable(name: str) -> bool:
    """Whether a runtime is known, runs on this system and is installed: a bundle may name one that only another edgesr
    knows.
    """
    return name in RUNTIMES and RUNTIMES[name].why_not_here is None and RUNTIMES[name].version() is not None


def require_usable(info: Runtime) -> None:
    """Raise an OtherSystemError unless the runtime runs on this system, a MissingPackageError with the install
    command unless it is installed.
    """
    if info.why_not_here is not None:
        raise OtherSystemError(f"{info.why_not_here}: give this command there")
    if info.version() is None:
        raise MissingPackageError(f"runtime {info.name!r} ({info.title}) is not installed: {info.install_command}")


def runtime_for(artifact: Artifact, name: str) -> Runtime:
    """An installed runtime that opens an artifact; an InputError lists those that do."""
    runtime = runtime_info(name)
    artifact.use(name)
    require_usable(runtime)
    return runtime


def require_provider(info: Runtime, provider: str) -> None:
    """Raise an InputError unless this is an execution provider of a runtime, which is installed if it has any."""
    if info.providers is None:
        raise InputError(f"--provider {provider}: {info.title} has no execution providers; leave it out")
    known = info.providers()
    if provider not in known:
        raise InputError(
            f"--provider {provider}: this {info.distribution} {info.version()} has {', '.join(known)}; choose one of "
            f"them, or install a build of {info.title} that has it"
        )


def with_provider(pairs: list[tuple[Artifact, str]], provider: str) -> list[tuple[Artifact, str]]:
    """The artifacts and runtimes that have execution providers; raises InputError if none has any, installed or not,
    or if an installed one lacks this one.
    """
    having = [(artifact, name) for artifact, name in pairs if name in RUNTIMES and RUNTIMES[name].providers is not None]
    if not having:
        require_provider(runtime_info(pairs[0][1]), provider)
    for name in dict.fromkeys(name for _, name in having):
        if is_usable(name):
            require_provider(RUNTIMES[name], provider)
    return having
