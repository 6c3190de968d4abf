"""ExecuTorch files, converted from a checkpoint and lowered to XNNPACK. The successor of TorchScript Lite."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.executorch import rewrite, step
from edgesr.export.formats.onnx_target import ONNX_PACKAGES
from edgesr.export.formats.target import ArtifactPlan, Sources, Target
from edgesr.runtimes.bundle.manifest import REFERENCE


def _convert(sources: Sources, plan: ArtifactPlan) -> Path:
    assert plan.asked_size is not None
    return sources.run(
        plan, step.convert, sources.checkpoint, plan.graph, plan.asked_size, zero_padded=plan.zero_padded
    )


EXECUTORCH = Target(
    name="executorch",
    title="ExecuTorch",
    suffix=".pte",
    precisions=(REFERENCE, *rewrite.REWRITTEN),
    graphs=("full", "tile"),
    runtimes=("executorch",),
    layout="NCHW",
    dynamic=True,
    bounded=True,
    packages=(*ONNX_PACKAGES, "executorch"),
    extra="export-executorch",
    least_runtime=(("executorch", "1.5.1"),),
    why_not_others=(
        "fp16 is no smaller, and the published full graph then answers with 5 dB and no error; of w8, w8d, w8a16 and "
        "bf16 none was measured"
    ),
    why_not_of_onnx="it is made from an exported program of PyTorch",
    convert=_convert,
    rewrite=rewrite.rewrite,
    why_no_layers="XNNPACK fuses its layers and gives the output alone",
)
