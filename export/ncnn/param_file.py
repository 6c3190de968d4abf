"""The graph of an ncnn model, a text: a magic number, two counts, then a line a layer.

Convolution conv_1 1 1 2 3 0=32 1=5      kind, name, numbers of inputs and outputs, their names, parameters
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.errors import InputError

MAGIC = "7767517"
_HEAD = 2
"""Lines before the layers: the magic number, and the numbers of layers and of tensors."""
_FIXED = 4
"""Words of a layer before the names of its tensors."""


@dataclass(frozen=True, kw_only=True)
class ParamLayer:
    """A layer: ``parameters`` by their number, as they are written."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: dict[int, str]

    def number(self, key: int, default: int = 0) -> int:
        """A whole parameter."""
        return int(self.parameters.get(key, default))

    def line(self) -> str:
        """The line of the layer as the file has it."""
        tensors = (*self.inputs, *self.outputs)
        parameters = (f"{key}={value}" for key, value in self.parameters.items())
        counts = (str(len(self.inputs)), str(len(self.outputs)))
        return " ".join((f"{self.kind:<24}", f"{self.name:<24}", *counts, *tensors, *parameters))


def read_layers(file: Path) -> tuple[ParamLayer, ...]:
    """The layers of a .param file in their order, in which they run; raises an InputError for what is none."""
    lines = file.read_text().splitlines()
    try:
        if lines[0].strip() != MAGIC or len(lines) != _HEAD + int(lines[1].split()[0]):
            raise ValueError("it has another length than it says")
        return tuple(_layer(line.split()) for line in lines[_HEAD:])
    except (ValueError, IndexError) as error:
        raise InputError(f"{file}: no .param file of ncnn, or damaged: {error}; export it again") from error


def write_layers(file: Path, layers: tuple[ParamLayer, ...]) -> None:
    """Write a .param file."""
    tensors = sum(len(layer.outputs) for layer in layers)
    file.write_text("\n".join((MAGIC, f"{len(layers)} {tensors}", *(layer.line() for layer in layers), "")))


def _layer(words: list[str]) -> ParamLayer:
    inputs, outputs = int(words[2]), int(words[3])
    tensors = words[_FIXED : _FIXED + inputs + outputs]
    if len(tensors) != inputs + outputs:
        raise ValueError(f"layer {words[1]} lacks tensors")
    pairs = (word.split("=", 1) for word in words[_FIXED + inputs + outputs :])
    return ParamLayer(
        kind=words[0],
        name=words[1],
        inputs=tuple(tensors[:inputs]),
        outputs=tuple(tensors[inputs:]),
        parameters={int(key): value for key, value in pairs},
    )
