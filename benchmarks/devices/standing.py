"""Processes that stay on a device and do one thing after the other, asked and answered through their pipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgesr.benchmarks.devices.process_exit import describe_exit

STANDING_WORKER = "edgesr.benchmarks.archive.process"
"""The module that upscales photographs, one after the other."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The way to start such a process from here: ``command``, with these environment variables and no others.

    ``bundle`` is where it finds the bundle. One of another machine does not share this one's files, and its answers
    begin after a line with the ``token``: login scripts may print before. ``ended`` tells in one line how it ended,
    from exit code and standard error.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    bundle: str
    token: str | None = None
    ended: Callable[[int, str], str] = describe_exit

    @property
    def shares_files(self) -> bool:
        return self.token is None
