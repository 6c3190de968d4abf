"""The photographs that are still to be upscaled, shared by the threads of all workers."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence

from edgesr.benchmarks.archive.worker import Task

MOST_TRIES = 2


class TaskQueue:
    """One whose worker died comes back, at the end: the others are done first, whatever it does to workers."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._pending = deque(tasks)
        self._changed = threading.Condition()
        self._tries: Counter[Task] = Counter()
        self._working = 0
        self._stopped = False

    def wait(self) -> bool:
        """Wait until there is something to do; False where there never will be."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or not self._working or self._stopped)
            return self.needed()

    def needed(self) -> bool:
        """Whether there is something to do."""
        return bool(self._pending) and not self._stopped

    def take(self) -> Task | None:
        """The next photograph, if there is one; `done` or `died` has to follow."""
        with self._changed:
            if not self.needed():
                return None
            self._working += 1
            return self._pending.popleft()

    def done(self) -> None:
        """One that was taken is done, or cannot be."""
        with self._changed:
            self._working -= 1
            self._changed.notify_all()

    def died(self, task: Task) -> bool:
        """The worker of one that was taken died; whether it is tried again."""
        with self._changed:
            self._tries[task] += 1
            again = self._tries[task] < MOST_TRIES
            if again:
                self._pending.append(task)
            self._working -= 1
            self._changed.notify_all()
            return again

    def stop(self) -> None:
        """Tell all waiting workers that nothing more is to be done."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def left(self) -> list[Task]:
        """The tasks that nobody took."""
        return list(self._pending)
