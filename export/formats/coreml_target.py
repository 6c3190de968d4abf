"""Core ML packages for iOS and macOS, converted from a checkpoint by coremltools. Only macOS can run them."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.coreml import step
from edgesr.export.formats.target import ArtifactPlan, Sources, Target
from edgesr.runtimes.bundle.manifest import REFERENCE


def _convert(sources: Sources, plan: ArtifactPlan) -> Path:
    assert plan.tile_size is not None
    return sources.run(plan, step.convert, sources.checkpoint, plan.graph, plan.tile_size, zero_padded=plan.zero_padded)


COREML = Target(
    name="coreml",
    title="Core ML",
    suffix=".mlpackage/Manifest.json",
    precisions=(REFERENCE, "fp16a"),
    graphs=("full", "tile"),
    runtimes=("coreml",),
    layout="NCHW",
    dynamic=False,
    packages=("torch", "coremltools"),
    extra="export-coreml",
    least_runtime=(("coremltools", "9.0"),),
    why_not_others="a file of another precision than fp32 and fp16a could be proven on macOS alone",
    why_not_of_onnx="coremltools makes it from PyTorch, and takes no ONNX file",
    convert=_convert,
    converts_apart=True,
    rewrite=step.rewrite,
    coarse_glue=("fp16a",),
    why_no_layers="Core ML runs on macOS alone, and gives its output alone",
)
