"""Parts of photographs, as all methods upscale them, next to each other in one picture a scene."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from peer_methods import Method
from peer_process import PeerError, PeerProcess, Told
from peer_runner import SCALE
from PIL import Image, ImageDraw, ImageFont

from edgesr.benchmarks.quality.degradations import Degradation, parse_degradation
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import read_rgb8

COLUMNS = 3
LABEL_HEIGHT = 22
GAP = 6
QUALITY = 84
_FONT_SIZE = 14


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A photograph, its noise or compression (seed 0), and the part of it that is upscaled; its edge is not shown.

    ``photograph``: a file, or the name of one that edgesr ships. ``left`` and ``top`` are in its pixels, those of the
    middle where they are None.
    """

    name: str
    photograph: str
    degradation: str
    left: int | None = None
    top: int | None = None


WIDTH, HEIGHT = 76, 57
"""What is shown, in pixels of the photograph."""
EDGE = 24
SCENES = (
    Scene(name="cat_clean", photograph="cat.png", degradation="clean", left=54, top=6),
    Scene(name="astronaut_noise8", photograph="astronaut.png", degradation="noise:8", left=8, top=4),
    Scene(name="coffee_jpeg30", photograph="coffee.png", degradation="jpeg:30", left=16, top=16),
)
SHOWN = (
    "pillow-bicubic",
    "realesrgan-x4plus",
    "realesrgan-animevideov3",
    "realsr-df2k",
    "realcugan-conservative",
    "waifu2x-photo",
    "srrescycgan-mobile-real",
    "srrescycgan-mobile-clean",
)


def draw(
    methods: Sequence[Method], pythons: dict[str, Path], scenes: Sequence[Scene], output: Path, told: Told
) -> list[Path]:
    """Write one JPEG a scene into the folder ``output``; a method that fails has its reason in its place."""
    chosen = [one for name in SHOWN for one in methods if one.name == name]
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        sources = {scene.name: _input(scene, Path(folder)) for scene in scenes}
        panels = {scene.name: [("input", _enlarged(sources[scene.name]))] for scene in scenes}
        for method in chosen:
            told(method.title)
            for scene in scenes:
                panel = _upscaled(method, pythons, sources[scene.name])
                panels[scene.name].append((method.title, panel))
    written = []
    for scene in scenes:
        written.append(output / f"{scene.name}.jpg")
        sheet(panels[scene.name]).save(written[-1], quality=QUALITY)
    return written


def sheet(panels: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Labelled panels of one size in rows of three, on white."""
    width, height = panels[0][1].size
    rows = -(-len(panels) // COLUMNS)
    step = (width + GAP, height + LABEL_HEIGHT + GAP)
    canvas = Image.new("RGB", (COLUMNS * step[0] - GAP, rows * step[1] - GAP), "white")
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(_FONT_SIZE)
    for place, (label, panel) in enumerate(panels):
        left, top = place % COLUMNS * step[0], place // COLUMNS * step[1]
        pen.text((left + 2, top + 2), label, fill="black", font=font)
        canvas.paste(panel, (left, top + LABEL_HEIGHT))
    return canvas


def _input(scene: Scene, folder: Path) -> Path:
    """The part of the photograph that the methods get."""
    given = Path(scene.photograph)
    pixels = read_rgb8(given if given.is_file() else Path(str(files("edgesr.export.photographs") / scene.photograph)))
    steps = parse_degradation(scene.degradation)
    if not isinstance(steps, Degradation) or steps.blur:
        raise InputError(
            f"degradation {scene.degradation!r}: give noise, JPEG or both, which spoil a picture of any size"
        )
    spoilt = steps.spoil(pixels, np.random.default_rng(0))
    height, width = HEIGHT + 2 * EDGE, WIDTH + 2 * EDGE
    top = (spoilt.shape[0] - height) // 2 if scene.top is None else scene.top
    left = (spoilt.shape[1] - width) // 2 if scene.left is None else scene.left
    if min(top, left) < 0 or top + height > spoilt.shape[0] or left + width > spoilt.shape[1]:
        raise InputError(f"{scene.photograph}: has no {width}x{height} pixels at {left}, {top}; give a larger one")
    file = folder / f"{scene.name}.png"
    Image.fromarray(spoilt[top : top + height, left : left + width]).save(file)
    return file


def _enlarged(source: Path) -> Image.Image:
    """Every pixel as a square."""
    return _shown(source, 1).resize((WIDTH * SCALE, HEIGHT * SCALE), Image.Resampling.NEAREST)


def _upscaled(method: Method, pythons: dict[str, Path], source: Path) -> Image.Image:
    """The picture that the method makes, or the reason why there is none."""
    target = source.with_name("out.png")
    try:
        with PeerProcess(method, pythons) as process:
            process.upscale(source, target)
    except PeerError as error:
        panel = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), "lightgrey")
        ImageDraw.Draw(panel).text((4, 4), str(error)[:60], fill="black")
        return panel
    return _shown(target, SCALE)


def _shown(file: Path, scale: int) -> Image.Image:
    left, top, right, bottom = (scale * one for one in (EDGE, EDGE, EDGE + WIDTH, EDGE + HEIGHT))
    with Image.open(file) as image:
        return image.convert("RGB").crop((left, top, right, bottom))
