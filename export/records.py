"""Records that stages store as JSON beside their files. Imports no torch, so that a cached export stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.bundle.contract import Tiling
from edgesr.runtimes.bundle.delegation import DelegateUse
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.bundle.size_bounds import SizeBounds
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

MEASUREMENT_FILE = "measurement.json"
GOLDENS_FILE = "goldens.json"
FLOAT_LAYERS_FILE = "float_layers.json"
TAKEN_SIZES_FILE = "sizes.json"
DELEGATE_USE_FILE = "delegation.json"
REMAKE = "delete this folder of the cache, and export again"
"""Where a file that a stage stored is damaged."""


@dataclass(frozen=True)
class Measurement:
    """Measurements of a generator: its tiles compared with whole pictures, multiply-accumulates per HR pixel,
    parameters.
    """

    tiling: Tiling
    mac_per_hr_pixel: float
    parameters: int


@dataclass(frozen=True)
class GoldenRecord:
    """A golden before it has a place in a bundle: file names of its tensors, by role and by module."""

    id: str
    size: Size
    k: float | None
    sigma: float | None
    source: str
    files: dict[str, str]
    intermediates: dict[str, str]


@dataclass(frozen=True)
class _GoldenRecords:
    goldens: tuple[GoldenRecord, ...]


@dataclass(frozen=True)
class FloatLayers:
    """Layers that no quantizer could take, by their names in the network, and their share (0..1) of all MACs.

    ``measured``: whether the file computes in the arithmetic that its plan was measured in.
    """

    names: tuple[str, ...] = ()
    mac_share: float = 0.0
    measured: bool = True


@dataclass(frozen=True, kw_only=True)
class TakenSizes:
    """The LR sizes that a file takes, None for all of its target; ``why_fixed``: why it takes one alone, where another
    network's file takes many.
    """

    bounds: SizeBounds | None = None
    why_fixed: str = ""


def write_measurement(folder: Path, measurement: Measurement) -> None:
    (folder / MEASUREMENT_FILE).write_text(to_json(measurement))


def read_measurement(folder: Path) -> Measurement:
    return read_record(Measurement, folder / MEASUREMENT_FILE, remake=REMAKE)


def write_goldens(folder: Path, records: list[GoldenRecord]) -> None:
    (folder / GOLDENS_FILE).write_text(to_json(_GoldenRecords(tuple(records))))


def read_goldens(folder: Path) -> tuple[GoldenRecord, ...]:
    return read_record(_GoldenRecords, folder / GOLDENS_FILE, remake=REMAKE).goldens


def write_float_layers(folder: Path, layers: FloatLayers) -> None:
    """Write which layers of a file had to stay in float32."""
    (folder / FLOAT_LAYERS_FILE).write_text(to_json(layers))


def read_float_layers(folder: Path) -> FloatLayers:
    """The layers of a file that had to stay in float32: none where no rewrite tells of some."""
    file = folder / FLOAT_LAYERS_FILE
    return read_record(FloatLayers, file, remake=REMAKE) if file.is_file() else FloatLayers()


def write_taken_sizes(folder: Path, sizes: TakenSizes) -> None:
    """Write which sizes a file takes."""
    (folder / TAKEN_SIZES_FILE).write_text(to_json(sizes))


def read_taken_sizes(folder: Path) -> TakenSizes:
    """The sizes that a file takes: all of its target if its conversion does not tell."""
    file = folder / TAKEN_SIZES_FILE
    return read_record(TakenSizes, file, remake=REMAKE) if file.is_file() else TakenSizes()


def fixed_size(file: Path) -> Size | None:
    """The one size that a file takes by what its conversion wrote next to it."""
    bounds = read_taken_sizes(file.parent).bounds
    return None if bounds is None else bounds.fixed


def write_delegate_use(folder: Path, use: DelegateUse) -> None:
    """Write what a delegate takes of a file, where its conversion finds out."""
    (folder / DELEGATE_USE_FILE).write_text(to_json(use))


def read_delegate_use(folder: Path) -> DelegateUse | None:
    """The part of a file that a delegate takes; None if its conversion does not tell."""
    file = folder / DELEGATE_USE_FILE
    return read_record(DelegateUse, file, remake=REMAKE) if file.is_file() else None
