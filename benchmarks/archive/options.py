"""Options for the number of workers that upscale a folder, and for the machines they run on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.registry import require_staying
from edgesr.runtimes.errors import InputError

MOST_JOBS = 256


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """Options of `upscale_archive`: ``jobs`` workers at the same time. They are processes of this machine, of each
    device of the comma-separated ``on``, or actors of the ray cluster at the address ``ray``. None is one worker,
    which is this process if neither is given.
    """

    jobs: int | None = None
    on: str | None = None
    ray: str | None = None

    def __post_init__(self) -> None:
        if self.jobs is not None and not 1 <= self.jobs <= MOST_JOBS:
            raise InputError(f"--jobs {self.jobs}: give a number from 1 to {MOST_JOBS}")
        if self.on is not None and self.ray is not None:
            raise InputError("--on and --ray are two ways to other machines: give one of them")
        if self.on is not None:
            require_staying(self.on, option="--on")
        if self.ray in ("", "local"):
            raise InputError(
                f"--ray {self.ray!r}: give the address of a cluster that runs, or auto for the one of this machine"
            )

    @property
    def count(self) -> int:
        return self.jobs or 1

    @property
    def alone(self) -> bool:
        """Whether this process does all by itself."""
        return self.count == 1 and self.on is None and self.ray is None

    def require_folder(self, source: Path) -> None:
        """Raise an InputError unless there is a folder whose images workers can share."""
        if not (self.alone or source.is_dir()):
            why = "is not a folder: several workers share the images of one; leave out --jobs, --on and --ray"
            raise InputError(f"{source}: {why if source.exists() else 'no such folder'}")
