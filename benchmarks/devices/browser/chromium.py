"""Chromium: where it is, its version, and a headless process of it that shows one page."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgesr.benchmarks.devices.process_exit import describe_exit, ended_process
from edgesr.runtimes.errors import InputError, MissingPackageError

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROCESS_FILE = "chromium.pid"
_QUIET = (
    *("--headless=new", "--no-first-run", "--no-default-browser-check", "--mute-audio", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad"),
    *("--disable-default-apps", "--disable-dev-shm-usage", "--metrics-recording-only", "--password-store=basic"),
    # a page that nobody looks at is not slowed down
    *("--disable-background-timer-throttling", "--disable-renderer-backgrounding"),
    # no name leads out of this machine
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_VERSION = re.compile(r"(\d+(?:\.\d+)+)")
_SECONDS_TO_TELL = 60.0
_SECONDS_TO_END = 10.0


def require_chromium() -> Path:
    """The program; raises a MissingPackageError where PATH has none, an InputError on another system than Linux."""
    if not sys.platform.startswith("linux"):
        raise InputError("the browser device needs Linux; pages of 'edgesr web' run in browsers of every system")
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        raise MissingPackageError(
            f"the browser device needs Chromium, and PATH has none of {', '.join(PROGRAMS)}: apt install chromium"
        )
    return Path(found)


@functools.cache
def chromium_version(program: Path) -> str:
    """The version of Chromium, such as 156.0.8078.108; raises InputError if it tells none."""
    try:
        told = ended_process([program, "--version"], timeout_seconds=_SECONDS_TO_TELL)
    except subprocess.TimeoutExpired:
        raise InputError(f"{program} --version does not end: install Chromium anew") from None
    found = _VERSION.search(told.stdout)
    if found is None:
        raise InputError(f"{program} does not run: {describe_exit(told.returncode, told.stderr)}")
    return found[1]


class Chromium:
    """A process of it, in a session of its own, with its profile in ``folder``."""

    def __init__(self, program: Path, url: str, *, folder: Path, options: Sequence[str] = ()) -> None:
        self._errors = folder / "chromium.log"
        as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium's sandbox refuses root
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [str(program), *_QUIET, *as_root, *options, f"--user-data-dir={folder / 'profile'}", url],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        (folder / PROCESS_FILE).write_text(str(self._process.pid))
        self._file = folder / PROCESS_FILE

    def why_ended(self) -> str | None:
        """A line that says how the browser ended; None while it runs."""
        code = self._process.poll()
        return None if code is None else f"Chromium: {describe_exit(code, self._errors.read_text(errors='replace'))}"

    def peak_rss_bytes(self) -> int:
        """Highest resident memory of the process that shows the page."""
        pages = [pid for pid in descendants(self._process.pid) if b"--type=renderer" in _read(pid, "cmdline")]
        return max((_peak_bytes(pid) for pid in pages), default=0)

    def end(self) -> None:
        """Kill it and all that it started."""
        end_group(self._process.pid)
        self._process.wait()
        self._file.unlink(missing_ok=True)


@contextlib.contextmanager
def running_chromium(program: Path, url: str, *, folder: Path, options: Sequence[str] = ()) -> Iterator[Chromium]:
    """A process that shows a page until the end of a block."""
    started = Chromium(program, url, folder=folder, options=options)
    try:
        yield started
    finally:
        started.end()


def end_left(folder: Path) -> None:
    """Kill the Chromium of a worker that was killed before it could do so."""
    file = folder / PROCESS_FILE
    if file.is_file() and str(folder).encode() in _read(pid := int(file.read_text()), "cmdline"):
        end_group(pid)


def end_group(leader: int) -> None:
    """Kill a process, and those that it started, also the ones in process groups of their own; none of them writes any
    more afterwards.
    """
    killed = (*descendants(leader), leader)
    for pid in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + _SECONDS_TO_END
    while any(map(_runs, killed)) and time.monotonic() < until:
        time.sleep(0.01)


def descendants(leader: int) -> list[int]:
    """All processes that a process started, and those that these did."""
    children: dict[int, list[int]] = {}
    for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()):
        if fields := _read(pid, "stat").rpartition(b") ")[2].split():
            children.setdefault(int(fields[1]), []).append(pid)
    found: list[int] = []
    left = [leader]
    while left:
        started = children.get(left.pop(), [])
        found += started
        left += started
    return found


def _runs(pid: int) -> bool:
    """Whether a process is there and not a zombie, which nobody has waited for."""
    return _read(pid, "stat").rpartition(b") ")[2][:1] not in (b"", b"Z", b"X")


def _peak_bytes(pid: int) -> int:
    found = re.search(rb"^VmHWM:\s+(\d+) kB", _read(pid, "status"), re.MULTILINE)
    return 0 if found is None else int(found[1]) * 1024


def _read(pid: int, name: str) -> bytes:
    """A file of a process that may have ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
