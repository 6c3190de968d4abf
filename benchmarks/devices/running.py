"""Processes that jobs of several threads started: Ctrl-C, which reaches one thread alone, ends all of them."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class ProcessGroup:
    """The processes of threads that work on one command. Once it has ended, each of them gets a KeyboardInterrupt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[Any]] = set()
        self._ended = False

    def member(self, function: Callable[[T], R]) -> Callable[[T], R]:
        """The same function, whose processes belong to this group."""

        def run(item: T) -> R:
            before = current_group()
            _OF_THREAD.group = self
            try:
                return function(item)
            finally:
                _OF_THREAD.group = before

        return run

    @contextmanager
    def watching(self, process: subprocess.Popen[Any]) -> Iterator[None]:
        """Watch a process until the end of the block that waits for it."""
        with self._lock:
            self._processes.add(process)
            if self._ended:
                process.kill()
        try:
            yield
        finally:
            with self._lock:
                self._processes.remove(process)
            if self._ended:
                raise KeyboardInterrupt

    def end(self) -> None:
        """Kill all processes, and those that are still to begin."""
        with self._lock:
            self._ended = True
            for process in self._processes:
                process.kill()


def current_group() -> ProcessGroup | None:
    """The group of this thread; None where Ctrl-C reaches it by itself."""
    found: ProcessGroup | None = getattr(_OF_THREAD, "group", None)
    return found


@contextmanager
def watched(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Let a process end with the group of this thread, if there is one, until the end of the block."""
    group = current_group()
    if group is None:
        yield
        return
    with group.watching(process):
        yield


_OF_THREAD = threading.local()
