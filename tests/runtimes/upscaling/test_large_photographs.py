"""Photographs that are read in strips and written row by row: the same files, in memory that does not grow."""

from __future__ import annotations

import functools
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.images import strips, writing, writing_time
from edgesr.runtimes.images.image_io import read_picture
from edgesr.runtimes.images.picture_writer import PictureWriter
from edgesr.runtimes.upscaling import files as upscale_files
from edgesr.runtimes.upscaling.files import FileUpscaler
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
from edgesr.runtimes.upscaling.outcomes import PlannedImage
from edgesr.runtimes.upscaling.strips import HeldRows, strip_around
from edgesr.runtimes.upscaling.tiles import cut
from edgesr.runtimes.upscaling.upscale import Upscaler
from tests.helpers.folder_runs import save_photograph
from tests.helpers.places import RELEASED_BUNDLE, ROOT

_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
_PEAK = """
import json, sys
from pathlib import Path
from edgesr.runtimes.adapters.registry import runtime_info
from edgesr.runtimes.allocator import keep_large_blocks_after_torch
from edgesr.runtimes.bundle.opening import open_bundle
from edgesr.runtimes.upscaling.files import FileUpscaler
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(name))

bundle, runtime, source, target = sys.argv[1:]
keep_large_blocks_after_torch()
runtime_info(runtime).load()
before = status("VmRSS")
options = UpscaleOptions(runtime=runtime, memory_bytes=128_000_000)
upscaler = FileUpscaler(open_bundle(Path(bundle)), options, FileOptions())
planned = next(upscaler.planned(Path(source), Path(target)))
upscaler.file(Path(source), Path(target))
print(json.dumps([planned.memory_bytes / 1e6, planned.image_bytes / 1e6, status("VmHWM") - before]))
"""


def _upscaled(bundle: Bundle, source: Path, target: Path) -> None:
    FileUpscaler(bundle, UpscaleOptions(tile_size=(40, 37)), FileOptions()).file(source, target)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_strips_and_rows_give_the_same_file(
    suffix: str, any_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The small generator's projection is active, so that all pieces come twice."""
    source = save_photograph(tmp_path / "in.png", (150, 90))
    _upscaled(any_bundle, source, tmp_path / f"whole{suffix}")
    monkeypatch.setattr(writing, "STREAMED_FROM_BYTES", 0)
    in_strips = functools.partial(strips.opened_in_strips, from_bytes=0)
    monkeypatch.setattr(upscale_files, "opened_in_strips", in_strips)
    monkeypatch.setattr(upscale_files, "read_picture", None)
    _upscaled(any_bundle, source, tmp_path / f"rows{suffix}")
    found, expected = (read_picture(tmp_path / f"{name}{suffix}") for name in ("rows", "whole"))
    assert np.array_equal(found.pixels, expected.pixels)


def test_strips_hold_what_tiles_and_their_glue_read() -> None:
    """The rows of the tile, and two beyond the kept ones for colours, where the image has them."""
    image = np.arange(100, dtype=np.uint8)[:, None, None].repeat(3, axis=2)
    found = [strip_around(HeldRows(image), span) for span in cut(100, 40, 1)]
    assert [(int(one.pixels[0, 0, 0]), int(one.pixels[-1, 0, 0])) for one in found] == [(0, 40), (37, 78), (60, 99)]
    assert [one.top for one in found] == [0, 37, 60]


def test_planned_time_and_memory_count_the_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It works after the network where the output is written as a whole, and next to it where rows are written."""
    source = save_photograph(tmp_path / "in.png", (150, 90))
    monkeypatch.setattr(upscale_files, "writing_seconds", lambda *_, **__: 500.0)
    monkeypatch.setattr(Upscaler, "seconds_per_tile", lambda *_: 1.0)
    upscaler = FileUpscaler(open_bundle(RELEASED_BUNDLE), UpscaleOptions(tile_size=(40, 37)), FileOptions())
    whole = next(upscaler.planned(source, tmp_path / "out.jpg"))
    monkeypatch.setattr(writing, "STREAMED_FROM_BYTES", 0)
    rows, tiff = (next(upscaler.planned(source, tmp_path / f"out{suffix}")) for suffix in (".jpg", ".tif"))
    assert isinstance(whole, PlannedImage) and isinstance(rows, PlannedImage) and isinstance(tiff, PlannedImage)
    assert whole.seconds == whole.plan.grid.tiles + 500
    last = rows.plan.grid.rows[-1]
    assert rows.seconds == 500 + 500 * (last.keep_stop - last.keep_start) / 150
    assert rows.image_bytes > tiff.image_bytes + 5_000_000


def test_planned_time_is_that_of_a_part_times_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice 128x512 of 256x1024 pixels are written; a clock that ticks at each look stands in for time."""
    written: list[tuple[int, ...]] = []
    monkeypatch.setattr(time, "perf_counter", functools.partial(next, itertools.count(0, 3)))
    put = PictureWriter.put

    def recorded(self: PictureWriter, top: int, left: int, values: NDArray[np.float32]) -> None:
        written.append(values.shape)
        put(self, top, left, values)

    monkeypatch.setattr(PictureWriter, "put", recorded)
    picture = read_picture(save_photograph(tmp_path / "in.png", (256, 1024)))
    seconds = writing_time.writing_seconds(picture, ".jpg", scale=2, quality=None, streamed=False)
    assert (seconds, written) == (3 * 4, [(3, 256, 1024)] * 2)


def _large_photograph(path: Path, height: int) -> Path:
    """640 pixels wide, of a pattern that compresses like a photograph."""
    rows = np.arange(height, dtype=np.float32)[:, None, None]
    columns = np.arange(640, dtype=np.float32)[None, :, None]
    phases = np.array([0, 1, 2], dtype=np.float32)
    values = 127 + 60 * np.sin(rows / 9 + phases) + 60 * np.sin(columns / 7 - phases)
    noise = np.random.default_rng(0).normal(0, 4, values.shape)
    Image.fromarray((values + noise).clip(0, 255).astype(np.uint8)).save(path, quality=90)
    return path


def _peak(bundle: Bundle, runtime: str, height: int, folder: Path) -> tuple[float, float]:
    """MB that were planned, and the highest resident memory above the interpreter with its runtime."""
    source = _large_photograph(folder / f"{height}.jpg", height)
    command = [sys.executable, "-P", "-c", _PEAK, bundle.root, runtime, source, folder / "out.jpg"]
    done = subprocess.run(list(map(str, command)), env=_ENVIRONMENT, capture_output=True, text=True, check=True)
    tile_mb, image_mb, peak_mb = json.loads(done.stdout.splitlines()[-1])
    return tile_mb + image_mb, peak_mb


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["ort", "tflite"])
def test_memory_does_not_grow_with_the_photograph(runtime: str, mobile_bundle: Bundle, tmp_path: Path) -> None:
    """The larger one has 41 megapixels, which are 164 MB as Pillow holds them."""
    (_, smaller), (planned, larger) = (_peak(mobile_bundle, runtime, height, tmp_path) for height in (2200, 4000))
    assert larger == pytest.approx(planned, rel=0.2)
    assert larger <= 1.1 * smaller
    assert larger < 160


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["torchscript", "openvino", "mnn", "ncnn"])
def test_memory_is_as_planned(runtime: str, mobile_bundle: Bundle, tmp_path: Path) -> None:
    planned, peak = _peak(mobile_bundle, runtime, 1300, tmp_path)
    assert peak == pytest.approx(planned, rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_half_file_at_whatever_moment_it_ends(number: signal.Signals, mobile_bundle: Bundle, tmp_path: Path) -> None:
    """Ten moments each: under the final name stands the old file or the whole new one."""
    source, target = _large_photograph(tmp_path / "in.jpg", 800), tmp_path / "out.png"
    command = [sys.executable, "-P", "-m", "edgesr", "upscale", str(source), str(target)]
    command += ["--bundle", str(mobile_bundle.root), "--memory", "64MB"]
    began = time.monotonic()
    subprocess.run(command, env=_ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    took, whole = time.monotonic() - began, target.read_bytes()
    moments = random.Random(number).choices(range(5, 100), k=10)
    for moment in moments:
        target.write_bytes(b"old")
        process = subprocess.Popen(command, env=_ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(took * moment / 100)
        process.send_signal(number)
        process.wait()
        assert target.read_bytes() in (b"old", whole)
        if number == signal.SIGINT:
            assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jpg", "out.png"]
