"""Which of our modules and packages the result of each export stage depends on: a change of them makes it anew."""

from __future__ import annotations

from export.cache import Stage

_MODEL = (
    "sr_model.generator",
    "sr_model.projection",
    "sr_model.noise",
    "sr_model.config",
    "runtimes.projection",
    "runtimes.noise_level",
)
_GRAPH = (*_MODEL, "export.graphs")
_ONNX = (*_GRAPH, "export.to_onnx", "export.simplify", "export.samples")
CHECKPOINT_STAGE = Stage("checkpoint", ("sr_model.published", *_MODEL), ("torch", "safetensors"))
MEASURE_STAGE = Stage("measure", _GRAPH, ("torch",))
GOLDENS_STAGE = Stage("goldens", (*_GRAPH, "export.goldens", "export.records", "export.samples"), ("torch", "numpy"))
_TFLITE = ("to_tflite", "depth_to_space", "name_tensors", "resizable", "tflite_graph", "subprocesses")
CONVERSIONS = {
    "onnx": _ONNX,
    "tflite": (*_ONNX, *(f"export.{name}" for name in _TFLITE)),
    "torchscript": (*_GRAPH, "export.to_torchscript"),
}
_PLAN = (
    *_ONNX,
    *(f"export.{name}" for name in ("quantization_plan", "quantize_onnx", "bias_correction", "ranges", "onnx_graph")),
    *("export.weight_rounding", "export.plan", "benchmarks.metrics", "benchmarks.comparison"),
)
PLAN_STAGE = Stage("quantization-plan", _PLAN, ("onnx", "onnxruntime", "numpy"))
RANGES_STAGE = Stage("wide-ranges", (*_PLAN, "export.precisions"), ("onnx", "onnxruntime", "numpy"))
REWRITES = {
    "onnx": (*_PLAN, "export.precisions", "export.float16", "export.splice"),
    "tflite": (*_PLAN, *CONVERSIONS["tflite"], "export.precisions", "export.quantize_tflite"),
}
