"""Upscaling folders: what is written, what is refused before, and what does not stop the others."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import read_image
from edgesr.runtimes.upscaling.folders.journal import JOURNAL_FILE
from edgesr.runtimes.upscaling.options import FileOptions
from tests.helpers.folder_runs import folder_run, four_photographs, listing, save_photograph, written_names
from tests.helpers.whole_runs import RUNTIMES_HERE, run_whole


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return four_photographs(tmp_path / "in")


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_folder(runtime: str, mobile_bundle: Bundle, tmp_path: Path) -> None:
    """Every image, whatever its format and size; files that are no images by suffix are left out."""
    (tmp_path / "in").mkdir()
    for name, size in (("b.png", (64, 64)), ("a.jpg", (32, 48)), ("c.webp", (2, 2))):
        save_photograph(tmp_path / "in" / name, size)
    (tmp_path / "in" / "notes.txt").touch()
    target = tmp_path / "new" / "out"
    report = folder_run(mobile_bundle, tmp_path / "in", target, runtime=runtime, threads=2)
    assert [(w.path, w.height, w.width, w.runtime) for w in report.written] == [
        (target / "a.png", 128, 192, runtime),
        (target / "b.png", 256, 256, runtime),
        (target / "c.png", 8, 8, runtime),
    ]
    assert (report.done_before, report.failures) == (0, ())
    assert listing(target) == ["a.png", "b.png", "c.png"]
    expected = run_whole(mobile_bundle, read_image(tmp_path / "in" / "b.png"))
    assert np.abs(read_image(target / "b.png") - expected).max() <= 0.51


def test_suffix_and_quality(mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    sizes = []
    for quality in (20, 95):
        report = folder_run(mobile_bundle, source, tmp_path / "out", FileOptions(suffix=".jpg", quality=quality))
        assert written_names(report) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
        sizes.append((tmp_path / "out" / "a.jpg").stat().st_size)
    assert sizes[0] < sizes[1] / 1.5
    assert (tmp_path / "out" / "a.jpg").read_bytes()[:2] == b"\xff\xd8"


@pytest.mark.parametrize("suffix", [".gif", "png", "/x.png", ""])
def test_unknown_suffix_is_refused(suffix: str) -> None:
    with pytest.raises(InputError, match=f"--suffix '{suffix}': give one of .png, .jpg"):
        FileOptions(suffix=suffix)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (FileOptions(quality=50), "lossless"),
        (FileOptions(suffix=".jpg", quality=101), "101"),
    ],
)
def test_format_that_cannot_be_written_is_refused_before(
    files: FileOptions, message: str, mobile_bundle: Bundle, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        folder_run(mobile_bundle, source, tmp_path / "out", files)
    assert not (tmp_path / "out").exists()


def test_files_of_one_stem_keep_their_suffixes(mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    save_photograph(source / "a.jpg", (9, 7))
    report = folder_run(mobile_bundle, source, tmp_path / "out")
    assert written_names(report) == ["a.jpg.png", "a.png.png", "b.png", "c.png", "d.png"]
    assert listing(tmp_path / "out") == written_names(report)
    assert read_image(tmp_path / "out" / "a.jpg.png").shape == (3, 36, 28)
    assert read_image(tmp_path / "out" / "a.png.png").shape == (3, 40, 56)


def test_same_folder_is_refused(mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    before = {path: path.read_bytes() for path in source.iterdir()}
    for target in (source, source / ".." / "in", tmp_path / "link"):
        with pytest.raises(InputError, match="is the folder of the images"):
            folder_run(mobile_bundle, source, target)
    assert {path: path.read_bytes() for path in source.iterdir()} == before


def test_the_bundle_is_never_written_into(mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(mobile_bundle.root)
    before = listing(mobile_bundle.root)
    for target in (mobile_bundle.root, tmp_path / "link" / "new"):
        with pytest.raises(InputError, match="is inside the bundle"):
            folder_run(mobile_bundle, source, target)
    assert listing(mobile_bundle.root) == before


def test_file_in_place_of_the_output_folder_is_refused(mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    for target in (tmp_path / "out", tmp_path / "out" / "below"):
        with pytest.raises(InputError, match=re.escape(str(target))):
            folder_run(mobile_bundle, source, target)
    assert (tmp_path / "out").read_text() == "mine"


def test_folder_without_images_is_refused(mobile_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match=f"{re.escape(str(tmp_path / 'in'))}: no image in it"):
        folder_run(mobile_bundle, tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_broken_image_does_not_stop_the_others(mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    """It is named; what was done is not done again when the run is repeated with the image in order."""
    (source / "b.png").write_text("no picture")
    target = tmp_path / "out"
    report = folder_run(mobile_bundle, source, target)
    assert written_names(report) == ["a.png", "c.png", "d.png"]
    (failure,) = report.failures
    assert str(source / "b.png") in failure
    assert listing(target) == [JOURNAL_FILE, "a.png", "c.png", "d.png"]
    save_photograph(source / "b.png")
    report = folder_run(mobile_bundle, source, target)
    assert (written_names(report), report.done_before, report.failures) == (["b.png"], 3, ())
    assert listing(target) == ["a.png", "b.png", "c.png", "d.png"]
