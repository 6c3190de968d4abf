"""The web app as the set-up built it: where it is, what it was made of, whether it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from edgesr.benchmarks.devices.packages.trees import measured_tree
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.packages import require_packages

SETUP_COMMAND = "edgesr devices setup browser"
LEAST_NODE = 20
INSTALL_NODE = f"install Node.js {LEAST_NODE} or later with npm"
RECORD_FILE = "app.json"
SITE_FOLDER = "site"
SCHEMA_VERSION = 1
_NOT_SOURCES = {"node_modules", "dist"}


@dataclass(frozen=True, kw_only=True)
class AppRecord:
    """A record of the app's sources: hex SHA-256 over its sources and lock file, and versions of npm packages.

    ``size_bytes`` and ``sha256`` are of all files of the site (`measured_tree`).
    """

    schema_version: int
    sources_sha256: str
    packages: dict[str, str]
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class App:
    """A built app in ``folder``."""

    folder: Path
    record: AppRecord


def app_place() -> Path:
    """The folder of this user's app; raises MissingPackageError without the packages that set-up needs."""
    require_packages("the browser device", ("platformdirs", "filelock"), extra="devices")
    import platformdirs

    return platformdirs.user_cache_path("edgesr").absolute() / "browser"


def installed_app(place: Path | None = None, *, verify: bool = True) -> App:
    """The app in ``place`` (default: `app_place`); raises a MissingPackageError with the set-up command when it is
    absent, damaged, or built of other sources. ``verify``: also compare every file.
    """
    place = place or app_place()
    if not place.exists():
        raise MissingPackageError(f"the browser runtimes are not set up: {SETUP_COMMAND}")
    try:
        record = read_record(AppRecord, place / RECORD_FILE, remake="set it up again")
    except InputError as error:
        raise MissingPackageError(f"the browser runtimes are damaged ({error}): {SETUP_COMMAND}") from None
    if (record.schema_version, record.sources_sha256) != (SCHEMA_VERSION, sources_sha256()):
        raise MissingPackageError(f"the browser runtimes in {place} are of another version of edgesr: {SETUP_COMMAND}")
    if verify and measured_tree(place / SITE_FOLDER) != (record.size_bytes, record.sha256):
        raise MissingPackageError(f"the browser runtimes in {place} are incomplete or changed: {SETUP_COMMAND}")
    return App(place / SITE_FOLDER, record)


def sources_folder() -> Path:
    """The npm project."""
    return Path(str(resources.files("edgesr.runtimes.web") / "app"))


def sources() -> Iterator[Path]:
    """The app's own files, without those that npm puts among them in a checkout, and without hidden ones, which
    building does not need.
    """
    for entry in sorted(sources_folder().iterdir()):
        if entry.name not in _NOT_SOURCES and not entry.name.startswith("."):
            yield from [entry] if entry.is_file() else sorted(file for file in entry.rglob("*") if file.is_file())


def sources_sha256() -> str:
    """Hex SHA-256 over the names and contents of all sources."""
    digest = hashlib.sha256()
    for file in sources():
        digest.update(f"{file.relative_to(sources_folder())} {sha256_of(file)}\n".encode())
    return digest.hexdigest()
