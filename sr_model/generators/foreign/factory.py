"""Calls the user's own code: `FILE.py:NAME` gives a network, which takes the weights of a checkpoint."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import first_names
from edgesr.sr_model.generators.foreign.checkpoint_state import read_checkpoint, unpacked_note
from edgesr.sr_model.generators.foreign.making import Built, in_evaluation_mode
from edgesr.sr_model.generators.foreign.one_line import in_one_line
from edgesr.sr_model.generators.recognised import compare_shapes

_MODULE_NAME = "edgesr_users_generator"


def build_network(file: Path, name: str, checkpoint: Path | None) -> Built:
    """The network that a function of a file gives, with the weights of a checkpoint.

    The function takes nothing, and the checkpoint is loaded strictly into what it gives; or it takes the path of the
    checkpoint and loads it itself.
    """
    factory = _factory(file, name)
    needed = _needed_arguments(factory)
    if len(needed) > 1:
        raise InputError(
            f"{file}:{name} needs {first_names(needed)}: give a function that takes nothing, or a checkpoint's path"
        )
    takes_path = len(needed) == 1
    if takes_path and checkpoint is None:
        raise InputError(f"{file}:{name} takes the path of a checkpoint: give it with --checkpoint FILE")
    network = _called(factory, file, name, (str(checkpoint),) if takes_path else ())
    notes: list[str] = []
    if checkpoint is not None and not takes_path:
        state, wrappers = read_checkpoint(checkpoint)
        notes += unpacked_note(checkpoint, wrappers)
        _load(network, state, checkpoint)
    return in_evaluation_mode(network, notes)


def _factory(file: Path, name: str) -> Callable[..., Any]:
    spec = importlib.util.spec_from_file_location(_MODULE_NAME, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{file}: no Python file; give FILE.py:NAME")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE_NAME] = module
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise InputError(f"{file}: cannot be imported: {in_one_line(error, str(file))}") from error
    found: Callable[..., Any] | None = getattr(module, name, None)
    if found is not None and not callable(found):
        raise InputError(
            f"{file}: {name} is no function, but of {type(found).__name__}: give one that builds a network"
        )
    if found is None:
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        there = f"it has {first_names(functions)}" if functions else "it has none"
        raise InputError(f"{file}: has no function {name!r}; {there}")
    return found


def _needed_arguments(factory: Callable[..., Any]) -> list[str]:
    """Names of those that have no default."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in positional and p.default is inspect.Parameter.empty]


def _called(factory: Callable[..., Any], file: Path, name: str, arguments: tuple[str, ...]) -> nn.Module:
    try:
        network = factory(*arguments)
    except (Exception, SystemExit) as error:
        raise InputError(f"{file}:{name} failed: {in_one_line(error, str(file))}") from error
    if not isinstance(network, nn.Module):
        raise InputError(f"{file}:{name} gives {type(network).__name__}, not a network: return a torch.nn.Module")
    return network


def _load(network: nn.Module, state: dict[str, Tensor], checkpoint: Path) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    problems = compare_shapes({name: tuple(tensor.shape) for name, tensor in state.items()}, expected)
    if problems:
        raise InputError(f"{checkpoint}: does not fit the network: {problems}; give its own checkpoint")
    network.load_state_dict(state, strict=True)
