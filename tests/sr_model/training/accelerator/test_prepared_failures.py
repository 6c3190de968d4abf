"""Prepared trainings that are killed, fail, are damaged, or are asked for what cannot be."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tarfile
from pathlib import Path

import pytest
import torch

from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.progress import ProgressEvent
from edgesr.sr_model.training.conduct import Conduct
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.prepared.check import Check, check_accelerator
from edgesr.sr_model.training.prepared.plan import Plan, PlannedRun
from edgesr.sr_model.training.prepared.runner import _alone, run_part
from edgesr.sr_model.training.run.inputs import TrainInputs
from edgesr.sr_model.training.train import run_training
from tests.helpers.training_runs import rows_of
from tests.sr_model.training.accelerator.packed import PLAN, SHARE, SMALL, packed, part


class _Killed(Exception):
    """Ends a run as a kill does, with nothing saved."""


@pytest.mark.slow
def test_killed_run_goes_on_from_its_last_save_elsewhere(train_inputs: TrainInputs, tmp_path: Path) -> None:
    """Results are written whenever a run is saved: a machine that is taken away costs a tenth of a run."""
    folder, seen = packed(train_inputs, tmp_path / "p"), list[str]()
    config = TrainConfig(**{**SMALL, "minutes": 6.0})
    Plan(0.1, (PlannedRun("first", config),)).write(folder)

    def kill(event: ProgressEvent) -> None:
        if event.task == "train" and event.total == 4 and results.is_file() and "first/state.pt" in names():
            raise _Killed

    def names() -> list[str]:
        with tarfile.open(results) as archive:
            return archive.getnames()

    work, results = tmp_path / "work", tmp_path / "work.tar"
    with pytest.raises(_Killed):
        run_part(folder, work, results, minutes=100, share=SHARE, device="cpu", progress=kill)
    assert names()[-1] == "journal.json", "what was read of a file that was cut off does not count without it"
    shutil.rmtree(work)
    work.mkdir()
    assert part(folder, work, seen=seen)
    assert not any(text.startswith("check") for text in seen)
    rows = rows_of(work / "first")
    assert len(rows) >= 2 and rows[0]["seconds"] < 3.6


def test_run_that_fails_leaves_the_time_to_those_that_do_not_start_from_it(
    train_inputs: TrainInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second fails in the middle, so the third does not begin; the fourth starts from the first."""
    folder, seen, begun = packed(train_inputs, tmp_path / "p"), list[str](), list[tuple[str, bool]]()
    Plan(0.1, (*PLAN.runs, dataclasses.replace(PLAN.runs[0], name="fourth", start="first"))).write(folder)

    def run(inputs: TrainInputs, output: Path, config: TrainConfig, conduct: Conduct) -> bool:
        begun.append((output.name, conduct.recorded))
        if output.name == "second":
            raise EdgesrError("step 7: the loss l1 is not finite")
        return True

    check = Check("AcceleratorError: no capture", {}, {}, 0.0, 0.0)
    monkeypatch.setattr("edgesr.sr_model.training.prepared.runner.run_training", run)
    monkeypatch.setattr("edgesr.sr_model.training.prepared.runner.check_accelerator", lambda *_, **__: check)
    assert not part(folder, tmp_path / "work", seen=seen)
    assert begun == [("first", False), ("second", False), ("fourth", False)]
    assert "second: failed: EdgesrError: step 7: the loss l1 is not finite" in seen
    assert json.loads((tmp_path / "work" / "journal.json").read_text())["done"] == ["first", "fourth"]


def test_check_where_updates_cannot_be_replayed(
    train_inputs: TrainInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is done one by one, in convolutions that are repeatable where runs are compared."""
    done: list[tuple[str, bool, bool]] = []

    def run(inputs: TrainInputs, output: Path, config: TrainConfig, conduct: Conduct) -> bool:
        done.append((output.name, conduct.recorded, conduct.repeatable))
        if conduct.recorded:
            raise torch.AcceleratorError("operation not permitted when stream is capturing")
        return run_training(inputs, output, config, conduct)

    monkeypatch.setattr("edgesr.sr_model.training.prepared.check.run_training", run)
    folder = packed(train_inputs, tmp_path / "p")
    conduct = Conduct(device="cpu", curves=False)
    check = check_accelerator(PLAN.scaled(SHARE).runs[0], folder, tmp_path / "out", conduct, share=SHARE)
    assert done[:3] == [("one by one", False, False), ("replayed", True, False), ("repeatable", False, True)]
    assert done[3:] == [("resumed", False, True)] * 2
    assert check.lr_pixels_per_second.keys() == {"one by one", "repeatable"}
    assert check.text.endswith("cannot be replayed: AcceleratorError: operation not permitted when stream is capturing")
    assert check.resumed_difference == 0


def test_results_that_were_read_in_part_are_read_again(train_inputs: TrainInputs, tmp_path: Path) -> None:
    folder, work = packed(train_inputs, tmp_path / "p"), tmp_path / "work"
    Plan(0.1, PLAN.runs[:1]).write(folder)
    assert part(folder, work)
    for name in ("journal.json", "first/generator.safetensors"):
        (work / name).unlink()
    seen: list[str] = []
    assert part(folder, work, seen=seen)
    assert not seen and (work / "first" / "generator.safetensors").is_file()


def test_one_process_at_a_time(train_inputs: TrainInputs, tmp_path: Path) -> None:
    folder = packed(train_inputs, tmp_path / "p")
    with _alone(tmp_path / "work"), pytest.raises(InputError, match="another process trains in it"):
        part(folder, tmp_path / "work")
    with _alone(tmp_path / "work"):
        pass


@pytest.mark.parametrize(
    ("minutes", "share", "message"),
    [(0, 1, "minutes is 0"), (float("nan"), 1, "minutes is nan"), (9, 0, "share is 0"), (9, 2, "share is 2")],
)
def test_time_that_cannot_be(tmp_path: Path, minutes: float, share: float, message: str) -> None:
    work, results = tmp_path / "work", tmp_path / "results.tar"
    with pytest.raises(InputError, match=message):
        run_part(tmp_path, work, results, minutes=minutes, share=share, device="cpu", progress=lambda _: None)
    assert not work.exists()


def test_damaged_results_are_refused_and_kept(train_inputs: TrainInputs, tmp_path: Path) -> None:
    folder = packed(train_inputs, tmp_path / "p")
    (tmp_path / "work.tar").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"work.tar: damaged, or no results"):
        part(folder, tmp_path / "work")
    assert (tmp_path / "work.tar").read_bytes() == b"no archive"


def test_results_do_not_leave_their_folder(train_inputs: TrainInputs, tmp_path: Path) -> None:
    folder = packed(train_inputs, tmp_path / "p")
    (tmp_path / "evil").write_text("x")
    with tarfile.open(tmp_path / "work.tar", "w") as archive:
        archive.add(tmp_path / "evil", "../escaped")
    with pytest.raises(InputError, match="damaged, or no results"):
        part(folder, tmp_path / "work")
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("content", ["{", '{"check_minutes": 1}', '{"check_minutes": 1, "runs": [], "more": 1}'])
def test_damaged_plan_is_refused(train_inputs: TrainInputs, tmp_path: Path, content: str) -> None:
    folder = packed(train_inputs, tmp_path / "p")
    (folder / "plan.json").write_text(content)
    with pytest.raises(InputError, match=r"plan.json: .*; pack it again"):
        part(folder, tmp_path / "work")
