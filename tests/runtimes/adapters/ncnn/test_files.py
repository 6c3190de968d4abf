"""ncnn: the arithmetic of each precision, what it refuses, its memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgesr.runtimes.adapters import ncnn
from edgesr.runtimes.bundle.manifest import Precision
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.ncnn.small_ncnn import convolution, layer, model, seeded, written
from tests.helpers.places import ROOT

HALF = {"use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"}
BFLOAT = {"use_bf16_packed", "use_bf16_storage"}
REDUCED = HALF | BFLOAT | {"use_int8_inference"}
WEIGHTS, BIAS = seeded(0, 5, 3, 3, 3), seeded(1, 5)
SIZE = (6, 9)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path, model(convolution(WEIGHTS, BIAS)))


def image(channels: int = 3, size: tuple[int, int] = SIZE) -> Any:
    return np.random.default_rng(2).uniform(0, 255, (1, channels, *size)).astype(np.float32)


def by_hand(values: Any) -> Any:
    """The convolution in float64, zero-padded."""
    padded = np.pad(values[0].astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))  # type: ignore[call-overload]
    return np.einsum("chwij,ocij->ohw", windows, WEIGHTS.astype(np.float64)) + BIAS[:, None, None]


@pytest.mark.parametrize(
    ("precision", "on"),
    [
        ("fp32", set()),
        ("fp16", set()),
        ("fp16a", HALF),
        ("bf16", BFLOAT),
        ("int8", {"use_int8_inference"}),
    ],
)
def test_options_are_set_before_the_file_is_read(
    file: Path, precision: Precision, on: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ncnn's own defaults are float16 wherever the CPU has it."""
    package = ncnn.load()
    seen: list[Any] = []
    defaults = package.Net().opt
    assert all(getattr(defaults, name) for name in HALF)

    class Recorded(package.Net):  # type: ignore[misc, name-defined]
        def load_param(self, path: str) -> int:
            options = self.opt
            seen.append({name for name in REDUCED if getattr(options, name)})
            seen.append({(options.num_threads, options.use_vulkan_compute, options.use_winograd_convolution)})
            return int(super().load_param(path))

    monkeypatch.setattr(ncnn, "load", lambda: SimpleNamespace(**{**vars(package), "Net": Recorded}))
    ncnn.open(file, RunSettings(threads=3, precision=precision))
    assert seen == [on, {(3, False, True)}]
    ncnn.open(file, RunSettings(precision=precision, exact=True))
    assert seen[2:] == [on, {(1, False, False)}]


def test_float32_is_float32_and_bfloat16_is_not(file: Path) -> None:
    given = image()
    expected = by_hand(given)
    errors = {}
    for precision in ("fp32", "fp16", "bf16"):
        found = ncnn.open(file, RunSettings(precision=precision)).run(given)
        assert found.shape == (1, 5, *SIZE) and found.dtype == np.float32
        errors[precision] = np.abs(found[0] - expected).max()
    assert errors["fp32"] < 1e-4 and errors["fp16"] < 1e-4
    assert 1e-3 < errors["bf16"] < 5


def test_any_array_is_taken_and_kept(file: Path) -> None:
    """One in another order of axes is copied for ncnn, which frees nothing of it and changes nothing."""
    session = ncnn.open(file, RunSettings())
    given = np.ascontiguousarray(image(size=(200, 300)).transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    before = given.copy()
    assert not given.flags.c_contiguous
    assert np.array_equal(session.run(given), session.run(np.ascontiguousarray(given)))
    assert np.array_equal(given, before)


@pytest.mark.parametrize("shape", [(1, 2, 6, 9), (1, 4, 6, 9), (2, 3, 6, 9), (3, 6, 9)])
def test_images_of_another_shape_are_refused(file: Path, shape: tuple[int, ...]) -> None:
    """ncnn would read other memory."""
    session = ncnn.open(file, RunSettings())
    reason = f"it takes 1x3xhxw in float32, and not {'x'.join(map(str, shape))} in float32"
    with pytest.raises(ValueError, match=reason):
        session.run(np.zeros(shape, dtype=np.float32))
    with pytest.raises(ValueError, match=reason):
        ncnn.read_tensors(file, np.zeros(shape, dtype=np.float32), ["out0"], RunSettings())


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8"])
def test_images_of_another_type_are_refused(file: Path, dtype: str) -> None:
    """ncnn would end the process, or take their bytes for float32."""
    given = image().astype(dtype)
    for run in (ncnn.open(file, RunSettings()).run, lambda it: ncnn.read_tensors(file, it, ["out0"], RunSettings())):
        with pytest.raises(ValueError, match=f"it takes 1x3xhxw in float32, and not 1x3x6x9 in {dtype}"):
            run(given)


def test_inner_tensors_are_those_of_a_run_and_the_image_is_kept(tmp_path: Path) -> None:
    """A ReLU is computed in place: it may change neither the image nor the tensor before it."""
    rectified = layer("ReLU", ("in0",), ("r",), {0: 0.0}), ()
    body = convolution(WEIGHTS, BIAS, names=("r", "a"))
    file = written(tmp_path, model(rectified, body, (layer("ReLU", ("a",), ("out0",), {0: 0.0}), ())))
    given = image() - 128
    before = given.copy()
    rectified_image, convolved, output = ncnn.read_tensors(file, given, ["r", "a", "out0"], RunSettings())
    assert np.array_equal(given, before)
    assert np.array_equal(rectified_image, np.maximum(before[0], 0))
    assert convolved.min() < 0 and np.array_equal(output, np.maximum(convolved, 0))
    assert np.array_equal(output, ncnn.open(file, RunSettings()).run(given)[0])


@pytest.mark.parametrize("kept", [0, 3, 4, 100, -4])
def test_weights_that_end_early_are_refused_in_one_line(
    file: Path, kept: int, capfd: pytest.CaptureFixture[str]
) -> None:
    weights = file.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"ncnn refuses model\.bin"):
        ncnn.open(file, RunSettings())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["", "7767517\n", "7767518\n1 1\nInput a 0 1 a\n", "7767517\n2 2\nInput a 0 1 a"])
def test_a_graph_that_is_none_is_refused_in_one_line(file: Path, text: str, capfd: pytest.CaptureFixture[str]) -> None:
    file.write_text(text)
    with pytest.raises(ValueError, match=r"ncnn refuses model\.param"):
        ncnn.open(file, RunSettings())
    assert capfd.readouterr() == ("", "")


def test_unknown_layers_and_missing_weights_are_refused(file: Path) -> None:
    text = file.read_text()
    file.write_text(text.replace("Convolution", "torch.topk "))
    with pytest.raises(ValueError, match="or has a layer that this ncnn lacks"):
        ncnn.open(file, RunSettings())
    file.write_text(text)
    file.with_suffix(".bin").unlink()
    with pytest.raises(ValueError, match=r"there is no model\.bin next to it"):
        ncnn.open(file, RunSettings())


def test_a_profile_has_the_time_of_calls_alone(file: Path) -> None:
    found = ncnn.profile(file, image(), RunSettings(), calls=3)
    assert (found.calls, found.operators, found.delegation) == (3, (), None)
    assert found.call_ms > 0
    assert found.why_no_times is not None and "ncnn" in found.why_no_times


def test_threads_that_load_at_once_keep_the_standard_error(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second begins while the first is under way, and would end after it."""
    package, first, second = ncnn.load(), threading.Event(), threading.Event()

    class Slow(package.Net):  # type: ignore[misc, name-defined]
        def load_param(self, path: str) -> int:
            if first.is_set():
                second.set()
                time.sleep(0.1)
            else:
                first.set()
                second.wait(0.2)
            return int(super().load_param(path))

    monkeypatch.setattr(ncnn, "load", lambda: SimpleNamespace(**{**vars(package), "Net": Slow}))
    before, kept = os.fstat(2), os.dup(2)
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: ncnn.open(file, RunSettings()), range(2)))
        assert os.path.samestat(os.fstat(2), before)
    finally:
        os.dup2(kept, 2)
        os.close(kept)


_WITHOUT_STDERR = """
import os, sys
from pathlib import Path
from edgesr.runtimes.adapters import ncnn
from edgesr.runtimes.interface.runtime import RunSettings
ncnn.load()
if sys.argv[2] == "closed":
    os.close(2)
else:
    sys.stderr = None
print(ncnn.open(Path(sys.argv[1]), RunSettings()).channels)
"""


@pytest.mark.parametrize("how", ["closed", "none"])
def test_a_process_without_standard_error_loads_files(file: Path, how: str) -> None:
    command = [sys.executable, "-c", _WITHOUT_STDERR, str(file), how]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.stdout == "3\n", done.stderr
