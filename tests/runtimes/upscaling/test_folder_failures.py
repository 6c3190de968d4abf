"""Faults of one image of a folder that cost that image alone, and faults that end the run at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, MissingPackageError
from edgesr.runtimes.images import sixteen_bit
from edgesr.runtimes.images.image_io import read_picture
from edgesr.runtimes.images.picture_writer import PictureWriter
from edgesr.runtimes.interface.runtime import Runtime
from edgesr.runtimes.upscaling import files as upscale_files
from edgesr.runtimes.upscaling.files import FileUpscaler
from edgesr.runtimes.upscaling.folders.journal import JOURNAL_FILE
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
from edgesr.runtimes.upscaling.upscale import Upscaler
from tests.helpers.folder_runs import folder_run, four_photographs, listing, written_names

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return four_photographs(tmp_path / "in")


def save_deep(path: Path) -> Path:
    """A 16-bit colour PNG with alpha, which takes pyvips; its name need not be UTF-8."""
    pixels = np.random.default_rng(8).integers(0, 65536, (9, 7, 4)).astype(np.uint16)
    sixteen_bit.write_png(path, pixels, icc=None, exif=None)
    return path


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_missing_package_of_one_image(
    options: tuple[str, ...],
    run_cli: RunCli,
    mobile_bundle: Bundle,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_deep(source / "b.png")
    monkeypatch.setitem(sys.modules, "pyvips", None)
    code, out, err = run_cli("upscale", source, tmp_path / "out", "--bundle", mobile_bundle.root, *options)
    assert code == 2
    assert f"1 image of {source} could not be upscaled: {source / 'b.png'}: has 16 bits" in err.splitlines()[-1]
    assert "pip install 'edgesr[images]'" in err
    assert [str(tmp_path / "out" / f"{name}.png") in out for name in "abcd"] == [True, False, True, True]
    assert (tmp_path / "out").exists() == (not options)


@pytest.mark.parametrize("runtime", [None, "ort"])
def test_missing_runtime_ends_the_run_before_anything_is_made(
    runtime: str | None, mobile_bundle: Bundle, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runtime, "version", lambda _: None)
    with pytest.raises(MissingPackageError, match=r"runtime 'ort' .* not installed"):
        folder_run(mobile_bundle, source, tmp_path / "out", runtime=runtime)
    with pytest.raises(MissingPackageError, match=r"runtime 'ort' .* not installed"):
        list(FileUpscaler(mobile_bundle, UpscaleOptions(), FileOptions()).planned(source, tmp_path / "out"))
    assert listing(tmp_path) == ["in"]


def failing_at(name: str, error: BaseException, function: Callable[..., Any], place: int) -> Callable[..., Any]:
    """The function, but raising where its argument at that place names the file."""

    def call(*arguments: Any, **options: Any) -> Any:
        if Path(arguments[place]).name == name:
            raise error
        return function(*arguments, **options)

    return call


@pytest.mark.parametrize("step", ["reading", "upscaling", "opening the output"])
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "b.png: too large for the memory of this machine; give a smaller image"),
        (OSError(5, "Input/output error", "disk"), "b.png: cannot be upscaled: disk: Input/output error"),
        (EdgesrError("onnx-fp32-tile gives values that are not finite"), "onnx-fp32-tile gives values"),
    ],
)
def test_failure_of_one_image_is_its_own(
    step: str,
    error: BaseException,
    message: str,
    mobile_bundle: Bundle,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if step == "reading":
        monkeypatch.setattr(upscale_files, "read_picture", failing_at("b.png", error, read_picture, 0))
    elif step == "upscaling":
        monkeypatch.setattr(Upscaler, "run", failing_at("b.png", error, Upscaler.run, 3))
    else:
        monkeypatch.setattr(PictureWriter, "__init__", failing_at("b.png", error, PictureWriter.__init__, 1))
    report = folder_run(mobile_bundle, source, tmp_path / "out")
    assert written_names(report) == ["a.png", "c.png", "d.png"]
    assert len(report.failures) == 1 and message in report.failures[0]
    assert listing(tmp_path / "out") == [JOURNAL_FILE, "a.png", "c.png", "d.png"]


def test_image_that_vanishes_meanwhile(mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    """Before it is read, and between two runs although the first one wrote it."""
    with pytest.raises(KeyboardInterrupt):
        folder_run(mobile_bundle, source, tmp_path / "out", stop_at="c.png")
    upscaler = FileUpscaler(mobile_bundle, UpscaleOptions(), FileOptions())
    pairs = upscaler.pairs(source, tmp_path / "out")
    (source / "a.png").unlink()
    (source / "d.png").unlink()
    upscaler.pairs = lambda *_: pairs  # type: ignore[method-assign]
    report = upscaler.folder(source, tmp_path / "out")
    assert written_names(report) == ["c.png"]
    assert sorted(failure.partition(": ")[0] for failure in report.failures) == [
        str(source / "a.png"),
        str(source / "d.png"),
    ]


def test_name_that_is_too_long_and_place_that_is_taken(mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    long = "n" * 251
    (source / "a.png").rename(source / f"{long}.png")
    (tmp_path / "out" / "b.tiff").mkdir(parents=True)
    report = folder_run(mobile_bundle, source, tmp_path / "out", FileOptions(suffix=".tiff"))
    assert written_names(report) == ["c.tiff", "d.tiff"]
    assert [f"{long}.png: cannot be upscaled" in failure for failure in report.failures] == [False, True]
    assert "b.tiff: is a folder" in report.failures[0]


def test_names_that_are_not_utf_8(run_cli: RunCli, mobile_bundle: Bundle, source: Path, tmp_path: Path) -> None:
    """They are read, written, told and noted as done, in 8 and 16 bits."""
    (source / "a.png").rename(source / os.fsdecode(b"\xff.png"))
    save_deep(source / os.fsdecode(b"\xfe.png"))
    with pytest.raises(KeyboardInterrupt):
        folder_run(mobile_bundle, source, tmp_path / "out", stop_at=os.fsdecode(b"\xff.png"))
    code, out, _ = run_cli("upscale", source, tmp_path / "out", "--bundle", mobile_bundle.root)
    assert code == 0
    assert [line.split(": ")[0] for line in out.splitlines()] == [f"{tmp_path / 'out'}/\\udcff.png"]
    assert listing(tmp_path / "out") == listing(source)
    assert read_picture(tmp_path / "out" / os.fsdecode(b"\xfe.png")).bits == 16
