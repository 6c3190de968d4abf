"""Rules that a manifest has to keep beyond its types: counts, sizes and references that make sense."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from edgesr.runtimes.bundle.contract import channels_of
from edgesr.runtimes.bundle.manifest import LARGEST_ALPHA, LARGEST_SIDE, Artifact, Golden, Manifest, Size, TensorSpec
from edgesr.runtimes.bundle.size_bounds import SizeBounds
from edgesr.runtimes.json_records import DecodeError
from edgesr.runtimes.wording import shown_name, shown_value

_LARGEST_SCALE = 16
_MOST_BYTES = 2**50


def require_sound(manifest: Manifest) -> None:
    """Raise a DecodeError that says what cannot be."""
    for fault in _faults(manifest):
        raise DecodeError(fault)


def _faults(manifest: Manifest) -> Iterator[str]:
    for kind, ids in (("artifact", [a.id for a in manifest.artifacts]), ("golden", [g.id for g in manifest.goldens])):
        if twice := [one for one in ids if ids.count(one) > 1]:
            yield f"the {kind} {shown_name(twice[0])!r} is there twice"
    if not manifest.artifacts:
        yield "has no artifacts"
    if not 1 <= manifest.scale <= _LARGEST_SCALE:
        yield f"a scale has to be from 1 to {_LARGEST_SCALE}"
    if not _are_sides(manifest.minimum_side, *manifest.tile_size):
        yield f"minimum side and tile sizes have to be from 1 to {LARGEST_SIDE}"
    if not _are_sides(manifest.multiple) or (manifest.tiling is not None and not _are_sides(manifest.tiling.step)):
        yield f"multiple and step have to be from 1 to {LARGEST_SIDE}"
    if manifest.glue.alpha is not None and abs(manifest.glue.alpha) > LARGEST_ALPHA:
        yield f"alpha has to be from -{LARGEST_ALPHA:g} to {LARGEST_ALPHA:g}"
    if manifest.colour != "rgb" and manifest.glue.upsample != "none":
        yield "a network of one channel has to give its picture and no residual"
    known = {artifact.id: artifact for artifact in manifest.artifacts}
    for artifact in manifest.artifacts:
        for fault in _artifact_faults(artifact, known, manifest.scale, channels_of(manifest.colour)):
            yield f"{shown_name(artifact.id)}: {fault}"
    for golden in manifest.goldens:
        for fault in _golden_faults(golden):
            yield f"{shown_name(golden.id)}: {fault}"


def _artifact_faults(artifact: Artifact, known: Mapping[str, Artifact], scale: int, channels: int) -> Iterator[str]:
    if not artifact.id:
        yield "an id is empty"
    if not _are_sides(*(artifact.tile_size or ())):
        yield f"tile sizes have to be from 1 to {LARGEST_SIDE}"
    yield from _bounds_faults(artifact.bounds, artifact.tile_size)
    if artifact.halo is not None and not 0 <= artifact.halo <= LARGEST_SIDE:
        yield f"a halo has to be from 0 to {LARGEST_SIDE}"
    if artifact.graph == "tile" and artifact.halo is None:
        yield "a tile graph has to have a halo"
    if not artifact.runtimes or len(set(artifact.runtimes)) < len(artifact.runtimes):
        yield "has no runtime, or one twice"
    if len(artifact.inputs) != 1 or len(artifact.outputs) != 1:
        yield "has to have one input and one output"
    for tensor, factor in zip((*artifact.inputs, *artifact.outputs), (1, scale), strict=False):
        yield from _tensor_faults(tensor, artifact.tile_size, factor, channels)
    if artifact.inside is not None and artifact.inside.artifact is not None:
        inside = known.get(artifact.inside.artifact)
        if inside is None or inside is artifact:
            yield f"names the artifact {shown_name(artifact.inside.artifact)!r}, which is not there"
        elif not _is_inside_of(inside, artifact):
            yield f"names the artifact {shown_name(inside.id)!r}, which is not its zero-padded form"
    yield from _file_faults([PurePosixPath(entry.path) for entry in artifact.files])
    memories = [use.memory for use in artifact.uses if use.memory is not None]
    if not all(0 <= one <= _MOST_BYTES for m in memories for one in (m.fixed_bytes, m.bytes_per_lr_pixel)):
        yield f"its memory has to be from 0 to {_MOST_BYTES} bytes"
    if not artifact.mac_per_hr_pixel > 0:
        yield "its multiply-accumulates are not above 0"


def _bounds_faults(bounds: SizeBounds | None, tile_size: Size | None) -> Iterator[str]:
    if bounds is None:
        return
    if not _are_sides(*bounds.least, *bounds.most):
        yield f"the sides of its bounds have to be from 1 to {LARGEST_SIDE}"
    if any(least > most for least, most in zip(bounds.least, bounds.most, strict=True)):
        yield f"its bounds {bounds.text} hold no size"
    if tile_size is not None:
        yield "has bounds of sizes and one size, need one of both"


def _is_inside_of(inside: Artifact, artifact: Artifact) -> bool:
    """Whether it is a tile graph for the inside of images that can stand in for an artifact on each of its runtimes."""
    alike = (inside.graph, inside.precision, inside.halo) == ("tile", artifact.precision, artifact.halo)
    return alike and inside.inside_only and set(artifact.runtimes) <= set(inside.runtimes)


def _file_faults(paths: Sequence[PurePosixPath]) -> Iterator[str]:
    if not paths:
        yield "has no file"
        return
    if len(set(paths)) < len(paths):
        yield "has a file twice"
    if not all(path.is_relative_to(paths[0].parent) for path in paths):
        yield "has files that are neither next to the first one nor below"


def _golden_faults(golden: Golden) -> Iterator[str]:
    if not _are_sides(*golden.size):
        yield f"its size has to be from 1 to {LARGEST_SIDE}"
    if any(min(dataclasses.astuple(tolerance)) < 0 for tolerance in golden.tolerances.values()):
        yield "a tolerance is below 0"


def _are_sides(*sides: int) -> bool:
    return all(1 <= side <= LARGEST_SIDE for side in sides)


def _tensor_faults(tensor: TensorSpec, tile_size: Size | None, factor: int, channels: int) -> Iterator[str]:
    """An image of ``factor`` times the tile's size, of any size where that is None."""
    height, width = (None, None) if tile_size is None else (tile_size[0] * factor, tile_size[1] * factor)
    expected = (1, channels, height, width) if tensor.layout == "NCHW" else (1, height, width, channels)
    if tensor.shape != expected or tensor.dtype != "float32":
        found = f"{shown_name(tensor.dtype)} of {shown_value(tensor.shape)}"
        yield f"{shown_name(tensor.name)}: is {found}, has to be float32 of {expected}"
    if tensor.range is not None and not tensor.range[0] < tensor.range[1]:
        yield f"{shown_name(tensor.name)}: its range {shown_value(tensor.range)} does not rise"
