"""The checks of a package where Core ML does not run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgesr.export.coreml.structure import Structure, Tensor, structure_fault

SOUND = Structure(
    inputs=(Tensor(name="lr", shape=(1, 3, 8, 9), dtype="float32"),),
    outputs=(Tensor(name="sr", shape=(1, 3, 32, 36), dtype="float32"),),
    convolutions=3,
    weight_dtypes=("float32",),
)


def test_equal_structures_have_no_fault() -> None:
    assert structure_fault(SOUND, replace(SOUND)) is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"inputs": ()}, "its input is none and not lr 1x3x8x9 float32"),
        (
            {"outputs": (replace(SOUND.outputs[0], shape=(1, 3, 32, 32)),)},
            "its output is sr 1x3x32x32 float32 and not sr 1x3x32x36 float32",
        ),
        ({"convolutions": 2}, "it has 2 convolutions and not 3"),
        ({"weight_dtypes": ("float16",)}, "its weights are float16 and not float32"),
    ],
)
def test_what_differs_is_named(changed: dict[str, object], message: str) -> None:
    assert structure_fault(replace(SOUND, **changed), SOUND) == message  # type: ignore[arg-type]
