"""A training that is packed here and run where there are torch, numpy, Pillow and safetensors alone."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import torch
from PIL import Image

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.import_closure import code_to_send
from edgesr.sr_model.generators.checkpoint import load_checkpoint
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.prepared.pack import pack_training
from edgesr.sr_model.training.prepared.plan import Plan, PlannedRun, default_plan, read_plan
from edgesr.sr_model.training.run.inputs import TrainInputs
from tests.helpers.training_runs import rows_of
from tests.sr_model.training.accelerator.packed import PLAN, SHARE, SMALL, packed, part

ALLOWED = ("torch", "numpy", "pillow", "safetensors")
RUN_WITH_ALLOWED_ALONE = """
import importlib.metadata, re, runpy, sys
folder, allowed, *arguments = sys.argv[1:]
distributions = {re.sub(r"[-_.]+", "-", d.name).lower(): d for d in importlib.metadata.distributions()}
pending, wanted = allowed.split(","), set()
while pending:
    name = re.sub(r"[-_.]+", "-", re.match(r"[\\w.-]+", pending.pop())[0]).lower()
    if name in distributions and name not in wanted:
        wanted.add(name)
        pending += [r for r in distributions[name].requires or [] if "extra ==" not in r]
owners = importlib.metadata.packages_distributions()
normal = lambda name: re.sub(r"[-_.]+", "-", name).lower()
refused = {name for name, those in owners.items() if not wanted & {normal(one) for one in those}}
finders, before = list(sys.meta_path), set(sys.modules)
class Filter:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused - {"edgesr"}:
            return None
        found = (finder.find_spec(name, path, target) for finder in finders)
        return next((spec for spec in found if spec is not None), None)
sys.meta_path[:] = [Filter()]
sys.argv = [folder + "/run.py", *arguments]
try:
    runpy.run_path(folder + "/run.py", run_name="__main__")
except SystemExit as end:
    import edgesr
    assert edgesr.__file__.startswith(folder), edgesr.__file__
    assert "matplotlib" in refused and "typer" in refused
    loaded = (refused - {"edgesr"}) & set(sys.modules) - before
    assert not loaded, loaded
    sys.exit(end.code)
"""


def test_folder_holds_source_photographs_plan_and_trunk(train_inputs: TrainInputs, tmp_path: Path) -> None:
    inputs = dataclasses.replace(train_inputs, validation=train_inputs.photographs)
    result = pack_training(inputs, tmp_path / "p", plan=PLAN)
    folder = result.folder

    def files(name: str) -> set[str]:
        place = folder / name
        return {file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file()}

    assert result.minutes == pytest.approx(1.6)
    assert result.size_bytes == sum((folder / name).stat().st_size for name in files("."))
    assert files("photographs") == {"a.png", "more/b.png"}
    assert files("validation") == {"a.png"}
    assert read_plan(folder) == PLAN
    assert files("source") == set(code_to_send("edgesr.sr_model.training.prepared.__main__"))
    assert not [name for name in files("source") if name.startswith(("edgesr/cli", "edgesr/export"))]


@pytest.mark.slow
def test_runs_with_four_packages_alone(train_inputs: TrainInputs, tmp_path: Path) -> None:
    """All other distributions that are installed here are refused while it runs, and edgesr itself but for the copy."""
    folder = packed(train_inputs, tmp_path / "p")
    arguments = ("--minutes", "100", "--share", str(SHARE), "--device", "cpu")
    command = [sys.executable, "-c", RUN_WITH_ALLOWED_ALONE, str(folder), ",".join(ALLOWED), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "largest difference of a weight after resuming 0, by replaying 0" in done.stdout
    assert done.stdout.endswith("all runs are done\n")
    with tarfile.open(folder / "results.tar") as archive:
        names = archive.getnames()
    generators = {f"{run.name}/generator.safetensors" for run in PLAN.runs}
    assert generators <= set(names)
    assert not [name for name in names if name.endswith("state.pt")], "no run is to be continued"
    row = rows_of(folder / "runs" / "third")[-1]
    assert row["perceptual"] > 0


@pytest.mark.slow
def test_runs_follow_each_other_and_go_on_elsewhere(train_inputs: TrainInputs, tmp_path: Path) -> None:
    """The first part ends within the second run; another machine gets the results alone and does the rest."""
    folder, seen = packed(train_inputs, tmp_path / "p"), list[str]()
    assert not part(folder, tmp_path / "work", minutes=1.0, seen=seen)
    assert seen[0].startswith("check: one by one ")
    with tarfile.open(tmp_path / "work.tar") as archive:
        left = archive.getnames()
    unfinished = [name for name in left if name.endswith("state.pt")]
    assert len(unfinished) == 1
    shutil.rmtree(tmp_path / "work")
    more: list[str] = []
    while not part(folder, tmp_path / "work", minutes=3.0, seen=more):
        shutil.rmtree(tmp_path / "work")
    assert not any(text.startswith("check") for text in more), "the check is done once"
    journal = json.loads((tmp_path / "work" / "journal.json").read_text())
    assert journal["done"] == ["first", "second", "third"]
    settings = json.loads((tmp_path / "work" / "second" / "train.json").read_text())
    assert settings["settings"]["precision"] == "bf16"
    first, second = (
        load_checkpoint(tmp_path / "work" / name / "generator.safetensors") for name in ("first", "second")
    )
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_photographs_too_small_for_the_plan_are_not_packed(train_inputs: TrainInputs, tmp_path: Path) -> None:
    runs = (*PLAN.runs, PlannedRun("last", TrainConfig(**{**SMALL, "patch_size": 256})))
    with pytest.raises(InputError, match="at least 1024 x 1024 pixels"):
        pack_training(train_inputs, tmp_path / "p", plan=Plan(0.1, runs))
    with pytest.raises(InputError, match="at least 8 x 8 pixels"):
        (tmp_path / "lr").mkdir()
        Image.new("RGB", (7, 30)).save(tmp_path / "lr" / "small.png")
        pack_training(dataclasses.replace(train_inputs, unpaired=tmp_path / "lr"), tmp_path / "p", plan=PLAN)
    assert not (tmp_path / "p").exists()


def test_share_of_a_plan_has_that_share_of_time_and_batches() -> None:
    plan = default_plan()
    small = plan.scaled(0.25)
    assert small.check_minutes == plan.check_minutes / 4
    for part_of_it, whole in zip(small.runs, plan.runs, strict=True):
        expected = dataclasses.replace(whole.config, minutes=whole.minutes / 4, batch_size=whole.config.batch_size // 4)
        assert part_of_it == dataclasses.replace(whole, config=expected)
    assert {run.config.batch_size for run in plan.scaled(1e-3).runs} == {2}


def test_gan_phase_waits_for_a_part_with_time_for_all_of_it(train_inputs: TrainInputs, tmp_path: Path) -> None:
    gan = PlannedRun("gan", TrainConfig(**{**SMALL, "minutes": 99.0}, steps=0, gan_steps=1, perceptual_block=1))
    plan = Plan(check_minutes=0.1, runs=(PlannedRun("l1", TrainConfig(**{**SMALL, "minutes": 0.1})), gan))
    folder, seen = packed(train_inputs, tmp_path / "p", plan), list[str]()
    assert not part(folder, tmp_path / "work", minutes=20.0, seen=seen)
    assert seen[-1] == "gan: there is no time left for all of it; it waits for the next part"
    assert not (tmp_path / "work" / "gan").exists()


def test_what_cannot_be_packed(train_inputs: TrainInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    with pytest.raises(InputError, match="exists and is not empty"):
        pack_training(train_inputs, tmp_path / "full", plan=PLAN)
    with pytest.raises(InputError, match="lies inside"):
        pack_training(train_inputs, train_inputs.photographs / "p", plan=PLAN)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no image"):
        pack_training(TrainInputs(photographs=tmp_path / "empty"), tmp_path / "p", plan=PLAN)
    with pytest.raises(InputError, match="no such folder"):
        pack_training(TrainInputs(photographs=tmp_path / "absent"), tmp_path / "p", plan=PLAN)
    monkeypatch.setattr("edgesr.sr_model.training.prepared.pack.MOST_BYTES", 1000)
    with pytest.raises(InputError, match="more than 1,000; give fewer or smaller"):
        pack_training(train_inputs, tmp_path / "p", plan=PLAN)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "full", "photographs"], "nothing is left behind"


def test_default_plan_fits_its_time_and_its_order() -> None:
    plan = default_plan()
    assert [run.name for run in plan.runs] == [
        "mobile-l-clean",
        "mobile-m-clean",
        "mobile-l-real",
        "mobile-l-perceptual",
    ]
    assert [run.config.degradation for run in plan.runs] == ["clean", "clean", "real", "real"]
    assert plan.check_minutes + sum(run.minutes for run in plan.runs) <= 12
    assert [run.is_divisible for run in plan.runs] == [True, True, True, False]
    assert plan.check_minutes + sum(run.minutes for run in plan.runs if run.is_divisible) > 9 - plan.runs[3].minutes
    small = plan.scaled(0.01)
    assert small.runs[0].minutes == pytest.approx(plan.runs[0].minutes / 100)
    assert all(run.config.batch_size == 2 for run in small.runs)


def test_plans_that_cannot_be() -> None:
    with pytest.raises(InputError, match="starts from 'later', which is not before it"):
        Plan(1.0, (PlannedRun("a", TrainConfig(**SMALL), start="later"),))
    with pytest.raises(InputError, match="has no minutes"):
        Plan(1.0, (PlannedRun("a", TrainConfig(preset="mobile-s")),))
    for runs in ((), PLAN.runs[2:]):
        with pytest.raises(InputError, match="the first run has to have an L1 phase"):
            Plan(1.0, tuple(dataclasses.replace(run, start="") for run in runs))
