"""Does a part of a prepared training: what its plan holds and is not done yet, for so many minutes."""

from __future__ import annotations

import dataclasses
import fcntl
import math
import os
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.files import replaced_atomically, require_creatable, write_atomically
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.progress import Progress, notice
from edgesr.sr_model.training.conduct import Conduct
from edgesr.sr_model.training.prepared.check import Check, check_accelerator
from edgesr.sr_model.training.prepared.plan import Plan, PlannedRun, inputs_of, read_plan
from edgesr.sr_model.training.run.folder import RunFolder
from edgesr.sr_model.training.schedule import SECONDS_A_MINUTE
from edgesr.sr_model.training.train import run_training

_JOURNAL = "journal.json"
_AGAIN = "delete the folder of the runs, and what is done is read from the results"


@dataclass(frozen=True)
class Journal:
    """The finished parts of a plan: the check, and runs by name."""

    check: Check | None = None
    done: tuple[str, ...] = ()


def run_part(
    folder: Path, work: Path, results: Path, *, minutes: float, share: float, device: str, progress: Progress
) -> bool:
    """Continue the plan of a packed folder for some minutes; whether all of it is done.

    ``work`` holds the folders of the runs. ``results`` is one file with all that is needed to go on elsewhere: it is
    read where ``work`` has no journal yet, and written whenever a run is saved. ``share`` of 0.01 does everything in a
    hundredth of the time and with a hundredth of the batches. A run with a GAN phase is begun only where the time is
    enough for all of it.
    """
    deadline = _deadline(minutes, share)
    plan = read_plan(folder).scaled(share)
    require_creatable(results.parent)
    if results.exists() and not results.is_file():
        raise InputError(f"{results}: is not a file; give another --results")
    with _alone(work):
        _restore(results, work)
        journal = _read_journal(work)
        conduct = Conduct(device=device, curves=False, deadline=deadline, progress=progress)
        if journal.check is None:
            journal = dataclasses.replace(journal, check=_checked(plan, folder, conduct, share))
            _keep(journal, plan, work, results)
        return _run_all(journal, plan, folder, work, results, conduct)


def _run_all(journal: Journal, plan: Plan, folder: Path, work: Path, results: Path, conduct: Conduct) -> bool:
    """All runs that there is time for; one that fails does not take the time of those that do not start from it."""
    assert journal.check is not None
    failed: set[str] = set()
    for run in (run for run in plan.runs if run.name not in journal.done):
        if run.start in failed:
            failed.add(run.name)
            continue
        if not run.is_divisible and time.monotonic() + run.minutes * SECONDS_A_MINUTE > conduct.deadline:
            notice(conduct.progress, f"{run.name}: there is no time left for all of it; it waits for the next part")
            return False
        notice(conduct.progress, f"{run.name}: {run.minutes:g} minutes")
        keep = partial(_keep, journal, plan, work, results)
        own = dataclasses.replace(conduct, recorded=not journal.check.why_not, saved=keep)
        try:
            ended = run_training(inputs_of(run, folder, work), work / run.name, run.config, own)
        except InputError:
            raise
        except (EdgesrError, RuntimeError) as error:
            notice(conduct.progress, f"{run.name}: failed: {type(error).__name__}: {error}")
            failed.add(run.name)
            continue
        if not ended:
            return False
        journal = dataclasses.replace(journal, done=(*journal.done, run.name))
        _keep(journal, plan, work, results)
    return not failed


def _deadline(minutes: float, share: float) -> float:
    """The deadline on the clock of `time.monotonic`."""
    if not 0 < minutes < math.inf:
        raise InputError(f"minutes is {minutes:g}: need a number above 0")
    if not 0 < share <= 1:
        raise InputError(f"share is {share:g}: need a number above 0, at most 1")
    return time.monotonic() + minutes * share * SECONDS_A_MINUTE


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """The folder of the runs, made where it is not there, for one process at a time."""
    require_creatable(work)
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{work}: cannot be created: {error.strerror}") from error
    handle = os.open(work, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise InputError(f"{work}: another process trains in it; wait for it, or give another --work") from error
    finally:
        os.close(handle)


def _checked(plan: Plan, folder: Path, conduct: Conduct, share: float) -> Check:
    with tempfile.TemporaryDirectory() as thrown_away:
        check = check_accelerator(plan.runs[0], folder, Path(thrown_away), conduct, share=share)
    notice(conduct.progress, check.text)
    return check


def _read_journal(work: Path) -> Journal:
    path = work / _JOURNAL
    return read_record(Journal, path, remake=_AGAIN) if path.is_file() else Journal()


def _keep(journal: Journal, plan: Plan, work: Path, results: Path) -> None:
    """Write the journal, then the results: generators and metrics of all runs, the state of one that is not over.

    The journal is the last in the file: without it nothing that was read from there counts.
    """
    write_atomically(work / _JOURNAL, to_json(journal).encode())
    files = [file for run in plan.runs for file in _to_keep(run, RunFolder(work / run.name), journal) if file.is_file()]
    results.parent.mkdir(parents=True, exist_ok=True)
    with replaced_atomically(results) as new, tarfile.open(new, "w") as archive:
        for file in (*files, work / _JOURNAL):
            archive.add(file, file.relative_to(work).as_posix())


def _to_keep(run: PlannedRun, folder: RunFolder, journal: Journal) -> list[Path]:
    state = [folder.state] if run.is_divisible and run.name not in journal.done else []
    return [folder.settings, folder.metrics_file, folder.generator, *state]


def _restore(results: Path, work: Path) -> None:
    if (work / _JOURNAL).is_file() or not results.is_file():
        return
    try:
        with tarfile.open(results) as archive:
            archive.extractall(work, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"{results}: damaged, or no results of a prepared training: {error}; delete it") from error
