"""Weights of float16 and of 8 bits: the nearest numbers, sums that are kept, and nothing lost by MNN's converter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgesr.export.calibration.photographs import photograph
from edgesr.export.mnn.model_file import CONSTANT, WEIGHTED, floats_of, read_content
from edgesr.export.mnn.rewrite import REWRITES
from edgesr.export.mnn.weights import on_8bit_grid, on_half_grid
from edgesr.runtimes.adapters import mnn
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Precision
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.mnn.small_mnn import converted, convolutions
from tests.runtimes.adapters import small_onnx

EXACT = RunSettings(exact=True)


def numbers(file: Path) -> list[tuple[int, FloatArray]]:
    """Kinds of operators with float32 numbers, and these."""
    content, operators = read_content(file)
    places = [(operator.kind, floats_of(operator)) for operator in operators]
    return [
        (kind, np.frombuffer(content, "<f4", place.count, place.begin).copy()) for kind, place in places if place.count
    ]


def written(content: bytes, file: Path) -> Path:
    file.write_bytes(content)
    return file


def test_float16_numbers_are_the_nearest_of_weights_and_constants(mobile_bundle: Bundle, tmp_path: Path) -> None:
    """The mobile preset has 14 convolutions and a factor of 1/255."""
    file = mobile_bundle.model_path(mobile_bundle.artifact("mnn-fp32-tile"))
    before, after = numbers(file), numbers(written(on_half_grid(file), tmp_path / "half.mnn"))
    kinds = [kind for kind, _ in before]
    assert len([kind for kind in kinds if kind in WEIGHTED]) == 14 and kinds.count(CONSTANT) == 1
    for (kind, values), (same, rounded) in zip(before, after, strict=True):
        assert kind == same and np.array_equal(rounded, values.astype(np.float16).astype(np.float32))
    assert sum(values.size for _, values in before) > 120_000


def test_weights_are_on_the_grid_of_8_bits_and_keep_their_sums(tmp_path: Path) -> None:
    file = convolutions(tmp_path)
    before, after = numbers(file), numbers(written(on_8bit_grid(file), tmp_path / "grid.mnn"))
    for (_, values), (_, rounded), shape in zip(before, after, ((16, 3, 9), (3, 16, 9)), strict=True):
        given, found = values.reshape(shape), rounded.reshape(shape)
        step = np.abs(given).max(axis=(1, 2), keepdims=True) / 127
        assert np.abs(found / step - np.rint(found / step)).max() < 1e-3
        assert 0.01 < np.abs(found - given).max() / step.max() <= 1.001
        assert (np.abs((found - given).sum(axis=2, keepdims=True)) <= 0.501 * step).all()


@pytest.mark.parametrize(("precision", "grid", "allowed"), [("fp16", on_half_grid, 0.0), ("w8", on_8bit_grid, 2e-3)])
def test_the_converter_keeps_what_lies_on_the_grid(
    precision: Precision, grid: Callable[[Path], bytes], allowed: float, tmp_path: Path
) -> None:
    file, image = convolutions(tmp_path), photograph("coffee", (40, 56))[None]
    REWRITES[precision](file, tmp_path / "lower.mnn")
    assert (tmp_path / "lower.mnn").stat().st_size < file.stat().st_size
    expected = mnn.open(written(grid(file), tmp_path / "grid.mnn"), EXACT).run(image)
    found = mnn.open(tmp_path / "lower.mnn", EXACT).run(image)
    assert np.abs(found - expected).max() <= allowed
    assert np.abs(found - mnn.open(file, EXACT).run(image)).max() > 1e-2


def test_transposed_convolutions_have_a_file_of_each_precision(tmp_path: Path) -> None:
    file = converted(small_onnx.transposed(tmp_path / "model.onnx"), tmp_path / "model.mnn")
    image = photograph("coffee", (20, 24))[None]
    expected = mnn.open(file, EXACT).run(image)
    for precision, rewrite in REWRITES.items():
        rewrite(file, tmp_path / f"{precision}.mnn")
        error = np.abs(mnn.open(tmp_path / f"{precision}.mnn", EXACT).run(image) - expected).max()
        assert 0 < error < 0.02 * np.abs(expected).max(), precision
