"""Values of options that a shell completes: the names that edgesr knows, read without a training framework."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import get_args

Names = Callable[[], Iterable[str]]
Complete = Callable[[str], list[str]]


def one_of(names: Names) -> Complete:
    """Complete the one name that an option takes."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


def some_of(names: Names) -> Complete:
    """Complete the last of several names that commas separate; those before it are not offered again."""

    def complete(incomplete: str) -> list[str]:
        *given, last = incomplete.split(",")
        return [",".join([*given, name]) for name in names() if name.startswith(last) and name not in given]

    return complete


def devices() -> Iterable[str]:
    """Devices that edgesr knows."""
    from edgesr.benchmarks.devices.registry import device_names

    return device_names()


def set_ups() -> Iterable[str]:
    """What can be set up of devices."""
    from edgesr.benchmarks.devices import registry

    return registry.set_ups()


def presets() -> Iterable[str]:
    """Generators that edgesr knows by name."""
    from edgesr.sr_model.generators.config import PRESETS

    return PRESETS


def runtimes() -> Iterable[str]:
    """Runtimes of exported files."""
    from edgesr.runtimes.adapters.registry import RUNTIMES

    return RUNTIMES


def targets() -> Iterable[str]:
    """Formats to export to."""
    from edgesr.export.formats.targets import TARGETS

    return TARGETS


def precisions() -> Iterable[str]:
    """Precisions to export in."""
    from edgesr.runtimes.bundle.manifest import Precision

    return get_args(Precision)


def graphs() -> Iterable[str]:
    """Graphs to export."""
    from edgesr.runtimes.bundle.manifest import GraphKind

    return get_args(GraphKind)


def range_methods() -> Iterable[str]:
    """Ways to choose the ranges of int8."""
    from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod

    return get_args(RangeMethod)
