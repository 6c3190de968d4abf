"""Machines that edgesr has a root for. Another one is a row of the table."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from edgesr.benchmarks.devices.arm64.recipe import WHEELS as AARCH64_WHEELS
from edgesr.benchmarks.devices.packages.wheels import Pins, WheelList
from edgesr.runtimes.errors import InputError

_OF_32_BITS = ("armv6", "armv7", "armv8l", "i386", "i486", "i586", "i686")
_HERE = Path(str(resources.files("edgesr.benchmarks.devices.boxes.root")))

PYTHON_PROGRAM = "usr/bin/python3.11"
"""In the layer "base"."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """``machine`` is as `uname -m` tells it, ``debian`` is Debian's name. ``loader`` and ``libraries`` are in the
    layer "base". ``wheels`` are runtimes and what they need; ``image_wheels`` are libvips, which large images need.
    """

    machine: str
    debian: str
    title: str
    loader: str
    libraries: tuple[str, ...]
    wheels: WheelList
    image_wheels: WheelList

    @property
    def pins(self) -> Pins:
        """Distribution -> version and hex SHA-256, of both lists."""
        return self.wheels.pins() | self.image_wheels.pins()

    @property
    def set_up_name(self) -> str:
        """The last word of the command that makes its root."""
        return f"box-{self.machine}"

    @property
    def set_up_command(self) -> str:
        return f"edgesr devices setup {self.set_up_name}"


def _architecture(machine: str, debian: str, title: str, loader: str, wheels: WheelList) -> Architecture:
    triple = f"{machine}-linux-gnu"
    return Architecture(
        machine=machine,
        debian=debian,
        title=title,
        loader=f"lib/{triple}/{loader}",
        libraries=(f"lib/{triple}", f"usr/lib/{triple}"),
        wheels=wheels,
        image_wheels=WheelList(_HERE / f"images-{machine}.txt", machine, sources=("pyvips",)),
    )


ARCHITECTURES = {
    one.machine: one
    for one in (
        _architecture(
            "x86_64",
            "amd64",
            "PCs",
            "ld-linux-x86-64.so.2",
            WheelList(_HERE / "wheels-x86_64.txt", "x86_64"),
        ),
        _architecture("aarch64", "arm64", "64-bit Arm boards and phones", "ld-linux-aarch64.so.1", AARCH64_WHEELS),
    )
}
"""By machine."""


def architecture(machine: str) -> Architecture:
    """The row of a machine; an InputError says why there is none."""
    if machine not in ARCHITECTURES:
        known = " or ".join(ARCHITECTURES)
        why = "32 bits, for which the runtimes have no builds" if machine.startswith(_OF_32_BITS) else "another machine"
        raise InputError(f"its machine is {machine or 'not told'}: {why}; edgesr needs {known}")
    return ARCHITECTURES[machine]
