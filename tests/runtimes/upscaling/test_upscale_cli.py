"""The command `edgesr upscale`: what it writes, tells, and refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.images.image_io import read_image, read_picture
from tests.helpers.folder_runs import four_photographs, listing, save_photograph
from tests.helpers.whole_runs import channels_first, exposed, run_whole

RunCli = Callable[..., tuple[int, str, str]]


def test_one_image(run_cli: RunCli, any_bundle: Bundle, tmp_path: Path) -> None:
    source, target = save_photograph(tmp_path / "in.png", (33, 47)), tmp_path / "out.png"
    assert run_cli("upscale", source, target, "--bundle", any_bundle.root) == (
        0,
        f"{target}: 188x132 by onnx-fp32-tile on ort\n",
        "",
    )
    expected = run_whole(any_bundle, read_image(source))
    assert np.abs(read_image(target) - expected).max() <= 0.51


def test_memory_and_tile_size_change_nothing_in_the_picture(
    run_cli: RunCli, any_bundle: Bundle, tmp_path: Path
) -> None:
    source = save_photograph(tmp_path / "in.png", (70, 90))
    results = []
    for options in ((), ("--memory", "20MB"), ("--memory", "0.02gb"), ("--tile-size", "33x40"), ("--threads", "2")):
        code, _, err = run_cli("upscale", source, tmp_path / "out.png", "--bundle", any_bundle.root, *options)
        assert (code, err) == (0, "")
        results.append(read_image(tmp_path / "out.png"))
    assert all(np.abs(result - results[0]).max() <= 1 for result in results)
    assert all(np.mean(result != results[0]) < 1e-3 for result in results)


def test_dry_run_tells_and_writes_nothing(run_cli: RunCli, any_bundle: Bundle, tmp_path: Path) -> None:
    source = save_photograph(tmp_path / "in.png", (70, 90))
    arguments = ("upscale", source, tmp_path / "out.png", "--bundle", any_bundle.root, "--dry-run")
    code, out, err = run_cli(*arguments, "--memory", "20MB", "--self-ensemble")
    assert (code, err) == (0, "")
    first, artifact, tiles, costs, ways = out.splitlines()
    assert first == f"{source} -> {tmp_path / 'out.png'}: 360x280"
    assert artifact.startswith("  onnx-fp32-tile") and artifact.endswith(" on ort")
    found = re.fullmatch(r"  (\d+)x(\d+) tiles of (\d+)x(\d+), 8 times each; (\d+\.\d\d) of the pixels", tiles)
    assert found is not None, tiles
    rows, columns, height, width = (int(found[group]) for group in range(1, 5))
    assert rows * columns > 1
    assert float(found[5]) == pytest.approx(rows * columns * height * width / (70 * 90), abs=0.006)
    told = re.fullmatch(r"  about (\d+) MB for a tile, (\d+) MB for the images, \d+\.\d s", costs)
    assert told is not None, costs
    assert 5 < int(told[1]) <= 20
    assert ways == "  read as a whole, written as a whole"
    assert listing(tmp_path) == ["in.png"]


def test_dry_run_of_a_folder_tells_of_every_image(run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    source = four_photographs(tmp_path / "in")
    code, out, err = run_cli("upscale", source, tmp_path / "out", "--bundle", mobile_bundle.root, "--dry-run")
    assert (code, err) == (0, "")
    assert [line.split(" -> ")[0] for line in out.splitlines()[::5]] == [str(source / f"{n}.png") for n in "abcd"]
    assert listing(tmp_path) == ["in"]


@pytest.mark.parametrize("name", ["missing/out.png", "out.gif", "folder.png"])
def test_dry_run_refuses_what_the_run_would(name: str, run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    source = save_photograph(tmp_path / "in.png", (9, 9))
    (tmp_path / "folder.png").mkdir()
    code, out, err = run_cli("upscale", source, tmp_path / name, "--bundle", mobile_bundle.root, "--dry-run")
    assert (code, out) == (2, "")
    assert str(tmp_path / name) in err


def test_dry_run_of_a_folder_with_a_broken_image(run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    """It is named, the others are told of, as the run itself does."""
    source = four_photographs(tmp_path / "in")
    (source / "b.png").write_text("no picture")
    code, out, err = run_cli("upscale", source, tmp_path / "out", "--bundle", mobile_bundle.root, "--dry-run")
    assert code == 2
    assert str(source / "b.png") in err
    assert out.count(" -> ") == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--memory", "1MB"), "memory of 1 MB is too little for tiles of onnx-fp32-tile: give at least"),
        (("--tile-size", "30x64"), "at least 31 a side"),
        (("--artifact", "onnx-fp32-tile", "--memory", "1kb"), "memory of 0 MB is too little"),
        (("--max-megapixels", "0.001"), "in.png"),
    ],
)
def test_what_does_not_fit_is_refused(
    options: tuple[str, ...], message: str, run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path
) -> None:
    source = save_photograph(tmp_path / "in.png", (90, 90))
    code, out, err = run_cli("upscale", source, tmp_path / "out.png", "--bundle", mobile_bundle.root, *options)
    assert (code, out) == (2, "")
    assert message in err and len(err.splitlines()) == 1
    assert listing(tmp_path) == ["in.png"]


def test_self_ensemble(run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    source = save_photograph(tmp_path / "in.png", (21, 30))
    for name, options in (("one.png", ()), ("eight.png", ("--self-ensemble",))):
        code, _, err = run_cli("upscale", source, tmp_path / name, "--bundle", mobile_bundle.root, *options)
        assert (code, err) == (0, "")
    flipped = run_whole(mobile_bundle, np.ascontiguousarray(read_image(source)[:, :, ::-1]))[:, :, ::-1]
    one, eight = read_image(tmp_path / "one.png"), read_image(tmp_path / "eight.png")
    assert 0 < np.abs(one - eight).mean() < 5
    assert np.abs(flipped - eight).mean() < np.abs(flipped - one).mean() * 1.5


def test_broken_image_of_a_folder(run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    """Exit code 2 at the end, the others written; repeated without it, the code is 0 and nothing is done again."""
    source = four_photographs(tmp_path / "in")
    (source / "b.png").write_text("no picture")
    arguments = ("upscale", source, tmp_path / "out", "--bundle", mobile_bundle.root)
    code, out, err = run_cli(*arguments)
    assert code == 2
    assert [line.split(": ")[0] for line in out.splitlines()] == [str(tmp_path / "out" / f"{n}.png") for n in "acd"]
    assert f"1 image of {source} could not be upscaled: {source / 'b.png'}" in err.splitlines()[-1]
    (source / "b.png").unlink()
    code, out, err = run_cli(*arguments)
    assert (code, out) == (0, "")
    assert "going on, done already: 3 of 3 images" in err
    assert listing(tmp_path / "out") == ["a.png", "c.png", "d.png"]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "1", "P"])
def test_mode_of_a_png_stays(mode: str, run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    image = Image.fromarray(exposed("cat", (12, 15)))
    if mode.endswith("A"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.convert(mode).save(tmp_path / "in.png")
    code, _, err = run_cli("upscale", tmp_path / "in.png", tmp_path / "out.png", "--bundle", mobile_bundle.root)
    assert (code, err) == (0, "")
    with Image.open(tmp_path / "out.png") as written:
        assert (written.mode, written.size) == ({"1": "L", "P": "RGB"}.get(mode, mode), (60, 48))
        if mode == "RGBA":
            assert np.unique(np.asarray(written)[:, :, 3]).size > 20


def test_16_bits_of_a_grey_png_stay(run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path) -> None:
    grey = exposed("cameraman", (12, 15))[:, :, 0].astype(np.uint16) * 257 + 11
    Image.fromarray(grey).save(tmp_path / "in.png")
    code, _, err = run_cli("upscale", tmp_path / "in.png", tmp_path / "out.png", "--bundle", mobile_bundle.root)
    assert (code, err) == (0, "")
    picture = read_picture(tmp_path / "out.png")
    assert (picture.bits, picture.grey, picture.size) == (16, True, (48, 60))
    expected = run_whole(mobile_bundle, channels_first(np.stack([grey] * 3, axis=2)) / np.float32(257)).mean(axis=0)
    assert np.abs(picture.pixels[:, :, 0] / 257 - expected).max() <= 4
