"""Compares a bundle with ncnn, which runs a package's own files on this CPU.

pip install ncnn
python docs/networks/compare_with_ncnn.py MODEL.param BUNDLE IMAGE

IMAGE is an RGB image of 8 bits, which both take whole.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgesr import open_bundle, upscale

Picture = NDArray[np.float32]


def by_ncnn(param: Path, image: Picture, *, float16: bool) -> Picture:
    """LR (h,w,3) in [0,255] -> the picture (s*h,s*w,3) in [0,255], clipped."""
    ncnn = importlib.import_module("ncnn")
    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = float16
    net.load_param(str(param))
    net.load_model(str(param.with_suffix(".bin")))
    extractor = net.create_extractor()
    lr = np.ascontiguousarray(image.transpose(2, 0, 1) / 255)
    extractor.input("data", ncnn.Mat(lr).clone())
    picture: Picture = np.array(extractor.extract("output")[1]).transpose(1, 2, 0) * 255
    return picture.clip(0, 255)


def main(param: Path, bundle: Path, file: Path) -> None:
    """Print PSNR (peak 255) and the largest difference of any value, with float16 off and on in ncnn."""
    image = np.asarray(Image.open(file).convert("RGB"), dtype=np.float32)
    ours = upscale(image, open_bundle(bundle))
    for float16 in (False, True):
        difference = by_ncnn(param, image, float16=float16).astype(np.float64) - ours
        psnr_db = 10 * np.log10(255**2 / np.mean(difference**2))
        print(f"float16 {float16}: {psnr_db:.1f} dB, at most {np.abs(difference).max():.2g} of 255")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
