"""A process for one job: python -P -m edgesr.benchmarks.worker JOB.json RESULT.json. Imports no training framework."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from edgesr.benchmarks.job_kinds import job_kind
from edgesr.benchmarks.jobs import NOT_RUN, Job, Outcome
from edgesr.runtimes.allocator import keep_large_blocks_after_torch
from edgesr.runtimes.errors import EdgesrError, MissingPackageError, OtherSystemError
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import DecodeError, to_json


def run_job(job: Job) -> Outcome:
    """Do the job here; what edgesr expects to go wrong becomes an outcome, anything else propagates."""
    try:
        result = dataclasses.asdict(job_kind(job.kind).perform(job))
    except MissingPackageError as error:
        return Outcome(status="missing", reason=str(error), result=None)
    except OtherSystemError as error:
        return Outcome(status=NOT_RUN, reason=str(error), result=None)
    except (EdgesrError, DecodeError) as error:
        return Outcome(status="error", reason=str(error), result=None)
    return Outcome(status="done", reason=None, result=result)


def main(job_file: Path, result_file: Path) -> None:
    keep_large_blocks_after_torch()
    outcome = run_job(read_record(Job, job_file, remake="measure again", file_names=True))
    result_file.write_text(to_json(outcome))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
