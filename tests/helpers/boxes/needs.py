"""The needs of tests of real boxes and containers. On CI as root a missing package is a failure, no reason to skip."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

PACKAGES = {
    "/usr/sbin/sshd": "openssh-server",
    "adb": "adb",
    "qemu-aarch64-static": "qemu-user-static",
    "cc": "gcc",
    **{name: name for name in ("debootstrap", "buildah", "podman", "crun")},
}
"""Debian packages by program."""


def require_root() -> None:
    """Skip unless this is root, with namespaces of its own for mounts and processes."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it mounts, and starts a server of its own")
    done = subprocess.run(["unshare", "-m", "-p", "-n", "-f", "true"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"needs namespaces: {done.stderr.strip()}")


def require_programs(*names: str) -> None:
    """Skip, or fail on CI, without these programs."""
    missing = [PACKAGES[name] for name in names if shutil.which(name) is None]
    if missing:
        absent(f"needs Debian's {', '.join(missing)}")


def debian_mirror() -> str:
    """The address from which this machine's own apt gets Debian's packages."""
    words = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    told = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stdout.split()
    found = next((uri for uri in told if uri.rstrip("/").endswith("/debian")), None)
    return found or unavailable("Unable to locate a source of Debian's packages: apt of this machine has none")


def running(words: bytes) -> list[int]:
    """Processes in whose command line these words are, each of which ends with a zero byte."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if words in (place / "cmdline").read_bytes():
                found.append(int(place.name))
        except OSError:  # it has ended
            continue
    return found


def children(process: int) -> list[int]:
    """The processes that a process started."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:  # it has ended
            continue
        if parent == str(process):
            found.append(int(place.name))
    return found


def end_with_children(process: subprocess.Popen[bytes]) -> None:
    """Kill what a process started, and itself. The first process of a namespace takes all others of it along; one that
    became another user is not killed with its parent by itself.
    """
    for child in children(process.pid):
        os.kill(child, signal.SIGKILL)
    process.kill()
    process.wait()


def unavailable(error: Exception | str) -> NoReturn:
    """Skip where packages could not be fetched, since the network or the package sources are not there."""
    told = str(error)
    signs = ("needs the network", "Failed to fetch", "Could not resolve", "Temporary failure", "Unable to locate")
    if any(sign in told for sign in signs):
        pytest.skip(told)
    absent(told)


def absent(reason: str) -> NoReturn:
    """Skip, or fail on CI where a missing package is an error."""
    if os.environ.get("CI") == "true" and os.geteuid() == 0:
        pytest.fail(reason)
    pytest.skip(reason)
