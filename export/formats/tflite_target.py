"""TFLite files for LiteRT, converted from the float32 ONNX file of the same graph, each for one size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgesr.export.formats.onnx_target import ONNX_PACKAGES
from edgesr.export.formats.target import ArtifactPlan, Sources, Target
from edgesr.export.steps import delegate, rewrite_tflite, to_tflite

if TYPE_CHECKING:
    from edgesr.export.graphs.layer_graphs import LayeredFile

_BELOW_PYTHON_3_12 = ("tensorflow", "tf_keras", "onnx2tf")


def _convert(sources: Sources, plan: ArtifactPlan) -> Path:
    assert plan.tile_size is not None
    onnx_file = sources.onnx_file(plan.graph, zero_padded=plan.zero_padded)
    return sources.run(plan, to_tflite.convert, onnx_file, plan.graph, plan.tile_size, delegate=plan.delegate)


def _open_layers(path: Path) -> LayeredFile:
    from edgesr.export.graphs.tflite_layers import open_tflite_layers

    return open_tflite_layers(path)


TFLITE = Target(
    name="tflite",
    title="TFLite",
    suffix=".tflite",
    precisions=("fp32", "fp16", "int8", "w8", "w8d", "w8a16"),
    why_not_others="fp16a: LiteRT's GPU delegate computes fp16 files in half precision by itself",
    graphs=("full", "tile"),
    runtimes=("tflite",),
    layout="NHWC",
    dynamic=False,
    packages=(
        *ONNX_PACKAGES,
        *_BELOW_PYTHON_3_12,
        "onnx_graphsurgeon",
        "sng4onnx",
        "psutil",
        "ai-edge-litert",
        "litert-quantizer",
    ),
    packages_below_3_12=_BELOW_PYTHON_3_12,
    least_runtime=(("ai-edge-litert", "2.0"),),
    convert=_convert,
    converts_apart=True,
    rewrite=rewrite_tflite.rewrite,
    delegates=("gpu",),
    inspect_delegate=delegate.inspect,
    open_layers=_open_layers,
    layer_packages=("ai-edge-litert",),
)
