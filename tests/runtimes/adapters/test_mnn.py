"""MNN: sessions that keep their arithmetic next to others, one number of threads a process, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgesr.export.calibration.photographs import photograph
from edgesr.export.mnn.conversion import convert_weights
from edgesr.runtimes.adapters import mnn, ort
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.interface.runtime import RunSettings
from tests.export.mnn.small_mnn import convolutions

FAST, EXACT = RunSettings(), RunSettings(exact=True)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convolutions(tmp_path_factory.mktemp("small"))


@pytest.fixture
def file(mobile_bundle: Bundle) -> Path:
    return mobile_bundle.model_path(mobile_bundle.artifact("mnn-fp32-tile"))


def batch(height: int, width: int) -> Any:
    return photograph("coffee", (height, width))[None]


@pytest.fixture
def expected(mobile_bundle: Bundle) -> Any:
    """By the size of an image, what ONNX Runtime gives."""
    session = ort.open(mobile_bundle.model_path(mobile_bundle.artifact("onnx-fp32-tile")), RunSettings())
    return {size: session.run(batch(*size)) for size in ((64, 64), (40, 56))}


def test_each_session_keeps_its_arithmetic_whichever_was_opened_last(file: Path, expected: Any) -> None:
    """MNN's hints are the process's, until a session's first call."""
    for order in ((FAST, EXACT, FAST, EXACT), (EXACT, FAST, EXACT, FAST)):
        sessions = [(mnn.open(file, settings), settings.exact) for settings in order]
        for size, wanted in expected.items():
            for session, exact in (*sessions, *reversed(sessions)):
                error = np.abs(session.run(batch(*size)) - wanted).max()
                assert error < 1e-3 if exact else 0.01 < error < 0.25, (order, size, exact)


def test_an_answer_does_not_depend_on_those_before_it(file: Path) -> None:
    """MNN chooses its kernels for the size of a session's first image."""
    one, other = mnn.open(file, FAST), mnn.open(file, FAST)
    one.run(batch(8, 8))
    assert np.array_equal(one.run(batch(64, 64)), other.run(batch(64, 64)))


def test_threads_that_open_at_once_get_what_they_asked_for(file: Path, expected: Any) -> None:
    both = threading.Barrier(2)

    def error(settings: RunSettings) -> float:
        both.wait()
        session = mnn.open(file, settings)
        return float(np.abs(session.run(batch(64, 64)) - expected[64, 64]).max())

    with ThreadPoolExecutor(2) as pool:
        for _ in range(4):
            exact, fast = pool.map(error, (EXACT, FAST))
            assert exact < 1e-3 and fast > 0.01


def test_another_number_of_threads_is_refused_while_a_session_is_open(small: Path) -> None:
    session = mnn.open(small, RunSettings(threads=2))
    with pytest.raises(InputError) as refused:
        mnn.open(small, RunSettings(threads=1))
    assert str(refused.value) == (
        "MNN: a session with 2 threads is open, and all sessions of a process share their threads; close it before one "
        "with 1 is opened, ask for 2, or use another process"
    )
    again = mnn.open(small, RunSettings(threads=2, exact=True))
    del session, again, refused
    assert mnn.open(small, RunSettings(threads=1)).threads == 1


@pytest.mark.parametrize("shape", [(1, 2, 6, 9), (1, 4, 6, 9), (2, 3, 6, 9), (3, 6, 9), (1, 3, 0, 9)])
def test_images_of_another_shape_are_refused(small: Path, shape: tuple[int, ...]) -> None:
    """MNN would take some of them for others, and print why it refuses the rest."""
    given = np.zeros(shape, dtype=np.float32)
    reason = f"it takes 1x3xhxw in float32, and not {'x'.join(map(str, shape))} in float32"
    with pytest.raises(ValueError, match=reason):
        mnn.open(small, FAST).run(given)
    with pytest.raises(ValueError, match=reason):
        mnn.read_tensors(small, given, ["y"], FAST)


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8"])
def test_images_of_another_type_are_refused(small: Path, dtype: str) -> None:
    with pytest.raises(ValueError, match=f"it takes 1x3xhxw in float32, and not 1x3x6x9 in {dtype}"):
        mnn.open(small, FAST).run(batch(6, 9).astype(dtype))


def test_any_array_is_taken_and_kept(small: Path) -> None:
    session = mnn.open(small, FAST)
    given = np.ascontiguousarray(batch(20, 30).transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    before = given.copy()
    assert not given.flags.c_contiguous
    first = session.run(given)
    kept = first.copy()
    assert np.array_equal(first, session.run(np.ascontiguousarray(given))) and np.array_equal(given, before)
    assert np.abs(session.run(given + 1) - kept).max() > 0.1 and np.array_equal(first, kept)


def test_inner_tensors_are_those_of_a_run(small: Path) -> None:
    given = batch(20, 30)
    rectified, output = mnn.read_tensors(small, given, ["r", "y"], FAST)
    assert rectified.shape == (16, 20, 30) and rectified.min() == 0 < rectified.max()
    assert np.array_equal(output[None], mnn.open(small, FAST).run(given))


@pytest.mark.parametrize("kept", [0, 3, 100, 1000, -4])
def test_a_damaged_file_is_refused_in_one_line(
    small: Path, kept: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "model.mnn"
    damaged.write_bytes(small.read_bytes()[:kept])
    with pytest.raises(ValueError, match="MNN refuses it: it is damaged, or has an operator that this MNN lacks"):
        mnn.open(damaged, FAST)
    assert capfd.readouterr() == ("", "")


def test_a_file_that_does_not_tell_its_channels_is_refused(small: Path, tmp_path: Path) -> None:
    convert_weights(small.read_bytes(), tmp_path / "other.mnn", "--bizCode", "another")
    with pytest.raises(ValueError, match="it does not tell its channels: it was not made by edgesr export"):
        mnn.open(tmp_path / "other.mnn", FAST)


def test_a_profile_has_the_time_of_calls_alone(small: Path) -> None:
    found = mnn.profile(small, batch(20, 24), FAST, calls=3)
    assert (found.calls, found.operators, found.delegation, found.execution) == (3, (), None, None)
    assert found.call_ms > 0 and found.why_no_times is not None and "MNN" in found.why_no_times


_RUN = """
import sys
from pathlib import Path
import numpy as np
from edgesr.runtimes.adapters import mnn
from edgesr.runtimes.interface.runtime import RunSettings
session = mnn.open(Path(sys.argv[1]), RunSettings())
print(session.run(np.zeros((1, 3, 8, 8), np.float32)).shape)
"""


def test_what_mnn_prints_stays_out_of_the_output(small: Path) -> None:
    """It tells of the CPU when it is imported, and of its precision when a file is opened."""
    done = subprocess.run([sys.executable, "-c", _RUN, small], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "(1, 3, 8, 8)\n", "")
