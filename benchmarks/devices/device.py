"""A device is a place where worker processes run, and tells all that measurements need to know of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgesr.benchmarks.devices.standing import Standing
from edgesr.benchmarks.jobs import HOST, Job, Outcome
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import Progress


@dataclass(frozen=True, kw_only=True)
class DeviceEnvironment:
    """The kind of a device other than this host: "emulated" CPUs compute as the real ones do, but their time is not
    real; "remote" is a machine of its own; "browser" is a browser on this machine.

    ``packages`` are the versions on it. Of a remote one also its operating ``system``, the number of its ``cores``, and
    a ``note`` that is to stand next to its results; empty or None otherwise.
    """

    name: str
    kind: Literal["emulated", "remote", "browser"]
    cpu: str
    packages: dict[str, str]
    system: str = ""
    cores: int | None = None
    note: str = ""


class Device(ABC):
    """A place with the edgesr package and runtimes installed."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the device in results."""

    @abstractmethod
    def run(self, job: Job) -> Outcome:
        """Run a job in a fresh process; a crash or a time-out is an outcome, not an exception. The limit of time is
        longer by ``job.lasts_seconds``.
        """

    @property
    def machine(self) -> str:
        """The machine whose CPUs its workers run on, by a name of its own; this host's unless told otherwise.

        Devices of one machine are measured one after the other, since they would slow each other down.
        """
        return HOST

    @property
    def runtimes(self) -> tuple[str, ...] | None:
        """The runtimes that it has builds of; None for all."""
        return None

    @property
    def environment(self) -> DeviceEnvironment | None:
        """The environment of a device; None for this host, whose environment every result file records."""
        return None

    @property
    def emulated(self) -> bool:
        """Time on an emulated device is not real: instructions are counted there instead."""
        return False

    @property
    def float16_arithmetic(self) -> bool:
        """Whether it is known to compute vectors of float16 as such."""
        return False

    def beside_others(self) -> Device:
        """The same device for a measurement on several: its faults cost its own rows alone, and are not raised."""
        return self

    def prepare(self, _bundle: Bundle, _runtimes: Sequence[str], /) -> None:
        """Send what jobs of these runtimes need, so that it is not sent while other devices are timed."""
        return

    def standing(self, _bundle: Bundle, _runtimes: Sequence[str], /) -> Standing:
        """The way to start a process that stays on the device, after the files that it needs were sent; raises
        InputError if none can be started.
        """
        raise InputError(f"{self.name}: no process stays there; give {HOST} or ssh:[USER@]HOST")

    def close(self) -> None:
        """End what it keeps open between jobs."""
        return

    def require_counting(self) -> None:
        """Raise an InputError unless it counts instructions, a MissingPackageError without what counting needs."""
        raise InputError(f"{self.name}: does not count instructions; use it for 'edgesr parity'")


class AbsentDeviceError(InputError):
    """A device that cannot be reached, as if it were switched off: there may be nothing wrong with its name."""


@dataclass(frozen=True, kw_only=True)
class AbsentDevice(Device):
    """A device that did not answer when it was opened, for that ``reason``: its jobs fail. ``runtimes`` are those that
    it could have.
    """

    reason: str
    name: str = ""
    runtimes: tuple[str, ...] | None = None

    @property
    def machine(self) -> str:
        return self.name

    def standing(self, _bundle: Bundle, _runtimes: Sequence[str], /) -> Standing:
        raise AbsentDeviceError(self.reason)

    def run(self, job: Job) -> Outcome:  # noqa: ARG002 - every job fails alike
        return Outcome(status="crashed", reason=self.reason, result=None)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The result of a set-up: packages in these versions, in ``folder``, for these ``devices``."""

    folder: Path
    size_bytes: int
    devices: tuple[str, ...]
    packages: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """The set-up of devices. ``title`` names the devices; the last word of ``command`` is the set-up's own name.

    ``require`` raises a MissingPackageError unless it was done; ``run`` does it. ``clean`` deletes what it made, and
    tells what that was; None where that is not offered.
    """

    command: str
    title: str
    require: Callable[[], object]
    run: Callable[[Progress], Prepared]
    clean: Callable[[], str] | None = None

    @property
    def name(self) -> str:
        return self.command.split()[-1]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a check found out; ``ok`` is False where it keeps a worker from running."""

    what: str
    found: str
    ok: bool = True


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan to check a device: ``bundle`` is sent, and ``trial`` tells of workers that ran on it with those
    ``runtimes`` of the device's.
    """

    bundle: Bundle | None
    runtimes: Callable[[Device], tuple[str, ...]]
    trial: Callable[[Device], Iterator[Finding]]


@dataclass(frozen=True, kw_only=True)
class Remote:
    """The functions that check and clean a device that is another machine.

    ``open_with_python`` has workers run by a Python program of the device. ``check`` finds out what it is and whether a
    worker runs there. ``clean`` deletes what edgesr put there, and tells what that was. ``runtimes`` are those that
    there are builds of for any such machine.
    """

    open_with_python: Callable[[str, str], Device]
    check: Callable[[str, Plan], Iterator[Finding]]
    clean: Callable[[str], str]
    runtimes: Callable[[], tuple[str, ...]]


def _no_notes() -> list[str]:
    return []


@dataclass(frozen=True, kw_only=True)
class DeviceKind:
    """Devices that are opened alike; ``titles`` has one line on each by its name.

    ``open`` gives the device of a name that is in ``titles`` or begins with ``prefix``; raises an InputError for one
    that is unknown, an AbsentDeviceError for one that does not answer, a MissingPackageError with the command for one
    that is not set up. ``needs`` is the command of the set-up that makes its devices ready, which may be one of the
    ``set_ups`` of another kind. ``notes`` are lines below a list of devices. ``form`` tells how names are made that are
    not in ``titles``.

    Devices that are not of this machine have ``remote``; on those that ``stay`` a process can stay, see `standing`.
    """

    titles: Mapping[str, str]
    open: Callable[[str], Device]
    prefix: str | None = None
    form: str | None = None
    needs: str | None = None
    set_ups: tuple[SetUp, ...] = ()
    notes: Callable[[], list[str]] = _no_notes
    remote: Remote | None = None
    stay: bool = False

    def opens(self, name: str) -> bool:
        """Whether a device of that name would be of this kind."""
        return name in self.titles or (self.prefix is not None and name.startswith(self.prefix))


def environments(devices: Sequence[Device]) -> tuple[DeviceEnvironment, ...]:
    """The environments of all devices other than this host."""
    return tuple(device.environment for device in devices if device.environment is not None)


def on_device(device: Device, artifacts: Sequence[tuple[Artifact, str]]) -> list[tuple[Artifact, str]]:
    """The artifacts whose runtime the device has builds of; raises InputError if there are none."""
    if device.runtimes is None:
        return list(artifacts)
    found = [(artifact, runtime) for artifact, runtime in artifacts if runtime in device.runtimes]
    if not found:
        raise InputError(
            f"{device.name} has no build of what these artifacts need: only {', '.join(device.runtimes)}"
            f"{_without_torch({runtime for _, runtime in artifacts})}"
        )
    return found


def _without_torch(names: Set[str]) -> str:
    """The reason why artifacts that need torch are missing."""
    needing = sorted(name for name in names if name in RUNTIMES and RUNTIMES[name].needs_torch)
    return f"; {' and '.join(needing)} need torch, whose wheel is not installed there" if needing else ""
