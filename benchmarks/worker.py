"""A process for one job: python -P -m benchmarks.worker JOB.json RESULT.json. Imports no training framework."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from benchmarks.jobs import Job, Outcome
from benchmarks.latency import measure_latency
from benchmarks.parity import check_parity
from runtimes.bundle import open_bundle
from runtimes.decoding import decode, to_json
from runtimes.errors import EdgesrError, MissingPackageError


def run_job(job: Job) -> Outcome:
    """Do the job here; what edgesr expects to go wrong becomes an outcome, anything else propagates."""
    try:
        bundle = open_bundle(job.bundle)
        artifact = bundle.artifact(job.artifact)
        if job.kind == "parity":
            result = dataclasses.asdict(check_parity(bundle, artifact, runtime=job.runtime, threads=job.threads))
        else:
            result = dataclasses.asdict(
                measure_latency(bundle, artifact, runtime=job.runtime, threads=job.threads, settings=job.latency)
            )
    except MissingPackageError as error:
        return Outcome(status="missing", reason=str(error), result=None)
    except EdgesrError as error:
        return Outcome(status="error", reason=str(error), result=None)
    return Outcome(status="done", reason=None, result=result)


def main(job_file: Path, result_file: Path) -> None:
    outcome = run_job(decode(Job, json.loads(job_file.read_text())))
    result_file.write_text(to_json(outcome))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
