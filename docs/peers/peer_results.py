"""The file of results: what was measured, of which versions, where. The tables of the page are made from it alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from edgesr.benchmarks.machine.environment import Environment
from edgesr.benchmarks.quality.figures import Quality
from edgesr.benchmarks.results.header import ResultFile
from edgesr.benchmarks.results.kinds import read_of_kind

PHOTOGRAPH = "photograph"
CROP = "crop"
OTHERS = ("resampling", "peer")
OURS = ("edgesr",)
"""Groups of methods (`peer_methods.py`): what weights of others do in edgesr is neither's merit."""


@dataclass(frozen=True, kw_only=True)
class QualityRow:
    """Means over one set under one degradation; ``failure`` says why there are none."""

    method: str
    data: str
    degradation: str
    images: int
    mean: Quality | None
    failure: str | None


@dataclass(frozen=True, kw_only=True)
class TimeRow:
    """One process a round: ``load_seconds`` before its call, and what the call took. ``picture``: photograph or crop.

    ``failure`` says why there are no rounds.
    """

    method: str
    picture: str
    load_seconds: tuple[float, ...]
    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    peak_bytes: tuple[int, ...]
    failure: str | None


@dataclass(frozen=True, kw_only=True)
class QualityPart:
    """``titles`` and ``groups`` are of methods by name, in the order of the table. ``versions``: distributions."""

    created_utc: str
    environment: Environment
    versions: dict[str, str]
    titles: dict[str, str]
    groups: dict[str, str]
    seed: int
    st_lpips_weights: str
    rows: tuple[QualityRow, ...]


@dataclass(frozen=True, kw_only=True)
class TimePart:
    """``sizes``: width and height of the photograph and the crop."""

    created_utc: str
    environment: Environment
    versions: dict[str, str]
    titles: dict[str, str]
    groups: dict[str, str]
    sizes: dict[str, tuple[int, int]]
    rows: tuple[TimeRow, ...]


@dataclass(frozen=True, kw_only=True)
class PeerResults(ResultFile):
    """Content of results.json; each part is measured by a command of its own."""

    KIND: ClassVar[str] = "peers"
    VERSION: ClassVar[int] = 1
    OLDEST_VERSION: ClassVar[int] = 1
    COMMAND: ClassVar[str] = "python docs/peers/peers.py quality"

    schema_version: int
    kind: str
    quality: QualityPart | None
    time: TimePart | None


def empty_results() -> PeerResults:
    return PeerResults(schema_version=PeerResults.VERSION, kind=PeerResults.KIND, quality=None, time=None)


def read_peer_results(path: Path) -> PeerResults:
    """Raise an InputError for what is no such file."""
    return read_of_kind(PeerResults, path, remake=f"measure again with '{PeerResults.COMMAND}'")
