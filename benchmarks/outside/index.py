"""index.json of raw goldens: for every artifact its calls, with the raw files that each takes and should give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.results.header import ResultFile
from edgesr.benchmarks.results.kinds import read_of_kind
from edgesr.runtimes.bundle.contract import ReferenceKind
from edgesr.runtimes.bundle.manifest import GraphKind, Layout, Precision, Tolerance
from edgesr.runtimes.bundle.size_bounds import SizeBounds
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_file import read_json

INDEX_FILE = "index.json"


@dataclass(frozen=True, kw_only=True)
class RawTensor:
    """A tensor of a model file, ``name`` in it, and the raw file that holds its values, below the folder of the index.

    ``range``: the values that it carries, None where they have no bounds.
    """

    name: str
    file: str
    shape: tuple[int, ...]
    dtype: str
    layout: Layout
    range: tuple[float, float] | None
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class RawCall:
    """One call: the model takes ``inputs`` and should give ``expected``, within the tolerance. ``answer`` is where a
    runner's output belongs, below a folder for all of them.
    """

    golden: str
    inputs: tuple[RawTensor, ...]
    expected: RawTensor
    answer: str
    tolerance: Tolerance


@dataclass(frozen=True, kw_only=True)
class RawArtifact:
    """A model of the bundle, its files (the first is opened) and its calls; ``bounds`` of the sizes that it takes."""

    id: str
    format: str
    files: tuple[str, ...]
    graph: GraphKind
    precision: Precision
    bounds: SizeBounds | None
    calls: tuple[RawCall, ...]


@dataclass(frozen=True, kw_only=True)
class RawIndex(ResultFile):
    """Content of index.json; ``reference`` computed the expected outputs."""

    KIND = "raw-goldens"
    VERSION = 1
    OLDEST_VERSION = 1
    COMMAND = "edgesr goldens"

    schema_version: int
    kind: str
    edgesr_version: str
    manifest_sha256: str | None
    reference: ReferenceKind
    artifacts: tuple[RawArtifact, ...]


def holds_raw_goldens(folder: Path) -> bool:
    """Whether a folder has an index of raw goldens, of whatever version."""
    try:
        kind: object = read_json(folder / INDEX_FILE, remake=RawIndex.COMMAND).get("kind")
    except InputError:
        return False
    return kind == RawIndex.KIND


def read_index(folder: Path) -> RawIndex:
    """The index of a folder of raw goldens; raises an InputError for anything else."""
    return read_of_kind(RawIndex, folder / INDEX_FILE, remake=f"make it anew with '{RawIndex.COMMAND}'")
