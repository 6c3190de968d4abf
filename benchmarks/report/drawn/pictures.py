"""Photographs upscaled by every artifact: outputs for the slider, errors against the reference for heat maps."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.quality.degradations import upscale_bicubic
from edgesr.benchmarks.quality.upscaled_pictures import PICTURES, PictureFolders, read_picture, write_pictures
from edgesr.benchmarks.report.drawn.encoding import PictureStore, heat_map, webp_uri
from edgesr.runtimes.adapters.registry import is_usable
from edgesr.runtimes.arrays import FloatArray, Pixels
from edgesr.runtimes.bundle.contract import REFERENCES
from edgesr.runtimes.bundle.manifest import Artifact, FileEntry, Manifest
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.colour import rgb_picture
from edgesr.runtimes.images.image_io import read_rgb8
from edgesr.runtimes.progress import Progress, ProgressEvent, silent

LARGEST_CROP_SIDE = 160
INTERPOLATIONS = ("bicubic", "bilinear")
_GOLDENS = 2
_HEAT_SIDE = 192
_HEAT_QUALITY = 80
_BUDGET_BYTES = 5_000_000


@dataclass(frozen=True, eq=False)
class Photograph:
    """An LR image (h,w,3) in [0,255]; ``expected`` (H,W,3) is the reference's picture, None where there is none."""

    name: str
    lr: FloatArray
    expected: FloatArray | None


@dataclass(frozen=True)
class HeatMap:
    """|artifact - reference| on one golden: ``doublings`` is how often it was doubled; no ``uri`` without one."""

    artifact: str
    largest: float
    doublings: int
    uri: str | None


@dataclass(frozen=True)
class Compared:
    """A photograph of the slider: the number of the picture by label, and heat maps (of a golden)."""

    name: str
    pictures: dict[str, int]
    heat_maps: tuple[HeatMap, ...]


@dataclass(frozen=True)
class Pictures:
    """All pictures of a report; ``quality`` is that of WebP, None for lossless; ``notes`` tell what did not run."""

    compared: tuple[Compared, ...]
    uris: tuple[str, ...]
    quality: int | None
    notes: tuple[str, ...]


def make_pictures(
    bundle: Bundle, images: Sequence[Path], progress: Progress = silent, *, device: Device | None = None
) -> Pictures:
    """Let every artifact whose runtime is installed upscale some goldens and the middle of each image.

    A fresh process for each artifact: one that dies costs its own pictures, and its reason is a note.
    """
    photographs = [*_golden_photographs(bundle), *(_cropped(bundle, path) for path in images)]
    store = PictureStore()
    numbers = [_references(store, photograph, bundle.manifest) for photograph in photographs]
    heat_maps: list[list[HeatMap]] = [[] for _ in photographs]
    notes: list[str] = []
    artifacts = [a for a in bundle.manifest.artifacts if not a.inside_only]
    with _Worker(bundle, photographs, device or HostDevice()) as worker:
        for done, artifact in enumerate(artifacts):
            progress(ProgressEvent("pictures", done, len(artifacts), artifact.id))
            for place, output in enumerate(worker.outputs(artifact)):
                if isinstance(output, str):
                    notes.append(output)
                    continue
                numbers[place][artifact.id] = store.add(_rounded(output))
                expected = photographs[place].expected
                if expected is not None:
                    heat_maps[place].append(_heat_map(artifact.id, output, expected))
    progress(ProgressEvent("pictures", len(artifacts), len(artifacts)))
    uris, quality = store.encoded(_BUDGET_BYTES)
    compared = tuple(
        Compared(photograph.name, pictures, tuple(heats))
        for photograph, pictures, heats in zip(photographs, numbers, heat_maps, strict=True)
    )
    return Pictures(compared, tuple(uris), quality, tuple(dict.fromkeys(notes)))


class _Worker:
    """Upscales the photographs of a report, an artifact at a time; its files are there within a ``with`` block."""

    def __init__(self, bundle: Bundle, photographs: Sequence[Photograph], device: Device) -> None:
        self._bundle, self._photographs, self._device = bundle, photographs, device

    def __enter__(self) -> _Worker:
        self._folder = tempfile.TemporaryDirectory(prefix="edgesr-pictures-")
        self._inputs = Path(self._folder.name) / "inputs"
        self._inputs.mkdir()
        write_pictures(self._inputs, [photograph.lr for photograph in self._photographs])
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def outputs(self, artifact: Artifact) -> list[FloatArray | str]:
        """SR pictures (H,W,3), or why there is none, by photograph."""
        with tempfile.TemporaryDirectory(dir=self._folder.name) as outputs:
            folders = PictureFolders(inputs=str(self._inputs), outputs=outputs, count=len(self._photographs))
            job = PICTURES.job(folders, bundle=self._bundle, artifact=artifact.id, runtime=_runtime(artifact))
            outcome, upscaled = PICTURES.answer(self._device.run(job))
            if upscaled is None or len(upscaled.refusals) != len(self._photographs):
                reason = outcome.reason or "another number of pictures"
                return [f"{artifact.id}: {outcome.status}: {reason}"] * len(self._photographs)
            return [
                self._output(artifact, Path(outputs), place, refusal) for place, refusal in enumerate(upscaled.refusals)
            ]

    def _output(self, artifact: Artifact, outputs: Path, place: int, refusal: str | None) -> FloatArray | str:
        photograph = self._photographs[place]
        height, width, _ = photograph.lr.shape
        scale = self._bundle.manifest.scale
        if refusal is None:
            try:
                return read_picture(outputs, place, (height * scale, width * scale, 3))
            except EdgesrError as error:
                refusal = str(error)
        return f"{artifact.id} on {photograph.name}: {refusal}"


def _golden_photographs(bundle: Bundle) -> list[Photograph]:
    """Goldens of the tile's size, which every artifact takes; flat ones show nothing."""
    manifest = bundle.manifest
    found: list[Photograph] = []
    for golden in manifest.goldens:
        if golden.size != manifest.tile_size or len(found) == _GOLDENS:
            continue
        lr = _shown(bundle, golden.input)
        if lr.min() < lr.max():
            expected = _shown(bundle, golden.output)
            found.append(Photograph(f"{golden.id} ({golden.source})", np.ascontiguousarray(lr), expected))
    return found


def _shown(bundle: Bundle, entry: FileEntry) -> FloatArray:
    """A picture of a golden as RGB (h,w,3) in [0,255]: that of a network of one channel is grey."""
    return np.clip(rgb_picture(bundle.tensor(entry), bundle.manifest.colour), 0, 255).transpose(1, 2, 0)


def _cropped(bundle: Bundle, path: Path) -> Photograph:
    """The middle of an image, of the tile's size but no side above 160 pixels."""
    pixels = read_rgb8(path)
    height, width = (min(side, LARGEST_CROP_SIDE) for side in bundle.manifest.tile_size)
    top, left = max(pixels.shape[0] - height, 0) // 2, max(pixels.shape[1] - width, 0) // 2
    crop = pixels[top : top + height, left : left + width]
    return Photograph(path.name, np.ascontiguousarray(crop, dtype=np.float32), None)


def _references(store: PictureStore, photograph: Photograph, manifest: Manifest) -> dict[str, int]:
    """Pictures to compare artifacts with."""
    lr, scale = _rounded(photograph.lr), manifest.scale
    bilinear = upsample_bilinear(photograph.lr.transpose(2, 0, 1), scale).transpose(1, 2, 0)
    numbers = {"bicubic": store.add(upscale_bicubic(lr, scale)), "bilinear": store.add(_rounded(bilinear))}
    if photograph.expected is not None:
        numbers[REFERENCES[manifest.reference]] = store.add(_rounded(photograph.expected))
    return numbers


def _runtime(artifact: Artifact) -> str:
    """The first installed runtime of an artifact, or simply the first."""
    installed = [name for name in artifact.runtimes if is_usable(name)]
    return (installed or list(artifact.runtimes))[0]


def _heat_map(artifact: str, output: FloatArray, expected: FloatArray) -> HeatMap:
    error = np.abs(output - expected).max(axis=2)
    largest = float(error.max())
    if largest == 0:
        return HeatMap(artifact, largest, 0, None)
    pixels, doublings = heat_map(error, _HEAT_SIDE)
    return HeatMap(artifact, largest, doublings, webp_uri(pixels, _HEAT_QUALITY))


def _rounded(values: FloatArray) -> Pixels:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
