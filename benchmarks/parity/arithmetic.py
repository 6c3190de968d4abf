"""Differences between the arithmetic of a CPU and that which a file writes down, with their reasons."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from edgesr.runtimes.adapters.registry import runtime_info
from edgesr.runtimes.bundle.manifest import Artifact, Precision, Tolerance


@dataclass(frozen=True)
class Arithmetic:
    """The way in which kernels compute files of one precision.

    ``cause``: why CPUs differ from exact arithmetic, None for sums in float32. ``half``: in float16; ``eight_bits``:
    products of 8-bit weights and activations.
    """

    cause: str | None = None
    half: bool = False
    eight_bits: bool = False


_FLOAT32 = Arithmetic()
_REQUANTIZED = "rounding of requantization differs between the kernels"
ARITHMETIC: dict[Precision, Arithmetic] = {
    "fp32": _FLOAT32,
    "fp16": _FLOAT32,
    "fp16a": Arithmetic("this CPU computes float16 operators in float32 and rounds less often", half=True),
    "bf16": Arithmetic("this CPU rounds to bfloat16 in other places"),
    "int8": Arithmetic(_REQUANTIZED, eight_bits=True),
    "w8": _FLOAT32,
    "w8d": Arithmetic(_REQUANTIZED, eight_bits=True),
    "w8a16": Arithmetic(_REQUANTIZED),
}

LARGEST_AGREEMENT = 1.0
"""Two SR images that differ by at most one of 255 grey levels agree."""

_VNNI = {"avx512_vnni", "avx_vnni"}


def computes_apart(artifact: Artifact, runtime: str) -> bool:
    """Whether a file is to be computed in exact arithmetic too: kernels round in other places on other CPUs, or the
    runtime's have a tolerance of their own.
    """
    return ARITHMETIC[artifact.precision].cause is not None or own_tolerance(artifact, runtime) is not None


def own_tolerance(artifact: Artifact, runtime: str) -> Tolerance | None:
    """The difference from the reference that a runtime's fast kernels may have, if it is more than goldens allow."""
    return runtime_info(runtime).own_tolerances.get(artifact.precision)


def has_exact_arithmetic(artifact: Artifact, runtime: str) -> bool:
    """Whether a file is to be computed in exact arithmetic too, and its runtime can do so."""
    return computes_apart(artifact, runtime) and runtime_info(runtime).computes_exactly(artifact.precision)


def difference_cause(
    artifact: Artifact, runtime: str, *, max_difference: float, x86_features: Set[str] | None
) -> str | None:
    """The reason why this CPU's SR image differs by ``max_difference`` from exact arithmetic; None if they agree.

    ``x86_features`` are the CPU's instruction sets, None unless it is an x86. Without VNNI, some runtimes multiply
    pairs of 8 bits with vpmaddubsw, whose 16-bit sums saturate unless the weights have 7 bits.
    """
    if max_difference <= LARGEST_AGREEMENT:
        return None
    full_range = artifact.quantization is None or not artifact.quantization.reduced_range
    no_vnni = x86_features is not None and not _VNNI & x86_features
    arithmetic, engine = ARITHMETIC[artifact.precision], runtime_info(runtime)
    if engine.saturates_without_vnni and arithmetic.eight_bits and full_range and no_vnni:
        return f"this CPU has no VNNI: 16-bit sums of {engine.title}'s int8 kernels saturate"
    return arithmetic.cause


@dataclass(frozen=True, kw_only=True)
class Computed:
    """A device's images of one artifact: ``exact_difference`` is how far they are from exact arithmetic (inf where not
    finite), ``cause`` why, None where they agree; ``ran_as`` in what most of it ran, None where that is not told.
    """

    device: str
    exact_difference: float
    cause: str | None
    float16_arithmetic: bool = False
    ran_as: str | None = None


def device_difference_cause(
    artifact: Artifact, *, max_difference: float, base: Computed, other: Computed
) -> str | None:
    """The reason why an artifact's SR images on two devices differ by ``max_difference``; None if they do not."""
    if max_difference == 0:
        return None
    arithmetic = ARITHMETIC[artifact.precision]
    if None not in (base.ran_as, other.ran_as) and base.ran_as != other.ran_as:
        return f"{base.device} runs it in {base.ran_as}, {other.device} in {other.ran_as}"
    if arithmetic.half and base.float16_arithmetic != other.float16_arithmetic:
        one = base if base.float16_arithmetic else other
        return f"{one.device} computes float16 operators in float16, the other in float32"
    if arithmetic.cause is None or arithmetic.half:
        return "float32 sums in another order"
    for one, against in ((other, base), (base, other)):
        if one.cause not in (None, against.cause) and against.exact_difference < one.exact_difference:
            return f"{one.device}: {one.cause}"
    return "requantization rounds in other places" if arithmetic.eight_bits else arithmetic.cause
