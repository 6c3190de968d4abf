"""Boxes that are reached by the user's own OpenSSH client, with its configuration, keys, agent and jump hosts."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from edgesr.benchmarks.devices.boxes.transport import Transport, reason_in, require_plain
from edgesr.runtimes.errors import MissingPackageError

PREFIX = "ssh:"
_FAILED = 255  # the exit code of ssh for errors of its own; see ssh(1)
_OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": "10",
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "3",
    "ControlMaster": "auto",
    "ControlPersist": "15",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "LogLevel": "ERROR",
}
"""No passwords are asked for, and a lost connection is noticed after 15 s. Host keys are checked as the user has it."""


@dataclass
class SshTransport(Transport):
    """One connection, which all lines share, to ``target`` as ssh takes it."""

    target: str
    folder: str = "$HOME/.cache/edgesr-box"
    _sockets: Path | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        require_plain(PREFIX, self.target)

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.target}"

    def command(self, line: str) -> list[str]:
        return [*self._ssh(), "-T", "--", self.target, line]

    def why_unreached(self, returncode: int, errors: str) -> str | None:
        if returncode != _FAILED:
            return None
        why = reason_in(errors)
        if "IDENTIFICATION HAS CHANGED" in errors:
            return f"its host key is not the one that known_hosts has of it: find out why, and run 'ssh {self.target}'"
        if "Host key verification failed" in why:
            return f"its host key is unknown here: run 'ssh {self.target}' once and accept it"
        if "Permission denied" in why:
            return f"{why}: a key is needed that logs in without a question; try 'ssh {self.target}'"
        return f"{why}; try 'ssh {self.target}'"

    def is_refusal(self, why: str) -> bool:
        """A name that ends with .local is told by the machine itself (RFC 6762): one that is switched off has none."""
        unknown = "Could not resolve hostname" in why and ".local:" not in why
        return unknown or any(sign in why for sign in ("host key", "Permission denied"))

    @cached_property
    def machine(self) -> str:
        """Host, port and the way there, as the user's configuration of ssh has them for this name."""
        done = subprocess.run(
            [*self._ssh(), "-G", "--", self.target], check=False, capture_output=True, text=True, timeout=10
        )
        found = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        way = [found.get(name) for name in ("hostname", "port", "proxyjump", "proxycommand")]
        return f"{PREFIX}{' '.join(one for one in way if one) or self.target}"

    def close(self) -> None:
        """End the connection."""
        if self._sockets is None:
            return
        if any(self._sockets.iterdir()):
            command = [*self._ssh(), "-O", "exit", "--", self.target]
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=10)
        shutil.rmtree(self._sockets, ignore_errors=True)
        self._sockets = None

    def _ssh(self) -> list[str]:
        program = shutil.which("ssh")
        if program is None:
            raise MissingPackageError(
                f"{self.name} needs the OpenSSH client, which is not installed: apt install openssh-client"
            )
        if self._sockets is None:
            # The path of a socket has at most 107 bytes, of which ssh takes 58: so not in a long TMPDIR.
            self._sockets = Path(tempfile.mkdtemp(prefix="edgesr-", dir="/tmp"))
        options = {**_OPTIONS, "ControlPath": f"{self._sockets}/%C"}
        return [program, *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
