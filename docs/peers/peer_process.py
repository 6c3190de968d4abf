"""Starts `peer_runner.py` with the Python of an upscaler, and talks to it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from peer_methods import Method

from edgesr.runtimes.json_file import JsonError, parse_json

RUNNER = Path(__file__).with_name("peer_runner.py")
Told = Callable[[str], None]
"""Takes a line on how far a run is."""
_LEFT_OUT = "OMP_NUM_THREADS"
"""Every upscaler runs at its default number of threads, whatever the caller's shell says."""


class PeerError(RuntimeError):
    """An upscaler did not start, or failed at a picture; the message is its row of the table."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """The cost of one picture. ``peak_bytes`` is of the process so far, without Python, numpy and Pillow."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


class PeerProcess:
    """A process that has loaded a method, as a context manager."""

    def __init__(self, method: Method, pythons: dict[str, Path]) -> None:
        environment = {name: value for name, value in os.environ.items() if name != _LEFT_OUT}
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115, closed in __exit__
        command = [str(pythons[method.python]), str(RUNNER), *method.arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, env=environment
        )
        try:
            loaded = self._reply()
        except PeerError:
            self.close()
            raise
        self.load_seconds: float = loaded["load_seconds"]
        self.versions: dict[str, str] = loaded["versions"]

    def upscale(self, source: Path, target: Path) -> Call:
        """Files are PNG; an existing target is replaced."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the reply tells why it ended
            print(f"{source}\t{target}", file=self._process.stdin, flush=True)
        return Call(**self._reply())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):  # a line that it did not read any more
            self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> PeerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"ended with exit code {self._process.wait()}: {self._last_error()}")
        try:
            reply: dict[str, Any] = parse_json(line)
        except JsonError as error:
            raise PeerError(f"gave {line[:80]!r}: {error}") from error
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply

    def _last_error(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
