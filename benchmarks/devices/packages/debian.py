"""Debian packages for a root, kept and verified by SHA-256 until the set-up has ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.packages.programs import attempted, last_error, require_program, run_program
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import sha256_of

_DEBIAN = "it needs the network and the package sources of Debian 12 (bookworm)"
_PACKAGES_A_CALL = 8

PYTHON_PACKAGES = (
    *("libc6", "libgcc-s1", "libstdc++6", "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"),
    *("libbz2-1.0", "libexpat1", "libffi8", "liblzma5", "libssl3", "libuuid1", "zlib1g"),
)
"""Debian's Python and C libraries, with all that they and the wheels need."""


@dataclass(frozen=True)
class DebianPackage:
    """A package that apt can fetch: ``name`` is package:architecture."""

    name: str
    version: str
    file: str
    sha256: str


class DebianArchive:
    """The machine's own package sources, asked for amd64 and arm64 with apt's state kept in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._apt = require_program("apt-get", "run this on Debian 12")
        self._complaint = ""

    def update(self) -> None:
        """Fetch the package lists. What fails is told when a package is not found: other sources may be broken."""
        for name in ("state/lists/partial", "cache/archives/partial", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "state/status").touch()
        (self.folder / "apt.conf").write_text(self._configuration())
        done = attempted([*self._command, "update"])
        causes = [line.strip() for line in done.stderr.splitlines() if "Failed to fetch" in line]
        self._complaint = causes[0] if causes else last_error(done) if done.returncode else ""

    def find(self, names: Sequence[str]) -> tuple[DebianPackage, ...]:
        """The packages of these names (package:architecture); an InputError names one that is not to be had."""
        done = attempted([*self._command, "download", "--print-uris", *names])
        if done.returncode != 0:
            why = "; ".join(filter(None, (last_error(done), self._complaint)))
            raise InputError(f"apt-get does not find all packages ({why}): {_DEBIAN}")
        lines = re.findall(
            r"^'\S+' (([^_\s]+)_([^_\s]+)_(\w+)\.deb) \d+ SHA256:([0-9a-f]{64})$", done.stdout, re.MULTILINE
        )
        found = {f"{name}:{architecture}" for _, name, _, architecture, _ in lines}
        if lacking := [name for name in names if name not in found]:
            raise InputError(f"apt-get gives no SHA-256 for {', '.join(lacking)}: {_DEBIAN}")
        return tuple(
            DebianPackage(f"{name}:{architecture}", version.replace("%3a", ":"), file, sha256)
            for file, name, version, architecture, sha256 in lines
        )

    def fetch(self, packages: Iterable[DebianPackage], place: Path) -> None:
        """Download into ``place`` what is not there yet with the right hash."""
        drop_unless(place, {one.sha256 for one in packages})
        missing = [one for one in packages if not (place / one.file).is_file()]
        names = [f"{one.name}={one.version}" for one in missing]
        for start in range(0, len(names), _PACKAGES_A_CALL):
            command = [*self._command, "download", *names[start : start + _PACKAGES_A_CALL]]
            run_program(command, what="downloading Debian packages", mend=_DEBIAN, folder=place)
        for one in missing:
            if not (place / one.file).is_file() or sha256_of(place / one.file) != one.sha256:
                raise InputError(f"{one.file} did not arrive as apt's lists describe it: try again")

    @property
    def _command(self) -> list[str]:
        return [self._apt, "-qq", "-c", str(self.folder / "apt.conf")]

    def _configuration(self) -> str:
        """Own state, no hooks of the machine: they may need root or clear the machine's own cache."""
        return (
            "#clear APT::Update::Pre-Invoke;\n"
            "#clear APT::Update::Post-Invoke;\n"
            "#clear APT::Update::Post-Invoke-Success;\n"
            f'Dir::State "{self.folder}/state";\nDir::State::status "{self.folder}/state/status";\n'
            f'Dir::Cache "{self.folder}/cache";\nDir::Log "{self.folder}/log";\n'
            'APT::Architecture "amd64";\nAPT::Architectures "amd64,arm64";\n'
            'APT::Sandbox::User "root";\nAcquire::Languages "none";\n'
        )


def drop_unless(place: Path, hashes: set[str]) -> None:
    """Make the folder, and delete from it what has none of these hashes: cut short, damaged or of other versions."""
    place.mkdir(parents=True, exist_ok=True)
    for file in place.iterdir():
        if sha256_of(file) not in hashes:
            file.unlink()
