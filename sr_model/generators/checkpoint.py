"""Our checkpoints: safetensors with the generator's config in the header. Also opens published .pth files.

Reading the header needs no torch, so that a cached export and `edgesr inspect` stay fast.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from edgesr.runtimes.bundle.manifest import LARGEST_ALPHA
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import write_atomically
from edgesr.runtimes.json_file import JsonError, parse_json
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.runtimes.wording import first_names, shown_name
from edgesr.sr_model.generators.config import GeneratorConfig, preset
from edgesr.sr_model.generators.recognised import UnknownNetworkError, foreign_network
from edgesr.sr_model.generators.safetensors_header import read_layout
from edgesr.sr_model.generators.weights_file import is_safetensors, require_file

if TYPE_CHECKING:
    from edgesr.sr_model.generators.generator import Generator

METADATA_KEY = "edgesr_generator"
WEIGHTS = {"real": "photographs", "clean": "bicubic"}
"""Kinds of embedded weights, and the LR images that each was trained on."""
DEFAULT_WEIGHTS = "real"
_DTYPE = "F32"
_REMAKE = "write it again with this edgesr"


@dataclass(frozen=True)
class CheckpointHeader:
    """The header of a checkpoint: config, tensor shapes and how it was trained (free text values)."""

    config: GeneratorConfig
    shapes: dict[str, tuple[int, ...]]
    training: dict[str, str]


@dataclass(frozen=True)
class _Description:
    """The one entry of our metadata."""

    config: GeneratorConfig
    training: dict[str, str]


def embedded_weights(preset_name: str) -> dict[str, Path]:
    """Files of a preset's embedded weights by kind: "real" for degraded photographs, "clean" for bicubic LR."""
    preset(preset_name)
    folder = Path(str(resources.files("edgesr.sr_model"))) / "weights"
    files = {kind: folder / f"{preset_name}-{kind}.safetensors" for kind in WEIGHTS}
    return {kind: file for kind, file in files.items() if file.is_file()}


def embedded_checkpoint(preset_name: str, *, weights: str = DEFAULT_WEIGHTS) -> Path:
    """Embedded weights of one kind; a preset without them is an InputError that says which there are and what to do."""
    if weights not in WEIGHTS:
        raise InputError(f"unknown weights {weights!r}: choose one of {', '.join(WEIGHTS)}")
    files = embedded_weights(preset_name)
    if not files:
        raise InputError(
            f"preset {preset_name!r} has no embedded weights: give a checkpoint with --checkpoint FILE, for example "
            f"one of 'edgesr train --preset {preset_name}'"
        )
    if weights not in files:
        there = ", ".join(files)
        raise InputError(
            f"preset {preset_name!r} has no embedded weights {weights!r}, only {there}: give --weights {there} or a "
            "checkpoint with --checkpoint FILE"
        )
    return files[weights]


def read_header(path: Path) -> CheckpointHeader:
    """Header of one of our safetensors checkpoints, without reading tensors."""
    require_file(path)
    layout = read_layout(path)
    shapes = {name: entry.shape for name, entry in layout.entries.items()}
    if METADATA_KEY not in layout.metadata:
        reason = f"a safetensors file without {METADATA_KEY!r} in its metadata"
        raise UnknownNetworkError(foreign_network(str(path), shapes, wanted="an edgesr generator", reason=reason))
    try:
        description = decode(_Description, parse_json(layout.metadata[METADATA_KEY]))
    except (InputError, DecodeError, JsonError) as error:
        raise InputError(f"{path}: its description of the generator is damaged: {error}; {_REMAKE}") from error
    for name, entry in layout.entries.items():
        if entry.dtype != _DTYPE:
            raise InputError(
                f"{path}: the tensor {shown_name(name)} is of {shown_name(entry.dtype)}, need {_DTYPE}; {_REMAKE}"
            )
    return CheckpointHeader(config=description.config, shapes=shapes, training=description.training)


def load_checkpoint(path: Path) -> Generator:
    """Generator in evaluation mode from our safetensors or a published .pth file."""
    require_file(path)
    if is_safetensors(path):
        generator = _load_safetensors(path)
    else:
        from edgesr.sr_model.generators.published import load_published

        generator = load_published(path)
    _require_projection(generator, path)
    return generator


def save_checkpoint(path: Path, generator: Generator, training: Mapping[str, str]) -> None:
    """Write parameters and config as safetensors, whole or not at all; the same content gives the same bytes.

    All metadata is one entry: safetensors writes several in random order.
    """
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in generator.state_dict().items()}
    described = {"config": dataclasses.asdict(generator.config), "training": dict(training)}
    write_atomically(path, save(tensors, metadata={METADATA_KEY: json.dumps(described, sort_keys=True)}))


def _require_projection(generator: Generator, path: Path) -> None:
    """An alpha whose exponential overflows makes NaN of a flat image, whose noise level is 0."""
    alpha = 0.0 if generator.projection is None else generator.projection.alpha.item()
    if not abs(alpha) <= LARGEST_ALPHA:
        raise InputError(
            f"{path}: its alpha is {alpha:g}, need -{LARGEST_ALPHA:g} to {LARGEST_ALPHA:g}, so that its exponential "
            "fits into float32; give another checkpoint"
        )


def _load_safetensors(path: Path) -> Generator:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    from edgesr.sr_model.generators.finite_weights import require_finite
    from edgesr.sr_model.generators.generator import Generator

    header = read_header(path)
    with torch.device("meta"):  # its shapes alone: a config may ask for gigabytes that the file does not have
        expected = {name: tuple(tensor.shape) for name, tensor in Generator(header.config).state_dict().items()}
    if header.shapes != expected:
        wrong = sorted(n for n in expected.keys() | header.shapes.keys() if expected.get(n) != header.shapes.get(n))
        raise InputError(
            f"{path}: its tensors do not fit its config {header.config.name!r}, missing, surplus or of wrong shape: "
            f"{first_names(wrong)}; {_REMAKE}"
        )
    try:
        state = load(path.read_bytes())  # by its name it opens UTF-8 alone
    except SafetensorError as error:
        raise InputError(f"{path}: damaged safetensors file: {error}") from error
    require_finite(state, source=str(path))
    generator = Generator(header.config)
    generator.load_state_dict(state, strict=True)
    return generator.eval()
