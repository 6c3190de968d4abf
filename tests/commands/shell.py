"""Runs command lines in a folder, each in a process group of its own that ends with it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_URL = re.compile(rb"(http://\S+) until Ctrl-C")


@dataclass(frozen=True)
class Ended:
    """The end of a command; ``said``: the last line that it wrote."""

    code: int
    seconds: float
    said: str


@dataclass(frozen=True)
class Shell:
    """Runs commands in ``folder`` for at most ``limit_s``, with output to a log next to it."""

    folder: Path
    environment: Mapping[str, str]
    limit_s: float

    def run(self, text: str, *, serves: bool = False) -> Ended:
        """Run a command; one that ``serves`` is asked once at the address that it tells, and then gets Ctrl-C."""
        started, log = time.monotonic(), self.folder.parent / f"{self.folder.name}.log"
        with log.open("wb") as opened:
            process = subprocess.Popen(
                ["bash", "-c", text],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=opened,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            if serves:
                self._ask(process, log)
            process.wait(self.limit_s)
        except subprocess.TimeoutExpired:
            with log.open("a") as opened:
                opened.write(f"\nended after {self.limit_s:.0f} s")
        finally:
            _end(process)
        lines = log.read_text(errors="replace").strip().splitlines()
        return Ended(process.returncode, time.monotonic() - started, lines[-1].strip() if lines else "")

    def require(self, text: str) -> None:
        """Run a command that makes what others need; a RuntimeError where it fails."""
        ended = self.run(text)
        if ended.code != 0:
            raise RuntimeError(f"{text}: {ended.said}")

    def _ask(self, process: subprocess.Popen[bytes], log: Path) -> None:
        ends = time.monotonic() + self.limit_s
        while process.poll() is None and time.monotonic() < ends:
            if found := _URL.search(log.read_bytes()):
                with urllib.request.urlopen(found[1].decode(), timeout=10) as answer:
                    answer.read()
                process.send_signal(signal.SIGINT)
                return
            time.sleep(0.2)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and what it started: politely, so that edgesr deletes what it made, and then for good."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10.0)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10.0)
