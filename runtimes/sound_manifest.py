"""What a manifest has to keep beyond its types: counts, sizes and references that make sense."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from runtimes.decoding import DecodeError
from runtimes.manifest import LARGEST_ALPHA, Artifact, Golden, Manifest, TensorSpec
from runtimes.wording import shown_name

_LARGEST_SCALE = 16
_LARGEST_SIDE = 2**16


def require_sound(manifest: Manifest) -> None:
    """A DecodeError that says what cannot be."""
    for fault in _faults(manifest):
        raise DecodeError(fault)


def _faults(manifest: Manifest) -> Iterator[str]:
    for kind, ids in (("artifact", [a.id for a in manifest.artifacts]), ("golden", [g.id for g in manifest.goldens])):
        if twice := [one for one in ids if ids.count(one) > 1]:
            yield f"the {kind} {shown_name(twice[0])!r} is there twice"
    if not 1 <= manifest.scale <= _LARGEST_SCALE:
        yield f"a scale has to be from 1 to {_LARGEST_SCALE}"
    if not _are_sides(manifest.minimum_side, *manifest.tile_size):
        yield f"minimum side and tile sizes have to be from 1 to {_LARGEST_SIDE}"
    if manifest.glue.alpha is not None and abs(manifest.glue.alpha) > LARGEST_ALPHA:
        yield f"alpha has to be from -{LARGEST_ALPHA:g} to {LARGEST_ALPHA:g}"
    known = {artifact.id for artifact in manifest.artifacts}
    for artifact in manifest.artifacts:
        for fault in _artifact_faults(artifact, known):
            yield f"{shown_name(artifact.id)}: {fault}"
    for golden in manifest.goldens:
        for fault in _golden_faults(golden):
            yield f"{shown_name(golden.id)}: {fault}"


def _artifact_faults(artifact: Artifact, known: set[str]) -> Iterator[str]:
    if not _are_sides(*(artifact.tile_size or ())):
        yield f"tile sizes have to be from 1 to {_LARGEST_SIDE}"
    if artifact.halo is not None and not 0 <= artifact.halo <= _LARGEST_SIDE:
        yield f"a halo has to be from 0 to {_LARGEST_SIDE}"
    if not artifact.runtimes:
        yield "has no runtime"
    if not artifact.inputs or not artifact.outputs:
        yield "has no input or no output"
    if not all(map(_is_picture, (*artifact.inputs[:1], *artifact.outputs[:1]))):
        yield "its first input and output have to have four dimensions"
    if artifact.inside is not None and artifact.inside.artifact not in (None, *known):
        yield f"names the artifact {shown_name(artifact.inside.artifact)!r}, which is not there"
    if artifact.memory is not None and min(artifact.memory.fixed_bytes, artifact.memory.bytes_per_lr_pixel) < 0:
        yield "its memory is below 0"
    if artifact.mac_per_hr_pixel < 0:
        yield "its multiply-accumulates are below 0"


def _golden_faults(golden: Golden) -> Iterator[str]:
    if not _are_sides(*golden.size):
        yield f"its size has to be from 1 to {_LARGEST_SIDE}"
    if any(min(dataclasses.astuple(tolerance)) < 0 for tolerance in golden.tolerances.values()):
        yield "a tolerance is below 0"


def _are_sides(*sides: int) -> bool:
    return all(1 <= side <= _LARGEST_SIDE for side in sides)


def _is_picture(tensor: TensorSpec) -> bool:
    return len(tensor.shape) == 4 and all(side is None or 1 <= side <= 16 * _LARGEST_SIDE for side in tensor.shape)
