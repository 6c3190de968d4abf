"""The three names that two architectures of spandrel import; nothing in the tests calls them."""

from __future__ import annotations

from enum import Enum
from typing import NoReturn


class InterpolationMode(Enum):
    """A name that a default argument takes."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"


def normalize(*_arguments: object) -> NoReturn:
    """A network of faces calls it, which edgesr does not take."""
    raise NotImplementedError


def rotate(*_arguments: object) -> NoReturn:
    """An inpainting network calls it, which edgesr does not take."""
    raise NotImplementedError
