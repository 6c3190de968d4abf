"""Work that goes on while a network runs, in one more thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType


class NextToNetwork(AbstractContextManager["NextToNetwork"]):
    """Work that follows each call of a network: in a thread of its own if a core is free for it, else at once.

    On the cores of the network's own threads it would interrupt them, which wait for each other. One piece of work is
    done at a time; at the end of the block all is done, and an error of it is raised.
    """

    def __init__(self, *, core_is_free: bool) -> None:
        self._thread = ThreadPoolExecutor(1) if core_is_free else None
        self._last: Future[None] | None = None

    def do(self, work: Callable[[], None]) -> None:
        """Wait for the work before, then begin this."""
        if self._thread is None:
            work()
            return
        self._wait()
        self._last = self._thread.submit(work)

    def _wait(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        with self._thread:
            if error is None:
                self._wait()
