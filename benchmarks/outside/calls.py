"""The calls that an outside runner is asked for: each golden that an artifact takes at the size that its file has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgesr.benchmarks.parity.arithmetic import own_tolerance
from edgesr.benchmarks.parity.judging import golden_tolerance, residual_entry
from edgesr.runtimes.adapters.session import from_layout
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Artifact, FileEntry, Golden, Layout, Manifest, Tolerance
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import shown_name

FLOAT32 = np.dtype("<f4")
"""Every input and output of our files, those of int8 files too, in raw files little-endian."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of an artifact on a golden. ``output`` is the recorded tensor of what it should give, and ``shape`` that
    of its file's output, in the ``layout`` of that.
    """

    artifact: Artifact
    golden: Golden
    output: FileEntry
    shape: tuple[int, ...]

    @property
    def layout(self) -> Layout:
        return self.artifact.outputs[0].layout

    @property
    def file_name(self) -> str:
        """The file name of the raw output, whether it is the expected one or one that a runner wrote."""
        return f"{plain_name(self.golden.id)}.{self.output_kind}.bin"

    @property
    def output_kind(self) -> str:
        """The kind of the output, as the names of the golden's files say it."""
        if self.artifact.graph == "full":
            return "output"
        return "zero_padded_residual" if self.artifact.inside_only else "residual"

    @property
    def size_bytes(self) -> int:
        """The size of the raw output in bytes."""
        return int(np.prod(self.shape)) * FLOAT32.itemsize

    @property
    def tolerance(self) -> Tolerance:
        """The tolerance of the golden, or that of the fast kernels of the format's own runtime."""
        own = own_tolerance(self.artifact, self.artifact.runtimes[0])
        return own or golden_tolerance(self.artifact, self.golden)

    def image(self, content: bytes) -> FloatArray:
        """(c,H,W) of a raw output."""
        values: NDArray[np.float32] = np.frombuffer(content, FLOAT32).astype(np.float32)
        return from_layout(values.reshape(self.shape), self.layout)


def calls_of(manifest: Manifest, artifact: Artifact) -> tuple[Call, ...]:
    """One call for each golden of a size that the file takes as it is: a vendor's runner may not resize it."""
    return tuple(_call(manifest, artifact, golden) for golden in manifest.goldens if _takes(artifact, golden))


def plain_name(name: str) -> str:
    """A name from a manifest that is to be that of a file; raises an InputError for one that could lead elsewhere."""
    if not name or name.startswith(".") or not all(one.isalnum() or one in "._-" for one in name):
        raise InputError(f"{shown_name(name)!r}: cannot be the name of a file; export the bundle again")
    return name


def _call(manifest: Manifest, artifact: Artifact, golden: Golden) -> Call:
    spec, (height, width) = artifact.outputs[0], (side * manifest.scale for side in golden.size)
    channels = spec.shape[1 if spec.layout == "NCHW" else 3] or 0
    return Call(
        artifact=artifact,
        golden=golden,
        output=golden.output if artifact.graph == "full" else residual_entry(golden, artifact),
        shape=(1, channels, height, width) if spec.layout == "NCHW" else (1, height, width, channels),
    )


def _takes(artifact: Artifact, golden: Golden) -> bool:
    bounded = artifact.bounds is None or artifact.bounds.hold(golden.size)
    return bounded and artifact.tile_size in (None, golden.size)
