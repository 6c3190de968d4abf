"""MNN files, converted from the float32 ONNX file of the same graph, of any height and width."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgesr.export.formats.onnx_target import ONNX_PACKAGES
from edgesr.export.formats.target import ArtifactPlan, Sources, Target
from edgesr.export.mnn import rewrite, step
from edgesr.runtimes.bundle.manifest import REFERENCE

if TYPE_CHECKING:
    from edgesr.export.graphs.layer_graphs import LayeredFile


def _convert(sources: Sources, plan: ArtifactPlan) -> Path:
    onnx_file = sources.onnx_file(plan.graph, zero_padded=plan.zero_padded)
    return sources.run(plan, step.convert, sources.checkpoint, onnx_file, plan.graph, zero_padded=plan.zero_padded)


def _open_layers(path: Path) -> LayeredFile:
    from edgesr.export.mnn.layers import open_mnn_layers

    return open_mnn_layers(path)


MNN = Target(
    name="mnn",
    title="MNN",
    suffix=".mnn",
    precisions=(REFERENCE, *rewrite.REWRITES),
    graphs=("full", "tile"),
    runtimes=("mnn",),
    layout="NCHW",
    dynamic=True,
    packages=(*ONNX_PACKAGES, "mnn"),
    extra="export-mnn",
    least_runtime=(("mnn", "3.6.1"),),
    why_not_others=(
        "its own int8 took three times as long as its float32, and it runs int8 graphs of ONNX in float32; "
        "what it computes in float16 and bfloat16 depends on the CPU"
    ),
    convert=_convert,
    converts_apart=True,
    rewrite=rewrite.rewrite,
    open_layers=_open_layers,
    layer_packages=("mnn",),
)
