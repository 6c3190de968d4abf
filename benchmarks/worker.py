"""A process for one job: python -P -m edgesr.benchmarks.worker JOB.json RESULT.json. Imports no training framework."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.latency.call import Round, measure_latency
from edgesr.benchmarks.latency.end_to_end import EndToEnd, measure_end_to_end
from edgesr.benchmarks.latency.instructions import Instructions, count_instructions
from edgesr.benchmarks.latency.profiles import measure_profile
from edgesr.benchmarks.machine.environment import pin_process
from edgesr.benchmarks.machine.limits import MachineLimits, measure_limits
from edgesr.benchmarks.parity.check import ArtifactParity, check_parity
from edgesr.benchmarks.quality.upscaled_pictures import UpscaledPictures, upscale_pictures
from edgesr.runtimes.adapters.operator_profile import OperatorProfile
from edgesr.runtimes.allocator import keep_large_blocks_after_torch
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import EdgesrError, MissingPackageError
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

Measured = ArtifactParity | Round | EndToEnd | MachineLimits | OperatorProfile | Instructions | UpscaledPictures


def run_job(job: Job) -> Outcome:
    """Do the job here; what edgesr expects to go wrong becomes an outcome, anything else propagates."""
    try:
        result = dataclasses.asdict(_measure(job))
    except MissingPackageError as error:
        return Outcome(status="missing", reason=str(error), result=None)
    except EdgesrError as error:
        return Outcome(status="error", reason=str(error), result=None)
    return Outcome(status="done", reason=None, result=result)


def _measure(job: Job) -> Measured:
    if job.kind == "limits":
        if job.latency.pin:
            pin_process(job.threads)
        return measure_limits(job.threads)
    bundle = open_bundle(job.bundle)
    artifact = bundle.artifact(job.artifact)
    if job.kind == "parity":
        return check_parity(bundle, artifact, runtime=job.runtime, threads=job.threads, images=job.images)
    if job.pictures is not None:
        return upscale_pictures(bundle, artifact, runtime=job.runtime, folders=job.pictures)
    if job.kind == "instructions":
        return count_instructions(bundle, artifact, runtime=job.runtime)
    return _timed(job, bundle, artifact)


def _timed(job: Job, bundle: Bundle, artifact: Artifact) -> OperatorProfile | EndToEnd | Round:
    if job.kind == "profile":
        calls = job.latency.calls
        return measure_profile(bundle, artifact, runtime=job.runtime, threads=job.threads, calls=calls)
    if job.end_to_end is not None:
        return measure_end_to_end(bundle, artifact, runtime=job.runtime, threads=job.threads, settings=job.end_to_end)
    return measure_latency(bundle, artifact, runtime=job.runtime, threads=job.threads, settings=job.latency)


def main(job_file: Path, result_file: Path) -> None:
    keep_large_blocks_after_torch()
    outcome = run_job(read_record(Job, job_file, remake="measure again", file_names=True))
    result_file.write_text(to_json(outcome))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
