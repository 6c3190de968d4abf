"""The proof of conversions: what counts as equal, and how a fault is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from edgesr.export.conversions.proof import Proof
from edgesr.runtimes.arrays import FloatArray

SIZES = ((4, 6), (3, 5), (8, 7))


def proof(*, gain: float = 1.0) -> Proof:
    """The source multiplies images of 255 by a gain."""
    images = tuple(np.full((3, *size), 255, dtype=np.float32) for size in SIZES)
    return Proof(source=lambda batch: batch * np.float32(gain), images=images, traced=SIZES[0])


@dataclass
class Answers:
    """A file that adds a value to its input, or to inputs of some heights."""

    added: float
    heights: tuple[int, ...] = (4, 3, 8)
    refused: int = 0
    cropped: int = 0

    def run(self, image: FloatArray) -> FloatArray:
        height = image.shape[2]
        if height == self.refused:
            raise RuntimeError("no\nkernel")
        answer = image + np.float32(self.added if height in self.heights else 0)
        return answer[:, :, 1:] if height == self.cropped else answer


def fault(file: Answers, *, gain: float = 1.0) -> str | None:
    return proof(gain=gain).fault(lambda: file, failures=(RuntimeError,))


def test_a_hundredth_of_255_is_allowed() -> None:
    assert fault(Answers(0.0099)) is None
    assert "differs by up to 0.010" in str(fault(Answers(0.0105)))


def test_larger_answers_may_differ_in_proportion() -> None:
    assert fault(Answers(255 * 9 + 0.09), gain=10) is None
    assert "(0.1 is allowed)" in str(fault(Answers(255 * 9 + 0.11), gain=10))
    assert fault(Answers(-255 * 0.9 + 0.011), gain=0.1) is not None


def test_nothing_but_numbers_is_no_proof() -> None:
    assert "differs by up to inf" in str(fault(Answers(np.nan)))


def test_a_fault_at_another_size_than_the_traced_one_was_baked_in() -> None:
    text = str(fault(Answers(5, heights=(3, 8))))
    assert text.startswith("at 3x5 it differs by up to 5 (0.01 is allowed), and is right at 4x6: a size was baked in")
    assert "pad its input to a multiple" in text


def test_a_fault_at_the_traced_size_is_the_converters() -> None:
    text = str(fault(Answers(5)))
    assert text.startswith("at 4x6 it differs by up to 5 (0.01 is allowed): an operator was converted into another one")
    assert "baked" not in text


def test_refusals_and_other_shapes_are_faults() -> None:
    assert str(fault(Answers(0, refused=8))).startswith("at 8x7 its runtime refuses it: no kernel, and is right at 4x6")
    assert str(fault(Answers(0, cropped=3))).startswith("at 3x5 it answers (1, 3, 2, 5) and not (1, 3, 3, 5), and is")
    assert str(fault(Answers(9, heights=(8,), refused=3))).startswith("at 8x7 it differs by up to 9")


def test_a_file_that_does_not_open_is_a_fault() -> None:
    def opened() -> Answers:
        raise RuntimeError("opset 99")

    assert proof().fault(opened, failures=(RuntimeError,)) == "its runtime refuses it: opset 99"


def test_an_image_has_the_traced_size() -> None:
    with pytest.raises(ValueError, match="no image of the traced size 5x5"):
        Proof(source=lambda batch: batch, images=proof().images, traced=(5, 5))
