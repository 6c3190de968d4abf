"""Run a converter as a module in a process of its own: TensorFlow is large, prints, and works in its current folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import TimeoutExpired

from edgesr.benchmarks.devices.process_exit import describe_exit, ended_process
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
    """``python -P -m module arguments`` in ``folder``; raises an EdgesrError with its last line unless ``result`` is
    there.
    """
    try:
        process = ended_process(
            [sys.executable, "-P", "-m", module, *arguments],
            environment={**os.environ, **TELEMETRY_OFF, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
            folder=folder,
            timeout_seconds=timeout_seconds,
        )
    except TimeoutExpired:
        raise EdgesrError(f"{what}: no result after {timeout_seconds:g} s") from None
    if process.returncode != 0 or not result.is_file():
        raise EdgesrError(f"{what}: {describe_exit(process.returncode, process.stderr or process.stdout)}")
