"""Overlapping crops and edgesr's tiles against the whole image: a table of errors, and a picture of them.

python docs/tiling/compare.py BUNDLE IMAGE... [--region TOP,LEFT,HEIGHT,WIDTH] [--exposure F] [--picture FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from overlapping_crops import MIN_PIXELS, Deviation, TilingComparison, compare_with_whole
from PIL import Image, ImageDraw

from edgesr.runtimes.bundle.opening import open_bundle
from edgesr.runtimes.images.image_io import read_rgb8

_PANEL_WIDTH = 480
_LABEL_HEIGHT = 24
_GAP = 8


def main() -> None:
    arguments = _arguments()
    bundle = open_bundle(arguments.bundle)
    print("| image | k, whole | k, crops | crops: max | RMS | PSNR | tiles | max | RMS | PSNR |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for path in arguments.images:
        result = compare_with_whole(
            _part(read_rgb8(path), arguments),
            bundle,
            memory_bytes=arguments.memory * 10**6,
            threads=arguments.threads,
            min_pixels=arguments.min_pixels,
        )
        print(_row(path.name, result), flush=True)
        if arguments.picture is not None:
            _picture(result, arguments.amplify).save(arguments.picture, quality=88)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--region", help="TOP,LEFT,HEIGHT,WIDTH in LR pixels instead of the whole image")
    parser.add_argument("--exposure", type=float, default=1.0, help="factor on the pixel values, clipped at 255")
    parser.add_argument("--min-pixels", type=int, default=MIN_PIXELS, help="crops with as many pixels are cut again")
    parser.add_argument("--memory", type=int, default=64, help="MB for edgesr's tiles")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--picture", type=Path, help="draws the last image")
    parser.add_argument("--amplify", type=float, default=128.0, help="factor on the differences in the picture")
    return parser.parse_args()


def _part(pixels: NDArray[np.uint8], arguments: argparse.Namespace) -> NDArray[Any]:
    if arguments.region is not None:
        top, left, height, width = map(int, arguments.region.split(","))
        pixels = pixels[top : top + height, left : left + width]
    return np.clip(pixels * np.float32(arguments.exposure), 0, 255)


def _row(name: str, result: TilingComparison) -> str:
    factors = result.crop_factors
    tiles = f"{result.tile_count} of {result.tile_size[0]}x{result.tile_size[1]}"
    crops = f"{len(factors)}: {min(factors):.3f}..{max(factors):.3f}"
    return (
        f"| {name} | {result.whole_factor:.3f} | {crops} | {_figures(result.crops_deviation)} "
        f"| {tiles} | {_figures(result.tiles_deviation)} |"
    )


def _figures(deviation: Deviation) -> str:
    return f"{deviation.max_abs_error:.2g} | {deviation.rms:.2g} | {deviation.psnr_db:.1f} dB"


def _picture(result: TilingComparison, amplify: float) -> Image.Image:
    """The whole-image result and the absolute differences from it, as panels of the same size."""
    panels = [
        ("whole image, in one piece", result.whole),
        (f"crop_forward, difference x{amplify:g}", amplify * np.abs(result.crops - result.whole)),
        (f"edgesr, difference x{amplify:g}", amplify * np.abs(result.tiles - result.whole)),
    ]
    height = round(result.whole.shape[0] * _PANEL_WIDTH / result.whole.shape[1])
    canvas = Image.new("RGB", ((_PANEL_WIDTH + _GAP) * len(panels) - _GAP, _LABEL_HEIGHT + height), "white")
    draw = ImageDraw.Draw(canvas)
    for place, (label, values) in enumerate(panels):
        pixels = np.rint(values.clip(0, 255)).astype(np.uint8)
        panel = Image.fromarray(np.ascontiguousarray(pixels)).resize((_PANEL_WIDTH, height), Image.Resampling.BOX)
        left = place * (_PANEL_WIDTH + _GAP)
        canvas.paste(panel, (left, _LABEL_HEIGHT))
        draw.text((left + 6, 4), label, fill="black", font_size=14)
    return canvas


if __name__ == "__main__":
    main()
