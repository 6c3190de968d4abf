"""The machines that pages name, on this machine: boxes behind ssh, a device behind adb, a ray cluster.

To add a box of another name, add it to `BOXES`; each number there is a box of its own.
"""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.boxes.root.architecture import architecture
from edgesr.benchmarks.devices.boxes.root.setup import set_up
from tests.helpers.boxes.adbd import start_adbd
from tests.helpers.boxes.needs import require_root
from tests.helpers.boxes.sshd import SshdBox, start_sshd, write_joint_client

BOXES = {"box": 1, "shelf": 1, "pi": 1, "pi4": 1, "pi5": 2}
"""Names after ``ssh:``, without their users: which box each of them is."""


class StandInMissing(Exception):
    """A machine that cannot be put up here; its text is the reason."""


class StandIns:
    """Machines that are started when a command names them, and end with the block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clients: dict[str, Path] = {}
        self._stack = ExitStack()

    def __enter__(self) -> StandIns:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def clients(self, text: str) -> list[Path]:
        """Folders with the programs ssh and adb by which a command reaches the machines that it names."""
        kinds = {"ssh": r"\bssh:", "adb": r"\badb:"}
        return [self._client(kind) for kind, pattern in kinds.items() if re.search(pattern, text)]

    def wrapped(self, text: str) -> str:
        """A command with ``--ray`` becomes one that runs next to a cluster, in a network of the loopback alone."""
        if "--ray" not in text:
            return text
        short = self._stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp", prefix="e-"))  # sockets of ray
        start = "unshare -n -m -p -f --kill-child --mount-proc"
        return f"{start} {sys.executable} -m tests.helpers.archive.ray_cluster {short} {shlex.quote(text)}"

    def _client(self, kind: str) -> Path:
        if kind not in self._clients:
            try:
                require_root()
                self._clients[kind] = self._boxes() if kind == "ssh" else self._adb()
            except (pytest.skip.Exception, pytest.fail.Exception) as error:
                raise StandInMissing(f"{kind}: {error}") from error
        return self._clients[kind]

    def _boxes(self) -> Path:
        set_up(architecture("x86_64"))
        boxes: dict[int, SshdBox] = {}
        for number in sorted(set(BOXES.values())):
            (self._folder / f"box{number}").mkdir()
            boxes[number] = start_sshd(self._folder / f"box{number}")
            self._stack.callback(boxes[number].stop)
        client = self._folder / "ssh-client"
        client.mkdir()
        write_joint_client(client, {name: boxes[number] for name, number in BOXES.items()})
        return client

    def _adb(self) -> Path:
        (self._folder / "adb").mkdir()
        device = start_adbd(self._folder / "adb")
        self._stack.callback(device.stop)
        return device.folder / "client"
