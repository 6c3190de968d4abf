"""The upscalers that are compared: one table."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from peer_results import CROP, PHOTOGRAPH

from edgesr.runtimes.errors import InputError

Group = Literal["resampling", "peer", "edgesr", "published"]
"""Published: weights of others that edgesr runs; "edgesr" are those that it ships."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """``name`` is its key in results. ``arguments``: those of `peer_runner.py`. ``python``: "own", that of edgesr, or
    "peers", that of the environment into which peers were installed. ``measures``: what it is part of. ``pictures``:
    what it is timed on; the crop alone where the whole photograph takes more than a minute or so.
    """

    name: str
    title: str
    group: Group
    arguments: tuple[str, ...]
    python: Literal["own", "peers"] = "own"
    measures: tuple[str, ...] = ("quality", "time")
    pictures: tuple[str, ...] = (PHOTOGRAPH,)


@dataclass(frozen=True, kw_only=True)
class OwnBundle:
    """A bundle of ours: what `edgesr export` makes it of; ``preset`` None: the published checkpoint. ``timed``: the
    artifacts and runtimes that are timed, names of `ENGINES`.
    """

    name: str
    title: str
    preset: str | None
    weights: str | None = None
    timed: tuple[str, ...] = ()
    pictures: tuple[str, ...] = (PHOTOGRAPH,)


_REFERENCE = "fp32, ONNX Runtime"
ENGINES = {
    _REFERENCE: ("onnx-fp32-tile", "ort"),
    "int8, ONNX Runtime": ("onnx-int8-tile", "ort"),
    "fp32, LiteRT": ("tflite-fp32-tile-128x128", "tflite"),
    "int8, LiteRT": ("tflite-int8-tile-128x128", "tflite"),
}
BUNDLES = (
    OwnBundle(
        name="srrescycgan-mobile-real",
        title="srrescycgan-mobile, real",
        preset="srrescycgan-mobile",
        timed=tuple(ENGINES),
        pictures=(PHOTOGRAPH, CROP),
    ),
    OwnBundle(
        name="srrescycgan-mobile-clean",
        title="srrescycgan-mobile, clean",
        preset="srrescycgan-mobile",
        weights="clean",
    ),
    OwnBundle(
        name="mobile-l-real",
        title="mobile-l, real",
        preset="mobile-l",
        timed=(_REFERENCE, "int8, ONNX Runtime"),
    ),
    OwnBundle(name="mobile-l-clean", title="mobile-l, clean", preset="mobile-l", weights="clean"),
    OwnBundle(
        name="mobile-m-clean",
        title="mobile-m, clean",
        preset="mobile-m",
        weights="clean",
        timed=tuple(ENGINES),
    ),
    OwnBundle(
        name="srrescgan-published",
        title="published SRResCGAN",
        preset=None,
        timed=(_REFERENCE,),
        pictures=(CROP,),
    ),
)

OTHERS = (
    Method(name="pillow-bicubic", title="bicubic, Pillow", group="resampling", arguments=("pillow", "BICUBIC")),
    Method(name="pillow-lanczos", title="Lanczos, Pillow", group="resampling", arguments=("pillow", "LANCZOS")),
    Method(name="vips-bicubic", title="bicubic, libvips", group="resampling", arguments=("vips", "cubic")),
    Method(
        name="realesrgan-x4plus",
        title="Real-ESRGAN, x4plus",
        group="peer",
        arguments=("realesrgan", "4"),
        python="peers",
        pictures=(CROP,),
    ),
    Method(
        name="realesrgan-animevideov3",
        title="Real-ESRGAN, animevideov3",
        group="peer",
        arguments=("realesrgan", "2"),
        python="peers",
    ),
    Method(
        name="realsr-df2k",
        title="RealSR, DF2K",
        group="peer",
        arguments=("sr_vulkan", "MODEL_REALSR_DF2K_UP4X"),
        python="peers",
        pictures=(CROP,),
    ),
    Method(
        name="realcugan-conservative",
        title="Real-CUGAN se, conservative",
        group="peer",
        arguments=("realcugan", "-1"),
        python="peers",
    ),
    Method(
        name="realcugan-denoise3x",
        title="Real-CUGAN se, denoise 3",
        group="peer",
        arguments=("realcugan", "3"),
        python="peers",
        measures=("quality",),
    ),
    Method(
        name="waifu2x-photo",
        title="waifu2x photo, noise 0, twice x2",
        group="peer",
        arguments=("waifu2x", "models-upconv_7_photo", "0"),
        python="peers",
        pictures=(CROP,),
    ),
)


def methods(measure: str, bundles: Path | None) -> tuple[Method, ...]:
    """The methods of one measure, ours from the bundles that the folder holds; None: others alone."""
    found = [one for one in OTHERS if measure in one.measures]
    if bundles is None:
        return tuple(found)
    for own in BUNDLES:
        if (bundles / own.name).is_dir():
            found += _timed(own, bundles) if measure == "time" else [_own(own, bundles, own.name, own.title)]
    return tuple(found)


def pythons(peers: Path) -> dict[str, Path]:
    """The interpreters by name, of the folder of the peers' environment."""
    python = peers / "bin" / "python"
    if not python.is_file():
        raise InputError(f"{peers}: has no bin/python; make it with 'python -m venv {peers}', see docs/peers.md")
    return {"own": Path(sys.executable), "peers": python}


def _timed(own: OwnBundle, bundles: Path) -> list[Method]:
    return [_own(own, bundles, f"{own.name}, {one}", f"{own.title}, {one}", one) for one in own.timed]


def _own(own: OwnBundle, bundles: Path, name: str, title: str, engine: str = _REFERENCE) -> Method:
    return Method(
        name=name,
        title=title,
        group="edgesr" if own.preset else "published",
        arguments=("edgesr", str(bundles / own.name), *ENGINES[engine]),
        pictures=own.pictures,
    )
