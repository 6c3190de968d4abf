"""Boxes as kinds of devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from edgesr.benchmarks.devices.boxes import adb, ssh
from edgesr.benchmarks.devices.boxes.check import check_box, clean_box
from edgesr.benchmarks.devices.boxes.opening import open_box
from edgesr.benchmarks.devices.boxes.root.architecture import ARCHITECTURES, Architecture
from edgesr.benchmarks.devices.boxes.root.layers import installed_root
from edgesr.benchmarks.devices.boxes.transport import Transport
from edgesr.benchmarks.devices.device import Device, DeviceKind, Finding, Plan, Prepared, Remote, SetUp
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.errors import MissingPackageError
from edgesr.runtimes.progress import Progress

LINUX_BUILDS = "Linux builds on this device"
"""What stands next to results of Android devices."""


def _box_kind(prefix: str, form: str, transport: Callable[[str], Transport], note: str = "") -> DeviceKind:
    def reach(name: str) -> Transport:
        return transport(name.removeprefix(prefix))

    def with_python(name: str, python: str) -> Device:
        return open_box(reach(name), python=python, note=note)

    def check(name: str, plan: Plan) -> Iterator[Finding]:
        return check_box(reach(name), plan, note=note)

    return DeviceKind(
        titles={},
        open=lambda name: open_box(reach(name), note=note),
        prefix=prefix,
        form=form,
        remote=Remote(
            open_with_python=with_python,
            check=check,
            clean=lambda name: clean_box(reach(name)),
            runtimes=runtimes_of_roots,
        ),
    )


def runtimes_of_roots() -> tuple[str, ...]:
    """The runtimes that a root of any machine has."""
    pinned = {name for one in ARCHITECTURES.values() for name in one.pins}
    return tuple(name for name, runtime in RUNTIMES.items() if runtime.distribution in pinned)


def set_up_root(architecture: Architecture, progress: Progress) -> Prepared:
    """Make the root for boxes of a machine."""
    from edgesr.benchmarks.devices.boxes.root.setup import set_up

    root = set_up(architecture, progress)
    return Prepared(
        folder=root.folder,
        size_bytes=sum(layer.archive_bytes for layer in root.record.layers),
        devices=(f"{SSH_KIND.form}, {ADB_KIND.form} ({architecture.title}: {architecture.machine})",),
        packages=root.record.wheels,
    )


def root_notes() -> list[str]:
    """One line on the roots for boxes."""
    states = []
    for one in ARCHITECTURES.values():
        try:
            installed_root(one)
            states.append(f"{one.machine} is set up")
        except MissingPackageError:
            states.append(f"{one.machine}: {one.set_up_command}")
    return [f"Boxes ({SSH_KIND.form}, {ADB_KIND.form}) are sent a root for their machine: {'; '.join(states)}"]


SSH_KIND = replace(
    _box_kind(ssh.PREFIX, f"{ssh.PREFIX}[USER@]HOST", ssh.SshTransport),
    set_ups=tuple(
        SetUp(
            command=one.set_up_command,
            title=f"the files that edgesr sends to {one.title} ({one.machine})",
            require=partial(installed_root, one),
            run=partial(set_up_root, one),
        )
        for one in ARCHITECTURES.values()
    ),
    notes=root_notes,
    stay=True,
)
ADB_KIND = _box_kind(adb.PREFIX, f"{adb.PREFIX}SERIAL", adb.AdbTransport, LINUX_BUILDS)
