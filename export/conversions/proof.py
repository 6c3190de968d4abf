"""The proof of a conversion: on photographs of several sizes the file gives what its source gives.

A converter traces a network at one size. What it takes for a constant there, be it a size, a pad or a branch, makes a
file that is right at that size and at some others, and silently wrong elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.interface.runtime import Session
from edgesr.runtimes.wording import shown_text

_MAX_ABS_ERROR = 1e-2
_PEAK = 255.0
_BAKED = (
    "a size was baked in at export: let the module take every size, pad and branch from the shape of its input, "
    "or pad its input to a multiple of what it divides sizes by"
)
_OPERATOR = "an operator was converted into another one; report this model"


@dataclass(frozen=True)
class _Answer:
    """The distance of an answer from the source's; ``refusal`` is set if there is no answer of the source's shape."""

    size: Size
    difference: float
    allowed: float
    refusal: str = ""

    @property
    def holds(self) -> bool:
        return not self.refusal and self.difference <= self.allowed

    def __str__(self) -> str:
        place = f"at {_text(self.size)} "
        return place + (self.refusal or f"it differs by up to {self.difference:.3g} ({self.allowed:.2g} is allowed)")


@dataclass(frozen=True, kw_only=True)
class Proof:
    """``source``: LR (1,c,h,w) float32 in [0,255] -> SR or residual (1,c,H,W).

    It is asked for each of the ``images`` (c,h,w); one of them has the size that converters trace the source at. A
    difference of 0.01 of 255 is allowed, in proportion more where the source's answer is larger than 255.
    """

    source: Callable[[FloatArray], FloatArray]
    images: tuple[FloatArray, ...]
    traced: Size

    @property
    def channels(self) -> int:
        """Number of channels of the images."""
        return int(self.images[0].shape[0])

    def __post_init__(self) -> None:
        if self.traced not in [image.shape[1:] for image in self.images]:
            raise ValueError(f"no image of the traced size {_text(self.traced)}")

    def fault(self, open_file: Callable[[], Session], failures: tuple[type[Exception], ...]) -> str | None:
        """The place where a file differs most from its source, and what that means; None for a file that is proven.

        ``open_file`` opens it in its runtime, which raises ``failures``.
        """
        try:
            session = open_file()
        except failures as error:
            return f"its runtime refuses it: {_one_line(error)}"
        answers = [self._answer(session, image[None], failures) for image in self.images]
        wrong = [answer for answer in answers if not answer.holds]
        if not wrong:
            return None
        worst = max(wrong, key=lambda answer: (not answer.refusal, answer.difference))
        traced = next(answer for answer in answers if answer.size == self.traced)
        if traced.holds:
            return f"{worst}, and is right at {_text(self.traced)}: {_BAKED}"
        also = "" if worst is traced else f", and {traced}, where it was traced"
        return f"{worst}{also}: {_OPERATOR}"

    def _answer(self, session: Session, batch: FloatArray, failures: tuple[type[Exception], ...]) -> _Answer:
        size: Size = (batch.shape[2], batch.shape[3])
        expected = self.source(batch)
        allowed = _MAX_ABS_ERROR * max(1.0, float(np.abs(expected).max()) / _PEAK)
        try:
            found = session.run(batch)
        except failures as error:
            return _Answer(size, np.inf, allowed, f"its runtime refuses it: {_one_line(error)}")
        if found.shape != expected.shape:
            return _Answer(size, np.inf, allowed, f"it answers {found.shape} and not {expected.shape}")
        difference = float(np.abs(found - expected).max())
        return _Answer(size, np.inf if np.isnan(difference) else difference, allowed)


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _one_line(error: Exception) -> str:
    return shown_text(" ".join(str(error).split()))
