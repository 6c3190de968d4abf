"""The tools that quantize TFLite files: TensorFlow's MLIR quantizer and litert-quantizer.

Both print and are large: they run in a process of their own.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

_SOURCE_FILE, _JOB_FILE, _RESULT_FILE = "float.tflite", "job.json", "quantized.tflite"
_OTHER_NAMES = {"TRANSPOSE_CONV": "CONV_2D_TRANSPOSE"}
"""Of operators, by which litert-quantizer calls them."""


@dataclass(frozen=True, kw_only=True)
class LayerRecipe:
    """The way that litert-quantizer stores a layer: `add_METHOD_config` of its quantizer, with bits and algorithm."""

    method: Literal["weight_only", "dynamic", "static"]
    bits: tuple[int, ...]
    algorithm: str = "min_max_uniform_quantize"


FLOAT16 = LayerRecipe(method="weight_only", bits=(16,), algorithm="float_casting")
WEIGHTS_8BIT = LayerRecipe(method="weight_only", bits=(8,))
DYNAMIC_8BIT = LayerRecipe(method="dynamic", bits=(8,))
ACTIVATIONS_16BIT = LayerRecipe(method="static", bits=(16, 8))


@dataclass(frozen=True, kw_only=True)
class QuantizerJob:
    """The task of the other process: int8 of all operators but ``kept_in_float`` (None: of none), then ``layers``.

    Operators and layers go by the names of their outputs, layers with the kind of their operator; ``bounds`` of int16
    tensors by name.
    """

    kept_in_float: tuple[str, ...] | None = None
    layers: dict[str, str] = field(default_factory=dict)
    recipe: LayerRecipe | None = None
    bounds: dict[str, float] = field(default_factory=dict)


def run_quantizers(content: bytes, job: QuantizerJob) -> bytes:
    """The content of a float32 TFLite file -> that of the quantized one."""
    with tempfile.TemporaryDirectory(prefix="edgesr-quantize-") as name:
        folder = Path(name)
        (folder / _SOURCE_FILE).write_bytes(content)
        (folder / _JOB_FILE).write_text(to_json(job))
        result = folder / _RESULT_FILE
        what = "the TFLite file could not be quantized"
        run_converter("edgesr.export.quantization.tflite.quantizers", [name], folder=folder, result=result, what=what)
        return result.read_bytes()


def _quantize_here(folder: Path) -> None:
    job = read_record(QuantizerJob, folder / _JOB_FILE, remake="export again")
    content = (folder / _SOURCE_FILE).read_bytes()
    if job.kept_in_float is not None:
        from tensorflow.lite.python.convert import mlir_quantize

        content = mlir_quantize(content, denylisted_nodes=set(job.kept_in_float))
    if job.layers and job.recipe is not None:
        content = _convert_layers(content, job.layers, job.recipe, job.bounds)
    (folder / _RESULT_FILE).write_bytes(content)


def _convert_layers(
    content: bytes, layers: Mapping[str, str], recipe: LayerRecipe, bounds: Mapping[str, float]
) -> bytes:
    """Layers of these names by litert-quantizer."""
    from litert_quantizer import qtyping
    from litert_quantizer.quantizer import Quantizer

    quantizer = Quantizer(bytearray(content))
    configure = getattr(quantizer, f"add_{recipe.method}_config")
    for layer, kind in layers.items():
        operation = qtyping.TFLOperationName(_OTHER_NAMES.get(kind, kind))
        configure(f"^{re.escape(layer)};", operation, *recipe.bits, algorithm_key=recipe.algorithm)
    ends = {name: np.full((1, 1, 1, 1), bound, dtype=np.float32) for name, bound in bounds.items()}
    statistics = {name: {"min": -end, "max": end} for name, end in ends.items()}
    return bytes(quantizer.quantize(statistics or None).quantized_model)


if __name__ == "__main__":
    _quantize_here(Path(sys.argv[1]))
