"""Export a PyTorch super-resolution generator to edge runtimes, prove its parity, measure its latency, upscale with it.

What is offered here is imported when it is first used: `import edgesr` loads no other package. docs/python.md shows how
each is called.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgesr.benchmarks.archive.options import WorkerOptions
    from edgesr.benchmarks.archive.run import upscale_archive
    from edgesr.benchmarks.devices.registry import list_devices, set_up_device
    from edgesr.benchmarks.outside.index import read_index
    from edgesr.benchmarks.outside.raw_goldens import write_raw_goldens
    from edgesr.benchmarks.parity.check import check_parity
    from edgesr.benchmarks.report.builder import report
    from edgesr.benchmarks.report.data import ReportFiles
    from edgesr.benchmarks.runs.bench import run_bench, run_photograph
    from edgesr.benchmarks.runs.compare import compare_files
    from edgesr.benchmarks.runs.devices import check_device, clean_device
    from edgesr.benchmarks.runs.options import (
        BenchOptions,
        CompareOptions,
        ParityOptions,
        PhotographOptions,
        ProfileOptions,
        SustainedOptions,
    )
    from edgesr.benchmarks.runs.parity import run_parity
    from edgesr.benchmarks.runs.profile import run_profile
    from edgesr.benchmarks.runs.sustained import run_sustained
    from edgesr.benchmarks.runs.web import write_web
    from edgesr.export.diff.diff import diff
    from edgesr.export.diff.options import DiffOptions
    from edgesr.export.foreign.inspection import inspect_module
    from edgesr.export.inspection.contents import inspect
    from edgesr.export.inspection.doctor import doctor
    from edgesr.export.options import ExportOptions
    from edgesr.export.pipeline import export_bundle
    from edgesr.runtimes.bundle.opening import Bundle, open_bundle
    from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
    from edgesr.runtimes.upscaling.paths import plan_files, upscale_files
    from edgesr.runtimes.upscaling.upscale import upscale, upscale_rows
    from edgesr.sr_model.evaluation.evaluate import EvalOptions, evaluate
    from edgesr.sr_model.generators.foreign.live import Generator
    from edgesr.sr_model.training.config import LossWeights, TrainConfig
    from edgesr.sr_model.training.prepared.pack import pack_training
    from edgesr.sr_model.training.run.inputs import TrainInputs
    from edgesr.sr_model.training.train import train

    __version__: str

__all__ = [
    "BenchOptions",
    "Bundle",
    "CompareOptions",
    "DiffOptions",
    "EvalOptions",
    "ExportOptions",
    "FileOptions",
    "Generator",
    "LossWeights",
    "ParityOptions",
    "PhotographOptions",
    "ProfileOptions",
    "ReportFiles",
    "SustainedOptions",
    "TrainConfig",
    "TrainInputs",
    "UpscaleOptions",
    "WorkerOptions",
    "__version__",
    "check_device",
    "check_parity",
    "clean_device",
    "compare_files",
    "diff",
    "doctor",
    "evaluate",
    "export_bundle",
    "inspect",
    "inspect_module",
    "list_devices",
    "open_bundle",
    "pack_training",
    "plan_files",
    "read_index",
    "report",
    "run_bench",
    "run_parity",
    "run_photograph",
    "run_profile",
    "run_sustained",
    "set_up_device",
    "train",
    "upscale",
    "upscale_archive",
    "upscale_files",
    "upscale_rows",
    "write_raw_goldens",
    "write_web",
]

_PLACES = {
    "BenchOptions": ("edgesr.benchmarks.runs.options", "BenchOptions"),
    "Bundle": ("edgesr.runtimes.bundle.opening", "Bundle"),
    "CompareOptions": ("edgesr.benchmarks.runs.options", "CompareOptions"),
    "DiffOptions": ("edgesr.export.diff.options", "DiffOptions"),
    "EvalOptions": ("edgesr.sr_model.evaluation.evaluate", "EvalOptions"),
    "ExportOptions": ("edgesr.export.options", "ExportOptions"),
    "FileOptions": ("edgesr.runtimes.upscaling.options", "FileOptions"),
    "Generator": ("edgesr.sr_model.generators.foreign.live", "Generator"),
    "LossWeights": ("edgesr.sr_model.training.config", "LossWeights"),
    "ParityOptions": ("edgesr.benchmarks.runs.options", "ParityOptions"),
    "PhotographOptions": ("edgesr.benchmarks.runs.options", "PhotographOptions"),
    "ProfileOptions": ("edgesr.benchmarks.runs.options", "ProfileOptions"),
    "ReportFiles": ("edgesr.benchmarks.report.data", "ReportFiles"),
    "SustainedOptions": ("edgesr.benchmarks.runs.options", "SustainedOptions"),
    "TrainConfig": ("edgesr.sr_model.training.config", "TrainConfig"),
    "TrainInputs": ("edgesr.sr_model.training.run.inputs", "TrainInputs"),
    "UpscaleOptions": ("edgesr.runtimes.upscaling.options", "UpscaleOptions"),
    "WorkerOptions": ("edgesr.benchmarks.archive.options", "WorkerOptions"),
    "check_device": ("edgesr.benchmarks.runs.devices", "check_device"),
    "check_parity": ("edgesr.benchmarks.parity.check", "check_parity"),
    "clean_device": ("edgesr.benchmarks.runs.devices", "clean_device"),
    "compare_files": ("edgesr.benchmarks.runs.compare", "compare_files"),
    "diff": ("edgesr.export.diff.diff", "diff"),
    "doctor": ("edgesr.export.inspection.doctor", "doctor"),
    "evaluate": ("edgesr.sr_model.evaluation.evaluate", "evaluate"),
    "export_bundle": ("edgesr.export.pipeline", "export_bundle"),
    "inspect_module": ("edgesr.export.foreign.inspection", "inspect_module"),
    "inspect": ("edgesr.export.inspection.contents", "inspect"),
    "list_devices": ("edgesr.benchmarks.devices.registry", "list_devices"),
    "open_bundle": ("edgesr.runtimes.bundle.opening", "open_bundle"),
    "pack_training": ("edgesr.sr_model.training.prepared.pack", "pack_training"),
    "plan_files": ("edgesr.runtimes.upscaling.paths", "plan_files"),
    "read_index": ("edgesr.benchmarks.outside.index", "read_index"),
    "report": ("edgesr.benchmarks.report.builder", "report"),
    "run_bench": ("edgesr.benchmarks.runs.bench", "run_bench"),
    "run_parity": ("edgesr.benchmarks.runs.parity", "run_parity"),
    "run_photograph": ("edgesr.benchmarks.runs.bench", "run_photograph"),
    "run_profile": ("edgesr.benchmarks.runs.profile", "run_profile"),
    "run_sustained": ("edgesr.benchmarks.runs.sustained", "run_sustained"),
    "set_up_device": ("edgesr.benchmarks.devices.registry", "set_up_device"),
    "train": ("edgesr.sr_model.training.train", "train"),
    "upscale": ("edgesr.runtimes.upscaling.upscale", "upscale"),
    "upscale_archive": ("edgesr.benchmarks.archive.run", "upscale_archive"),
    "upscale_files": ("edgesr.runtimes.upscaling.paths", "upscale_files"),
    "upscale_rows": ("edgesr.runtimes.upscaling.upscale", "upscale_rows"),
    "write_raw_goldens": ("edgesr.benchmarks.outside.raw_goldens", "write_raw_goldens"),
    "write_web": ("edgesr.benchmarks.runs.web", "write_web"),
}
"""Module and name there; a test compares it with the imports above."""

_NEEDS = {
    "Generator": ("a generator", ("torch",), "export"),
    "diff": ("diff", ("onnx", "onnxruntime"), "export"),
    "export_bundle": ("export", ("torch", "safetensors", "platformdirs"), "export"),
    "inspect_module": ("inspecting a network", ("torch", "safetensors", "platformdirs"), "export"),
    "pack_training": ("packing a training", ("torch", "safetensors"), "train"),
    "train": ("training", ("torch", "safetensors", "matplotlib"), "train"),
}
"""Purpose, packages and extra of what cannot even be imported without them: their absence is a MissingPackageError."""

if not TYPE_CHECKING:  # a type checker knows the names from the imports above, and that there are no others

    def __getattr__(name: str) -> object:
        if name == "__version__":
            return metadata.version("edgesr")
        if name not in _PLACES:
            raise AttributeError(f"module 'edgesr' has no attribute {name!r}: it offers {', '.join(__all__)}")
        if name in _NEEDS:
            purpose, packages, extra = _NEEDS[name]
            import_module("edgesr.runtimes.packages").require_packages(purpose, packages, extra=extra)
        module, attribute = _PLACES[name]
        return getattr(import_module(module), attribute)

    def __dir__() -> list[str]:
        return __all__
