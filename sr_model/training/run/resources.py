"""What of this machine a training run may use."""

from __future__ import annotations

from edgesr.runtimes.errors import InputError

TRAINING_DEVICES = ("auto", "cpu", "cuda")
DEFAULT_DEVICE = "auto"
DEFAULT_WORKERS = 1
MAX_WORKERS = 256


def require_training_device(name: str) -> None:
    """An InputError for a device that no run can be on."""
    if name not in TRAINING_DEVICES:
        raise InputError(f"device {name!r}: choose one of {', '.join(TRAINING_DEVICES)}")


def require_workers(count: int) -> None:
    """An InputError for a number of processes that no run should start."""
    if not 0 <= count <= MAX_WORKERS:
        raise InputError(f"workers is {count}: need 0 to {MAX_WORKERS}")
