"""The names that edgesr knows, read from its tables without a training framework: for completion and help texts."""

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


def _device_forms() -> Iterable[str]:
    from edgesr.benchmarks.devices.registry import device_forms

    return device_forms()


def set_ups() -> Iterable[str]:
    """Names that 'edgesr devices setup' takes."""
    from edgesr.benchmarks.devices import registry

    return registry.set_ups()


def presets() -> Iterable[str]:
    """Generators that edgesr knows by name."""
    from edgesr.sr_model.generators.config import PRESETS

    return PRESETS


def weights() -> Iterable[str]:
    """Kinds of embedded weights."""
    from edgesr.sr_model.generators.checkpoint import WEIGHTS

    return WEIGHTS


def runtimes() -> Iterable[str]:
    """Runtimes of exported files."""
    from edgesr.runtimes.adapters.registry import RUNTIMES

    return RUNTIMES


def providers() -> Iterable[str]:
    """Execution providers of runtimes."""
    from edgesr.runtimes.adapters.registry import RUNTIMES

    return [provider.name for runtime in RUNTIMES.values() for provider in runtime.known_providers]


def targets() -> Iterable[str]:
    """Formats to export to."""
    from edgesr.export.formats.targets import TARGETS

    return TARGETS


def delegates() -> Iterable[str]:
    """Delegates that files can be rewritten for."""
    from edgesr.export.formats import targets

    return targets.delegates()


def precisions() -> Iterable[str]:
    """Precisions to export in."""
    from edgesr.runtimes.bundle.manifest import Precision

    return get_args(Precision)


def graphs() -> Iterable[str]:
    """Graphs to export."""
    from edgesr.runtimes.bundle.manifest import GraphKind

    return get_args(GraphKind)


def golden_forms() -> Iterable[str]:
    """Forms that goldens of a bundle can have besides its own."""
    from edgesr.benchmarks.outside.raw_goldens import GOLDEN_FORMS

    return GOLDEN_FORMS


def colours() -> Iterable[str]:
    """Kinds of channels that images can have."""
    from edgesr.runtimes.bundle.contract import Colour

    return get_args(Colour)


def range_methods() -> Iterable[str]:
    """Ways to choose the ranges of int8."""
    from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod

    return get_args(RangeMethod)


def _providers_by_runtime() -> Iterable[str]:
    from edgesr.runtimes.adapters.registry import RUNTIMES

    having = (runtime for runtime in RUNTIMES.values() if runtime.known_providers)
    known = ((runtime.title, ", ".join(one.name for one in runtime.known_providers)) for runtime in having)
    return ["; ".join(f"{names} ({title})" for title, names in known)]


def _degradations() -> Iterable[str]:
    from edgesr.benchmarks.quality.degradations import NAMES

    return NAMES


def _described_weights() -> Iterable[str]:
    from edgesr.sr_model.generators.checkpoint import WEIGHTS

    return (f"{kind} ({images})" for kind, images in WEIGHTS.items())


def _default_memory() -> Iterable[str]:
    from edgesr.runtimes.upscaling.options import DEFAULT_MEMORY_BYTES

    return (f"{DEFAULT_MEMORY_BYTES / 1e6:.0f}MB",)


def _default_weights() -> Iterable[str]:
    from edgesr.sr_model.generators.checkpoint import DEFAULT_WEIGHTS

    return (DEFAULT_WEIGHTS,)


def _default_quality() -> Iterable[str]:
    from edgesr.runtimes.images.picture_writer import DEFAULT_QUALITY

    return (str(DEFAULT_QUALITY),)


IN_HELP: dict[str, Names] = {
    "presets": presets,
    "weights": _described_weights,
    "runtimes": runtimes,
    "targets": targets,
    "providers": _providers_by_runtime,
    "precisions": precisions,
    "graphs": graphs,
    "golden_forms": golden_forms,
    "range_methods": range_methods,
    "delegates": delegates,
    "devices": _device_forms,
    "degradations": _degradations,
    "default_memory": _default_memory,
    "default_quality": _default_quality,
    "default_weights": _default_weights,
}
"""What stands in help texts as ``{presets}`` and so on, see `edgesr.cli.command.Command`."""
