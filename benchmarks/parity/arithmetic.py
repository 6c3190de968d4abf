"""Where the arithmetic of a CPU may differ from what a file writes down, and why it does."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from edgesr.runtimes.bundle.manifest import Artifact, Precision

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


@dataclass(frozen=True, kw_only=True)
class Computed:
    """A device's images of one artifact: ``exact_difference`` is how far they are from exact arithmetic (inf where not
    finite), ``cause`` why, None where they agree.
    """

    device: str
    exact_difference: float
    cause: str | None
    float16_arithmetic: bool = False


def device_difference_cause(
    artifact: Artifact, *, max_difference: float, base: Computed, other: Computed
) -> str | None:
    """Why an artifact's SR images on two devices differ by ``max_difference``; None if they do not."""
    if max_difference == 0:
        return None
    if artifact.precision == "fp16a" and base.float16_arithmetic != other.float16_arithmetic:
        one = base if base.float16_arithmetic else other
        return f"{one.device} computes float16 operators in float16, the other in float32"
    if artifact.precision not in CPU_DEPENDENT or artifact.precision == "fp16a":
        return "float32 sums in another order"
    for one, against in ((other, base), (base, other)):
        if one.cause not in (None, against.cause) and against.exact_difference < one.exact_difference:
            return f"{one.device}: {one.cause}"
    return "requantization rounds in other places"
