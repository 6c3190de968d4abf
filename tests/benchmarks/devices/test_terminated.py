"""A process that is asked to end (SIGTERM) takes its workers and temporary files with it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.helpers.places import RELEASED_BUNDLE


def _until(found: Callable[[], bool]) -> bool:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if found():
            return True
        time.sleep(0.05)
    return False


def _workers(folder: Path) -> list[Path]:
    """Processes whose command line names a file in the folder."""
    lines = {process: process / "cmdline" for process in Path("/proc").iterdir() if process.name.isdecimal()}
    return [process for process, line in lines.items() if str(folder).encode() in _content(line)]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def test_sigterm_ends_workers_and_removes_their_files(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "edgesr",
        "bench",
        str(RELEASED_BUNDLE),
        "--artifact",
        "onnx-fp32-full",
        "--seconds",
        "300",
    ]
    process = subprocess.Popen(command, env={"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}, stderr=subprocess.PIPE)
    try:
        assert _until(lambda: bool(_workers(tmp_path)))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGTERM
        assert b"Traceback" not in said
        assert _until(lambda: not _workers(tmp_path))
        assert list(tmp_path.iterdir()) == []
    finally:
        process.kill()
