"""Start a worker process, wait for it, and tell how it ended."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from edgesr.benchmarks.devices.process_exit import describe_exit, ended_process
from edgesr.benchmarks.devices.running import watched
from edgesr.benchmarks.jobs import Job, Outcome, invalid_result
from edgesr.runtimes.json_file import JsonError, parse_json
from edgesr.runtimes.json_records import DecodeError, decode, to_json

WORKER = "edgesr.benchmarks.worker"
"""The module that does a job."""


def run_worker(
    job: Job,
    command: Callable[[Path, Path], list[str]],
    *,
    environment: Mapping[str, str],
    timeout_seconds: float,
) -> Outcome:
    """Run a job in a fresh process, started by ``command`` of job and result file, with that environment and the job's
    own variables, and no others. It is killed after ``timeout_seconds`` beyond what it is to last.
    """
    limit_seconds = timeout_seconds + job.lasts_seconds
    with tempfile.TemporaryDirectory(prefix="edgesr-job-") as folder:
        job_file, result_file = Path(folder) / "job.json", Path(folder) / "result.json"
        job_file.write_text(to_json(job))
        try:
            process = ended_process(
                command(job_file, result_file),
                environment={**environment, **job.environment},
                timeout_seconds=limit_seconds,
                while_running=watched,
            )
        except subprocess.TimeoutExpired:
            return Outcome(status="timeout", reason=f"no result after {limit_seconds:g} s", result=None)
        if process.returncode != 0 or not result_file.is_file():
            return Outcome(status="crashed", reason=describe_exit(process.returncode, process.stderr), result=None)
        return read_outcome(result_file)


def read_outcome(file: Path) -> Outcome:
    """The outcome that a worker wrote; anything else in its place counts as a crash."""
    return parsed_outcome(file.read_bytes())


def parsed_outcome(content: bytes) -> Outcome:
    """The outcome in what a worker wrote; anything else is a crash."""
    try:
        return decode(Outcome, parse_json(content, file_names=True))
    except (JsonError, DecodeError) as error:
        return invalid_result(error)
