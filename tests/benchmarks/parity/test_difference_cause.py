"""Why a CPU differs from exact arithmetic: each cause by the artifact and the CPU's features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgesr.benchmarks.parity.arithmetic import Computed, device_difference_cause, difference_cause
from edgesr.runtimes.bundle.calibrated_quantization import Calibration, QuantizationRecord
from edgesr.runtimes.bundle.manifest import Artifact, Precision
from tests.helpers.small_bundle import fill

AVX2 = frozenset({"avx2", "fma"})


def quantized(artifact: Artifact, *, reduced_range: bool) -> Artifact:
    record = QuantizationRecord(
        calibration=Calibration(source="none", tiles=1, tile_size=(8, 8), sha256="0", warnings=()),
        range_method="minmax",
        scope="all",
        bias_corrected=False,
        reduced_range=reduced_range,
        sensitivity=(),
        float_layers=(),
        quantized_mac_share=1.0,
        min_psnr_budget_db=40.0,
        max_shift_budget=0.3,
        mean_psnr_db=41.0,
        worst_psnr_db=40.0,
        max_mean_shift=0.1,
    )
    return replace(artifact, quantization=record)


@pytest.mark.parametrize(
    ("precision", "runtime", "reduced_range", "features", "named"),
    [
        ("int8", "ort", False, AVX2, "saturate"),
        ("w8d", "ort", False, AVX2, "saturate"),
        ("w8d", "ort", None, AVX2, "saturate"),
        ("int8", "ort", True, AVX2, "requantization"),
        ("int8", "ort", False, AVX2 | {"avx512_vnni"}, "requantization"),
        ("int8", "ort", False, AVX2 | {"avx_vnni"}, "requantization"),
        ("int8", "ort", False, None, "requantization"),
        ("w8a16", "ort", False, AVX2, "requantization"),
        ("int8", "tflite", False, AVX2, "requantization"),
        ("fp16a", "ort", None, AVX2, "rounds less often"),
        ("fp16a", "tflite", None, None, "rounds less often"),
    ],
)
def test_causes(
    precision: Precision,
    runtime: str,
    reduced_range: bool | None,
    features: frozenset[str] | None,
    named: str,
    tmp_path: Path,
) -> None:
    """``reduced_range`` None: the artifact has no calibrated ranges."""
    (artifact,) = fill(tmp_path, precision=precision).artifacts
    if reduced_range is not None:
        artifact = quantized(artifact, reduced_range=reduced_range)
    cause = difference_cause(artifact, runtime, max_difference=1.01, x86_features=features)
    assert cause is not None
    assert named in cause
    assert difference_cause(artifact, runtime, max_difference=1.0, x86_features=features) is None


HOST = Computed(device="host", exact_difference=0.5, cause=None)
SATURATED = Computed(device="old", exact_difference=9.0, cause="sums saturate")
FLOAT16 = Computed(device="phone", exact_difference=0.5, cause=None, float16_arithmetic=True)
ROUNDED = Computed(device="other", exact_difference=2.0, cause=None)


@pytest.mark.parametrize(
    ("precision", "base", "other", "cause"),
    [
        ("fp32", HOST, ROUNDED, "float32 sums in another order"),
        ("w8", HOST, FLOAT16, "float32 sums in another order"),
        ("fp16a", HOST, FLOAT16, "phone computes float16 operators in float16, the other in float32"),
        ("fp16a", HOST, ROUNDED, "float32 sums in another order"),
        ("int8", HOST, SATURATED, "old: sums saturate"),
        ("int8", SATURATED, HOST, "old: sums saturate"),
        ("w8d", ROUNDED, HOST, "requantization rounds in other places"),
        ("w8d", replace(SATURATED, exact_difference=8.0), SATURATED, "requantization rounds in other places"),
        ("int8", replace(SATURATED, device="a"), SATURATED, "requantization rounds in other places"),
        ("bf16", HOST, ROUNDED, "this CPU rounds to bfloat16 in other places"),
        ("w8a16", HOST, ROUNDED, "rounding of requantization differs between the kernels"),
        ("fp32", replace(HOST, ran_as="f32"), replace(ROUNDED, ran_as="bf16"), "host runs it in f32, other in bf16"),
        ("fp32", replace(HOST, ran_as="f32"), ROUNDED, "float32 sums in another order"),
        ("int8", HOST, replace(SATURATED, ran_as="int8"), "old: sums saturate"),
    ],
)
def test_causes_between_devices(
    precision: Precision, base: Computed, other: Computed, cause: str, tmp_path: Path
) -> None:
    (artifact,) = fill(tmp_path, precision=precision).artifacts
    assert device_difference_cause(artifact, max_difference=0.0, base=base, other=other) is None
    assert device_difference_cause(artifact, max_difference=3.0, base=base, other=other) == cause
