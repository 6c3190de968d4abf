"""Run a converter as a module in a process of its own: TensorFlow is large, prints, and works in its current folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from runtimes.errors import EdgesrError
from runtimes.telemetry import TELEMETRY_OFF


def run_converter(module: str, arguments: Sequence[str], *, folder: Path, result: Path, what: str) -> None:
    """``python -P -m module arguments`` in ``folder``; an EdgesrError with its last line unless ``result`` is there."""
    process = subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],
        check=False,
        cwd=folder,
        env={**os.environ, **TELEMETRY_OFF, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
    )
    if process.returncode != 0 or not result.is_file():
        raise EdgesrError(f"{what}: {_reason(process)}")


def _reason(process: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in f"{process.stdout}\n{process.stderr}".splitlines() if line.strip()]
    return f"exit code {process.returncode}: {lines[-1] if lines else 'it said nothing'}"
