"""Build the web app with npm into the user's cache. Nothing half-made is ever in its place."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from edgesr.benchmarks.devices.browser.built import (
    INSTALL_NODE,
    LEAST_NODE,
    RECORD_FILE,
    SCHEMA_VERSION,
    SETUP_COMMAND,
    SITE_FOLDER,
    App,
    AppRecord,
    app_place,
    installed_app,
    sources,
    sources_folder,
    sources_sha256,
)
from edgesr.benchmarks.devices.packages.programs import require_program, run_program
from edgesr.benchmarks.devices.packages.trees import measured_tree
from edgesr.runtimes.directory_swap import swap_in
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.file_lock import locked
from edgesr.runtimes.files import require_creatable
from edgesr.runtimes.json_file import read_json
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.progress import Progress, ProgressEvent, silent

TASK = "browser runtimes"
_STEPS = ("npm packages", "building", "checking")
_LOCK = "package-lock.json"


def set_up(progress: Progress = silent, *, place: Path | None = None) -> App:
    """Build the app in ``place`` (default: `app_place`); an intact one is returned at once.

    npm checks each package by the hash in the lock file, and runs no script of a package. An InputError or a
    MissingPackageError names what the machine lacks.
    """
    place = place or app_place()
    npm = _require_node()
    require_creatable(place.parent)
    place.parent.mkdir(parents=True, exist_ok=True)
    with locked(place.with_name(f"{place.name}.lock"), other=f"another set-up of {place}", progress=progress):
        with contextlib.suppress(MissingPackageError):
            return installed_app(place)
        work = place.with_name(f"{place.name}.setup")
        shutil.rmtree(work, ignore_errors=True)
        try:
            _make(work, npm, progress)
            swap_in(work / "made", place)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return installed_app(place)


def packages_of(lock_file: Path) -> dict[str, str]:
    """Versions of the packages that the page itself imports, by a lock file of npm."""
    packages = read_json(lock_file, remake="install edgesr again")["packages"]
    return {name: str(packages[f"node_modules/{name}"]["version"]) for name in sorted(packages[""]["dependencies"])}


def _require_node() -> str:
    """The path of npm; raises a MissingPackageError without it or Node.js, an InputError where that is too old."""
    node, npm = require_program("node", INSTALL_NODE), require_program("npm", INSTALL_NODE)
    version = run_program([node, "--version"], what="node --version", mend=INSTALL_NODE).strip()
    number = version.removeprefix("v").partition(".")[0]
    if not number.isdecimal() or int(number) < LEAST_NODE:
        raise InputError(f"the set-up needs Node.js {LEAST_NODE} or later, and {node} is {version}: {INSTALL_NODE}")
    return npm


def _make(work: Path, npm: str, progress: Progress) -> None:
    """Build in ``work``; what is to be moved is in its folder ``made``."""
    project = work / "app"
    for file in sources():
        copy = project / file.relative_to(sources_folder())
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    _tell(progress, 0)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
    run_program([npm, "ci", *quiet], what="npm ci", mend=f"is the network up? then {SETUP_COMMAND}", folder=project)
    _tell(progress, 1)
    run_program([npm, "run", "build"], what="npm run build", mend=SETUP_COMMAND, folder=project)
    _tell(progress, 2)
    made = work / "made"
    made.mkdir()
    (project / "dist").rename(made / SITE_FOLDER)
    size_bytes, sha256 = measured_tree(made / SITE_FOLDER)
    record = AppRecord(
        schema_version=SCHEMA_VERSION,
        sources_sha256=sources_sha256(),
        packages=packages_of(project / _LOCK),
        size_bytes=size_bytes,
        sha256=sha256,
    )
    (made / RECORD_FILE).write_text(to_json(record))
    progress(ProgressEvent(TASK, len(_STEPS), len(_STEPS)))


def _tell(progress: Progress, step: int) -> None:
    progress(ProgressEvent(TASK, step, len(_STEPS), _STEPS[step]))
