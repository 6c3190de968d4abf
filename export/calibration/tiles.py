"""Tiles to calibrate a quantizer on, from a folder of photographs or made up, and what is wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesr.export.calibration.overlap import Colours, contains_any, distinctive_patches
from edgesr.export.calibration.synthetic import PLAIN_TILES, synthetic_tiles
from edgesr.runtimes.arrays import Image, Pixels
from edgesr.runtimes.bundle.calibrated_quantization import Calibration
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import list_images, read_rgb8
from edgesr.runtimes.wording import counted, printable

TILE_SIDE = 48
MOST_TILES = 48
LEAST_TILES = 8
ENOUGH_TILES = 24
_SELECTION_STEP = 4
_SYNTHETIC_TILES = 27
_SYNTHETIC_SELECTION = 9
# Fractions of i times these fill the line and the square evenly for any number of points (golden and plastic ratio).
_LINE_STEP = 0.6180339887
_SQUARE_STEPS = (0.7548776662, 0.5698402910)


@dataclass(frozen=True, eq=False)
class CalibrationSet:
    """Tiles (3,h,w), float32 in [0,255]: ``tiles`` fix the ranges, ``selection`` chooses layers and is measured on.

    ``source`` is "synthetic" or the folder. No tile is in both.
    """

    source: str
    tiles: tuple[Image, ...]
    selection: tuple[Image, ...]
    warnings: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """The SHA-256 of the shapes and values of all tiles in order, those for selection included."""
        digest = hashlib.sha256()
        for tile in (*self.tiles, *self.selection):
            digest.update(repr(tile.shape).encode())
            digest.update(tile.astype("<f4").tobytes())
        return digest.hexdigest()

    def record(self) -> Calibration:
        """The set as the manifest records it."""
        _, height, width = self.tiles[0].shape
        return Calibration(
            source=self.source,
            tiles=len(self.tiles),
            tile_size=(height, width),
            sha256=self.sha256,
            warnings=self.warnings,
        )


@dataclass(frozen=True)
class Survey:
    """One image of the folder; ``unit_range``: all values are 0 or 1, ``evaluated``: part of it is evaluated on."""

    name: str
    tiny: bool
    grey: bool
    unit_range: bool
    evaluated: bool


def synthetic_calibration() -> CalibrationSet:
    """Made-up photographs, always the same; the plain ones are calibrated on alone."""
    size = (TILE_SIDE, TILE_SIDE)
    tiles = synthetic_tiles(_SYNTHETIC_TILES, size, seed=0)
    selection = synthetic_tiles(PLAIN_TILES + _SYNTHETIC_SELECTION, size, seed=1)[PLAIN_TILES:]
    return CalibrationSet("synthetic", tuple(tiles), tuple(selection), ())


def folder_calibration(folder: Path, evaluated: Sequence[Image]) -> CalibrationSet:
    """A set of at most 48 tiles, evenly from all images of a folder and from all over each; every fourth goes to the
    selection.

    ``evaluated``: LR images (3,h,w) in [0,255] that results will be measured on; images that share pixels with them
    are named in a warning. One image at a time is held.
    """
    patches = distinctive_patches(evaluated)
    surveys = []
    drawn = _Draw()
    for index, file in enumerate(_list_photographs(folder)):
        pixels = _read(file)
        surveys.append(_survey(file.name, pixels, patches))
        drawn.add(index, _cut_tiles(pixels))
    tiles = drawn.tiles()
    _check_usable(folder, surveys, len(tiles))
    selection = tiles[_SELECTION_STEP - 1 :: _SELECTION_STEP]
    del tiles[_SELECTION_STEP - 1 :: _SELECTION_STEP]
    return CalibrationSet(printable(str(folder)), tuple(tiles), tuple(selection), calibration_warnings(tiles, surveys))


def calibration_warnings(tiles: Sequence[Image], surveys: Sequence[Survey] = ()) -> tuple[str, ...]:
    """Doubts about the images, and properties that the tiles (3,h,w) in [0,255] lack: one line each."""
    missing = {
        "no flat tile: colours may shift in smooth areas; add a photograph of sky or of a wall": not any(
            (tile.std((1, 2)) < 2).all() for tile in tiles
        ),
        "no dark tile: ranges may clip shadows; add a dark photograph": not any(tile.mean() < 32 for tile in tiles),
        "no saturated tile: ranges may clip highlights; add an over-exposed photograph": not any(
            (tile >= 250).mean() >= 0.05 for tile in tiles
        ),
        f"only {counted(len(tiles), 'tile')} to calibrate on, {ENOUGH_TILES} are enough: ranges may be too narrow; "
        "add photographs": len(tiles) < ENOUGH_TILES,
    }
    return (*_survey_warnings(surveys), *(text for text, holds in missing.items() if holds))


def _survey_warnings(surveys: Sequence[Survey]) -> Iterator[str]:
    if tiny := [s.name for s in surveys if s.tiny]:
        images = counted(len(surveys), "image")
        yield f"skipped {len(tiny)} of {images}, smaller than {TILE_SIDE}x{TILE_SIDE}: {_enumerate(tiny)}"
    if dim := [s.name for s in surveys if s.unit_range]:
        yield f"values of 0..1, probably scaled wrongly: {_enumerate(dim)}; save them with values of 0..255"
    if known := [s.name for s in surveys if s.evaluated]:
        yield f"also evaluated on, so results look better than they are: {_enumerate(known)}; leave them out"


def _enumerate(names: Sequence[str]) -> str:
    return ", ".join(map(printable, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def check_folder(folder: Path) -> None:
    """Raise an InputError unless it is a folder with images: what can be told before anything is converted."""
    _list_photographs(folder)


def _list_photographs(folder: Path) -> list[Path]:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: not a folder; give the folder that holds the photographs")
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; give one with photographs to calibrate on")
    return list_images(folder)


def _read(file: Path) -> Pixels:
    try:
        return read_rgb8(file)
    except InputError as error:
        reason = str(error).removeprefix(f"{file}: ")
        raise InputError(f"{file.parent}: {file.name} cannot be used, remove or replace it: {reason}") from error


def _survey(name: str, pixels: Pixels, patches: Sequence[Colours]) -> Survey:
    tiny = min(pixels.shape[:2]) < TILE_SIDE
    return Survey(
        name=name,
        tiny=tiny,
        grey=bool((pixels == pixels[..., :1]).all()),
        unit_range=not tiny and int(pixels.max()) == 1,
        evaluated=not tiny and contains_any(pixels, patches),
    )


def _check_usable(folder: Path, surveys: Sequence[Survey], tiles: int) -> None:
    side = f"{TILE_SIDE}x{TILE_SIDE}"
    usable = [s for s in surveys if not s.tiny]
    if not usable:
        raise InputError(
            f"{folder}: holds {counted(len(surveys), 'image')}, none of at least {side}; add larger photographs"
        )
    if all(s.grey for s in usable):
        raise InputError(f"{folder}: all images are grey, which gives no ranges for colour; add colour photographs")
    if tiles < LEAST_TILES:
        raise InputError(
            f"{folder}: gives {tiles} different tiles of {side}, at least {LEAST_TILES} are needed; "
            "add photographs, or larger ones"
        )


class _Draw:
    """The tiles kept so far: first the first tile of every image, then the second of every image, and so on."""

    def __init__(self) -> None:
        self._kept: dict[bytes, tuple[int, int, Pixels]] = {}

    def add(self, index: int, tiles: Sequence[Pixels]) -> None:
        """Offer the tiles of an image; those that are there already are left out."""
        for rank, tile in enumerate(tiles):
            self._kept.setdefault(tile.tobytes(), (rank, index, tile))
        while len(self._kept) > MOST_TILES:
            del self._kept[max(self._kept, key=self._turn)]

    def tiles(self) -> list[Image]:
        """The tiles, float32 (3,h,w), in the order of the images."""
        kept = sorted(self._kept.values(), key=lambda entry: (entry[1], entry[0]))
        return [np.ascontiguousarray(tile.transpose(2, 0, 1)).astype(np.float32) for _, _, tile in kept]

    def _turn(self, content: bytes) -> tuple[int, float]:
        rank, index, _ = self._kept[content]
        return rank, index * _LINE_STEP % 1


def _cut_tiles(pixels: Pixels) -> list[Pixels]:
    """Cut at most 48 tiles (h,w,3) that do not overlap, in an order whose every beginning is spread over the image."""
    height, width, _ = pixels.shape
    rows, columns = height // TILE_SIDE, width // TILE_SIDE
    cells: dict[tuple[int, int], None] = {}
    point = 0
    while len(cells) < min(rows * columns, MOST_TILES):
        y, x = ((0.5 + point * step) % 1 for step in _SQUARE_STEPS)
        cells[int(y * rows), int(x * columns)] = None
        point += 1
    corners = [(_place(row, rows, height), _place(column, columns, width)) for row, column in cells]
    return [pixels[y : y + TILE_SIDE, x : x + TILE_SIDE].copy() for y, x in corners]


def _place(cell: int, cells: int, length: int) -> int:
    """The first pixel of a tile, chosen so that the tiles reach from end to end; a lone one is in the middle."""
    return cell * (length - TILE_SIDE) // (cells - 1) if cells > 1 else (length - TILE_SIDE) // 2
