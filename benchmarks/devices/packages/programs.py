"""Programs that the set-up starts: a failure is one line that ends with the last error line of the program."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from edgesr.benchmarks.devices.process_exit import ended_process
from edgesr.runtimes.errors import InputError, MissingPackageError


def require_program(name: str, mend: str) -> str:
    """The path of a program; raises a MissingPackageError that tells how to get it when it is not on PATH."""
    found = shutil.which(name)
    if found is None:
        raise MissingPackageError(f"the set-up needs {name}, which is not installed: {mend}")
    return found


def run_program(arguments: Iterable[str | Path], *, what: str, mend: str, folder: Path | None = None) -> str:
    """Standard output of a program run in ``folder``; an InputError "what failed (why): mend" unless it ends well."""
    done = attempted(arguments, folder=folder)
    if done.returncode != 0:
        raise InputError(f"{what} failed ({last_error(done)}): {mend}")
    return done.stdout


def attempted(arguments: Iterable[str | Path], *, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A finished program with English messages, whatever its exit code."""
    return ended_process(arguments, environment={**os.environ, "LC_ALL": "C"}, folder=folder)


def last_error(done: subprocess.CompletedProcess[str]) -> str:
    """The last line on standard error, of its errors and warnings if any are marked; else the exit code."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith(("E:", "ERROR:", "W:", "dpkg-deb: error", "dpkg: error"))]
    return (marked or lines or [f"exit code {done.returncode}"])[-1]
