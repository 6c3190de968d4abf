"""The arithmetic that ncnn runs files in: told by what they answer, and warned of where it is another."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgesr.runtimes.adapters import ncnn
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Precision
from edgesr.runtimes.interface.operator_profile import ExecutionPart
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.ncnn.small_ncnn import convolution, model, seeded, written

IMAGE = np.random.default_rng(2).uniform(0, 255, (1, 3, 20, 30)).astype(np.float32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    body = convolution(seeded(0, 8, 3, 3, 3), None, names=("in0", "a"))
    return written(tmp_path, model(body, convolution(seeded(1, 3, 8, 3, 3), None, names=("a", "out0"))))


def test_bfloat16_is_told(file: Path) -> None:
    ran = ncnn.execution(file, IMAGE, RunSettings(precision="bf16"))
    assert ran is not None and ran.warning is None
    assert ran.parts == (ExecutionPart(ran_as="bfloat16", operators=2, share=1.0),)
    assert ncnn.profile(file, IMAGE, RunSettings(precision="bf16"), calls=1).execution == ran


@pytest.mark.skipif(platform.machine() != "x86_64", reason="ncnn computes in float16 on arm64")
def test_float16_arithmetic_is_float32_on_x86(file: Path) -> None:
    ran = ncnn.execution(file, IMAGE, RunSettings(precision="fp16a"))
    assert ran is not None and ran.main == "float32"
    assert ran.described == ("warning: ncnn runs it in float32 on this CPU, not in float16; float32: 2 operators, 100%")


@pytest.mark.parametrize(("apart", "expected"), [(1e-4, "float16"), (0.0, "float32")])
def test_one_other_value_is_evidence(file: Path, apart: float, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that rounds one value to float16 where another does not."""

    class Rounding(ncnn.NcnnSession):
        def run(self, image: FloatArray) -> FloatArray:
            found = super().run(image)
            found[0, 0, 3, 5] += apart
            return found

    opened: list[Precision] = []
    by_itself = ncnn.open

    def open_planted(path: Path, settings: RunSettings) -> ncnn.NcnnSession:
        opened.append(settings.precision)
        session = by_itself(path, RunSettings(threads=settings.threads))
        return session if settings.precision == "fp32" else Rounding(session.net, session.memory, session.channels)

    monkeypatch.setattr(ncnn, "open", open_planted)
    ran = ncnn.execution(file, IMAGE, RunSettings(precision="fp16a"))
    assert opened == ["fp16a", "fp32"]
    assert ran is not None and ran.main == expected
    assert (ran.warning is None) == (expected == "float16")


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_nothing_is_told_of_other_precisions(file: Path, precision: Any) -> None:
    assert ncnn.execution(file, IMAGE, RunSettings(precision=precision)) is None
    assert ncnn.profile(file, IMAGE, RunSettings(precision=precision), calls=1).execution is None


def test_the_runtime_tells_it() -> None:
    assert ncnn.RUNTIME.execution is ncnn.execution


def test_half_precisions_have_no_exact_arithmetic() -> None:
    exact = {name for name in ("fp32", "fp16", "fp16a", "bf16", "int8") if ncnn.RUNTIME.computes_exactly(name)}
    assert exact == {"fp32", "fp16", "int8"}
