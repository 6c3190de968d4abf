"""The runtimes that edgesr knows: name, adapter, package and how to install it. Importing this imports none of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata

from edgesr.runtimes.errors import InputError, MissingPackageError

MAX_THREADS = 256


@dataclass(frozen=True)
class RuntimeInfo:
    """A runtime: ``adapter`` is the module that wraps ``distribution``; ``extra`` installs it."""

    name: str
    title: str
    adapter: str
    distribution: str
    extra: str
    legacy: bool = False

    @property
    def install_command(self) -> str:
        return f"pip install 'edgesr[{self.extra}]'"

    def version(self) -> str | None:
        """Installed version, None when it is not installed."""
        return installed_version(self.distribution)


RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        RuntimeInfo(
            "ort",
            "ONNX Runtime",
            "edgesr.runtimes.adapters.ort",
            "onnxruntime",
            "onnx",
        ),
        RuntimeInfo(
            "tflite",
            "LiteRT (TensorFlow Lite)",
            "edgesr.runtimes.adapters.tflite",
            "ai-edge-litert",
            "tflite",
        ),
        RuntimeInfo(
            "torchscript",
            "TorchScript Lite",
            "edgesr.runtimes.adapters.torchscript",
            "torch",
            "torchscript",
            legacy=True,
        ),
    )
}


def require_threads(count: int) -> None:
    """An InputError for a number of threads that no runtime should be asked for."""
    if not 1 <= count <= MAX_THREADS:
        raise InputError(f"threads is {count}: need 1 to {MAX_THREADS}")


def runtime_info(name: str) -> RuntimeInfo:
    """The runtime of that name; an unknown one is an InputError that lists the known ones."""
    if name not in RUNTIMES:
        raise InputError(f"unknown runtime {name!r}: choose one of {', '.join(RUNTIMES)}")
    return RUNTIMES[name]


def require_installed(info: RuntimeInfo) -> None:
    """A MissingPackageError with the install command unless the runtime is installed."""
    if info.version() is None:
        raise MissingPackageError(f"runtime {info.name!r} ({info.title}) is not installed: {info.install_command}")


def require_packages(purpose: str, distributions: Iterable[str], *, extra: str) -> None:
    """A MissingPackageError that lists which of these distributions are absent, with the install command."""
    missing = [name for name in distributions if installed_version(name) is None]
    if missing:
        raise MissingPackageError(
            f"{purpose} needs packages that are not installed ({', '.join(missing)}): pip install 'edgesr[{extra}]'"
        )


def installed_version(distribution: str) -> str | None:
    """Version of an installed distribution, None when absent; nothing is imported."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
