"""The content of a Core ML package as coremltools reads it: all that can be checked where Core ML does not run."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.runtimes.wording import counted


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """An input or output of a package."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, kw_only=True)
class Structure:
    """``convolutions`` counts transposed ones too; ``weight_dtypes`` are those of their weights: coremltools leaves in
    float32 what float16 cannot hold.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    convolutions: int
    weight_dtypes: tuple[str, ...]


def structure_fault(found: Structure, expected: Structure) -> str | None:
    """One line that tells how a package differs from its source; None if it does not."""
    for kind, ours, theirs in (
        ("input", found.inputs, expected.inputs),
        ("output", found.outputs, expected.outputs),
    ):
        if ours != theirs:
            return f"its {kind} is {_described(ours)} and not {_described(theirs)}"
    if found.convolutions != expected.convolutions:
        return f"it has {counted(found.convolutions, 'convolution')} and not {expected.convolutions}"
    if not set(expected.weight_dtypes) <= set(found.weight_dtypes):
        return f"its weights are {', '.join(found.weight_dtypes)} and not {', '.join(expected.weight_dtypes)}"
    return None


def _described(tensors: tuple[Tensor, ...]) -> str:
    return " and ".join(f"{t.name} {'x'.join(map(str, t.shape))} {t.dtype}" for t in tensors) or "none"
