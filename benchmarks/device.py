"""Where a worker process runs. A device launches it, waits for it and tells how it ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.jobs import Job, Outcome
from runtimes.decoding import decode, to_json


class Device(Protocol):
    """A place with the edgesr package and runtimes installed."""

    @property
    def name(self) -> str:
        """How results name it."""

    def run(self, job: Job) -> Outcome:
        """Run a job in a fresh process; a crash or a time-out is an outcome, not an exception."""


@dataclass(frozen=True)
class HostDevice:
    """This machine, this Python, the installed package."""

    timeout_seconds: float = 900.0
    name: str = "host"

    def run(self, job: Job) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="edgesr-job-") as folder:
            job_file, result_file = Path(folder) / "job.json", Path(folder) / "result.json"
            job_file.write_text(to_json(job))
            command = [sys.executable, "-P", "-m", "benchmarks.worker", str(job_file), str(result_file)]
            try:
                process = subprocess.run(
                    command,
                    check=False,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=self.timeout_seconds,
                )
            except subprocess.TimeoutExpired:
                return Outcome(status="timeout", reason=f"no result after {self.timeout_seconds:g} s", result=None)
            if process.returncode != 0 or not result_file.is_file():
                return Outcome(status="crashed", reason=describe_exit(process.returncode, process.stderr), result=None)
            return decode(Outcome, json.loads(result_file.read_text()))


def describe_exit(returncode: int, stderr: str) -> str:
    """One line on a process that died: its signal or exit code, and the last line that it wrote."""
    how = f"killed by {signal.Signals(-returncode).name}" if returncode < 0 else f"exit code {returncode}"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return f"{how}: {lines[-1]}" if lines else how
