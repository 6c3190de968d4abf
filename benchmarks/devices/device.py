"""Where a worker process runs. A device launches it, waits for it and tells how it ended."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from edgesr.benchmarks.devices.process_exit import describe_exit
from edgesr.benchmarks.jobs import HOST, Job, Outcome, invalid_result
from edgesr.benchmarks.machine.limits import blas_environment
from edgesr.runtimes.json_file import JsonError, parse_json
from edgesr.runtimes.json_records import DecodeError, decode, to_json
from edgesr.runtimes.telemetry import TELEMETRY_OFF

WORKER = "edgesr.benchmarks.worker"
"""The module that does a job."""


@dataclass(frozen=True, kw_only=True)
class DeviceEnvironment:
    """What a device other than this host is: "emulated" CPUs compute as the real ones do, but their time is not real.

    ``packages`` are the versions on it.
    """

    name: str
    kind: Literal["emulated"]
    cpu: str
    packages: dict[str, str]


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
    name: str = HOST

    def run(self, job: Job) -> Outcome:
        limits = blas_environment(job.threads) if job.kind == "limits" else {}
        environment = {**os.environ, **TELEMETRY_OFF, **limits}
        return run_worker(job, self.command, environment=environment, timeout_seconds=self.timeout_seconds)

    def command(self, job_file: Path, result_file: Path) -> list[str]:
        """What starts a worker."""
        return [sys.executable, "-P", "-m", WORKER, str(job_file), str(result_file)]


def run_worker(
    job: Job,
    command: Callable[[Path, Path], list[str]],
    *,
    environment: Mapping[str, str],
    timeout_seconds: float,
) -> Outcome:
    """Run a job in a fresh process, started by ``command`` of job and result file, with that whole environment."""
    with tempfile.TemporaryDirectory(prefix="edgesr-job-") as folder:
        job_file, result_file = Path(folder) / "job.json", Path(folder) / "result.json"
        job_file.write_text(to_json(job))
        try:
            process = subprocess.run(
                command(job_file, result_file),
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_seconds,
                env=dict(environment),
            )
        except subprocess.TimeoutExpired:
            return Outcome(status="timeout", reason=f"no result after {timeout_seconds:g} s", result=None)
        if process.returncode != 0 or not result_file.is_file():
            return Outcome(status="crashed", reason=describe_exit(process.returncode, process.stderr), result=None)
        return read_outcome(result_file)


def read_outcome(file: Path) -> Outcome:
    """What a worker wrote; anything but an outcome is a crash."""
    try:
        return decode(Outcome, parse_json(file.read_bytes(), file_names=True))
    except (JsonError, DecodeError) as error:
        return invalid_result(error)
