"""Workers, and the places where they are started."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.archive.messages import Reply
from edgesr.runtimes.errors import EdgesrError


class DiedError(EdgesrError):
    """A worker ended, or was lost; the message says how."""


@dataclass(frozen=True)
class Task:
    """A photograph, and where its output is put once it is whole; ``name`` is that of the output."""

    source: Path
    name: str


class Worker(ABC):
    """Does one photograph after the other, for one thread."""

    @abstractmethod
    def upscale(self, task: Task, output: Path) -> Reply:
        """Write the output, which is not there, or tell why it cannot be; raises a DiedError where the worker ended."""

    @abstractmethod
    def close(self) -> None:
        """End it at once."""


class Place(ABC):
    """Starts workers, one after the other."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the place in messages."""

    @abstractmethod
    def start(self, terms: StartTerms) -> Worker:
        """A worker that is ready. Raises a DiedError where it ended before, an AbsentDeviceError where the place
        does not answer; another EdgesrError where it would be of no use to ask again.
        """


@dataclass(frozen=True)
class StartTerms:
    """``tell`` gets what workers have for the user. ``needed`` says whether a worker is of use still, ``stopped``
    whether all is to end: whoever waits for something that no signal ends asks now and then, and gives up with a
    DiedError.
    """

    tell: Callable[[str], None]
    needed: Callable[[], bool]
    stopped: Callable[[], bool]
