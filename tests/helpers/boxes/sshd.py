"""A real box: OpenSSH's server on the loopback, in namespaces of its own, whose users have nothing but busybox."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.arm64.cpus import cpu, write_system_files
from edgesr.benchmarks.devices.packages.debian import DebianArchive
from edgesr.benchmarks.devices.packages.trees import unpack_debian
from tests.helpers.boxes import relay
from tests.helpers.boxes.needs import end_with_children

USERS = {"pi": 2001, "full": 2002, "noexec": 2003}
"""By name: an ordinary one, one whose home has 20 MB, one in whose home no program can be started."""

PLACE = "/mnt"
"""Where the server finds the box: a path that is root's own, as ChrootDirectory needs it."""

_BUSYBOX_PROGRAMS = (
    *("cat", "chmod", "cp", "date", "df", "echo", "env", "getconf", "gzip", "head", "id", "kill", "ls", "mkdir", "mv"),
    *("nproc", "printf", "ps", "pwd", "rm", "sh", "sleep", "tail", "tar", "test", "touch", "tr", "true", "uname"),
)
_SHELL = '#!/bin/sh\nif [ -f /noise ]; then cat /noise; fi\nexec /bin/sh "$@"\n'
_UNAME = '#!/bin/sh\ncase $1 in -m) echo aarch64 ;; *) exec busybox uname "$@" ;; esac\n'
_MOUNTS = """set -e
while [ "$(id -u)" != 0 ]; do sleep 0.1; done
mount --make-rprivate / 2>/dev/null || true
{first}
mount --rbind {box} {place}
mount --bind /dev/null {place}/dev/null
mount -t tmpfs -o size=20m,mode=755 none {place}/home/full
mount -t tmpfs -o noexec,mode=755 none {place}/home/noexec
chown 2002:2002 {place}/home/full && chown 2003:2003 {place}/home/noexec
for file in passwd shadow group; do mount --bind {folder}/$file /etc/$file; done
exec /usr/sbin/sshd -D -e -f {folder}/sshd_config
"""
_NATIVE = "mount -t proc proc {box}/proc && mount --rbind /sys {box}/sys"
_REGISTER = (
    r":edgesr-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:"
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:{qemu}:FP"
)
_EMULATED = "mount -t binfmt_misc none {folder}/binfmt && cat {folder}/register >{folder}/binfmt/register"
_CONFIG = """Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile {place}/authorized_keys
ChrootDirectory {place}
MaxSessions 20
MaxStartups 50
"""


@dataclass
class SshdBox:
    """A running box; its files are below ``root``, the client's configuration and keys in ``folder``."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def root(self) -> Path:
        return self.folder / "box"

    def cache(self, user: str = "pi") -> Path:
        return self.root / "home" / user / ".cache/edgesr-box"

    def processes(self, user: str = "pi") -> list[int]:
        """The processes of that user's workers, and of the shells that watch them."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                words = (place / "cmdline").read_bytes()
                owner = (place / "status").read_text().split("Uid:")[1].split()[0]
            except (OSError, IndexError):
                continue
            if owner == str(USERS[user]) and b".cache/edgesr-box" in words:
                found.append(int(place.name))
        return found

    def leftovers(self) -> list[str]:
        """Processes and folders of jobs, which must be gone after a while."""
        folders = [one.name for one in self.cache().glob("*.*") if one.name.startswith(("job.", "part.", "whole."))]
        return [*map(str, self.processes()), *folders]

    def wait_until_clean(self, seconds: float = 15.0) -> float:
        """Seconds until nothing was left; an AssertionError after the time."""
        started = time.monotonic()
        while self.leftovers():
            assert time.monotonic() - started < seconds, f"still there: {self.leftovers()}"
            time.sleep(0.1)
        return time.monotonic() - started

    def stop(self) -> None:
        end_with_children(self.process)


def start_sshd(folder: Path, machine: str = "x86_64") -> SshdBox:
    """Make a box of a machine, and start its server."""
    _make_root(folder, machine)
    port = _free_port()
    _write_client(folder, port)
    _write_server(folder, port, machine)
    own_users = ["-U", "--keep-caps"] if machine != "x86_64" else []
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", *own_users, "-m", "-p", "-f", "--kill-child", "sh", folder / "start.sh"], stdout=log, stderr=log
        )
    if own_users:
        time.sleep(0.3)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{process.pid}/{name}").write_text("0 0 65536")
    box = SshdBox(folder, port, process)
    _wait_for(box)
    return box


def _make_root(folder: Path, machine: str) -> None:
    """A file system of busybox alone."""
    root = folder / "box"
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp", *(f"home/{user}" for user in USERS)):
        (root / name).mkdir(parents=True)
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[machine]
    archive = DebianArchive(folder / "apt")
    archive.update()
    (package,) = archive.find([f"busybox-static:{architecture}"])
    archive.fetch([package], folder / "debs")
    unpack_debian([folder / "debs" / package.file], folder / "busybox")
    shutil.copy2(folder / "busybox/bin/busybox", root / "bin/busybox")
    for name in _BUSYBOX_PROGRAMS:
        (root / "bin" / name).symlink_to("busybox")
    (root / "bin/login-shell").write_text(_SHELL)
    (root / "bin/login-shell").chmod(0o755)
    (root / "dev/null").touch()
    for name, number in USERS.items():
        shutil.chown(root / "home" / name, number, number)
    if machine == "aarch64":
        write_system_files(cpu("cortex-a53"), root)
        (root / "bin/uname").unlink()
        (root / "bin/uname").write_text(_UNAME)
        (root / "bin/uname").chmod(0o755)


def _write_server(folder: Path, port: int, machine: str) -> None:
    box = folder / "box"
    (folder / "sshd_config").write_text(_CONFIG.format(port=port, folder=folder, place=PLACE))
    Path("/run/sshd").mkdir(exist_ok=True)
    for file in ("passwd", "shadow", "group"):
        lines = [line for line in Path(f"/etc/{file}").read_text().splitlines() if line.partition(":")[0] not in USERS]
        for name, number in USERS.items():
            lines.append(
                {
                    "passwd": f"{name}:x:{number}:{number}::/home/{name}:/bin/login-shell",
                    "shadow": f"{name}:*:19000:0:99999:7:::",
                    "group": f"{name}:x:{number}:",
                }[file]
            )
        (folder / file).write_text("\n".join(lines) + "\n")
    if machine == "x86_64":
        first = _NATIVE
    else:
        first = _EMULATED
        (folder / "binfmt").mkdir()
        (folder / "register").write_text(_REGISTER.format(qemu=shutil.which("qemu-aarch64-static")))
    places = {"box": box, "place": PLACE, "folder": folder}
    (folder / "start.sh").write_text(_MOUNTS.format(first=first.format(**places), **places))
    shutil.copy(folder / "key.pub", box / "authorized_keys")
    (box / "authorized_keys").chmod(0o644)


def _write_client(folder: Path, port: int) -> None:
    """Keys, and a program "ssh" in "client" that knows these hosts: one a user, and some that are refused."""
    for name in ("key", "other_key", "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    for known, key in (("known", "host_key"), ("changed", "other_key")):
        kind, text, *_ = (folder / f"{key}.pub").read_text().split()
        (folder / known).write_text(f"[127.0.0.1]:{port} {kind} {text}\n")
    (folder / "unknown").touch()
    hosts = {user: (user, "key", "known", "") for user in USERS} | {
        "changed": ("pi", "key", "changed", ""),
        "unknown": ("pi", "key", "unknown", ""),
        "stranger": ("pi", "other_key", "known", ""),
        "slow": ("pi", "key", "known", f"ProxyCommand {sys.executable} {relay.__file__} 127.0.0.1 {port} 5 12"),
    }
    text = "".join(
        f"Host {host}\nHostName 127.0.0.1\nPort {port}\nUser {user}\nIdentityFile {folder}/{key}\nIdentitiesOnly yes\n"
        f"UserKnownHostsFile {folder}/{known}\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking ask\n{proxy}\n"
        for host, (user, key, known, proxy) in hosts.items()
    )
    (folder / "ssh_config").write_text(text)
    (folder / "client").mkdir()
    (folder / "client/ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
    (folder / "client/ssh").chmod(0o755)


def write_joint_client(folder: Path, boxes: dict[str, SshdBox]) -> None:
    """A program "ssh" in a folder that knows the ordinary user of several boxes, by these names."""
    text = "".join(
        f"Host {name}\nHostName 127.0.0.1\nPort {box.port}\nUser pi\nIdentityFile {box.folder}/key\n"
        f"IdentitiesOnly yes\nUserKnownHostsFile {box.folder}/known\nGlobalKnownHostsFile /dev/null\n"
        for name, box in boxes.items()
    )
    (folder / "ssh_config").write_text(text)
    (folder / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
    (folder / "ssh").chmod(0o755)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _wait_for(box: SshdBox) -> None:
    for _ in range(100):
        if box.process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", box.port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    box.stop()
    said = (box.folder / "sshd.log").read_text()[-500:]
    if "Operation not permitted" in said or "Permission denied" in said:
        pytest.skip(f"needs mounts of its own: {said}")
    pytest.fail(f"no sshd: {said}")
