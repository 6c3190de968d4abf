"""The recipe of an arm64 guest: packages, wheels and set-up. A guest that was made by another recipe is made anew."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path

from edgesr.benchmarks.devices.packages.debian import PYTHON_PACKAGES
from edgesr.benchmarks.devices.packages.trees import UNUSED_OF_PYTHON, UNUSED_OF_WHEELS, modules_of_set_up
from edgesr.benchmarks.devices.packages.wheels import WheelList
from edgesr.runtimes.files import sha256_of

WHEELS = WheelList(Path(str(resources.files("edgesr.benchmarks.devices.arm64") / "wheels.txt")), "aarch64")
"""Pinned wheels of what the worker and its runtimes import."""

EMULATOR_PACKAGES = (
    *("qemu-user", "libcapstone4", "libffi8", "libglib2.0-0", "libgmp10", "libgnutls30", "libhogweed6", "libidn2-0"),
    *("libnettle8", "libnuma1", "libp11-kit0", "libpcre2-8-0", "libtasn1-6", "libunistring2", "liburing2", "zlib1g"),
)
"""Debian's emulator for amd64, with all libraries but those of the C compiler."""

EMULATORS = ("qemu-aarch64", "qemu-x86_64")
"""The programs of qemu-user that are kept: the second is for an older x86-64 CPU, with the host's own files."""

X86_CPU_FOLDER = "cpus/x86-64-haswell"
"""What that CPU sees as / wherever it has a file."""

X86_CPUINFO = (
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 60\n"
    "model name\t: Haswell (qemu-x86_64)\nflags\t\t: fpu sse sse2 ssse3 sse4_1 sse4_2 avx fma bmi1 avx2 bmi2\n\n"
)
"""Its /proc/cpuinfo."""

UNUSED = (
    *("emulator/etc", "emulator/usr/share"),
    *(f"base/{name}" for name in UNUSED_OF_PYTHON),
    *(f"site-packages/{name}" for name in UNUSED_OF_WHEELS),
)
"""Folders that no inference reads, below the guest's folder."""


def package_names() -> tuple[str, ...]:
    """All Debian packages of the guest, as package:architecture."""
    return (*(f"{name}:amd64" for name in EMULATOR_PACKAGES), *(f"{name}:arm64" for name in PYTHON_PACKAGES))


def wheel_pins() -> dict[str, tuple[str, str]]:
    """Distribution -> version and hex SHA-256 of its wheel."""
    return WHEELS.pins()


def recipe_sha256() -> str:
    """One hash over the pinned wheels and all modules that decide what the set-up makes."""
    content = {"modules": modules_of_set_up(f"{__package__}.setup"), "wheels": sha256_of(WHEELS.file)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
