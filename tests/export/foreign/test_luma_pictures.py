"""Photographs, grey images and files through a network of one channel, in tiles and whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesr.benchmarks.latency.end_to_end import measure_end_to_end
from edgesr.benchmarks.latency.settings import EndToEndSettings
from edgesr.benchmarks.report.drawn.pictures import make_pictures
from edgesr.export.calibration.photographs import photograph
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.images.image_io import read_picture
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.plan import plan_upscale
from edgesr.runtimes.upscaling.upscale import upscale, upscale_rows
from tests.helpers.foreign.as_the_papers import as_the_papers, image_of

RunCli = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (17, 23), (70, 45)])
@pytest.mark.parametrize("artifact", ["onnx-fp32-tile", "torchscript-fp32-tile", "onnx-fp32-full"])
def test_colour_photographs_come_out_as_the_papers_have_them(
    artifact: str, size: tuple[int, int], espcn_bundle: Bundle
) -> None:
    image = image_of("coffee", size)
    tiles = {} if artifact.endswith("full") else {"tile_size": (33, 24)}
    found = upscale(image, espcn_bundle, UpscaleOptions(artifact_id=artifact, **tiles))  # type: ignore[arg-type]
    expected = as_the_papers("espcn", image, 3)
    assert np.abs(found - expected).max() < 0.01
    assert max(np.ptp(found[:, :, 0] - found[:, :, 1]), np.abs(found[:, :, 0] - found[:, :, 2]).max()) > 10


@pytest.mark.parametrize(("multiple", "size"), [(8, (17, 23)), (64, (70, 45))])
def test_colours_at_the_border_are_those_of_the_image_alone(
    multiple: int, size: tuple[int, int], espcn_bundle: Bundle
) -> None:
    """At the border the network gets an extended image: its luma is another one, and cancels out here."""
    bundle = replace(espcn_bundle, manifest=replace(espcn_bundle.manifest, multiple=multiple))
    image = photograph("coffee", size).transpose(1, 2, 0) / 2 + 64  # nothing of its picture is clipped
    found = upscale(image, bundle, UpscaleOptions(artifact_id="onnx-fp32-tile", tile_size=(24, 24)))
    expected = as_the_papers("espcn", image, 3)
    assert found.min() > 0 and found.max() < 255
    for channel in (0, 2):
        differences = [picture[:, :, channel] - picture[:, :, 1] for picture in (found, expected)]
        assert np.abs(differences[0] - differences[1]).max() < 0.01


def test_rows_and_other_dtypes_are_the_same_picture(espcn_bundle: Bundle) -> None:
    image = np.rint(image_of("coffee", (70, 45)))
    whole = upscale(image, espcn_bundle, UpscaleOptions(artifact_id="onnx-fp32-full"))
    bands = list(upscale_rows(image, espcn_bundle, UpscaleOptions(tile_size=(24, 33))))
    assert len(bands) > 1
    assert np.abs(np.concatenate(bands) - whole).max() < 0.01
    for dtype, unit in ((np.uint8, 1), (np.uint16, 257)):
        found = upscale((image * unit).astype(dtype), espcn_bundle)
        assert found.dtype == dtype
        assert np.abs(found.astype(np.float64) / unit - whole).max() <= 0.51


def test_a_self_ensemble_is_the_mean_of_eight_runs(espcn_bundle: Bundle) -> None:
    image = image_of("cat", (20, 30))
    turned = [(k, flip) for k in range(4) for flip in (False, True)]
    runs = []
    for k, flip in turned:
        seen = np.rot90(image[:, ::-1] if flip else image, k)
        back = np.rot90(as_the_papers("espcn", np.ascontiguousarray(seen), 3), -k)
        runs.append(back[:, ::-1] if flip else back)
    found = upscale(image, espcn_bundle, UpscaleOptions(self_ensemble=True))
    inside = (found > 1) & (found < 254)  # elsewhere the mean of clipped pictures is another one
    assert np.abs(found - np.mean(runs, axis=0))[inside].max() < 0.01


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_images_stay_grey(dtype: type, espcn_bundle: Bundle) -> None:
    unit = 257 if dtype == np.uint16 else 1
    grey = (np.rint(photograph("coffee", (50, 61))[0]) * unit).astype(dtype)
    for options in (UpscaleOptions(tile_size=(24, 24)), UpscaleOptions(self_ensemble=True)):
        found = upscale(grey, espcn_bundle, options)
        assert found.shape == (150, 183, 3)
        assert np.array_equal(found, np.repeat(found[:, :, :1], 3, axis=2))


def test_memory_of_an_ensemble_is_that_of_one_channel(espcn_bundle: Bundle) -> None:
    needs = [
        plan_upscale(espcn_bundle, (90, 90), UpscaleOptions(tile_size=(40, 40), self_ensemble=ensemble)).memory_bytes
        for ensemble in (False, True)
    ]
    assert needs[0] is not None and needs[1] is not None
    assert needs[1] - needs[0] == 7 * 4 * 9 * 40 * 40


def test_files_keep_what_they_are_and_the_colours_are_told_once(
    espcn_bundle: Bundle, tmp_path: Path, run_cli: RunCli
) -> None:
    (tmp_path / "in").mkdir()
    rgb = Image.fromarray(image_of("coffee", (20, 30)).astype(np.uint8))
    for mode in ("RGB", "RGBA", "L", "LA"):
        rgb.convert(mode).save(tmp_path / "in" / f"{mode}.png")
    code, _, stderr = run_cli("upscale", tmp_path / "in", tmp_path / "out", "--bundle", espcn_bundle.root)
    assert (code, stderr.count("\n"), stderr.count("1 channel: luma")) == (0, 1, 1)
    found = {mode: read_picture(tmp_path / "out" / f"{mode}.png") for mode in ("RGB", "RGBA", "L", "LA")}
    for mode, picture in found.items():
        assert picture.grey == mode.startswith("L")
        assert (picture.alpha is not None) == mode.endswith("A")
    expected = as_the_papers("espcn", np.asarray(rgb).astype(np.float32), 3)
    assert np.abs(found["RGB"].pixels - expected).max() <= 0.51
    assert np.array_equal(found["RGBA"].pixels, found["RGB"].pixels)
    out = ("--bundle", espcn_bundle.root)
    assert run_cli("upscale", tmp_path / "in" / "L.png", tmp_path / "grey.png", *out)[2] == ""
    assert run_cli("upscale", tmp_path / "in" / "RGB.png", tmp_path / "x.png", *out, "--dry-run")[0] == 0


def test_a_photograph_is_timed_from_file_to_file(espcn_bundle: Bundle) -> None:
    artifact = espcn_bundle.artifact("onnx-fp32-tile")
    settings = EndToEndSettings(size=(60, 70), repeats=1, memory_bytes=None)
    timed = measure_end_to_end(espcn_bundle, artifact, runtime="ort", threads=1, settings=settings)
    assert timed.size == (60, 70) and timed.network_ms > 0


def test_pictures_of_a_report(espcn_bundle: Bundle, tmp_path: Path) -> None:
    """Each artifact's picture of a golden is PyTorch's; photographs keep their colours."""
    Image.fromarray(image_of("coffee", (60, 70)).astype(np.uint8)).save(tmp_path / "photo.png")
    pictures = make_pictures(espcn_bundle, [tmp_path / "photo.png"])
    assert pictures.notes == ()
    assert len(pictures.compared) == 3
    for compared in pictures.compared:
        assert {a.id for a in espcn_bundle.manifest.artifacts} <= compared.pictures.keys()
        assert all(heat.largest < 0.01 for heat in compared.heat_maps)
