"""Checkpoints of others whose architecture spandrel recognises by the names and shapes of their tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.packages import installed_version
from edgesr.runtimes.wording import first_names
from edgesr.sr_model.generators.foreign.checkpoint_state import read_checkpoint, unpacked_note
from edgesr.sr_model.generators.foreign.making import Built, Described, in_evaluation_mode
from edgesr.sr_model.generators.foreign.one_line import in_one_line
from edgesr.sr_model.generators.recognised import network_of

_PURPOSES = {"SR": "super-resolution", "Restoration": "restoration"}


class _AsCalled(nn.Module):
    """LR (1,c,h,w) in [0,1] -> the picture alone, as spandrel calls a network, without its padding and its clip."""

    def __init__(self, descriptor: Any) -> None:
        super().__init__()
        self.model = descriptor.model
        self._call = descriptor._call_fn

    def forward(self, lr: Tensor) -> Tensor:
        picture: Tensor = self._call(self.model, lr)
        return picture


def recognise(checkpoint: Path) -> Built:
    """The network of a checkpoint, which is read without running any code that it may hold; an InputError without."""
    spandrel = _imported()
    by = f"spandrel {installed_version('spandrel')}"
    state, wrappers = read_checkpoint(checkpoint)
    try:
        descriptor = spandrel.ModelLoader().load_from_state_dict(state)
    except spandrel.UnsupportedModelError as error:
        raise InputError(
            f"{checkpoint}: looks like {network_of(state)}: it holds {first_names(state)}; {by} knows no architecture "
            "for it; give a generator of edgesr train, a published .pth, or its code with --module FILE.py:NAME"
        ) from error
    except Exception as error:  # of any kind: a checkpoint that only looks like one of its architectures
        raise InputError(
            f"{checkpoint}: {by} cannot load it: {in_one_line(error)}; it holds {first_names(state)}; give its code "
            "with --module FILE.py:NAME"
        ) from error
    described = _described(descriptor, checkpoint, by)
    tags = f" ({', '.join(descriptor.tags)})" if descriptor.tags else ""
    note = f"{checkpoint}: {by} recognises {described.architecture}{tags}, {_PURPOSES[descriptor.purpose]}"
    return in_evaluation_mode(_AsCalled(descriptor), [*unpacked_note(checkpoint, wrappers), note], described)


def _imported() -> Any:
    """The package spandrel, whose architectures import torchvision; an InputError where one of both is broken."""
    try:
        import spandrel
    except Exception as error:  # of any kind: torchvision of another torch raises a RuntimeError
        raise InputError(
            f"spandrel cannot be imported: {in_one_line(error)}; install the torchvision that was built for torch "
            f"{torch.__version__}, from where that torch came"
        ) from error
    return spandrel


def _described(descriptor: Any, checkpoint: Path, by: str) -> Described:
    """What spandrel says of a network, or why edgesr does not take it."""
    architecture, sizes = descriptor.architecture.name, descriptor.size_requirements
    if descriptor.purpose not in _PURPOSES:
        why = f"its purpose is {descriptor.purpose}, edgesr takes networks for {' and '.join(_PURPOSES.values())}"
    elif sizes.square:
        why = "it takes square images alone"
    elif descriptor.input_channels != descriptor.output_channels:
        why = f"it makes {descriptor.output_channels} channels of {descriptor.input_channels}"
    else:
        return Described(
            by=by,
            architecture=architecture,
            scale=descriptor.scale,
            channels=descriptor.input_channels,
            multiple=sizes.multiple_of,
            least_side=sizes.minimum,
        )
    raise InputError(f"{checkpoint}: {by} recognises {architecture}: {why}; give another checkpoint")
