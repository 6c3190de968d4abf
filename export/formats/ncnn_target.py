"""Files for ncnn, a .param and a .bin, converted from a checkpoint by pnnx."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edgesr.export.formats.onnx_target import ONNX_PACKAGES
from edgesr.export.formats.target import ArtifactPlan, Sources, Target
from edgesr.export.ncnn import rewrite, step
from edgesr.runtimes.bundle.manifest import REFERENCE, Precision

if TYPE_CHECKING:
    from edgesr.export.graphs.layer_graphs import LayeredFile


def _convert(sources: Sources, plan: ArtifactPlan) -> Path:
    return sources.run(plan, step.convert, sources.checkpoint, plan.graph, zero_padded=plan.zero_padded)


def _open_layers(path: Path, *, precision: Precision) -> LayeredFile:
    from edgesr.export.ncnn.layers import open_ncnn_layers

    return open_ncnn_layers(path, precision)


NCNN = Target(
    name="ncnn",
    title="ncnn",
    suffix=".param",
    precisions=(REFERENCE, *rewrite.REWRITES),
    graphs=("full", "tile"),
    runtimes=("ncnn",),
    layout="NCHW",
    dynamic=True,
    packages=(*ONNX_PACKAGES, "ncnn", "pnnx"),
    extra="export-ncnn",
    least_runtime=(("ncnn", "1.0.20261020"),),
    why_not_others="w8, w8d, w8a16: ncnn has int8 weights for int8 activations of calibrated ranges alone",
    why_not_of_onnx="pnnx makes it from a trace of PyTorch",
    convert=_convert,
    rewrite=rewrite.rewrite,
    open_layers=partial(_open_layers, precision=REFERENCE),
    open_layers_of={precision: partial(_open_layers, precision=precision) for precision in rewrite.REWRITES},
    layer_packages=("ncnn",),
)
