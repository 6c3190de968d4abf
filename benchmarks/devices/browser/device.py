"""Headless Chromium as places for worker processes: their runtimes are those of a page."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.browser.built import SETUP_COMMAND, App, app_place, installed_app
from edgesr.benchmarks.devices.browser.chromium import PROGRAMS, chromium_version, end_left, require_chromium
from edgesr.benchmarks.devices.browser.engine import ENGINES, Engine
from edgesr.benchmarks.devices.device import Device, DeviceEnvironment, DeviceKind, Prepared, SetUp
from edgesr.benchmarks.devices.worker_process import run_worker
from edgesr.benchmarks.jobs import NOT_RUN, Job, Outcome
from edgesr.benchmarks.machine.environment import current_environment
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.progress import Progress
from edgesr.runtimes.telemetry import TELEMETRY_OFF
from edgesr.runtimes.web.web_runtimes import WEB_RUNTIMES

WORKER = "edgesr.benchmarks.browser_worker"
_UNTIMED = ("parity",)
_TIMED = (*_UNTIMED, "latency", "limits")


@dataclass(frozen=True)
class BrowserDevice(Device):
    """A fresh Chromium for each job, which a worker on this machine drives."""

    engine: Engine
    app: App
    chromium: str
    timeout_seconds: float = 900.0
    runtimes = tuple(build.runtime for build in WEB_RUNTIMES)

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def environment(self) -> DeviceEnvironment:
        here = current_environment()
        return DeviceEnvironment(
            name=self.name,
            kind="browser",
            cpu=here.cpu,
            packages={"Chromium": self.chromium, **self.app.record.packages},
            note=self.engine.title,
        )

    def run(self, job: Job) -> Outcome:
        """Run a job in a fresh process with a fresh Chromium, both of which end with it."""
        if job.kind not in (_UNTIMED if self.engine.untimed else _TIMED):
            why = self.engine.untimed or "'edgesr parity' and 'edgesr bench' measure in browsers, nothing else does"
            return Outcome(status=NOT_RUN, reason=f"{self.name}: {why}", result=None)
        with tempfile.TemporaryDirectory(prefix="edgesr-browser-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            own = [self.name, str(self.app.folder.parent), name]
            try:
                return run_worker(
                    job,
                    lambda job_file, result: [sys.executable, "-P", "-m", WORKER, str(job_file), str(result), *own],
                    environment={**os.environ, **TELEMETRY_OFF},
                    timeout_seconds=self.timeout_seconds,
                )
            finally:
                end_left(folder)


def open_browser(name: str) -> BrowserDevice:
    """The browser device of that name; raises a MissingPackageError where Chromium or the app is missing."""
    if name not in ENGINES:
        raise InputError(f"unknown browser {name!r}: choose one of {', '.join(ENGINES)}")
    app = installed_app()
    return BrowserDevice(ENGINES[name], app, chromium_version(require_chromium()))


def set_up_app(progress: Progress) -> Prepared:
    """Build the app that all of them run."""
    from edgesr.benchmarks.devices.browser.setup import set_up

    app = set_up(progress)
    return Prepared(
        folder=app_place(),
        size_bytes=app.record.size_bytes,
        devices=tuple(ENGINES),
        packages=app.record.packages,
    )


def delete_app() -> str:
    """Delete the app and what an interrupted set-up left; what that was."""
    place = app_place()
    found = [one for one in (place, place.with_name(f"{place.name}.setup")) if one.exists()]
    for folder in found:
        shutil.rmtree(folder)
    return f"{place}: {'deleted' if found else 'nothing is there'}"


def chromium_notes() -> list[str]:
    """One line on Chromium, which no set-up installs."""
    try:
        program = require_chromium()
        return [f"Browser devices: {program} {chromium_version(program)}"]
    except (InputError, MissingPackageError) as error:
        return [f"Browser devices: {error}"]


BROWSER_KIND = DeviceKind(
    titles={engine.name: engine.title for engine in ENGINES.values()},
    open=open_browser,
    needs=SETUP_COMMAND,
    set_ups=(
        SetUp(
            command=SETUP_COMMAND,
            title=f"runtimes for browsers and 'edgesr web' (building needs Node.js, measuring needs {PROGRAMS[0]})",
            require=installed_app,
            run=set_up_app,
            clean=delete_app,
        ),
    ),
    notes=chromium_notes,
)
