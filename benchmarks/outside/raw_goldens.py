"""Write the goldens of a bundle as raw tensors, each once for every layout, with an index and a README for people."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import numpy as np

from edgesr.benchmarks.outside.calls import FLOAT32, Call, calls_of, plain_name
from edgesr.benchmarks.outside.index import INDEX_FILE, RawArtifact, RawCall, RawIndex, RawTensor, holds_raw_goldens
from edgesr.benchmarks.outside.readme import README_FILE, readme
from edgesr.runtimes.adapters.session import to_layout
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Artifact, Layout, TensorSpec
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.directory_swap import recover, swap_in
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import require_creatable
from edgesr.runtimes.interface.pooled import MASK, MEANS
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.wording import shown_name

RAW = "raw"
GOLDEN_FORMS = (RAW,)
"""Of goldens in a bundle, next to the .npy files that are always there."""
RAW_FOLDER = "raw-goldens"
"""Where an export puts them in its bundle: what they hold is in the manifest already, so it does not list them."""
_OWN_NAMES = (INDEX_FILE, README_FILE, *get_args(Layout))
"""All that a folder of raw goldens has."""


@dataclass(frozen=True, kw_only=True)
class RawGoldens:
    """The files that were written: the ``folder``, its ``index``, and the total size of all raw files in bytes."""

    folder: Path
    index: RawIndex
    size_bytes: int


def write_raw_goldens(bundle: Bundle, folder: Path | str) -> RawGoldens:
    """Write all that an outside runner needs next to the model files into a folder, which appears whole or not at all.

    Raw files have no header: float32, little-endian. A folder of raw goldens that is there is replaced, any other one
    that is not empty is refused.
    """
    place = Path(folder).absolute()
    try:
        _require_replaceable(bundle, place, folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        recover(place)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as name:
            new = Path(name) / place.name
            new.mkdir()
            written = fill_raw_goldens(bundle, new)
            swap_in(new, place)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from error
    return RawGoldens(folder=Path(folder), index=written.index, size_bytes=written.size_bytes)


def _require_replaceable(bundle: Bundle, place: Path, given: Path | str) -> None:
    """Refuse what holds anything else, such as a runner's outputs, and a place among the files of the bundle."""
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise InputError(f"{given}: exists and is not a directory; give another --output")
    inside, root = Path(os.path.realpath(place)), Path(os.path.realpath(bundle.root))
    if root in (inside, *inside.parents) and inside != root / RAW_FOLDER:
        raise InputError(
            f"{given}: is inside the bundle, where raw goldens belong into {RAW_FOLDER} alone; give another --output"
        )
    held = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
    if held and not holds_raw_goldens(place):
        raise InputError(f"{given}: is not empty and holds no raw goldens; give a new directory with --output")
    if others := [name for name in held if name not in _OWN_NAMES]:
        raise InputError(
            f"{given}: holds {shown_name(others[0])!r} beside raw goldens, which would be deleted with them; move it, "
            "or give another --output"
        )
    require_creatable(place.parent)


def fill_raw_goldens(bundle: Bundle, folder: Path) -> RawGoldens:
    """Write what `write_raw_goldens` writes into an empty folder that others see when it is complete."""
    files = _RawFiles(folder)
    index = RawIndex(
        schema_version=RawIndex.VERSION,
        kind=RawIndex.KIND,
        edgesr_version=bundle.manifest.edgesr_version,
        manifest_sha256=bundle.manifest_sha256,
        reference=bundle.manifest.reference,
        artifacts=tuple(_artifact(bundle, artifact, files) for artifact in bundle.manifest.artifacts),
    )
    (folder / INDEX_FILE).write_text(to_json(index))
    (folder / README_FILE).write_text(readme(bundle.manifest, index))
    return RawGoldens(folder=folder, index=index, size_bytes=sum(size for size, _ in files.written.values()))


@dataclass
class _RawFiles:
    """Raw files below ``root``; ``written``: bytes and SHA-256 of each, by its path."""

    root: Path
    written: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, spec: TensorSpec, file: str, values: FloatArray) -> RawTensor:
        """A tensor in the layout of the model's file; written where it is not there yet."""
        path = f"{spec.layout}/{file}"
        if path not in self.written:
            content = values.astype(FLOAT32).tobytes()
            (self.root / spec.layout).mkdir(exist_ok=True)
            (self.root / path).write_bytes(content)
            self.written[path] = len(content), hashlib.sha256(content).hexdigest()
        size_bytes, sha256 = self.written[path]
        return RawTensor(
            name=spec.name,
            file=path,
            shape=values.shape,
            dtype=spec.dtype,
            layout=spec.layout,
            range=spec.range,
            size_bytes=size_bytes,
            sha256=sha256,
        )


def _artifact(bundle: Bundle, artifact: Artifact, files: _RawFiles) -> RawArtifact:
    return RawArtifact(
        id=plain_name(artifact.id),
        format=artifact.format,
        files=tuple(entry.path for entry in artifact.files),
        graph=artifact.graph,
        precision=artifact.precision,
        bounds=artifact.bounds,
        calls=tuple(_call(bundle, call, files) for call in calls_of(bundle.manifest, artifact)),
    )


def _call(bundle: Bundle, call: Call, files: _RawFiles) -> RawCall:
    artifact, golden = call.artifact, call.golden
    source, target = artifact.inputs[0], artifact.outputs[0]
    image = files.add(source, f"{golden.id}.input.bin", to_layout(bundle.tensor(golden.input), source.layout))
    expected = files.add(target, call.file_name, to_layout(bundle.tensor(call.output), target.layout))
    return RawCall(
        golden=golden.id,
        inputs=(image, *(files.add(*one) for one in _pooled(call))),
        expected=expected,
        answer=f"{artifact.id}/{call.file_name}",
        tolerance=call.tolerance,
    )


def _pooled(call: Call) -> list[tuple[TensorSpec, str, FloatArray]]:
    """The inputs besides the image of a graph that pools: no means, so that it pools by itself, and a mask of all
    pixels.
    """
    count, name = call.artifact.pooled, call.golden.id
    if not count:
        return []
    means, mask = np.full((1, count), np.nan, np.float32), np.ones((1, 1, *call.golden.size), np.float32)
    return [
        (_spec(MEANS, means), f"{name}.{MEANS}.{count}.bin", means),
        (_spec(MASK, mask), f"{name}.{MASK}.bin", mask),
    ]


def _spec(name: str, values: FloatArray, layout: Layout = "NCHW") -> TensorSpec:
    return TensorSpec(name=name, shape=values.shape, dtype="float32", layout=layout, range=None)
