"""Parity of a whole bundle, a fresh process for every artifact; results as versioned JSON (docs/results.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgesr.benchmarks.devices.device import Device, DeviceEnvironment
from edgesr.benchmarks.jobs import NOT_HERE, engine_title, invalid_result
from edgesr.benchmarks.parity.check import PARITY, ArtifactParity
from edgesr.benchmarks.parity.kept_images import ImageFolders
from edgesr.benchmarks.results.header import Header, header
from edgesr.benchmarks.results.rows import Row, require_any_ran, row
from edgesr.runtimes.bundle.contract import ReferenceKind
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.json_records import DecodeError


@dataclass(frozen=True, kw_only=True)
class ParityResult(Row):
    """``status`` is "done" when the worker finished; ``passed`` when moreover every golden kept its tolerance."""

    passed: bool
    parity: ArtifactParity | None


@dataclass(frozen=True, kw_only=True)
class DeviceDifference:
    """An artifact's SR images on ``device`` less those on ``base``, over all goldens, 0..255.

    ``golden`` has the largest difference, ``max_difference``, which is None where an image is not finite; ``cause``
    says why they differ, None where all are identical.
    """

    artifact: str
    runtime: str
    device: str
    base: str
    golden: str
    max_difference: float | None
    identical_goldens: int
    goldens: int
    cause: str | None
    provider: str | None = None

    @property
    def engine(self) -> str:
        """The runtime, with the execution provider that was asked for."""
        return engine_title(self.runtime, self.provider)


@dataclass(frozen=True, kw_only=True)
class ParityResults(Header):
    """Content of ``edgesr parity --json``; ``devices`` are those other than this host, each compared with it.

    ``reference``: what the bundle's goldens are outputs of. Results of an outside runner name it in their keys, and
    ``environment`` is then the machine that compared its outputs.
    """

    KIND = "parity"
    VERSION = 7
    OLDEST_VERSION = 6
    COMMAND = "edgesr parity --json"

    results: tuple[ParityResult, ...]
    devices: tuple[DeviceEnvironment, ...] = ()
    differences: tuple[DeviceDifference, ...] = ()
    reference: ReferenceKind = "pytorch"

    @property
    def passed(self) -> bool:
        """No artifact failed, crashed or timed out; runtimes that are not installed or do not run here do not count."""
        return all(r.passed or r.status in NOT_HERE for r in self.results)


def check_artifact(
    bundle: Bundle,
    device: Device,
    artifact: Artifact,
    runtime: str,
    *,
    images: ImageFolders | None = None,
    provider: str | None = None,
) -> ParityResult:
    """Check one artifact in a fresh process."""
    folders = images or ImageFolders()
    job = PARITY.job(folders, bundle=bundle, artifact=artifact.id, runtime=runtime, provider=provider)
    outcome, parity = PARITY.answer(device.run(job))
    expected = [golden.id for golden in bundle.manifest.goldens if artifact.fits(golden.size, runtime)]
    if parity is not None and told_goldens(parity, expected) != expected:
        outcome, parity = invalid_result(DecodeError("it is not of the goldens that the artifact takes")), None
    return ParityResult(
        **row(job, device.name, outcome),
        passed=parity is not None and not any(g.failures for g in parity.goldens),
        parity=parity,
    )


def told_goldens(parity: ArtifactParity, expected: Sequence[str]) -> list[str]:
    """Ids of those that a result tells of, in their order; those that were not run are in their places."""
    told = iter([golden.golden for golden in parity.goldens])
    return [*(one if one in parity.not_run else next(told, "") for one in expected), *told]


def parity_results(bundle: Bundle, results: Sequence[ParityResult]) -> ParityResults:
    """The content of a results file; raises an EdgesrError when no runtime at all was installed."""
    require_any_ran([(r.status, r.reason) for r in results])
    return ParityResults(
        **header(ParityResults, bundle),
        results=tuple(results),
        reference=bundle.manifest.reference,
    )
