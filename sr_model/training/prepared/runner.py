"""Does a part of a prepared training: what its plan holds and is not done yet, for so many minutes."""

from __future__ import annotations

import dataclasses
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import replaced_atomically, write_atomically
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.progress import Progress, notice
from edgesr.sr_model.training.prepared.check import Check, check_accelerator
from edgesr.sr_model.training.prepared.plan import Plan, PlannedRun, inputs_of, read_plan
from edgesr.sr_model.training.run.folder import RunFolder
from edgesr.sr_model.training.schedule import SECONDS_A_MINUTE
from edgesr.sr_model.training.train import Conduct, run_training

_JOURNAL = "journal.json"
_AGAIN = "delete the folder of the runs, and what is done is read from the results"


@dataclass(frozen=True)
class Journal:
    """What is done of a plan: the check, and runs by name."""

    check: Check | None = None
    done: tuple[str, ...] = ()


def run_part(
    folder: Path, work: Path, results: Path, *, minutes: float, share: float, device: str, progress: Progress
) -> bool:
    """Continue the plan of a packed folder for some minutes; whether all of it is done.

    ``work`` holds the folders of the runs. ``results`` is one file with all that is needed to go on elsewhere: it is
    read where ``work`` is not there yet, and written after every run. ``share`` of 0.01 does everything in a hundredth
    of the time and with a hundredth of the batches. A run with a GAN phase is begun only where the time is enough for
    all of it.
    """
    deadline = time.monotonic() + minutes * share * SECONDS_A_MINUTE
    plan = read_plan(folder).scaled(share)
    _restore(results, work)
    journal = _read_journal(work)
    conduct = Conduct(device=device, curves=False, deadline=deadline, progress=progress)
    if journal.check is None:
        journal = dataclasses.replace(journal, check=_checked(plan, folder, conduct, share))
        _keep(journal, plan, work, results)
    assert journal.check is not None
    conduct = dataclasses.replace(conduct, recorded=not journal.check.why_not)
    for run in (run for run in plan.runs if run.name not in journal.done):
        if not run.is_divisible and time.monotonic() + run.minutes * SECONDS_A_MINUTE > deadline:
            notice(progress, f"{run.name}: there is no time left for all of it; it waits for the next part")
            return False
        notice(progress, f"{run.name}: {run.minutes:g} minutes")
        ended = run_training(inputs_of(run, folder, work), work / run.name, run.config, conduct)
        if ended:
            journal = dataclasses.replace(journal, done=(*journal.done, run.name))
        _keep(journal, plan, work, results)
        if not ended:
            return False
    return True


def _checked(plan: Plan, folder: Path, conduct: Conduct, share: float) -> Check:
    with tempfile.TemporaryDirectory() as thrown_away:
        check = check_accelerator(plan.runs[0], folder, Path(thrown_away), conduct, share=share)
    notice(conduct.progress, check.text)
    return check


def _read_journal(work: Path) -> Journal:
    path = work / _JOURNAL
    return read_record(Journal, path, remake=_AGAIN) if path.is_file() else Journal()


def _keep(journal: Journal, plan: Plan, work: Path, results: Path) -> None:
    """Write the journal, then the results: generators and metrics of all runs, the state of one that is not over."""
    write_atomically(work / _JOURNAL, to_json(journal).encode())
    files = [work / _JOURNAL]
    for run in plan.runs:
        files += [file for file in _to_keep(run, RunFolder(work / run.name), journal) if file.is_file()]
    results.parent.mkdir(parents=True, exist_ok=True)
    with replaced_atomically(results) as new, tarfile.open(new, "w") as archive:
        for file in files:
            archive.add(file, file.relative_to(work).as_posix())


def _to_keep(run: PlannedRun, folder: RunFolder, journal: Journal) -> list[Path]:
    ended = run.name in journal.done
    state = [] if ended or not run.is_divisible else [folder.state]
    return [folder.settings, folder.metrics_file, *state, *([folder.generator] if ended or state else [])]


def _restore(results: Path, work: Path) -> None:
    if work.exists():
        return
    work.mkdir(parents=True)
    if not results.is_file():
        return
    try:
        with tarfile.open(results) as archive:
            archive.extractall(work, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"{results}: damaged, or no results of a prepared training: {error}; delete it") from error
