"""Child processes that are run to their end, and how they ended, in one line.

Imports nothing of ours: steps of an export depend on all that they import.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import takewhile
from pathlib import Path

_ARGUMENTS = "Call arguments received by layer"
_OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "bad allocation", "Cannot allocate memory", "can't allocate memory")


def ended_process(
    arguments: Iterable[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout_seconds: float | None = None,
    while_running: Callable[[subprocess.Popen[str]], AbstractContextManager[object]] = nullcontext,
) -> subprocess.CompletedProcess[str]:
    """A process that ended, whatever its exit code, and what it wrote, as text; it reads nothing.

    ``environment`` is the whole of its variables, None for those of this process. It is killed and a TimeoutExpired
    raised after ``timeout_seconds``. ``while_running`` is entered when it has begun, and left when it has ended.
    """
    process = subprocess.Popen(
        [str(one) for one in arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=None if environment is None else dict(environment),
    )
    with process, while_running(process):
        try:
            output, errors = process.communicate(timeout=timeout_seconds)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def describe_exit(returncode: int, stderr: str) -> str:
    """One line on a process that died: its signal or exit code, and the last line that it wrote.

    Keras ends an error with a list of a layer's arguments: then that is the last line before the list.
    """
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    lines = list(takewhile(lambda line: not line.startswith(_ARGUMENTS), lines)) or lines
    how = f"exit code {returncode}" if returncode >= 0 else f"killed by {_signal_name(-returncode)}"
    if any(sign in line for sign in _OUT_OF_MEMORY for line in lines[-1:]):
        how = f"out of memory, {how}"
    elif returncode == -signal.SIGKILL:
        how += ", as the system does when memory runs out"
    return f"{how}: {lines[-1]}" if lines else how


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
