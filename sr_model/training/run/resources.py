"""The resources of this machine that a training run may use."""

from __future__ import annotations

from edgesr.runtimes.errors import InputError

TRAINING_DEVICES = ("auto", "cpu", "cuda")
DEFAULT_DEVICE = "auto"


def require_training_device(name: str) -> None:
    """Raise an InputError for a device that no run can be on."""
    if name not in TRAINING_DEVICES:
        raise InputError(f"device {name!r}: choose one of {', '.join(TRAINING_DEVICES)}")
