"""What stages store as JSON beside their files. Imports no torch, so that a cached export stays fast."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from runtimes.decoding import decode
from runtimes.manifest import Size

MEASUREMENT_FILE = "measurement.json"
GOLDENS_FILE = "goldens.json"


@dataclass(frozen=True)
class Measurement:
    """Halo of a generator's tile graph in LR pixels, multiply-accumulates per HR pixel, parameters.

    ``halo`` is None where every output depends on the whole image.
    """

    halo: int | None
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


def write_measurement(folder: Path, measurement: Measurement) -> None:
    (folder / MEASUREMENT_FILE).write_text(json.dumps(asdict(measurement)))


def read_measurement(folder: Path) -> Measurement:
    return decode(Measurement, json.loads((folder / MEASUREMENT_FILE).read_text()))


def write_goldens(folder: Path, records: list[GoldenRecord]) -> None:
    (folder / GOLDENS_FILE).write_text(json.dumps(asdict(_GoldenRecords(tuple(records))), indent=2))


def read_goldens(folder: Path) -> tuple[GoldenRecord, ...]:
    return decode(_GoldenRecords, json.loads((folder / GOLDENS_FILE).read_text())).goldens
