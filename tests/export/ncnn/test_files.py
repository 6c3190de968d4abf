"""The two files of an ncnn model: read and written to the byte, and refused where something is not known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgesr.export.ncnn.half import with_half_weights
from edgesr.export.ncnn.param_file import read_layers
from edgesr.export.ncnn.weights_file import Stored, read_model
from edgesr.runtimes.adapters import ncnn
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.ncnn.small_ncnn import convolution, layer, model, seeded, written


def small() -> object:
    return model(
        convolution(seeded(0, 5, 3, 3, 3), seeded(1, 5), names=("in0", "a")),
        (layer("PReLU", ("a",), ("b",), {0: 5}), (Stored(seeded(2, 5)),)),
        convolution(seeded(3, 3, 5, 1, 1), None, names=("b", "out0")),
    )


def test_files_are_written_as_they_were_read(mobile_bundle: Bundle, tmp_path: Path) -> None:
    for graph in ("full", "tile"):
        file = mobile_bundle.model_path(mobile_bundle.artifact(f"ncnn-fp32-{graph}"))
        copy = written(tmp_path, read_model(file))
        assert copy.read_text() == file.read_text()
        assert copy.with_suffix(".bin").read_bytes() == file.with_suffix(".bin").read_bytes()


def test_arrays_are_in_their_places(tmp_path: Path) -> None:
    file = written(tmp_path, small())  # type: ignore[arg-type]
    content = file.with_suffix(".bin").read_bytes()
    assert len(content) == 4 * ((1 + 135 + 5) + 5 + (1 + 15))
    found = read_model(file)
    assert [layer.kind for layer in found.layers] == ["Input", "Convolution", "PReLU", "Convolution"]
    assert np.array_equal(found.arrays[1][0].values, seeded(0, 5, 3, 3, 3).ravel())
    assert np.array_equal(found.arrays[2][0].values, seeded(2, 5))
    assert found.layers[3].inputs == ("b",)


def test_half_weights_take_half_the_bytes_and_are_what_ncnn_computes_with(tmp_path: Path) -> None:
    file = written(tmp_path, small())  # type: ignore[arg-type]
    before = file.with_suffix(".bin").stat().st_size
    image = np.random.default_rng(0).uniform(0, 1, (1, 3, 7, 9)).astype(np.float32)
    rounded = model(
        convolution(seeded(0, 5, 3, 3, 3).astype(np.float16).astype(np.float32), seeded(1, 5), names=("in0", "a")),
        (layer("PReLU", ("a",), ("b",), {0: 5}), (Stored(seeded(2, 5)),)),
        convolution(seeded(3, 3, 5, 1, 1).astype(np.float16).astype(np.float32), None, names=("b", "out0")),
    )
    (tmp_path / "rounded").mkdir()
    expected = ncnn.open(written(tmp_path / "rounded", rounded), RunSettings()).run(image)
    half = written(tmp_path, with_half_weights(read_model(file)))
    assert before - half.with_suffix(".bin").stat().st_size == 2 * 135 + 2 * 15 - 2 * 2  # filled up to whole words
    found = ncnn.open(half, RunSettings(precision="fp16")).run(image)
    assert np.abs(found - expected).max() < 1e-6


def test_weights_beyond_float16_are_refused(tmp_path: Path) -> None:
    large = model(convolution(np.full((1, 3, 1, 1), 70000, dtype=np.float32), None))
    with pytest.raises(EdgesrError, match="weights of layer out0 do not fit into float16"):
        with_half_weights(read_model(written(tmp_path, large)))


@pytest.mark.parametrize("change", [b"\0" * 4, b"\0" * 100])
def test_constants_of_unknown_layers_are_refused(tmp_path: Path, change: bytes) -> None:
    file = written(tmp_path, model(convolution(seeded(0, 3, 3, 3, 3), None), (layer("Gemm", ("out0",), ("z",)), ())))
    weights = file.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes() + change)
    with pytest.raises(EdgesrError, match="keeps constants of Gemm in it; export fp32, or leave ncnn's other"):
        read_model(file)


def test_only_unknown_layers_are_named(tmp_path: Path) -> None:
    """ncnn's source tells of most kinds that they have no arrays."""
    known = [
        (layer("BinaryOp", ("in0",), ("a",), {0: 3, 1: 1, 2: 255.0}), ()),
        (layer("ReLU", ("a",), ("b",)), ()),
        convolution(seeded(0, 3, 3, 3, 3), None, names=("b", "out0")),
    ]
    unknown = (layer("Gemm", ("out0",), ("y",)), ()), (layer("Embed", ("y",), ("z",)), ())
    for more, reason in (
        (unknown, "ncnn keeps constants of Embed, Gemm in it; export fp32"),
        ((), "it is longer than its layers tell; export fp32"),
    ):
        file = written(tmp_path, model(*known, *more))
        weights = file.with_suffix(".bin")
        weights.write_bytes(weights.read_bytes() + b"\0" * 100)
        with pytest.raises(EdgesrError, match=rf"^model\.bin is not rewritten: {reason}"):
            read_model(file)


def test_values_that_fill_a_border_are_in_their_place(tmp_path: Path) -> None:
    border = layer("Padding", ("in0",), ("a",), {**dict.fromkeys(range(4), 1), 6: 3}), (Stored(seeded(4, 3)),)
    file = written(tmp_path, model(border, convolution(seeded(0, 3, 3, 3, 3), seeded(1, 3), names=("a", "out0"))))
    found = read_model(file)
    assert np.array_equal(found.arrays[1][0].values, seeded(4, 3))
    image = np.zeros((1, 3, 5, 6), dtype=np.float32)
    (padded,) = ncnn.read_tensors(file, image, ["a"], RunSettings())
    assert np.array_equal(padded[:, 0, 0], seeded(4, 3)), "ncnn reads it there too"


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, small())  # type: ignore[arg-type]
    weights, text = file.with_suffix(".bin"), file.read_text()
    content = weights.read_bytes()
    weights.write_bytes(content[:-4])
    with pytest.raises(EdgesrError, match=r"the \.bin ends before its weights; export fp32, or leave ncnn's other"):
        read_model(file)
    weights.write_bytes(b"\1" + content[1:])
    with pytest.raises(EdgesrError, match="of an unknown type, or not where they should be; export fp32"):
        read_model(file)
    for damaged in ("", text.replace("7767517", "1"), text[:-30], text.replace("0=5", "x=5")):
        file.write_text(damaged)
        with pytest.raises(InputError, match=r"no \.param file of ncnn, or damaged"):
            read_layers(file)
