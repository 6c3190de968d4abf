"""Google's adbd for Linux as a device: in a network of its own with the loopback alone, in a process namespace of its
own, and kept from vsock, which no network namespace confines. It is no phone: no Android, no SELinux, no bionic.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.boxes.needs import debian_mirror, end_with_children, unavailable

SERIAL = "127.0.0.1:6555"
"""Not 5555 to 5585, where adb looks for emulators by itself."""

SHELL = 2000
"""The user of adb's shell on Android."""

_APT = """#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Log "{folder}/log";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "-";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
"""
_SOURCE = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} trixie main\n"
_PACKAGES = ("adbd", "toybox", "mksh")  # adbd is in Debian since 13 (trixie)
_NO_VSOCK = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
int socket(int domain, int type, int protocol) {
    int (*next)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
    if (domain == AF_VSOCK) { errno = EAFNOSUPPORT; return -1; }
    return next(domain, type, protocol);
}
"""
_LOOPBACK_UP = """
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running
"""
_START = """set -e
{python} {folder}/loopback.py
mount -t proc proc {phone}/proc
mount --rbind /dev {phone}/dev
exec chroot --userspec=2000:2000 {phone} /usr/bin/env -i LD_PRELOAD=/usr/lib/novsock.so PATH=/system/bin \\
    HOME=/data/local/tmp ADBD_PORT=6555 /usr/sbin/adbd
"""
_PASSWD = "root:x:0:0::/:/system/bin/sh\nshell:x:2000:2000::/data/local/tmp:/system/bin/sh\n"
_TOYS = (
    *("cat", "chmod", "cp", "date", "df", "env", "getconf", "gunzip", "head", "id", "kill", "ls", "mkdir", "mv", "ps"),
    *("printf", "rm", "sleep", "tail", "tar", "test", "touch", "true", "uname", "zcat", "chroot"),
)
"""No gzip and no tr, as on some devices."""


@dataclass
class AdbdDevice:
    """A running adbd and adb server; files of the device are below ``root``, a program "adb" in "client"."""

    folder: Path
    daemon: subprocess.Popen[bytes]
    server: subprocess.Popen[bytes]

    @property
    def root(self) -> Path:
        return self.folder / "phone"

    @property
    def cache(self) -> Path:
        return self.root / "data/local/tmp/edgesr"

    def adb(self, *words: str) -> str:
        done = subprocess.run(
            [self.folder / "client/adb", *words], capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout + done.stderr

    def processes(self) -> list[int]:
        """The processes of workers and of the shells that watch them."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if os.stat(place).st_uid == SHELL and b"local/tmp/edgesr" in (place / "cmdline").read_bytes():  # noqa: PTH116
                    found.append(int(place.name))
            except OSError:
                continue
        return found

    def wait_until_clean(self, seconds: float = 15.0) -> None:
        """Raise an AssertionError unless nothing of a job is left in time."""
        started = time.monotonic()
        while left := [*self.processes(), *self.cache.glob("job.*"), *self.cache.glob("part.*")]:
            assert time.monotonic() - started < seconds, f"still there: {left}"
            time.sleep(0.1)

    def stop(self) -> None:
        for process in (self.server, self.daemon):
            end_with_children(process)


def start_adbd(folder: Path) -> AdbdDevice:
    """Make the device's files, start it and adb's server in its network, and connect them."""
    phone = folder / "phone"
    _unpack(folder, phone)
    _compile(folder, phone)
    (folder / "loopback.py").write_text(_LOOPBACK_UP)
    (folder / "start.sh").write_text(_START.format(python=sys.executable, folder=folder, phone=phone))
    with (folder / "adbd.log").open("wb") as log:
        start: list[str | Path] = ["unshare", "-n", "-m", "-p", "-f", "--kill-child", "sh", folder / "start.sh"]
        daemon = subprocess.Popen(start, stdout=log, stderr=log)
    (folder / "home").mkdir()
    (folder / "client").mkdir()
    inside = f"nsenter -t {daemon.pid} -n env HOME={folder}/home {shutil.which('adb')} -L tcp:localhost:5037"
    (folder / "client/adb").write_text(f'#!/bin/sh\nexec {inside} "$@"\n')
    (folder / "client/adb").chmod(0o755)
    time.sleep(0.5)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([folder / "client/adb", "nodaemon", "server"], stdout=log, stderr=log)
    device = AdbdDevice(folder, daemon, server)
    for _ in range(60):
        if daemon.poll() is None and "connected to" in device.adb("connect", SERIAL):
            return device
        time.sleep(0.25)
    device.stop()
    said = (folder / "adbd.log").read_text()[-500:]
    if "not permitted" in said:
        pytest.skip(f"needs mounts of its own: {said}")
    pytest.fail(f"no adbd: {said}")


def _unpack(folder: Path, phone: Path) -> None:
    """Unpack the packages of Debian 13 that adbd needs, and put /system/bin where Android has it."""
    apt = folder / "apt"
    for name in ("state/lists/partial", "cache/archives/partial", "log"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(_SOURCE.format(mirror=debian_mirror()))
    (apt / "apt.conf").write_text(_APT.format(folder=apt))
    command: list[str | Path] = ["apt-get", "-qq", "-c", apt / "apt.conf"]
    for words in (["update"], ["-y", "--no-install-recommends", "--download-only", "install", *_PACKAGES]):
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False, timeout=120)
        if done.returncode != 0:
            unavailable(f"needs Debian 13's {', '.join(_PACKAGES)}: {done.stderr.strip()[-300:]}")
    for package in (apt / "cache/archives").glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, phone], check=True)
    for name in ("proc", "dev", "system/bin", "data/local/tmp"):
        (phone / name).mkdir(parents=True)
    for name in ("lib", "lib64", "bin", "sbin"):
        if not (phone / name).exists():
            (phone / name).symlink_to(f"usr/{name}")
    for name in _TOYS:
        (phone / "system/bin" / name).symlink_to("/usr/bin/toybox")
    (phone / "system/bin/sh").symlink_to("/usr/bin/mksh")
    (phone / "etc/passwd").write_text(_PASSWD)
    (phone / "etc/group").write_text("root:x:0:\nshell:x:2000:\n")
    shutil.chown(phone / "data/local/tmp", SHELL, SHELL)
    for name, program in {"env": "toybox", "sh": "mksh"}.items():
        (phone / "usr/bin" / name).symlink_to(program)  # adbd for Linux starts /bin/sh


def _compile(folder: Path, phone: Path) -> None:
    (folder / "novsock.c").write_text(_NO_VSOCK)
    library = phone / "usr/lib/novsock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, folder / "novsock.c"], check=True)
