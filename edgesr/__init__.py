"""Export a PyTorch super-resolution generator to edge runtimes, prove its parity, measure its latency, upscale with it.

What is offered here is imported when it is first used: `import edgesr` loads no other package.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgesr.benchmarks.latency.results import run_latency as run_bench
    from edgesr.benchmarks.parity.check import check_parity
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import export_bundle
    from edgesr.runtimes.bundle.opening import Bundle, open_bundle
    from edgesr.runtimes.upscaling.options import UpscaleOptions
    from edgesr.runtimes.upscaling.upscale import upscale, upscale_rows
    from edgesr.sr_model.generators.generator import Generator

    __version__: str

__all__ = [
    "Bundle",
    "ExportOptions",
    "Generator",
    "UpscaleOptions",
    "__version__",
    "check_parity",
    "export_bundle",
    "open_bundle",
    "run_bench",
    "upscale",
    "upscale_rows",
]

_PLACES = {
    "Bundle": ("edgesr.runtimes.bundle.opening", "Bundle"),
    "ExportOptions": ("edgesr.export.options", "ExportOptions"),
    "Generator": ("edgesr.sr_model.generators.generator", "Generator"),
    "UpscaleOptions": ("edgesr.runtimes.upscaling.options", "UpscaleOptions"),
    "check_parity": ("edgesr.benchmarks.parity.check", "check_parity"),
    "export_bundle": ("edgesr.export.pipeline", "export_bundle"),
    "open_bundle": ("edgesr.runtimes.bundle.opening", "open_bundle"),
    "run_bench": ("edgesr.benchmarks.latency.results", "run_latency"),
    "upscale": ("edgesr.runtimes.upscaling.upscale", "upscale"),
    "upscale_rows": ("edgesr.runtimes.upscaling.upscale", "upscale_rows"),
}
"""Module and name there; a test compares it with the imports above."""

if not TYPE_CHECKING:  # a type checker knows the names from the imports above, and that there are no others

    def __getattr__(name: str) -> object:
        if name == "__version__":
            return metadata.version("edgesr")
        if name not in _PLACES:
            raise AttributeError(f"module 'edgesr' has no attribute {name!r}: it offers {', '.join(__all__)}")
        module, attribute = _PLACES[name]
        return getattr(import_module(module), attribute)

    def __dir__() -> list[str]:
        return __all__
