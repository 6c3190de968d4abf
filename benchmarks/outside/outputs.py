"""The files that an outside runner wrote, compared with the goldens as edgesr's own runs are."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from edgesr.benchmarks.jobs import NOT_RUN, OUTSIDE
from edgesr.benchmarks.outside.calls import Call, calls_of, plain_name
from edgesr.benchmarks.parity.arithmetic import computes_apart, own_tolerance
from edgesr.benchmarks.parity.check import ArtifactParity, GoldenParity, golden_parity
from edgesr.benchmarks.parity.judging import bilinear_psnr_db, judge_output
from edgesr.benchmarks.parity.results import ParityResult, ParityResults
from edgesr.benchmarks.results.header import header
from edgesr.benchmarks.results.rows import Key
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import why_irregular
from edgesr.runtimes.wording import counted, shown_name

_SEE = "the README of 'edgesr goldens' tells which files belong there"


def check_outputs(
    bundle: Bundle, folder: Path, *, artifacts: Sequence[Artifact], runner: str | None = None
) -> ParityResults:
    """Compare the raw outputs below a folder with the goldens; ``runner`` is what results call the program.

    What is not there is "not run". Raises an InputError for a file that belongs to no call, or has another size than
    its tensor, before anything is compared; and where there is nothing at all.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; {_SEE}")
    known = {plain_name(artifact.id): artifact for artifact in bundle.manifest.artifacts}
    _require_known(folder, known.keys(), directories=True)
    answers = {artifact.id: _answers(folder, calls_of(bundle.manifest, artifact)) for artifact in artifacts}
    if not any(answers.values()):
        raise InputError(f"{folder}: holds no output of {', '.join(answers)}; {_SEE}")
    name = OUTSIDE if runner is None else f"{OUTSIDE}: {runner}"
    results = tuple(_result(bundle, folder, one, answers[one.id], name) for one in artifacts)
    return ParityResults(**header(ParityResults, bundle), results=results, reference=bundle.manifest.reference)


def _answers(folder: Path, calls: Sequence[Call]) -> dict[str, Path]:
    """The files that a runner wrote of one artifact, by golden, each of its size."""
    if not calls or not (place := folder / calls[0].artifact.id).is_dir():
        return {}
    _require_known(place, {call.file_name for call in calls}, directories=False)
    found = {call.golden.id: path for call in calls if (path := place / call.file_name).exists()}
    for call in calls:
        if call.golden.id in found:
            _require_size(call, found[call.golden.id])
    return found


def _require_size(call: Call, path: Path) -> None:
    size, shape = path.stat().st_size, "x".join(map(str, call.shape))
    if size != call.size_bytes:
        raise InputError(
            f"{path}: has {counted(size, 'byte')}, need {call.size_bytes:,}: float32 of {shape} ({call.layout}), "
            "without a header"
        )


def _require_known(folder: Path, names: Set[str], *, directories: bool) -> None:
    """Refuse what has another name, or is no folder, or no file."""
    for path in sorted(folder.iterdir()):
        if path.name not in names:
            raise InputError(f"{path}: belongs to no output of this bundle ({shown_name(path.name)!r}); {_SEE}")
        if directories and not path.is_dir():
            raise InputError(f"{path}: is no folder; {_SEE}")
        if not directories and (why := why_irregular(path)):
            raise InputError(f"{path}: {why}; {_SEE}")


def _result(bundle: Bundle, folder: Path, artifact: Artifact, answers: dict[str, Path], runner: str) -> ParityResult:
    key = Key(artifact=artifact.id, runtime=runner, threads=1, device=OUTSIDE)
    if not answers:
        reason = f"no output of it in {folder / artifact.id}"
        return ParityResult(key=key, status=NOT_RUN, reason=reason, passed=False, parity=None)
    calls = calls_of(bundle.manifest, artifact)
    goldens = tuple(_golden(bundle, c, answers[c.golden.id]) for c in calls if c.golden.id in answers)
    parity = ArtifactParity(
        goldens=goldens,
        difference_cause=None,
        lacks_exact=computes_apart(artifact, artifact.runtimes[0]),
        own_tolerance=own_tolerance(artifact, artifact.runtimes[0]),
        not_run=tuple(call.golden.id for call in calls if call.golden.id not in answers),
    )
    passed = not any(golden.failures for golden in goldens)
    return ParityResult(key=key, status="done", reason=None, passed=passed, parity=parity)


def _golden(bundle: Bundle, call: Call, path: Path) -> GoldenParity:
    artifact, golden = call.artifact, call.golden
    bilinear_db = bilinear_psnr_db(bundle, golden)
    output = call.image(path.read_bytes())
    judged = judge_output(bundle, artifact, golden, output, call.tolerance, bilinear_db=bilinear_db)
    return golden_parity(golden, judged, None, bilinear_db=bilinear_db)
