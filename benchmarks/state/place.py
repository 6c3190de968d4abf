"""The places where the state of a device is read: files below a root, and programs of the device. A missing one reads
as None.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_SLOWEST_SECONDS = 5.0


def asked(command: Sequence[str]) -> str | None:
    """The output of a program of this machine; None if it is missing, fails, or takes longer than 5 s."""
    program = shutil.which(command[0])
    if program is None:
        return None
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        ended = subprocess.run(
            [program, *command[1:]],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SLOWEST_SECONDS,
        )
        return ended.stdout if ended.returncode == 0 else None
    return None


@dataclass(frozen=True, kw_only=True)
class Place:
    """A device: this machine, or in tests a made-up tree with made-up programs."""

    root: Path = Path("/")
    ask: Callable[[Sequence[str]], str | None] = asked

    def found(self, pattern: str) -> list[Path]:
        """Files and folders of a pattern such as "sys/class/hwmon/hwmon*", in the order of their names."""
        return sorted(self.root.glob(pattern))


def text(file: Path) -> str | None:
    """The content of a file without blanks at its ends; None where it cannot be read, or is empty."""
    try:
        return file.read_text(errors="replace").strip("\0 \n\t") or None
    except OSError:
        return None


def number(file: Path) -> int | None:
    """The whole number in a file; None where it cannot be read, or says something else."""
    content = text(file)
    try:
        return None if content is None else int(content)
    except ValueError:
        return None
