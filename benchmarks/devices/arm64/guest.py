"""The arm64 guest: where it lives, what it is made of, how a Python process starts in it. Linux on x86-64 only."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.arm64.cpus import Cpu
from edgesr.benchmarks.devices.arm64.recipe import recipe_sha256
from edgesr.benchmarks.devices.packages.trees import measured_tree
from edgesr.benchmarks.devices.process_exit import ended_process
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.packages import require_packages
from edgesr.runtimes.telemetry import TELEMETRY_OFF

SETUP_COMMAND = "edgesr devices setup arm64"
RECORD_FILE = "guest.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class GuestRecord:
    """A record of the parts of a guest: ``packages`` and ``wheels`` are versions, ``downloads`` hex SHA-256 by file
    name.

    ``size_bytes`` and ``sha256`` are of all regular files but this record (`measured_tree`).
    """

    schema_version: int
    recipe_sha256: str
    qemu: str
    packages: dict[str, str]
    wheels: dict[str, str]
    downloads: dict[str, str]
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class GuestCommand:
    """``arguments`` to which those of Python are appended, and the whole ``environment`` of the process."""

    arguments: list[str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Guest:
    """A complete guest in ``folder``."""

    folder: Path
    record: GuestRecord

    def command(
        self,
        cpu: Cpu,
        *,
        python_path: Path,
        plugin: Path | None = None,
        plugin_arguments: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> GuestCommand:
        """The command that starts the guest's Python on an emulated CPU.

        It sees the host's files under their own paths, but of Python packages only its own and those in the folder
        ``python_path``. ``environment`` adds variables; nothing else of this process's environment is passed on.
        """
        options = ["-L", str(self.root(cpu)), "-cpu", cpu.name, "-seed", "1", "-U", "LD_LIBRARY_PATH"]
        if plugin is not None:
            settings = [f"{name}={value}" for name, value in (plugin_arguments or {}).items()]
            options += ["-plugin", ",".join(text.replace(",", ",,") for text in (f"file={plugin}", *settings))]
        return GuestCommand(
            [*_same_addresses(), str(self.emulator), *options, str(self.python), "-S", "-s", "-P"],
            {
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "OMP_NUM_THREADS": "1",
                "PYTHONHASHSEED": "0",
                "PYTHONDONTWRITEBYTECODE": "1",
                **TELEMETRY_OFF,
                **(environment or {}),
                "PYTHONPATH": f"{self.site_packages}:{python_path.absolute()}",
                "LD_LIBRARY_PATH": str(self.folder / "emulator/usr/lib/x86_64-linux-gnu"),
            },
        )

    @property
    def emulator(self) -> Path:
        """The qemu program."""
        return self.folder / "emulator/usr/bin/qemu-aarch64"

    @property
    def python(self) -> Path:
        """The guest's Python."""
        return self.folder / "base/usr/bin/python3.11"

    @property
    def site_packages(self) -> Path:
        """The unpacked wheels."""
        return self.folder / "site-packages"

    def root(self, cpu: Cpu) -> Path:
        """The folder that an emulated CPU sees as /; paths that it lacks show the host's files."""
        return self.folder / "cpus" / cpu.name


def guest_folder() -> Path:
    """The folder of this user's guest; raises MissingPackageError without the packages that set-up needs."""
    require_packages("the arm64 guest", ("platformdirs",), extra="arm64")
    import platformdirs

    return platformdirs.user_cache_path("edgesr").absolute() / "arm64"


def installed_guest(folder: Path | None = None) -> Guest:
    """The guest in ``folder`` (default: `guest_folder`).

    Raises a MissingPackageError with the set-up command when it is absent, incomplete, damaged or made by another
    recipe.
    """
    place = folder or guest_folder()
    if not place.exists():
        raise MissingPackageError(f"the arm64 guest is not set up: {SETUP_COMMAND}")
    try:
        record = read_record(GuestRecord, place / RECORD_FILE, remake="set it up again")
    except InputError as error:
        raise MissingPackageError(f"the arm64 guest is damaged ({error}): {SETUP_COMMAND}") from None
    if (record.schema_version, record.recipe_sha256) != (SCHEMA_VERSION, recipe_sha256()):
        raise MissingPackageError(f"the arm64 guest in {place} is of another version of edgesr: {SETUP_COMMAND}")
    guest = Guest(place, record)
    if measured_tree(guest.folder, without=RECORD_FILE) != (record.size_bytes, record.sha256):
        raise MissingPackageError(f"the arm64 guest in {place} is incomplete or changed: {SETUP_COMMAND}")
    return guest


@functools.cache
def _same_addresses() -> tuple[str, ...]:
    """The start of a command that gives a process the same addresses each time; empty if that program is missing or
    forbidden.
    """
    setarch = shutil.which("setarch")
    if setarch is None:
        return ()
    prefix = (setarch, "-R")
    tried = ended_process([*prefix, "true"])
    return prefix if tried.returncode == 0 else ()
