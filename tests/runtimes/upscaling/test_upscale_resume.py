"""Folder runs that were interrupted or killed go on where they stopped, and only there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.images.image_io import read_image
from edgesr.runtimes.upscaling.folders.journal import JOURNAL_FILE
from edgesr.runtimes.upscaling.options import FileOptions
from tests.helpers.folder_runs import folder_run, four_photographs, listing, save_photograph, written_names
from tests.helpers.places import ROOT


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return four_photographs(tmp_path / "in")


def _interrupted(bundle: Bundle, source: Path, target: Path, **options: Any) -> None:
    """A run that is interrupted in the third of four images."""
    with pytest.raises(KeyboardInterrupt):
        folder_run(bundle, source, target, stop_at="c.png", **options)
    assert listing(target) == [JOURNAL_FILE, "a.png", "b.png"]


def test_interrupted_run_goes_on(mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    """Memory, tiles and threads may differ: they do not change the result. A finished run starts anew."""
    target = tmp_path / "out"
    _interrupted(mobile_bundle, source, target)
    stamps = {name: (target / name).stat().st_mtime_ns for name in ("a.png", "b.png")}
    report = folder_run(mobile_bundle, source, target, threads=2, memory_bytes=10**8, tile_size=(40, 40))
    assert (written_names(report), report.done_before) == (["c.png", "d.png"], 2)
    assert listing(target) == ["a.png", "b.png", "c.png", "d.png"]
    assert {name: (target / name).stat().st_mtime_ns for name in stamps} == stamps
    assert len(folder_run(mobile_bundle, source, target).written) == 4


@pytest.mark.parametrize(
    ("files", "options"),
    [
        (FileOptions(), {"self_ensemble": True}),
        (FileOptions(), {"runtime": "tflite"}),
        (FileOptions(max_megapixels=9), {}),
    ],
)
def test_other_settings_do_everything_again(
    files: FileOptions, options: dict[str, Any], mobile_bundle: Bundle, source: Path, tmp_path: Path
) -> None:
    _interrupted(mobile_bundle, source, tmp_path / "out")
    report = folder_run(mobile_bundle, source, tmp_path / "out", files, **options)
    assert (len(report.written), report.done_before) == (4, 0)


def test_another_bundle_does_everything_again(
    mobile_bundle: Bundle, projection_bundle: Bundle, source: Path, tmp_path: Path
) -> None:
    _interrupted(mobile_bundle, source, tmp_path / "out")
    assert len(folder_run(projection_bundle, source, tmp_path / "out").written) == 4


def test_what_changed_is_done_again(mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    """A source of other content, a result that was removed, one that was edited."""
    target = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        folder_run(mobile_bundle, source, target, stop_at="d.png")
    save_photograph(source / "a.png", (21, 17))
    (target / "b.png").unlink()
    (target / "c.png").write_bytes(b"edited")
    save_photograph(source / "0.png")
    report = folder_run(mobile_bundle, source, target)
    assert written_names(report) == ["0.png", "a.png", "b.png", "c.png", "d.png"]
    assert read_image(target / "a.png").shape == (3, 84, 68)


@pytest.mark.parametrize("content", ["", "{", "[]", "1", '{"done": 3}', "\udcff", "[" * 100_000, '{"settings": {}}'])
def test_damaged_journal_is_ignored(content: str, mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / JOURNAL_FILE).write_bytes(content.encode(errors="surrogateescape"))
    assert len(folder_run(mobile_bundle, source, target).written) == 4
    assert listing(target) == ["a.png", "b.png", "c.png", "d.png"]


@pytest.mark.parametrize("done", [[], {"a.png": 1, "b.png": [[1], None]}, None, "x"])
def test_journal_of_other_content_is_ignored(done: object, mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    _interrupted(mobile_bundle, source, target)
    settings = json.loads((target / JOURNAL_FILE).read_text().splitlines()[0])
    (target / JOURNAL_FILE).write_text(json.dumps({**settings, "done": done}, indent=2))
    assert len(folder_run(mobile_bundle, source, target).written) == 4


def test_journal_of_the_released_version_and_one_that_is_cut_off(
    mobile_bundle: Bundle, source: Path, tmp_path: Path
) -> None:
    """Version 0.1.0 wrote one object; a killed process leaves a part of a line, after which others must be read."""
    target = tmp_path / "out"
    _interrupted(mobile_bundle, source, target)
    file = target / JOURNAL_FILE
    settings, *done = map(json.loads, file.read_text().splitlines())
    assert [list(one) for one in done] == [["a.png"], ["b.png"]]
    file.write_text(json.dumps({**settings, "done": done[0] | done[1]}, indent=2))
    with pytest.raises(KeyboardInterrupt):
        folder_run(mobile_bundle, source, target, stop_at="d.png")
    file.write_text(file.read_text() + '{"d.png": ["d.p')
    save_photograph(source / "a.png", (21, 17))
    with pytest.raises(KeyboardInterrupt):
        folder_run(mobile_bundle, source, target, stop_at="d.png")
    report = folder_run(mobile_bundle, source, target)
    assert (written_names(report), report.done_before) == (["d.png"], 3)


@pytest.mark.slow
def test_killed_run_goes_on(mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    """A real process, killed while it works: every image that is there is whole, the rest is done afterwards."""
    for number in range(40):
        save_photograph(source / f"e{number:02}.png", (120, 120))
    target = tmp_path / "out"
    command = [sys.executable, "-P", "-c", "from edgesr.cli.main import main; main()", "upscale", source, target]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*map(str, command), "--bundle", str(mobile_bundle.root)], env=environment, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not (target / "e01.png").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    images = [path for path in target.iterdir() if not path.name.startswith(".")]
    assert 6 <= len(images) < 44
    for image in images:
        small = read_image(source / image.name).shape
        assert read_image(image).shape == (3, 4 * small[1], 4 * small[2])
    report = folder_run(mobile_bundle, source, target)
    assert len(images) - 1 <= report.done_before <= len(images)
    assert report.done_before + len(report.written) == 44
    assert [name for name in listing(target) if not name.startswith(".")] == listing(source)
    assert not (target / JOURNAL_FILE).exists()
