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

_GIVE = "give a generator of edgesr train, a published .pth, or its code with --module FILE.py:NAME"
_PURPOSES = {"SR": "super-resolution", "Restoration": "restoration"}


class _AsCalled(nn.Module):
    """LR (1,c,h,w) in [0,1] -> the picture alone, as spandrel calls a network, without its padding and its clip."""

    def __init__(self, descriptor: Any) -> None:
        super().__init__()
        self.model = descriptor.model.eval()
        _fold(self.model)
        self._call = descriptor._call_fn

    def forward(self, lr: Tensor) -> Tensor:
        picture: Tensor = self._call(self.model, lr)
        return picture


def _fold(network: nn.Module) -> None:
    """Fold branches once, in place, which SPAN does in every forward, where torch.export cannot follow it."""
    for module in network.modules():
        if callable(fold := getattr(module, "update_params", None)):
            fold()
            module.update_params = _nothing  # type: ignore[assignment]


def _nothing() -> None:
    """Takes the place of a fold that is done."""


def recognise(checkpoint: Path) -> Built:
    """The network of a checkpoint, which is read without running any code that it may hold; raises an InputError
    without.
    """
    state, wrappers = read_checkpoint(checkpoint)
    descriptor, by = _recognised(state, f"{checkpoint}: looks like {network_of(state)}: it holds {first_names(state)}")
    described = _described(descriptor, checkpoint, by)
    tags = f" ({', '.join(descriptor.tags)})" if descriptor.tags else ""
    note = f"{checkpoint}: {by} recognises {described.architecture}{tags}, {_PURPOSES[descriptor.purpose]}"
    return in_evaluation_mode(_AsCalled(descriptor), [*unpacked_note(checkpoint, wrappers), note], described)


def _recognised(state: dict[str, Tensor], what: str) -> tuple[Any, str]:
    """spandrel's descriptor of a network, and the package with its version; raises an InputError that begins with
    ``what``.
    """
    try:
        import spandrel
    except Exception as error:  # of any kind: torchvision of another torch raises a RuntimeError
        raise InputError(
            f"{what}; spandrel, which may know its architecture, cannot be imported: {in_one_line(error)}; install the "
            f"torchvision that was built for torch {torch.__version__}, from where that torch came"
        ) from error
    by = f"spandrel {installed_version('spandrel')}"
    try:
        return spandrel.ModelLoader().load_from_state_dict(state), by
    except spandrel.UnsupportedModelError as error:
        raise InputError(f"{what}; {by} knows no architecture for it; {_GIVE}") from error
    except Exception as error:  # of any kind: a checkpoint that only looks like one of its architectures
        raise InputError(f"{what}; {by} cannot load it: {in_one_line(error)}; {_GIVE}") from error


def _described(descriptor: Any, checkpoint: Path, by: str) -> Described:
    """The description that spandrel gives of a network, or the reason why edgesr does not take it."""
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
