"""Two lanes of conversions: what runs next to what, what an error costs, one result for two threads that need it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edgesr.export import lanes
from edgesr.export.formats.target import ArtifactPlan
from edgesr.export.formats.targets import plan_artifacts
from edgesr.export.lanes import in_lanes
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.progress import ProgressEvent, one_at_a_time

SECONDS = 20.0


def plans() -> list[ArtifactPlan]:
    """Two that other processes convert (tflite), then four that this one does."""
    return plan_artifacts(("tflite", "torchscript", "ncnn"), ("fp32",), ("full", "tile"), (64, 64))


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "memory_bytes", lambda: (16 * 10**9, 8 * 10**9))
    monkeypatch.setattr(lanes.os, "cpu_count", lambda: 2)  # type: ignore[attr-defined]


def test_conversions_of_other_processes_run_next_to_those_of_this_one() -> None:
    """The first of each lane waits for the other; those of a lane keep their order, those of here their thread."""
    both = threading.Barrier(2)
    made: list[tuple[str, bool]] = []

    def make(plan: ArtifactPlan) -> None:
        if plan.id in ("tflite-fp32-full-64x64", "torchscript-fp32-full"):
            both.wait(SECONDS)
        made.append((plan.id, threading.current_thread() is threading.main_thread()))

    assert in_lanes(plans(), make, ready=lambda _graph: True) == {}
    assert [name for name, here in made if not here] == ["tflite-fp32-full-64x64", "tflite-fp32-tile-64x64"]
    ours = ["torchscript-fp32-full", "torchscript-fp32-tile", "ncnn-fp32-full", "ncnn-fp32-tile"]
    assert [name for name, here in made if here] == ours


@pytest.mark.parametrize(("cores", "available"), [(1, 8 * 10**9), (2, 3 * 10**9)])
def test_one_core_or_little_memory_has_one_lane(cores: int, available: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "memory_bytes", lambda: (16 * 10**9, available))
    monkeypatch.setattr(lanes.os, "cpu_count", lambda: cores)  # type: ignore[attr-defined]
    threads: list[threading.Thread] = []
    in_lanes(plans(), lambda _plan: threads.append(threading.current_thread()), ready=lambda _graph: True)
    assert threads == [threading.main_thread()] * 6


def test_what_has_no_onnx_file_is_made_here() -> None:
    """Whose export to ONNX is tried once more for the error's sake: PyTorch exports in this thread alone."""
    others: list[str] = []

    def make(plan: ArtifactPlan) -> None:
        if threading.current_thread() is not threading.main_thread():
            others.append(plan.id)

    in_lanes(plans(), make, ready=lambda graph: graph == "tile")
    assert others == ["tflite-fp32-tile-64x64"]


def test_an_error_costs_its_artifact_and_bad_input_everything() -> None:
    def make(plan: ArtifactPlan) -> None:
        if plan.graph == "full":
            raise EdgesrError(f"no {plan.id}")

    errors = in_lanes(plans(), make, ready=lambda _graph: True)
    assert {name: str(error) for name, error in errors.items()} == {
        name: f"no {name}" for name in ("torchscript-fp32-full", "ncnn-fp32-full", "tflite-fp32-full-64x64")
    }
    for target in ("tflite", "ncnn"):

        def refuse(plan: ArtifactPlan, target: str = target) -> None:
            if plan.target.name == target:
                raise InputError(f"bad {target}")

        with pytest.raises(InputError, match=f"bad {target}"):
            in_lanes(plans(), refuse, ready=lambda _graph: True)


def test_bad_input_here_ends_the_other_lane_after_its_file() -> None:
    begun, refused = threading.Event(), threading.Event()
    other: list[str] = []

    def make(plan: ArtifactPlan) -> None:
        if plan.target.name == "tflite":
            other.append(plan.id)
            begun.set()
            assert refused.wait(SECONDS)
            return
        assert begun.wait(SECONDS)
        threading.Timer(0.2, refused.set).start()
        raise InputError("bad")

    with pytest.raises(InputError, match="bad"):
        in_lanes(plans(), make, ready=lambda _graph: True)
    assert other == ["tflite-fp32-full-64x64"]


def _slowly(folder: Path, content: str) -> None:
    threading.Event().wait(0.2)
    (folder / "file").write_text(content)


def test_threads_that_need_one_result_make_it_once(tmp_path: Path) -> None:
    cache, found = StageCache(tmp_path), []
    with cache.locked():
        run = lambda: found.append(cache.run(Stage("slow", _slowly), "a") / "file")  # noqa: E731
        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        assert cache.conversions == ["slow"]
        assert [file.read_text() for file in found] == ["a"] * 3


def test_progress_is_told_by_one_thread_at_a_time() -> None:
    inside, most = [], []

    def progress(event: ProgressEvent) -> None:
        inside.append(event)
        most.append(len(inside))
        threading.Event().wait(0.02)
        inside.pop()

    told = one_at_a_time(progress)
    threads = [threading.Thread(target=told, args=(ProgressEvent("t", n, 9),)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert most == [1] * 5
