"""A session's answer has the size that its input asks for; a file that answers at another one is found at export."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.latency.call import LATENCY
from edgesr.benchmarks.latency.file_run import RunJob, measure_run
from edgesr.benchmarks.latency.settings import LatencySettings
from edgesr.export.calibration.photographs import photograph
from edgesr.export.steps.costs import COST_FILE, FileCost, Runnable, check_size, measure_memory
from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.adapters.session import CheckedSession, open_session
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings, Session
from edgesr.runtimes.json_file import read_record
from tests.helpers.small_bundle import with_uses
from tests.helpers.whole_runs import RUNTIMES_HERE, artifact_of


class OfOneSize:
    """Answers every input as if it had the size of the first, as a baked reshape does."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._answer = np.zeros(shape, dtype=np.float32)

    def run(self, image: FloatArray) -> FloatArray:
        return self._answer


def runnable(bundle: Bundle, artifact: Artifact, runtime: str) -> Runnable:
    return Runnable(
        id=artifact.id,
        runtime=runtime,
        precision=artifact.precision,
        layout=artifact.inputs[0].layout,
        tile_size=artifact.tile_size,
        scale=bundle.manifest.scale,
    )


@pytest.mark.parametrize("graph", ["full", "tile"])
@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_an_answer_of_the_old_size_is_an_error(runtime: str, graph: str, any_bundle: Bundle) -> None:
    artifact = with_uses(artifact_of(any_bundle, runtime, graph), resizable=True)
    nchw = artifact.inputs[0].layout == "NCHW"
    session = CheckedSession(artifact, OfOneSize((1, 3, 256, 256) if nchw else (1, 256, 256, 3)), 4)
    own, other = (np.zeros((1, 3, *size) if nchw else (1, *size, 3), np.float32) for size in ((64, 64), (64, 65)))
    assert session.run(own).shape == ((1, 3, 256, 256) if nchw else (1, 256, 256, 3))
    with pytest.raises(EdgesrError, match=rf"{artifact.id}: answers 1x.*256x256.* to an input of 1x.*64x65.*260"):
        session.run(other)


@pytest.mark.parametrize("shape", [(1, 1, 256, 256), (2, 3, 256, 256), (3, 256, 256), (1, 256, 256, 3)])
def test_answers_of_other_channels_or_batches_are_errors(any_bundle: Bundle, shape: tuple[int, ...]) -> None:
    artifact = artifact_of(any_bundle, "ort", "tile")
    with pytest.raises(EdgesrError, match="answers "):
        CheckedSession(artifact, OfOneSize(shape), 4).run(np.zeros((1, 3, 64, 64), np.float32))


@pytest.mark.parametrize("runtime", RUNTIMES_HERE)
def test_every_opened_session_is_checked(runtime: str, any_bundle: Bundle) -> None:
    session = open_session(any_bundle, artifact_of(any_bundle, runtime, "tile"), runtime=runtime)
    assert isinstance(session.session, CheckedSession)
    image = photograph("cat", (40, 33))
    assert session.infer(image).shape == (3, 160, 132)


def test_a_full_tflite_file_answers_its_own_size_alone(any_bundle: Bundle) -> None:
    """LiteRT resizes its tensors where it can; what then comes out is right, an error of LiteRT's, or ours."""
    artifact = artifact_of(any_bundle, "tflite", "full")
    session = open_session(any_bundle, with_uses(artifact, resizable=True))
    height, width = any_bundle.manifest.tile_size
    try:
        answer = session.infer(photograph("cat", (height, width + 1)))
    except (EdgesrError, RuntimeError, ValueError):
        return
    assert answer.shape == (3, 4 * height, 4 * (width + 1))


def test_the_export_refuses_an_answer_of_the_wrong_size(any_bundle: Bundle, tmp_path: Path) -> None:
    artifact = artifact_of(any_bundle, "ort", "full")
    file = any_bundle.path(artifact.file)
    right, wrong = runnable(any_bundle, artifact, "ort"), replace(runnable(any_bundle, artifact, "ort"), scale=3)
    check_size(tmp_path, right, file, size=(33, 47))
    with pytest.raises(EdgesrError, match=r"it answers \(132, 188\) to \(33, 47\), not \(99, 141\)"):
        check_size(tmp_path, wrong, file, size=(33, 47))
    with pytest.raises(EdgesrError, match="onnx-fp32-full could not be run in ort"):
        measure_memory(tmp_path, wrong, file, side=32, least_side=2)


def test_what_a_runtime_may_hold_after_many_calls_is_planned_for(
    mobile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = artifact_of(mobile_bundle, "ort", "tile")
    monkeypatch.setitem(RUNTIMES, "ort", replace(RUNTIMES["ort"], memory_growth_bytes=10**9))
    measure_memory(
        tmp_path, runnable(mobile_bundle, artifact, "ort"), mobile_bundle.path(artifact.file), side=32, least_side=2
    )
    memory = read_record(FileCost, tmp_path / COST_FILE, remake="").memory
    assert 10**9 < memory.fixed_bytes < 1.1 * 10**9


def test_files_that_answer_at_unlike_sizes_are_refused(any_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zero-padded variant is timed next to its artifact: both have to answer alike."""
    artifact = artifact_of(any_bundle, "ort", "tile")
    files = iter([OfOneSize((1, 3, 256, 256)), OfOneSize((1, 3, 128, 128))])

    def opened(path: Path, settings: RunSettings) -> Session:
        return next(files)

    monkeypatch.setitem(RUNTIMES, "ort", replace(RUNTIMES["ort"], open=opened))
    job = RunJob(
        runtime="ort", precision="fp32", files=(artifact.file.path,) * 2, layout="NCHW", size=(64, 64), calls=1
    )
    cost = measure_run(job)
    assert cost.output_size is None
    assert cost.refusal == "answers of shapes [(3, 256, 256), (3, 128, 128)]"


def test_the_export_marks_no_file_of_one_size_as_resizable(
    any_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = artifact_of(any_bundle, "tflite", "tile")
    real = run_converter
    height, width = any_bundle.manifest.tile_size

    def answers_at_its_own_size(module: str, arguments: list[str], *, folder: Path, result: Path, what: str) -> None:
        real(module, arguments, folder=folder, result=result, what=what)
        text = result.read_text()
        for size in ((height // 2, width // 2 - 1), (height, width)):
            shown = f"{4 * size[0]},\n    {4 * size[1]}"
            text = text.replace(shown, f"{4 * height},\n    {4 * width}")
        result.write_text(text)

    file = any_bundle.path(artifact.file)
    measure_memory(tmp_path, runnable(any_bundle, artifact, "tflite"), file, side=64, least_side=2)
    assert '"resizable": true' in (tmp_path / "cost.json").read_text()
    monkeypatch.setattr("edgesr.export.steps.costs.run_converter", answers_at_its_own_size)
    measure_memory(tmp_path, runnable(any_bundle, artifact, "tflite"), file, side=64, least_side=2)
    assert '"resizable": false' in (tmp_path / "cost.json").read_text()


def test_a_latency_job_of_such_a_file_is_an_error_row(mobile_bundle: Bundle, tmp_path: Path) -> None:
    """The manifest is made to say x3, of files of any size alone: what they answer is then of the wrong size."""
    shutil.copytree(mobile_bundle.root, tmp_path / "bundle")
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    (tmp_path / "bundle" / "manifest.json").write_text(
        json.dumps(manifest | {"scale": 3, "artifacts": [a for a in manifest["artifacts"] if a["tile_size"] is None]})
    )
    settings = LatencySettings(calls=1, seconds=0)
    job = LATENCY.job(settings, bundle=open_bundle(tmp_path / "bundle"), artifact="onnx-fp32-tile", runtime="ort")
    outcome = HostDevice().run(job)
    assert outcome.status == "error"
    assert outcome.reason is not None
    assert "onnx-fp32-tile: answers 1x3x256x256 to an input of 1x3x64x64, not 1x3x192x192" in outcome.reason
