"""Pinned Python wheels for a root, kept and verified by SHA-256 until the set-up has ended."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.packages.debian import drop_unless
from edgesr.benchmarks.devices.packages.programs import run_program
from edgesr.runtimes.errors import MissingPackageError

PYTHON = "3.11"
"""The Python of a root: Debian 12's, and the oldest that edgesr runs on."""

_GLIBC_MINORS = (36, 35, 34, 31, 28, 27, 26, 24, 17)
"""What Debian 12's C library (2.36) can load, newest first."""

Pins = Mapping[str, tuple[str, str]]
"""Distribution -> version and hex SHA-256 of its wheel."""


@dataclass(frozen=True)
class WheelList:
    """A file of pinned wheels with their hashes, as pip reads it; they are for a ``machine``: aarch64 or x86_64.

    Of the packages in ``sources``, which are Python alone, there is no wheel: their source archive is taken.
    """

    file: Path
    machine: str
    sources: tuple[str, ...] = ()

    def pins(self) -> dict[str, tuple[str, str]]:
        """Distribution -> version and hex SHA-256 of its wheel."""
        found = re.findall(r"^(\S+)==(\S+) \\\n\s+--hash=sha256:([0-9a-f]{64})$", self.file.read_text(), re.MULTILINE)
        return {name: (version, sha256) for name, version, sha256 in found}


def fetch_wheels(place: Path, wheels: WheelList, pins: Pins) -> list[Path]:
    """The pinned wheels in ``place``, downloaded unless they are there with the right hashes."""
    hashes = {sha256 for _, sha256 in pins.values()}
    drop_unless(place, hashes)
    if len(list(place.iterdir())) < len(hashes):
        _download(place, wheels)
    return sorted(place.iterdir())


def _download(place: Path, wheels: WheelList) -> None:
    if importlib.util.find_spec("pip") is None:
        raise MissingPackageError(f"the set-up needs pip, which is not installed: {sys.executable} -m ensurepip")
    names = (f"manylinux_2_{minor}_{wheels.machine}" for minor in _GLIBC_MINORS)
    platforms = [option for name in names for option in ("--platform", name)]
    target = ["--implementation", "cp", "--python-version", PYTHON, "--abi", f"cp{PYTHON.replace('.', '')}", *platforms]
    kinds = ["--only-binary=:all:", *(f"--no-binary={name}" for name in wheels.sources)]
    options = ["--require-hashes", "--no-deps", *kinds, "--no-cache-dir", "--disable-pip-version-check"]
    run_program(
        [sys.executable, "-m", "pip", "download", "--quiet", *options, *target, "-r", wheels.file, "-d", place],
        what="downloading wheels",
        mend=f"it needs the network and a package index with the wheels of {wheels.machine}",
    )
