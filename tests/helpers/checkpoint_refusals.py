"""Refusals of checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.checkpoint import load_checkpoint


def refusal_of(path: Path) -> str:
    """The line that refuses a checkpoint; it is one, and short."""
    with pytest.raises(InputError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and len(message.splitlines()) == 1 and len(message) < 1000
    return message
