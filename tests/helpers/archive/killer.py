"""Kills processes at moments spread over a run."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.helpers.archive.runs import stamps


class Killer:
    """Kills one of what ``found`` gives, when so many pictures are done: each of ``moments`` once, by a seed."""

    def __init__(self, target: Path, images: int, found: Callable[[], list[int]], *, kills: int = 20) -> None:
        self._target, self._found, self._random = target, found, random.Random(7)
        self._moments = sorted(self._random.randrange(images - 3) for _ in range(kills))
        self._ended = threading.Event()
        self.killed: list[int] = []
        self.seen: dict[str, tuple[int, int]] = {}
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        for moment in self._moments:
            self._wait(partial(self._done, moment))
            time.sleep(self._random.uniform(0, 0.15))
            self._wait(self._kill_one)

    def _wait(self, found: Callable[[], bool]) -> None:
        while not found() and not self._ended.wait(0.01):
            self.seen = stamps(self._target) | self.seen

    def _done(self, count: int) -> bool:
        return len(self.seen) >= count

    def _kill_one(self) -> bool:
        """Whether there was one to be killed."""
        process = self._random.choice([*self._found(), 0])
        with contextlib.suppress(ProcessLookupError):
            if process:
                os.kill(process, signal.SIGKILL)
                self.killed.append(process)
                return True
        return False
