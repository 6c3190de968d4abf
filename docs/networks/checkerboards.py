"""Prints how far pictures of lower precision are from those of float32 on flat images and on checkerboards, in dB.

python docs/networks/checkerboards.py BUNDLE

BUNDLE holds fp32 and other precisions. Images are 96x96 LR pixels: black, white, grey, and black and white in cells of
1 to 16 pixels. "bilinear" is what bilinear upsampling has against the float32 picture.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from edgesr import UpscaleOptions, open_bundle, upscale
from edgesr.benchmarks.quality.metrics import psnr
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.glue.bilinear import upsample_bilinear

SIDE = 96
CELLS = (1, 2, 4, 8, 16)


def main(folder: Path) -> None:
    """A row for each tile graph of lower precision, and one for bilinear upsampling in each format."""
    bundle = open_bundle(folder)
    tiles = [artifact for artifact in bundle.manifest.artifacts if artifact.graph == "tile"]
    given = images()
    print(f"| artifact | {' | '.join(given)} |\n{'|---' * (len(given) + 1)}|")
    for reference in (artifact for artifact in tiles if artifact.precision == "fp32"):
        others = [a for a in tiles if a.format == reference.format and a is not reference]
        if not others:
            continue
        expected = {name: picture(bundle, reference, image) for name, image in given.items()}
        base = {name: upsample_bilinear(image, bundle.manifest.scale) for name, image in given.items()}
        print(row(f"bilinear, against {reference.id}", base, expected))
        for artifact in others:
            found = {name: picture(bundle, artifact, image) for name, image in given.items()}
            print(row(artifact.id, found, expected))


def images() -> dict[str, FloatArray]:
    """LR images (3,h,w) in [0,255] by their names."""
    rows, columns = np.indices((SIDE, SIDE))
    flat = {"black": np.zeros((SIDE, SIDE)), "white": np.full((SIDE, SIDE), 255), "grey": np.full((SIDE, SIDE), 128)}
    boards = {f"cells of {cell}": np.where((rows // cell + columns // cell) % 2 == 0, 0, 255) for cell in CELLS}
    return {name: np.repeat(image[None].astype(np.float32), 3, axis=0) for name, image in (flat | boards).items()}


def picture(bundle: Bundle, artifact: Artifact, image: FloatArray) -> FloatArray:
    """The SR picture (3,H,W) of an LR image (3,h,w)."""
    found = upscale(image.transpose(1, 2, 0), bundle, UpscaleOptions(artifact_id=artifact.id))
    return found.transpose(2, 0, 1)


def row(name: str, found: dict[str, FloatArray], expected: dict[str, FloatArray]) -> str:
    """A line of the table in Markdown."""
    figures = (psnr(found[image], expected[image]) for image in expected)
    return f"| {name} | {' | '.join('exact' if np.isinf(value) else f'{value:.1f}' for value in figures)} |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
