"""The table of runtimes. Importing it imports none of their packages."""

from __future__ import annotations

from edgesr.runtimes.adapters import ncnn, openvino, ort, tflite, torchscript
from edgesr.runtimes.adapters.runtime import Runtime
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.errors import InputError, MissingPackageError

RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        ort.RUNTIME,
        tflite.RUNTIME,
        torchscript.RUNTIME,
        openvino.RUNTIME,
        ncnn.RUNTIME,
    )
}


def runtime_info(name: str) -> Runtime:
    """The runtime of that name; an unknown one is an InputError that lists the known ones."""
    if name not in RUNTIMES:
        raise InputError(f"unknown runtime {name!r}: choose one of {', '.join(RUNTIMES)}")
    return RUNTIMES[name]


def is_installed(name: str) -> bool:
    """Whether a runtime is known and installed: a bundle may name one that only another edgesr knows."""
    return name in RUNTIMES and RUNTIMES[name].version() is not None


def require_installed(info: Runtime) -> None:
    """A MissingPackageError with the install command unless the runtime is installed."""
    if info.version() is None:
        raise MissingPackageError(f"runtime {info.name!r} ({info.title}) is not installed: {info.install_command}")


def runtime_for(artifact: Artifact, name: str) -> Runtime:
    """An installed runtime that opens an artifact; an InputError lists those that do."""
    runtime = runtime_info(name)
    artifact.use(name)
    require_installed(runtime)
    return runtime
