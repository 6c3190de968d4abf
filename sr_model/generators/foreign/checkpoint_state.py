"""State dicts as others save them: below the names of wrappers, with a prefix of DataParallel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import first_names
from edgesr.sr_model.generators.finite_weights import require_finite
from edgesr.sr_model.generators.published import load_weights_only
from edgesr.sr_model.generators.weights_file import is_safetensors, require_file

_WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model", "generator", "net_g", "net")
_PREFIX = "module."


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], str]:
    """The tensors of a checkpoint by name, and the wrappers that they lay below, "params_ema" for example.

    .pth files are read with ``weights_only=True``.
    """
    require_file(path)
    if is_safetensors(path):
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            found: Any = load(path.read_bytes())
        except SafetensorError as error:
            raise InputError(f"{path}: damaged safetensors file: {error}") from error
    else:
        found = load_weights_only(path, "give the state dict of the network")
    wrappers: list[str] = []
    while (name := _wrapper(found)) is not None:
        found = found[name]
        wrappers.append(name)
    if not isinstance(found, dict) or not found or not all(isinstance(v, Tensor) for v in found.values()):
        held = (first_names(found) or "nothing") if isinstance(found, dict) else f"a {type(found).__name__}"
        raise InputError(
            f"{path}: holds no state dict (a mapping of names to tensors), but {held}; give that of the network"
        )
    if all(name.startswith(_PREFIX) for name in found):
        found = {name.removeprefix(_PREFIX): tensor for name, tensor in found.items()}
        wrappers.append(_PREFIX)
    state = {
        name: tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
        for name, tensor in found.items()
    }
    require_finite(state, source=str(path))
    return state, " / ".join(wrappers)


def unpacked_note(path: Path, wrappers: str) -> list[str]:
    """A note on the part of a checkpoint that was unpacked, if one was."""
    return [f"{path}: the weights lie below {wrappers}"] if wrappers else []


def _wrapper(found: Any) -> str | None:
    if not isinstance(found, dict):
        return None
    return next((name for name in _WRAPPERS if isinstance(found.get(name), dict)), None)
