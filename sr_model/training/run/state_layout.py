"""All that a training state must hold before anything of it is used: names, shapes, types, counts, settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgesr.runtimes.json_file import JsonError, parse_json
from edgesr.runtimes.json_records import DecodeError
from edgesr.runtimes.wording import first_names, shown_name
from edgesr.sr_model.training.run.settings import RunSettings

STEP = "step"
SECONDS = "seconds"
SETTINGS = "settings"
AVERAGED = "n_averaged"
_MAX_BYTES = 1 << 16
_SECOND_MOMENT, _VARIANCE, _COUNT = "exp_avg_sq", "running_var", "num_batches_tracked"


@dataclass(frozen=True)
class Expected:
    """The properties that one tensor must have: shape and type, at least ``least``, and its value if it is a count."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    least: int | None = None
    exactly: int | None = None

    def problem(self, tensor: Tensor) -> str:
        """The fault of a tensor, in words; empty if it has none."""
        if tuple(tensor.shape) != self.shape:
            return f"has the shape {tuple(tensor.shape)} instead of {self.shape}"
        if tensor.dtype != self.dtype:
            return f"is of {tensor.dtype} instead of {self.dtype}"
        if self.exactly is not None and tensor.item() != self.exactly:
            return f"is {tensor.item():g} instead of {self.exactly}"
        if self.least is not None and bool((tensor < self.least).any()):
            return f"has values below {self.least}"
        return ""


def of_module(prefix: str, module: nn.Module) -> dict[str, Expected]:
    """Tensors of a network by the names they are saved under; variances and counts are not negative."""
    return {
        f"{prefix}.{name}": Expected(tuple(v.shape), v.dtype, 0 if name.endswith((_VARIANCE, _COUNT)) else None)
        for name, v in module.state_dict().items()
    }


def of_adam(prefix: str, optimizer: torch.optim.Optimizer, updates: int) -> dict[str, Expected]:
    """Moments of Adam after some updates: those of every parameter, none before the first (arXiv 1412.6980)."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]] if updates else []
    expected: dict[str, Expected] = {}
    for index, parameter in enumerate(parameters):
        shape, dtype = tuple(parameter.shape), parameter.dtype
        expected[f"{prefix}.{index}.step"] = Expected((), torch.float32, exactly=updates)
        expected[f"{prefix}.{index}.exp_avg"] = Expected(shape, dtype)
        expected[f"{prefix}.{index}.{_SECOND_MOMENT}"] = Expected(shape, dtype, least=0)
    return expected


def require_layout(flat: Mapping[str, Tensor], expected: Mapping[str, Expected]) -> None:
    """Raise a ValueError unless a state holds exactly what is expected, next to its step and settings."""
    found = flat.keys() - {STEP, SECONDS, SETTINGS}
    if missing := [name for name in expected if name not in found]:
        raise ValueError(f"it lacks {first_names(missing)}")
    if surplus := sorted(found - expected.keys()):
        raise ValueError(f"it holds {first_names(surplus)}, which this run does not have")
    for name, wanted in expected.items():
        if problem := wanted.problem(flat[name]):
            raise ValueError(f"{shown_name(name)} {problem}")


def step_of(flat: Mapping[str, Tensor], total_steps: int) -> int:
    """The updates that a state has seen; raises a ValueError unless it is a whole number that a run can have
    reached.
    """
    if STEP not in flat:
        raise ValueError(f"it lacks {STEP}")
    if problem := Expected((), torch.int64).problem(flat[STEP]):
        raise ValueError(f"{STEP} {problem}")
    step = int(flat[STEP])
    if not 1 <= step <= total_steps:
        raise ValueError(f"{STEP} is {step}: need 1 to {total_steps}")
    return step


def seconds_of(flat: Mapping[str, Tensor]) -> float:
    """The time that a run by the clock has trained; raises a ValueError unless it is a number of at least 0."""
    if SECONDS not in flat:
        raise ValueError(f"it lacks {SECONDS}")
    if problem := Expected((), torch.float64, least=0).problem(flat[SECONDS]):
        raise ValueError(f"{SECONDS} {problem}")
    return flat[SECONDS].item()


def settings_tensor(settings: RunSettings) -> Tensor:
    """Settings as a tensor: the bytes of their JSON."""
    return torch.tensor(list(settings.to_json().encode()), dtype=torch.int16)


def require_settings(flat: Mapping[str, Tensor], wanted: RunSettings) -> None:
    """Raise a ValueError when a state holds other settings than those wanted; a state of edgesr 0.1.0 holds none."""
    if SETTINGS not in flat:
        return
    held = flat[SETTINGS]
    if (
        held.dim() != 1
        or held.numel() > _MAX_BYTES
        or held.dtype != torch.int16
        or not bool(((held >= 0) & (held < 256)).all())
    ):
        raise ValueError(f"{SETTINGS} are no bytes")
    try:
        differences = wanted.differences(RunSettings.from_json(parse_json(bytes(held.tolist()))))
    except (JsonError, DecodeError) as error:
        raise ValueError(f"{SETTINGS}: {error}") from error
    if differences:
        raise ValueError(f"it is of a run with other settings: {differences}")
