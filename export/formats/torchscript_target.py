"""TorchScript Lite files, converted from a checkpoint. Legacy: PyTorch names ExecuTorch as its successor."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.formats.target import ArtifactPlan, Sources, Target
from edgesr.export.steps import to_torchscript


def _convert(sources: Sources, plan: ArtifactPlan) -> Path:
    return sources.run(plan, to_torchscript.convert, sources.checkpoint, plan.graph, zero_padded=plan.zero_padded)


TORCHSCRIPT = Target(
    name="torchscript",
    title="TorchScript Lite",
    suffix=".ptl",
    precisions=("fp32",),
    graphs=("full", "tile"),
    runtimes=("torchscript",),
    layout="NCHW",
    dynamic=True,
    packages=("torch",),
    least_runtime=(("torch", "2.13.0"),),
    legacy=True,
    why_not_others=(
        "its int8 gave 28 dB and took up to twice as long (qnnpack), and the format is legacy: executorch "
        "is its successor"
    ),
    why_not_of_onnx="it is made from PyTorch, and no converter makes it from an ONNX file",
    convert=_convert,
    why_no_layers="TorchScript Lite gives its output alone",
)
