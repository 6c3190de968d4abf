"""Our checkpoints: safetensors with the generator's config in the header. Also opens published .pth files.

Reading the header needs no torch, so that a cached export and `edgesr inspect` stay fast.
"""

from __future__ import annotations

import dataclasses
import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtimes.decoding import decode
from runtimes.errors import InputError
from runtimes.files import write_atomically
from runtimes.json_file import JsonError, parse_json
from sr_model.config import GeneratorConfig, preset

if TYPE_CHECKING:
    from sr_model.generator import Generator

METADATA_KEY = "edgesr_generator"
WEIGHTS = ("real", "clean")
DEFAULT_WEIGHTS = "real"
_MAX_HEADER_BYTES = 1 << 20


@dataclass(frozen=True)
class CheckpointHeader:
    """What a checkpoint says of itself: config, tensor shapes and how it was trained (free text values)."""

    config: GeneratorConfig
    shapes: dict[str, tuple[int, ...]]
    training: dict[str, str]


def embedded_weights(preset_name: str) -> dict[str, Path]:
    """Files of a preset's embedded weights by kind: "real" for degraded photographs, "clean" for bicubic LR."""
    preset(preset_name)
    folder = Path(str(resources.files("sr_model"))) / "weights"
    files = {kind: folder / f"{preset_name}-{kind}.safetensors" for kind in WEIGHTS}
    return {kind: file for kind, file in files.items() if file.is_file()}


def embedded_checkpoint(preset_name: str, *, weights: str = DEFAULT_WEIGHTS) -> Path:
    """Embedded weights of one kind; a preset without them is an InputError that says which there are and what to do."""
    if weights not in WEIGHTS:
        raise InputError(f"unknown weights {weights!r}: choose one of {', '.join(WEIGHTS)}")
    files = embedded_weights(preset_name)
    if not files:
        raise InputError(f"preset {preset_name!r} has no embedded weights: give a checkpoint with --checkpoint FILE")
    if weights not in files:
        there = ", ".join(files)
        raise InputError(
            f"preset {preset_name!r} has no embedded weights {weights!r}, only {there}: give --weights {there} or a "
            "checkpoint with --checkpoint FILE"
        )
    return files[weights]


def is_safetensors(path: Path) -> bool:
    """Whether a file is meant as safetensors: by its suffix, or by its layout (8 bytes of header length, then JSON)."""
    if path.suffix == ".safetensors":
        return True
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:9] == b"{"


def read_header(path: Path) -> CheckpointHeader:
    """Header of one of our safetensors checkpoints, without reading tensors."""
    header = _read_json_header(path)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or METADATA_KEY not in metadata:
        raise InputError(f"{path}: a safetensors file, but no edgesr generator: its metadata has no {METADATA_KEY!r}")
    try:
        described = parse_json(metadata[METADATA_KEY])
        config = decode(GeneratorConfig, described["config"])
        shapes = {name: tuple(map(operator.index, entry["shape"])) for name, entry in header.items()}
        training = {name: str(value) for name, value in described["training"].items()}
        return CheckpointHeader(config=config, shapes=shapes, training=training)
    except (InputError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: its description of the generator is damaged: {error}") from error


def load_checkpoint(path: Path) -> Generator:
    """Generator in evaluation mode from our safetensors or a published .pth file."""
    require_file(path)
    if not is_safetensors(path):
        from sr_model.published import load_published

        return load_published(path)
    return _load_safetensors(path)


def save_checkpoint(path: Path, generator: Generator, training: Mapping[str, str]) -> None:
    """Write parameters and config as safetensors, whole or not at all; the same content gives the same bytes.

    All metadata is one entry: safetensors writes several in random order.
    """
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in generator.state_dict().items()}
    described = {"config": dataclasses.asdict(generator.config), "training": dict(training)}
    write_atomically(path, save(tensors, metadata={METADATA_KEY: json.dumps(described, sort_keys=True)}))


def require_file(path: Path) -> None:
    """An InputError unless the path is a file with something in it."""
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if not path.is_file():
        raise InputError(f"{path}: not a file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")


def _load_safetensors(path: Path) -> Generator:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from sr_model.finite_weights import require_finite
    from sr_model.generator import Generator

    header = read_header(path)
    generator = Generator(header.config)
    expected = {name: tuple(tensor.shape) for name, tensor in generator.state_dict().items()}
    if header.shapes != expected:
        wrong = sorted(n for n in expected.keys() | header.shapes.keys() if expected.get(n) != header.shapes.get(n))
        raise InputError(
            f"{path}: its tensors do not fit its config {header.config.name!r}, missing, surplus or of wrong shape: "
            f"{', '.join(wrong)}; write it again with this edgesr"
        )
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise InputError(f"{path}: damaged safetensors file: {error}") from error
    require_finite(state, source=str(path))
    generator.load_state_dict(state, strict=True)
    return generator.eval()


def _read_json_header(path: Path) -> dict[str, Any]:
    require_file(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        text = file.read(length) if 0 < length <= _MAX_HEADER_BYTES else b""
    try:
        header = parse_json(text)
    except JsonError as error:
        raise InputError(f"{path}: damaged safetensors file: its header {error}") from error
    if not isinstance(header, dict):
        raise InputError(f"{path}: damaged safetensors file: its header is no mapping")
    return header
