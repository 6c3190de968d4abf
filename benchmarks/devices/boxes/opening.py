"""The way from a box's name to a device: connect, ask for its machine, see what can run there."""

from __future__ import annotations

import re
from collections.abc import Mapping

from edgesr.benchmarks.devices.boxes.box import Box
from edgesr.benchmarks.devices.boxes.device import BoxDevice
from edgesr.benchmarks.devices.boxes.exchange import Terms
from edgesr.benchmarks.devices.boxes.facts import Facts
from edgesr.benchmarks.devices.boxes.root.architecture import architecture
from edgesr.benchmarks.devices.boxes.root.layers import installed_root
from edgesr.benchmarks.devices.boxes.software import OwnPython, PushedRoot, Software
from edgesr.benchmarks.devices.boxes.transport import Transport
from edgesr.runtimes.errors import EdgesrError, InputError

_OLDEST_PYTHON = (3, 11)
_PROGRAM = re.compile(r"/[A-Za-z0-9_./+-]{1,200}")
_LARGEST_LIST = 1 << 20


def open_box(transport: Transport, *, python: str | None = None, note: str = "") -> BoxDevice:
    """The device; raises an InputError where it cannot be reached or cannot run a worker, a MissingPackageError
    where this machine lacks what must be sent.
    """
    box = Box(transport)
    try:
        facts = box.probe()
        require_usable(box, facts)
        software = own_python(box, python) if python is not None else pushed_root(box, facts)
    except BaseException:
        transport.close()
        raise
    return box_device(box, facts, software, note)


def box_device(box: Box, facts: Facts, software: Software, note: str) -> BoxDevice:
    """The device of a box that was asked."""
    return BoxDevice(box=box, facts=facts, software=software, present=set(facts.folders), note=note)


def obstacles(facts: Facts) -> Mapping[str, str]:
    """The reasons why no worker can run there, by what is wrong."""
    found = {}
    if not facts.executes:
        found["programs"] = f"cannot be started in {facts.folder}, whose file system is mounted noexec"
    if "tar" not in facts.programs:
        found["tar"] = "is not installed on it"
    return found


def require_usable(box: Box, facts: Facts) -> None:
    """Raise an InputError with the first obstacle."""
    for what, why in obstacles(facts).items():
        raise InputError(f"{box.name}: {what} {why}")


def pushed_root(box: Box, facts: Facts) -> PushedRoot:
    """The root for its machine; raises an InputError where there is none, a MissingPackageError where it is not set
    up.
    """
    with box.named_errors():
        try:
            found = architecture(facts.machine)
        except InputError as error:
            raise EdgesrError(str(error)) from error
    return PushedRoot(found, installed_root(found))


def own_python(box: Box, program: str) -> OwnPython:
    """A Python of the box, and what is installed for it; raises an InputError where it is none that edgesr runs on."""
    if not _PROGRAM.fullmatch(program):
        raise InputError(f"--device-python {program!r}: give an absolute path without blanks, such as /usr/bin/python3")
    with box.named_errors():
        lines = box.call(Terms(limit_bytes=_LARGEST_LIST), "versions", program).decode(errors="replace").splitlines()
    found = {name.lower(): version for name, _, version in (line.partition(" ") for line in lines)}
    version = re.match(r"(\d{1,3})\.(\d{1,3})", found.get("python", ""))
    if not lines or lines[-1] != "end" or version is None:
        raise InputError(f"{box.name}: {program} is no Python of 3.11 or later that starts there")
    if (int(version[1]), int(version[2])) < _OLDEST_PYTHON:
        raise InputError(f"{box.name}: {program} is Python {found['python'][:20]}, a worker needs 3.11 or later")
    return OwnPython(program, {name: version for name, version in found.items() if name != "end"})
