"""Where the arithmetic of a CPU may differ from what a file writes down, and why it does."""

from __future__ import annotations

from collections.abc import Set

from runtimes.manifest import Artifact, Precision

CPU_DEPENDENT: tuple[Precision, ...] = ("fp16a", "int8", "w8d", "w8a16")
"""Precisions whose kernels round in other places on other CPUs: they are computed in exact arithmetic too."""

LARGEST_AGREEMENT = 1.0
"""Two SR images that differ by at most one of 255 grey levels agree."""

_VNNI = {"avx512_vnni", "avx_vnni"}


def difference_cause(artifact: Artifact, *, max_difference: float, x86_features: Set[str] | None) -> str | None:
    """Why this CPU's SR image differs by ``max_difference`` from exact arithmetic; None where they agree.

    ``x86_features`` are the CPU's instruction sets, None unless it is an x86. Without VNNI, ONNX Runtime multiplies
    pairs of 8 bits with vpmaddubsw, whose 16-bit sums saturate unless the weights have 7 bits.
    """
    if max_difference <= LARGEST_AGREEMENT:
        return None
    full_range = artifact.quantization is None or not artifact.quantization.reduced_range
    no_vnni = x86_features is not None and not _VNNI & x86_features
    if artifact.format == "onnx" and artifact.precision in ("int8", "w8d") and full_range and no_vnni:
        return "this CPU has no VNNI: 16-bit sums of ONNX Runtime's int8 kernels saturate"
    if artifact.precision == "fp16a":
        return "this CPU computes float16 operators in float32 and rounds less often"
    return "rounding of requantization differs between the kernels"


def device_difference_cause(
    artifact: Artifact,
    *,
    max_difference: float,
    base_cause: str | None,
    other_exact: float,
    float16_arithmetic: bool,
) -> str | None:
    """Why an artifact's SR images on another device differ by ``max_difference`` from this host's; None if not at all.

    ``base_cause`` is why the host differs from exact arithmetic, ``other_exact`` by how much the other device does.
    """
    if max_difference == 0:
        return None
    if artifact.precision == "fp16a":
        how = "float16" if float16_arithmetic else "float32"
        return f"float16 operators are computed in {how} there, and in float32 by an x86 host"
    if artifact.precision not in CPU_DEPENDENT:
        return "float32 sums in another order"
    if base_cause is not None and other_exact <= LARGEST_AGREEMENT:
        return f"the host: {base_cause}"
    return "requantization rounds in other places, in the host's kernels and in the device's"
