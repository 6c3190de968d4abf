"""Photographs handed to workers, workers that died started again, outputs put in their place."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from edgesr.benchmarks.archive.messages import Reply
from edgesr.benchmarks.archive.tasks import TaskQueue
from edgesr.benchmarks.archive.worker import DiedError, Place, StartTerms, Task, Worker
from edgesr.benchmarks.devices.device import AbsentDeviceError
from edgesr.benchmarks.devices.running import ProcessGroup
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.files import move_into_place
from edgesr.runtimes.progress import Progress, ProgressEvent, notice, one_at_a_time
from edgesr.runtimes.upscaling.files import FolderRun
from edgesr.runtimes.upscaling.outcomes import FolderReport, Written
from edgesr.runtimes.wording import counted

ASK_AGAIN_SECONDS = (1.0, 3.0, 10.0, 30.0)
"""How long to wait before a place whose worker does not start is asked again; after the last one it is left out."""


class Supervisor:
    """Upscales the images of a run with a worker at each place.

    A worker writes into a folder of its own, which is emptied when it dies; only a whole output leaves it. The journal
    has an output just before it is renamed: none is done twice, whenever this process is killed.
    """

    def __init__(self, run: FolderRun, target: Path, progress: Progress) -> None:
        self._run, self._target, self._progress = run, target, one_at_a_time(progress)
        self._order = [Task(source, output.name) for source, output in run.pending]
        self._queue = TaskQueue(self._order)
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._written: dict[Task, Written] = {}
        self._failures: dict[Task, str] = {}
        self._unfinished: dict[Task, str] = {}
        self._lost: dict[str, str] = {}
        self._told: set[str] = set()

    def upscale(self, places: Sequence[Place]) -> FolderReport:
        """Do all images. Ctrl-C, and what is wrong with all images, ends all workers and is raised."""
        group, pool = ProcessGroup(), ThreadPoolExecutor(max(len(places), 1))
        work = group.member(self._work)
        futures = [pool.submit(work, item) for item in enumerate(places)]
        try:
            for ended in wait(futures, return_when=FIRST_EXCEPTION).done:
                ended.result()
        except BaseException:
            self._stopped.set()
            self._queue.stop()
            group.end()
            raise
        finally:
            pool.shutdown()
        return self._report()

    def _report(self) -> FolderReport:
        left = self._queue.left()
        lines = [self._unfinished[task] for task in self._order if task in self._unfinished]
        if left:
            lines.append(
                f"{counted(len(left), 'image')} left, no worker is there any more: {'; '.join(self._lost.values())}"
            )
        if not (lines or self._failures):
            self._run.journal.remove()
        self._progress(ProgressEvent("images", len(self._order), len(self._order)))
        return FolderReport(
            tuple(self._written[task] for task in self._order if task in self._written),
            self._run.done_before,
            tuple(self._failures[task] for task in self._order if task in self._failures),
            tuple(lines),
        )

    def _work(self, item: tuple[int, Place]) -> None:
        """One worker after the other at a place, until all is done or the place is lost."""
        number, place = item
        folder = self._run.work / str(number)
        folder.mkdir()
        while self._queue.wait():
            worker = self._started(place)
            if worker is None:
                if place.name in self._lost:
                    return
                continue
            try:
                self._use(worker, place, folder)
            finally:
                worker.close()
            shutil.rmtree(folder)
            folder.mkdir()

    def _started(self, place: Place) -> Worker | None:
        """A worker; None for a place that is left out from now on, and where there is nothing to do at present."""
        terms = StartTerms(self._tell, self._queue.needed, self._stopped.is_set)
        for seconds in (*ASK_AGAIN_SECONDS, None):
            again = None
            try:
                return place.start(terms)
            except (DiedError, AbsentDeviceError) as error:
                reason, again = str(error), seconds
            except EdgesrError as error:
                reason = str(error)
            if not self._queue.needed():
                return None
            named = reason if reason.startswith(place.name) else f"{place.name}: {reason}"
            if again is None:
                self._lost[place.name] = named
                self._tell(f"{named}; no worker is started there any more")
                return None
            self._tell(f"{named}; asked again")
            self._stopped.wait(again)
            if not self._queue.needed():
                return None
        return None

    def _use(self, worker: Worker, place: Place, folder: Path) -> None:
        """Have a worker upscale until it dies or nothing is left."""
        while task := self._queue.take():
            self._progress(ProgressEvent("images", self._count(), len(self._order), task.source.name))
            output = folder / task.name
            try:
                reply = worker.upscale(task, output)
            except DiedError as error:
                if not self._stopped.is_set():
                    self._died(task, f"{place.name}: {error}")
                return
            self._finish(task, reply, output)
            self._queue.done()

    def _died(self, task: Task, reason: str) -> None:
        if self._queue.died(task):
            self._tell(f"{task.source}: its worker died, {reason}; it is tried once more")
            return
        self._unfinished[task] = f"{task.source}: its worker died twice, {reason}"
        self._tell(self._unfinished[task])

    def _finish(self, task: Task, reply: Reply, output: Path) -> None:
        """Put an output in its place, or note why there is none."""
        place = self._target / task.name
        if reply.kind == "unable":
            raise InputError(reply.text)
        text = reply.text.replace(str(output), str(place))
        try:
            if reply.kind == "done":
                with self._lock:
                    self._run.journal.add(task.source, place, content=output)
                    move_into_place(output, place)
                    self._written[task] = Written(place, reply.width, reply.height, reply.artifact, reply.runtime)
                return
        except EdgesrError as error:
            text = str(error)
        self._failures[task] = text
        notice(self._progress, text)

    def _count(self) -> int:
        return len(self._written) + len(self._failures) + len(self._unfinished)

    def _tell(self, text: str) -> None:
        """A notice, each text once."""
        with self._lock:
            new = text not in self._told
            self._told.add(text)
        if new:
            notice(self._progress, text)
