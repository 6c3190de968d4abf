"""The one way in which libraries report progress: a callback that takes events. The command line draws them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class ProgressEvent:
    """``done`` of ``total`` units of a named task; ``note`` is a short text such as the current loss."""

    task: str
    done: int
    total: int
    note: str = ""

    @property
    def is_notice(self) -> bool:
        """Whether this is one thing to tell the user and counts nothing."""
        return self.total == 0


Progress = Callable[[ProgressEvent], None]


def silent(event: ProgressEvent) -> None:
    """Default callback: says nothing."""


def notice(progress: Progress, text: str) -> None:
    """Tell the user one thing through the same callback."""
    progress(ProgressEvent("notice", 0, 0, text))


def of_part(progress: Progress, part: str) -> Progress:
    """The same callback for one of several that do the same at the same time: tasks are named with it."""
    return lambda event: progress(event if event.is_notice else replace(event, task=f"{event.task} {part}"))


def one_at_a_time(progress: Progress) -> Progress:
    """The same callback for several threads, which is called by one at a time."""
    lock = threading.Lock()

    def told(event: ProgressEvent) -> None:
        with lock:
            progress(event)

    return told
