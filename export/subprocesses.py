"""Run a converter as a module in a process of its own: TensorFlow is large, prints, and works in its current folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edgesr.benchmarks.devices.process_exit import describe_exit
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.telemetry import TELEMETRY_OFF


def run_converter(
    module: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    result: Path,
    what: str,
    timeout_seconds: float | None = None,
) -> None:
    """``python -P -m module arguments`` in ``folder``; an EdgesrError with its last line unless ``result`` is there."""
    try:
        process = subprocess.run(
            [sys.executable, "-P", "-m", module, *arguments],
            check=False,
            cwd=folder,
            env={**os.environ, **TELEMETRY_OFF, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
        )
    except subprocess.TimeoutExpired:
        raise EdgesrError(f"{what}: no result after {timeout_seconds:g} s") from None
    if process.returncode != 0 or not result.is_file():
        raise EdgesrError(f"{what}: {describe_exit(process.returncode, process.stdout)}")
