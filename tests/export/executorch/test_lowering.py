"""The part of a program that XNNPACK takes: predicted, and read from the file; pads by reflection are one operator."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from edgesr.export.executorch.lowering import DELEGATE, converting, lower
from edgesr.runtimes.adapters import executorch
from edgesr.runtimes.bundle.delegation import Delegation
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.conversions.planted_modules import Planted


def reflected(features: Tensor, _lr: Tensor) -> Tensor:
    """Pads of all sides and of some, and one that is no reflection."""
    padded = F.pad(features, (1, 1, 1, 1), mode="reflect").relu()
    return F.pad(F.pad(padded, (0, 1, 2, 0), mode="reflect").relu(), (1, 0, 0, 0))


def sorted_pixels(features: Tensor, _lr: Tensor) -> Tensor:
    return features - features.flatten(2).topk(7).values[..., -1:, None]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (reflected, Delegation(partitions=3, fallback={"reflection_pad2d": 2})),
        (sorted_pixels, Delegation(partitions=2, fallback={"topk": 1})),
    ],
    ids=["reflected", "sorted"],
)
def test_what_xnnpack_takes_is_predicted_and_read(shape: object, expected: Delegation, tmp_path: Path) -> None:
    module = Planted(shape)  # type: ignore[arg-type]
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 12, 14)).astype(np.float32)
    file = tmp_path / "model.pte"
    use = lower(torch.export.export(module, (torch.from_numpy(image),)), file).delegate
    assert (use.delegate, use.predicted) == (DELEGATE, use.found)
    assert use.found == expected
    found = executorch.open(file, RunSettings()).run(image)
    assert np.abs(found - module(torch.from_numpy(image)).numpy()).max() <= 1e-3


def test_an_error_of_the_converter_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EdgesrError) as caught, converting("it failed"):
        os.write(2, b"a line of its own")
        raise RuntimeError("several\n  lines")
    assert capfd.readouterr() == ("", "")
    assert re.fullmatch("it failed: RuntimeError: several lines", str(caught.value))
    with pytest.raises(EdgesrError, match=r"^its own$"), converting("it failed"):
        raise EdgesrError("its own")
