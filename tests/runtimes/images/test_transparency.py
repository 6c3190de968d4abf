"""Colours bled into transparent pixels: no fringe along an edge, and nothing else changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgesr.runtimes.arrays import PicturePixels
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.images import sixteen_bit
from edgesr.runtimes.images.colour_bleeding import bleed_colours
from edgesr.runtimes.images.image_io import read_picture
from edgesr.runtimes.images.picture import Picture
from edgesr.runtimes.upscaling.files import FileUpscaler
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
from tests.helpers.whole_runs import exposed

WHITE, RED, BLUE = (255, 255, 255), (200, 40, 30), (20, 90, 220)
SIDE, RADIUS = 61, 20.3
RNG = np.random.default_rng(9)


def disc(colour: tuple[int, int, int], softness: float) -> NDArray[np.uint8]:
    """RGBA (61,61,4): a disc whose alpha falls over so many pixels (0: at once), on transparent black."""
    y, x = np.mgrid[:SIDE, :SIDE]
    inside = RADIUS - np.hypot(y - SIDE / 2, x - SIDE / 2)
    alpha = np.clip(inside / softness + 0.5, 0, 1) if softness else inside > 0
    rgba = np.zeros((SIDE, SIDE, 4), dtype=np.uint8)
    rgba[:, :, 3] = np.rint(255 * alpha)
    rgba[rgba[:, :, 3] > 0, :3] = colour
    return rgba


def save(rgba: NDArray[np.uint8], path: Path, form: str) -> Path:
    if form == "16 bits":
        sixteen_bit.write_png(path, rgba.astype(np.uint16) * 257, icc=None, exif=None)
    elif form == "palette":
        image = Image.fromarray(rgba[:, :, 3], mode="P")  # one entry for each alpha, black where it is 0
        image.putpalette([0, 0, 0, *rgba[SIDE // 2, SIDE // 2, :3].tolist() * 255])
        image.save(path, transparency=bytes(range(256)))
    else:
        Image.fromarray(rgba).convert("LA" if form == "grey" else "RGBA").save(path)
    return path


def upscaled(bundle: Bundle, source: Path, suffix: str = ".png") -> Picture:
    target = source.with_name(f"out{suffix}")
    FileUpscaler(bundle, UpscaleOptions(), FileOptions()).file(source, target)
    return read_picture(target)


def levels(picture: Picture) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Colours (h,w,3) of 0..255, alpha (h,w,1) of 0..1."""
    assert picture.alpha is not None
    full = np.iinfo(picture.alpha.dtype).max
    return picture.pixels / full * 255, picture.alpha[:, :, np.newaxis] / full


def off_the_segment(shown: NDArray[np.float64], colour: tuple[int, int, int], background: int) -> float:
    """The distance, in levels of the worst channel, of the worst pixel (h,w,3) from all mixtures of two colours."""
    span = np.array(colour, dtype=np.float64) - background
    share = np.clip((shown - background) @ span / (span @ span), 0, 1)
    return float(np.abs(shown - background - share[:, :, np.newaxis] * span).max())


@pytest.mark.parametrize("form", ["8 bits", "16 bits", "palette", "grey"])
@pytest.mark.parametrize("softness", [0, 1, 4])
def test_white_disc_stays_white(softness: float, form: str, any_bundle: Bundle, tmp_path: Path) -> None:
    picture = upscaled(any_bundle, save(disc(WHITE, softness), tmp_path / "in.png", form))
    assert picture.bits == (16 if form == "16 bits" else 8)
    colours, alpha = levels(picture)
    assert (colours * alpha + 255 * (1 - alpha)).min() >= 250
    assert alpha.min() == 0 and alpha.max() == 1
    edge = (alpha > 0) & (alpha < 1)
    assert edge.any() and colours[np.broadcast_to(edge, colours.shape)].min() >= 250


@pytest.mark.parametrize("form", ["8 bits", "16 bits", "palette"])
@pytest.mark.parametrize("softness", [0, 1, 4])
@pytest.mark.parametrize("colour", [RED, BLUE])
def test_coloured_disc_keeps_its_colour(
    colour: tuple[int, int, int], softness: float, form: str, any_bundle: Bundle, tmp_path: Path
) -> None:
    colours, alpha = levels(upscaled(any_bundle, save(disc(colour, softness), tmp_path / "in.png", form)))
    visible = alpha[:, :, 0] > 0
    assert np.abs(colours[visible] - colour).max() <= 8
    for background in (0, 255):
        assert off_the_segment(colours * alpha + background * (1 - alpha), colour, background) <= 8


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_format_without_alpha_shows_the_disc_on_white(suffix: str, mobile_bundle: Bundle, tmp_path: Path) -> None:
    picture = upscaled(mobile_bundle, save(disc(WHITE, 4), tmp_path / "in.png", "8 bits"), suffix)
    assert picture.alpha is None
    assert picture.pixels.min() >= 250


def test_discs_of_a_folder(mobile_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    save(disc(WHITE, 0), tmp_path / "in" / "a.png", "8 bits")
    save(disc(RED, 1), tmp_path / "in" / "b.png", "16 bits")
    FileUpscaler(mobile_bundle, UpscaleOptions(), FileOptions()).folder(tmp_path / "in", tmp_path / "out")
    for name, colour in (("a.png", WHITE), ("b.png", RED)):
        colours, alpha = levels(read_picture(tmp_path / "out" / name))
        assert np.abs(colours[alpha[:, :, 0] > 0] - colour).max() <= 8


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (300, 1), (129, 43), (256, 64)])
def test_only_pixels_of_little_alpha_change(size: tuple[int, int], bits: int) -> None:
    """Every pixel of at least an eighth of full alpha stays to the bit, the others come near those around them."""
    full = 2**bits - 1
    drawn = RNG.integers(full // 2, full, (*size, 4))
    drawn[:, :, 3] = np.where(RNG.random(size) < 0.4, 0, RNG.integers(0, full, size))
    drawn[0, 0, 3] = full
    drawn[drawn[:, :, 3] == 0] = 0
    values: PicturePixels = drawn.astype(np.uint8) if bits == 8 else drawn.astype(np.uint16)
    pixels, alpha = np.ascontiguousarray(values[:, :, :3]), np.ascontiguousarray(values[:, :, 3])
    bled = bleed_colours(Picture(pixels=pixels, alpha=alpha, grey=True, icc=b"icc"))
    kept = alpha >= full / 8
    assert np.array_equal(bled.pixels[kept], values[kept, :3])
    assert bled.pixels.min() >= full // 2
    assert bled.alpha is alpha and bled.bits == bits
    assert (bled.grey, bled.icc) == (True, b"icc")
    assert np.array_equal(pixels, values[:, :, :3])


def test_colour_is_that_of_the_pixels_nearby() -> None:
    """Two halves far apart: what lies next to one of them takes nothing of the other."""
    pixels, alpha = np.zeros((64, 64, 3), dtype=np.uint8), np.zeros((64, 64), dtype=np.uint8)
    pixels[:, :8], pixels[:, 56:] = RED, BLUE
    alpha[:, :8] = alpha[:, 56:] = 255
    bled = bleed_colours(Picture(pixels=pixels, alpha=alpha)).pixels.astype(int)
    assert np.abs(bled[:, 8:10] - RED).max() <= 8
    assert np.abs(bled[:, 54:56] - BLUE).max() <= 8


@pytest.mark.parametrize("alpha", [1, 10, 25, 255])
def test_a_picture_that_is_faint_everywhere_stays_as_it_is(alpha: int) -> None:
    """An overlay of one low alpha keeps its detail to the bit."""
    pixels = RNG.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    picture = Picture(pixels=pixels, alpha=np.full((40, 50), alpha, dtype=np.uint8))
    assert np.array_equal(bleed_colours(picture).pixels, pixels)


def test_colours_of_little_alpha_count_little() -> None:
    """Red that was multiplied with its 8-bit alpha and divided again, as many programs do, is off by over 50 levels."""
    alpha = np.tile(np.arange(64, dtype=np.uint8), (8, 1))
    product = np.rint(np.array(RED) * alpha[:, :, np.newaxis] / 255)
    stored = np.rint(product * 255 / np.maximum(alpha, 1)[:, :, np.newaxis]).clip(0, 255).astype(np.uint8)
    assert np.abs(stored[:, 1:] - np.array(RED)).max() > 50
    bled = bleed_colours(Picture(pixels=stored, alpha=alpha)).pixels
    assert np.abs(bled[:, 1:].astype(int) - RED).max() <= 6


def test_faint_picture_keeps_its_colours() -> None:
    """A glow that is nowhere well visible is spread from itself."""
    alpha = np.zeros((40, 40), dtype=np.uint8)
    alpha[10:30, 10:30] = 5
    pixels = np.zeros((40, 40, 3), dtype=np.uint8)
    pixels[alpha > 0] = BLUE
    assert np.abs(bleed_colours(Picture(pixels=pixels, alpha=alpha)).pixels.astype(int) - BLUE).max() <= 1


@pytest.mark.parametrize("alpha", [None, 255, 64, 0])
def test_picture_with_nothing_to_bleed_is_given_back(alpha: int | None) -> None:
    """Opaque, nowhere little visible, nowhere visible."""
    pixels = RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    picture = Picture(pixels=pixels, alpha=None if alpha is None else np.full((9, 7), alpha, dtype=np.uint8))
    assert bleed_colours(picture) is picture


def test_full_alpha_changes_no_colour(mobile_bundle: Bundle, tmp_path: Path) -> None:
    image = Image.fromarray(exposed("cat", (20, 30)))
    image.save(tmp_path / "opaque.png")
    image.putalpha(255)
    image.save(tmp_path / "full.png")
    opaque, full = (upscaled(mobile_bundle, tmp_path / name) for name in ("opaque.png", "full.png"))
    assert full.alpha is not None and full.alpha.min() == 255
    assert np.array_equal(opaque.pixels, full.pixels)


def test_invisible_picture_stays_invisible(any_bundle: Bundle, tmp_path: Path) -> None:
    picture = upscaled(any_bundle, save(disc(RED, 1) * 0, tmp_path / "in.png", "8 bits"))
    assert picture.alpha is not None and not picture.alpha.any()
