"""ONNX files for ONNX Runtime and OpenVINO, converted from a checkpoint; other targets are converted from float32 ones.

OpenVINO on the CPU computes float16 graphs in float32 and drops 16-bit quantization: it is no runtime of such files.
Their bfloat16 files are the float32 graph, which it alone computes so.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgesr.export.formats.target import ArtifactPlan, Sources, Target
from edgesr.export.steps import rewrite_onnx, to_onnx

if TYPE_CHECKING:
    from edgesr.export.graphs.layer_graphs import LayeredFile

ONNX_PACKAGES = ("torch", "onnx", "onnxscript", "onnxsim", "onnxruntime")


def _convert(sources: Sources, plan: ArtifactPlan) -> Path:
    return sources.run(plan, to_onnx.convert, sources.checkpoint, plan.graph, zero_padded=plan.zero_padded)


def _open_layers(path: Path) -> LayeredFile:
    from edgesr.export.graphs.onnx_layers import open_onnx_layers

    return open_onnx_layers(path)


def _open_bfloat16_layers(path: Path) -> LayeredFile:
    from edgesr.export.graphs.openvino_layers import open_openvino_layers

    return open_openvino_layers(path, "bf16")


ONNX = Target(
    name="onnx",
    title="ONNX",
    suffix=".onnx",
    precisions=("fp32", "fp16", "fp16a", "bf16", "int8", "w8a16"),
    why_not_others="w8 and w8d: ONNX Runtime has no kernel that keeps float activations and gains from them",
    graphs=("full", "tile"),
    runtimes=("ort", "openvino"),
    runtimes_of={"fp16a": ("ort",), "bf16": ("openvino",), "w8a16": ("ort",)},
    layout="NCHW",
    dynamic=True,
    packages=ONNX_PACKAGES,
    least_runtime=(("onnxruntime", "1.18"), ("openvino", "2026.4")),  # ONNX Runtime 1.18 reads ONNX IR version 10
    convert=_convert,
    rewrite=rewrite_onnx.rewrite,
    reduced_range=True,
    open_layers=_open_layers,
    open_layers_of={"bf16": _open_bfloat16_layers},
)
