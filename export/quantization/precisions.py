"""The table of precisions: what each may differ from float32, what is calibrated for it, and how it is made.

Imports no ONNX, so that a cached export stays fast: a rewrite loads its tools when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from edgesr.export.quantization.plan import WORST_BELOW_MEAN_DB, Calibrated, Plan, Range, Tolerated
from edgesr.export.quantization.record import record_of_plan, record_of_ranges
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.calibrated_quantization import QuantizationRecord
from edgesr.runtimes.bundle.manifest import Precision, Tolerance

if TYPE_CHECKING:
    import onnx

    from edgesr.export.quantization.settings import QuantizationSettings
    from edgesr.export.quantization.tflite.quantize import Quantized

OnnxRewrite = Callable[["onnx.ModelProto", Calibrated, Sequence[FloatArray]], "onnx.ModelProto"]
"""Float32 tile graph, what was calibrated, small photographs (3,h,w) -> the tile graph in lower precision."""
TFLiteRewrite = Callable[[Any, "onnx.ModelProto", Calibrated], "Quantized"]
"""Float32 TFLite model (it is changed), float32 ONNX tile graph, what was calibrated -> a file."""
FLOAT: Precision = "fp32"
_BFLOAT16_STEP = 1.0
"""Of values from 128 to 255, in grey levels: pictures stored so are whole numbers, which some kernels round down."""


class Calibrator(Protocol):
    """Measures a tile graph on the tiles of the settings."""

    def plan(self, quantization: QuantizationSettings) -> Plan:
        """The choice of int8 layers, ranges and biases."""

    def wide_ranges(self, quantization: QuantizationSettings) -> Mapping[str, Range]:
        """Ranges for 16-bit activations."""


@dataclass(frozen=True)
class Calibration:
    """``measure`` gives what a rewrite needs, ``record`` what the manifest says of it; True: weights have 7 bits."""

    measure: Callable[[Calibrator, QuantizationSettings], Calibrated]
    record: Callable[[Calibrated, QuantizationSettings, bool], QuantizationRecord]


@dataclass(frozen=True, kw_only=True)
class PrecisionInfo:
    """A precision. ``tolerance``: what it may differ from float32 on every golden, given the fidelity of int8.

    ``diff_threshold``: relative RMS error above which a layer counts as different (docs/diff.md tells why).
    ``calibration`` where its activations are calibrated. ``wide_activations``: convolutions compute with 16-bit
    integers, which delegates leave to the runtime. ``coarse_glue``: the runtime computes the glue of a full graph so,
    too, in too few digits for the noise level and the norm of a whole image. No rewrite: no file of that kind has the
    precision.
    """

    name: Precision
    tolerance: Callable[[Tolerated], Tolerance]
    diff_threshold: float
    calibration: Calibration | None = None
    wide_activations: bool = False
    coarse_glue: bool = False
    rewrite_onnx: OnnxRewrite | None = None
    rewrite_tflite: TFLiteRewrite | None = None


def tolerances(int8: Tolerated) -> dict[str, Tolerance]:
    """The difference from float32 that each precision may have on every golden, given the fidelity of int8."""
    return {name: precision.tolerance(int8) for name, precision in PRECISIONS.items()}


def _tolerance(psnr_db: float, error: float, shift: float) -> Tolerance:
    return Tolerance(min_psnr_db=psnr_db, max_abs_error=error, max_mean_shift=shift, max_border_error=error)


def _by_plan(int8: Tolerated) -> Tolerance:
    """PSNR and shift of int8 are those of a mean of tiles."""
    psnr_db = max(int8.min_psnr_db - WORST_BELOW_MEAN_DB, 0.0)
    return _tolerance(psnr_db, int8.max_abs_error, 2 * int8.max_shift)


def _onnx_fp16(model: onnx.ModelProto, _calibrated: Calibrated, _tiles: Sequence[FloatArray]) -> onnx.ModelProto:
    from edgesr.export.quantization.float16 import store_weights_in_float16

    return store_weights_in_float16(model)


def _onnx_fp16a(model: onnx.ModelProto, _calibrated: Calibrated, tiles: Sequence[FloatArray]) -> onnx.ModelProto:
    from edgesr.export.quantization.float16 import convert_arithmetic_to_float16

    return convert_arithmetic_to_float16(model, tiles)


def _onnx_bf16(model: onnx.ModelProto, _calibrated: Calibrated, _tiles: Sequence[FloatArray]) -> onnx.ModelProto:
    """The float32 graph: a runtime that computes in bfloat16 rounds by itself."""
    return model


def _onnx_int8(model: onnx.ModelProto, calibrated: Calibrated, _tiles: Sequence[FloatArray]) -> onnx.ModelProto:
    from edgesr.export.quantization.float16 import store_weights_in_float16
    from edgesr.export.quantization.planning.application import apply_plan

    return store_weights_in_float16(apply_plan(model, calibrated.require_plan()))


def _onnx_w8a16(model: onnx.ModelProto, calibrated: Calibrated, _tiles: Sequence[FloatArray]) -> onnx.ModelProto:
    from edgesr.export.quantization.quantize_onnx import quantize_onnx
    from edgesr.export.quantization.weight_rounding import on_8bit_grid

    ranges = calibrated.require_ranges()
    return quantize_onnx(on_8bit_grid(model), ranges, scope="conv", reduced_range=False, activation_bits=16)


def _tflite_fp16(model: Any, tile_graph: onnx.ModelProto, _calibrated: Calibrated) -> Quantized:
    from edgesr.export.quantization.tflite.quantize import convert_to_float16_weights

    return convert_to_float16_weights(model, tile_graph)


def _tflite_w8(model: Any, tile_graph: onnx.ModelProto, _calibrated: Calibrated) -> Quantized:
    from edgesr.export.quantization.tflite.quantize import convert_to_8bit_weights
    from edgesr.export.quantization.tflite.quantizers import WEIGHTS_8BIT

    return convert_to_8bit_weights(model, tile_graph, WEIGHTS_8BIT)


def _tflite_w8d(model: Any, tile_graph: onnx.ModelProto, _calibrated: Calibrated) -> Quantized:
    from edgesr.export.quantization.tflite.quantize import convert_to_8bit_weights
    from edgesr.export.quantization.tflite.quantizers import DYNAMIC_8BIT

    return convert_to_8bit_weights(model, tile_graph, DYNAMIC_8BIT)


def _tflite_int8(model: Any, tile_graph: onnx.ModelProto, calibrated: Calibrated) -> Quantized:
    from edgesr.export.quantization.tflite.quantize import quantize_to_int8

    return quantize_to_int8(model, tile_graph, calibrated.require_plan())


def _tflite_w8a16(model: Any, tile_graph: onnx.ModelProto, calibrated: Calibrated) -> Quantized:
    from edgesr.export.quantization.tflite.quantize import quantize_to_int16

    return quantize_to_int16(model, tile_graph, calibrated.require_ranges())


_PLANNED = Calibration(lambda tiles, settings: Calibrated(plan=tiles.plan(settings)), record_of_plan)
_RANGED = Calibration(lambda tiles, settings: Calibrated(ranges=tiles.wide_ranges(settings)), record_of_ranges)

PRECISIONS: dict[str, PrecisionInfo] = {
    precision.name: precision
    for precision in (
        PrecisionInfo(name=FLOAT, tolerance=lambda _: _tolerance(95.0, 0.05, 0.002), diff_threshold=1e-4),
        PrecisionInfo(
            name="fp16",
            tolerance=lambda _: _tolerance(70.0, 1.0, 0.1),
            diff_threshold=2e-2,
            rewrite_onnx=_onnx_fp16,
            rewrite_tflite=_tflite_fp16,
        ),
        PrecisionInfo(
            name="fp16a", tolerance=lambda _: _tolerance(50.0, 16.0, 0.1), diff_threshold=2e-2, rewrite_onnx=_onnx_fp16a
        ),
        PrecisionInfo(
            name="bf16",
            tolerance=lambda _: _tolerance(40.0, 32.0, _BFLOAT16_STEP),
            diff_threshold=0.1,
            coarse_glue=True,
            rewrite_onnx=_onnx_bf16,
        ),
        PrecisionInfo(
            name="int8",
            tolerance=_by_plan,
            diff_threshold=0.75,
            calibration=_PLANNED,
            rewrite_onnx=_onnx_int8,
            rewrite_tflite=_tflite_int8,
        ),
        PrecisionInfo(
            name="w8", tolerance=lambda _: _tolerance(38.0, 64.0, 0.6), diff_threshold=0.1, rewrite_tflite=_tflite_w8
        ),
        PrecisionInfo(
            name="w8d", tolerance=lambda _: _tolerance(32.0, 96.0, 2.0), diff_threshold=0.25, rewrite_tflite=_tflite_w8d
        ),
        PrecisionInfo(
            name="w8a16",
            tolerance=lambda _: _tolerance(38.0, 64.0, 0.6),
            diff_threshold=0.1,
            calibration=_RANGED,
            wide_activations=True,
            rewrite_onnx=_onnx_w8a16,
            rewrite_tflite=_tflite_w8a16,
        ),
    )
}
