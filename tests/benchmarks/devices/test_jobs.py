"""Jobs and their kinds: another kind is one object and one line of the table; all that is read is read strictly."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from edgesr.benchmarks import job_kinds
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.jobs import Job, JobKind, NoSettings, Outcome
from edgesr.benchmarks.latency.call import LATENCY
from edgesr.benchmarks.latency.instructions import INSTRUCTIONS
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.benchmarks.machine.limits import LIMITS, LimitsSettings, blas_environment
from edgesr.benchmarks.parity.check import PARITY, check_parity
from edgesr.benchmarks.parity.kept_images import ImageFolders
from edgesr.benchmarks.parity.results import check_artifact
from edgesr.benchmarks.results.header import bundle_identity
from edgesr.benchmarks.worker import run_job
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import decode

ONE_CALL = LatencySettings(calls=1, seconds=0, warmup_seconds=0)


@dataclass(frozen=True, kw_only=True)
class Doubling:
    number: int


@dataclass(frozen=True, kw_only=True)
class Doubled:
    number: int


DOUBLE = JobKind(
    name="double", settings=Doubling, result=Doubled, measure=lambda _, settings: Doubled(number=settings.number * 2)
)


def test_a_kind_is_one_object_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_kinds, "JOB_KINDS", (*job_kinds.JOB_KINDS, DOUBLE))
    assert DOUBLE.answer(run_job(DOUBLE.job(Doubling(number=4))))[1] == Doubled(number=8)


def test_names_of_kinds_differ() -> None:
    names = [kind.name for kind in job_kinds.JOB_KINDS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (replace(PARITY.job(ImageFolders()), kind="sing"), "unknown job 'sing': choose one of parity, latency,"),
        (replace(PARITY.job(ImageFolders()), settings={"kept": 3}), "settings.kept: expected str, found int"),
        (replace(PARITY.job(ImageFolders()), settings={"pin": True}), "settings: unknown pin"),
        (replace(INSTRUCTIONS.job(NoSettings()), settings={"pin": True}), "settings: unknown pin"),
        (replace(LIMITS.job(LimitsSettings()), settings={"pin": 1}), "settings.pin: expected bool, found int"),
    ],
)
def test_a_job_of_another_kind_is_refused(job: Job, reason: str) -> None:
    outcome = run_job(job)
    assert (outcome.status, str(outcome.reason)[: len(reason)]) == ("error", reason)


def test_a_kind_says_what_its_process_needs(mobile_bundle: Bundle) -> None:
    limits, counts, parity = LIMITS.job(LimitsSettings(), threads=2), INSTRUCTIONS.job(NoSettings()), PARITY.job
    assert (limits.environment, limits.counts_instructions) == (blas_environment(2), False)
    assert (counts.environment, counts.counts_instructions) == ({}, True)
    job = parity(ImageFolders(kept="a"), bundle=mobile_bundle, artifact="c", runtime="d", threads=3)
    assert decode(ImageFolders, job.settings) == ImageFolders(kept="a")
    assert (job.environment, job.counts_instructions, job.title) == ({}, False, "c on d, 3 threads")


def test_a_process_gets_the_variables_of_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without them the worker refuses to measure; those of the host's own environment stay."""
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    job = LIMITS.job(LimitsSettings(), threads=2)
    assert HostDevice().run(replace(job, environment={})).status == "error"
    assert HostDevice().run(job).status == "done"


def test_an_answer_of_another_kind_is_a_crash() -> None:
    outcome, result = DOUBLE.answer(Outcome(status="done", reason=None, result={"digits": 1}))
    assert (outcome.status, outcome.reason, result) == (
        "crashed",
        "invalid result: top level: unknown digits; missing number",
        None,
    )
    late = Outcome(status="timeout", reason="late", result=None)
    assert DOUBLE.answer(late) == (late, None)


@dataclass(frozen=True)
class Answering(HostDevice):
    """Answers every job with the same result."""

    result: dict[str, Any] = field(default_factory=dict)

    def run(self, job: Job) -> Outcome:
        return Outcome(status="done", reason=None, result=self.result)


def test_results_that_nothing_measured_are_crashes(mobile_bundle: Bundle) -> None:
    """An answer without goldens is no parity, and figures of 0 are none."""
    artifact = mobile_bundle.artifact("onnx-fp32-tile")
    nothing = Answering(result={"goldens": [], "difference_cause": None})
    found = check_artifact(mobile_bundle, nothing, artifact, "ort")
    assert (found.status, found.passed) == ("crashed", False)
    assert found.reason == "invalid result: it is not of the goldens that the artifact takes"
    job = LATENCY.job(ONE_CALL, bundle=mobile_bundle, artifact=artifact.id, runtime="ort")
    measured = HostDevice().run(job).result
    assert measured is not None
    assert LATENCY.answer(Outcome(status="done", reason=None, result=measured))[0].status == "done"
    changes: list[dict[str, Any]] = [{"samples_ms": []}, {"samples_ms": [0.0]}, {"gmac": 0.0}]
    for wrong in changes:
        outcome, result = LATENCY.answer(Outcome(status="done", reason=None, result=measured | wrong))
        assert (outcome.status, result) == ("crashed", None)
        assert outcome.reason == "invalid result: a round has no samples, or something took no time"


def test_a_runtime_that_an_artifact_has_not_is_refused(mobile_bundle: Bundle) -> None:
    artifact = mobile_bundle.artifact("tflite-fp32-tile-64x64")
    for runtime, message in (("ort", "cannot run on 'ort': it opens in tflite"), ("nope", "unknown runtime 'nope'")):
        with pytest.raises(InputError, match=message):
            check_parity(mobile_bundle, artifact, runtime=runtime, threads=1)


def test_a_bundle_that_is_replaced_while_it_is_measured_is_told(mobile_bundle: Bundle, tmp_path: Path) -> None:
    """A result names the bundle that was opened; workers refuse another one in its place."""
    bundle = open_bundle(shutil.copytree(mobile_bundle.root, tmp_path / "bundle"))
    identity = bundle_identity(bundle)
    assert identity == bundle_identity(open_bundle(bundle.root))
    manifest = bundle.root / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    assert bundle_identity(bundle) == identity
    found = check_artifact(bundle, HostDevice(), bundle.artifact("onnx-fp32-tile"), "ort")
    assert (found.status, found.passed) == ("error", False)
    assert found.reason is not None and "was replaced while it was measured" in found.reason
    manifest.unlink()
    assert bundle_identity(bundle) == identity
