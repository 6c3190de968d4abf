"""Devices by name. Another kind of device is one object in a file of its own, and one line here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from edgesr.benchmarks.devices.arm64.device import ARM64_KIND
from edgesr.benchmarks.devices.boxes.kinds import ADB_KIND, SSH_KIND
from edgesr.benchmarks.devices.browser.device import BROWSER_KIND
from edgesr.benchmarks.devices.device import (
    AbsentDevice,
    AbsentDeviceError,
    Device,
    DeviceKind,
    Prepared,
    Remote,
    SetUp,
)
from edgesr.benchmarks.devices.emulated_x86 import X86_KIND
from edgesr.benchmarks.devices.host import HOST_KIND
from edgesr.benchmarks.jobs import HOST
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.progress import Progress, notice, silent

DEVICE_KINDS: tuple[DeviceKind, ...] = (
    HOST_KIND,
    ARM64_KIND,
    X86_KIND,
    SSH_KIND,
    ADB_KIND,
    BROWSER_KIND,
)


@dataclass(frozen=True, kw_only=True)
class ListedDevice:
    """A device that edgesr knows. ``missing`` says why it is not ready, None where it is; ``set_up`` is the command
    that makes it ready, None where nothing is missing.
    """

    name: str
    title: str
    missing: str | None
    set_up: str | None


@dataclass(frozen=True, kw_only=True)
class DeviceList:
    """``notes`` are further lines for people."""

    devices: tuple[ListedDevice, ...]
    notes: tuple[str, ...]


def device_names() -> list[str]:
    """All devices that edgesr knows by name."""
    return [name for kind in DEVICE_KINDS for name in kind.titles]


def device_forms() -> list[str]:
    """The names of all devices, and the forms of those names that hold an address."""
    return [*device_names(), *(kind.form for kind in DEVICE_KINDS if kind.form is not None)]


@contextmanager
def opened_devices(text: str, *, python: str | None = None, progress: Progress = silent) -> Iterator[list[Device]]:
    """The devices of a comma-separated text until the end of a block; see `open_devices`."""
    with ExitStack() as stack:
        yield open_devices(text, python=python, stack=stack, progress=progress)


def open_devices(
    text: str,
    *,
    python: str | None = None,
    stack: ExitStack | None = None,
    progress: Progress = silent,
    option: str = "--device",
) -> list[Device]:
    """The devices of a comma-separated text, in its order. An InputError lists the known ones, and names those that
    are one machine; a MissingPackageError gives the set-up command of one that is not set up.

    Of several devices, one that does not answer becomes an `AbsentDevice`, which is told at once, unless none of them
    answers. ``python``: a program of those that are other machines, which runs the workers there. ``stack`` closes the
    devices. ``option``: what gave the text.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    _require_names(f"{option} {text!r}", names)
    if python is not None and not any(_kind(name).remote for name in names):
        raise InputError(
            f"--device-python {python}: is for other machines (ssh or adb), and {text!r} names none; leave it out"
        )
    opened: list[Device] = []
    for name in names:
        opened.append(_open(name, python) if len(names) == 1 else _open_beside_others(name, python))
        if stack is not None:
            stack.callback(opened[-1].close)
    absent = [device for device in opened if isinstance(device, AbsentDevice)]
    if len(absent) == len(opened):
        raise InputError(f"none of {', '.join(names)} answers: {absent[0].reason}")
    _require_own_machines(opened)
    for device in absent:
        notice(progress, f"{device.reason}. edgesr measures the other devices; rows of {device.name} give this reason")
    return opened


def require_staying(text: str, *, option: str) -> None:
    """Raise an InputError unless a process can stay on all devices of a comma-separated text; none is opened."""
    staying = [form for kind in DEVICE_KINDS if kind.stay for form in (*kind.titles, kind.form) if form is not None]
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if not any(kind.stay and kind.opens(name) for kind in DEVICE_KINDS):
            raise InputError(f"{option} {name}: is no place for workers; give {', '.join(staying)}")
    _require_names(f"{option} {text!r}", names)


def _require_names(given: str, names: Sequence[str]) -> None:
    """Raise an InputError unless there is a name, and none is there twice."""
    if not names:
        raise InputError(f"{given}: give one or more of {', '.join(device_forms())}")
    for name in names:
        _kind(name)
        if names.count(name) > 1:
            raise InputError(f"{given}: {name} is there twice; give each device once")


def _require_own_machines(devices: Sequence[Device]) -> None:
    """Raise an InputError for two names of one other machine."""
    seen: dict[str, str] = {}
    for device in devices:
        first = seen.setdefault(device.machine, device.name)
        if device.machine != HOST and first != device.name:
            raise InputError(f"{first} and {device.name} are the same machine; give one of them")


def remote(name: str) -> Remote:
    """The functions for another machine of that name; raises InputError if the name is not another machine's."""
    found = _kind(name).remote
    if found is None:
        forms = ", ".join(kind.form for kind in DEVICE_KINDS if kind.remote and kind.form)
        raise InputError(f"{name} is no other machine; give one of {forms}")
    return found


def set_ups() -> dict[str, SetUp]:
    """All set-ups that `set_up_device` can make, by name."""
    return {one.name: one for kind in DEVICE_KINDS for one in kind.set_ups}


def set_up_device(name: str, progress: Progress = silent) -> Prepared:
    """Make devices ready; what was made before is kept. An InputError lists the known set-ups, and an InputError or a
    MissingPackageError names what the machine lacks.
    """
    if name not in set_ups():
        raise InputError(f"device {name!r} cannot be set up: choose one of {', '.join(set_ups())}")
    return set_ups()[name].run(progress)


def list_devices() -> DeviceList:
    """All devices that edgesr knows, and whether they are ready: each set-up is looked at once."""
    needed = {kind.needs for kind in DEVICE_KINDS}
    missing = {one.command: _missing(one) for one in set_ups().values() if one.command in needed}
    devices = tuple(
        ListedDevice(name=name, title=title, missing=reason, set_up=None if reason is None else kind.needs)
        for kind in DEVICE_KINDS
        for reason in [None if kind.needs is None else missing[kind.needs]]
        for name, title in kind.titles.items()
    )
    reasons = [reason for reason in missing.values() if reason is not None]
    return DeviceList(devices=devices, notes=(*reasons, *(note for kind in DEVICE_KINDS for note in kind.notes())))


def _missing(set_up: SetUp) -> str | None:
    try:
        set_up.require()
    except MissingPackageError as error:
        return str(error)
    return None


def _open(name: str, python: str | None) -> Device:
    kind = _kind(name)
    if python is not None and kind.remote is not None:
        return kind.remote.open_with_python(name, python)
    return kind.open(name)


def _open_beside_others(name: str, python: str | None) -> Device:
    try:
        return _open(name, python).beside_others()
    except AbsentDeviceError as error:
        remote = _kind(name).remote
        runtimes = None if remote is None or python is not None else remote.runtimes()
        return AbsentDevice(name=name, reason=str(error), runtimes=runtimes)


def _kind(name: str) -> DeviceKind:
    kind = next((kind for kind in DEVICE_KINDS if kind.opens(name)), None)
    if kind is None:
        raise InputError(f"unknown device {name!r}: choose from {', '.join(device_forms())}")
    return kind
