"""A box for tests: a program "ssh" on PATH that runs what it is told on this host, in a home folder of its own."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.devices.boxes.root.architecture import PYTHON_PROGRAM, Architecture
from edgesr.benchmarks.devices.boxes.root.layers import BASE, Layer
from edgesr.benchmarks.devices.boxes.root.setup import packed_layer

TARGET = "pi@box"
DEVICE = f"ssh:{TARGET}"
_SSH = """#!/bin/sh
echo "$@" >>{folder}/log
for word in "$@"; do case $word in -O) exit 0 ;; --) break ;; esac; done
while [ "$1" != -- ]; do shift; done
line=$3
if [ -f {folder}/behaviour ]; then . {folder}/behaviour; fi
cd {folder}/home && exec env -i HOME={folder}/home PATH={folder}/programs:/usr/bin:/bin sh -c "$line"
"""
_LOADER = '#!/bin/sh\nshift 5\nexec {python} "$@"\n'


@dataclass(frozen=True)
class FakeBox:
    """Its home is ``home``; ``log`` has the words of every call of ssh."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def cache(self) -> Path:
        return self.home / ".cache/edgesr-box"

    @property
    def calls(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def behave(self, shell: str) -> None:
        """Run these lines in the place of ssh before anything else; ``$line`` is what it was told."""
        (self.folder / "behaviour").write_text(shell)

    def program(self, name: str, shell: str) -> None:
        """A program of the box that is found before others."""
        file = self.folder / "programs" / name
        file.write_text(f"#!/bin/sh\n{shell}\n")
        file.chmod(0o755)

    def leftovers(self) -> list[str]:
        """Folders of jobs and of what was half unpacked."""
        return [one.name for one in self.cache.iterdir() if one.name.startswith(("job.", "part.", "whole."))]


def make_box(folder: Path) -> FakeBox:
    """A box in a folder, with its program "ssh" in "bin"."""
    for name in ("home", "programs", "bin"):
        (folder / name).mkdir(parents=True)
    ssh = folder / "bin/ssh"
    ssh.write_text(_SSH.format(folder=shlex.quote(str(folder))))
    ssh.chmod(0o755)
    return FakeBox(folder)


def small_layer(name: str, machine: Architecture, place: Path) -> Layer:
    tree = place.parent / "trees" / name
    file = tree / (machine.loader if name == BASE else f"{name}.txt")
    file.parent.mkdir(parents=True)
    file.write_text(_LOADER.format(python=sys.executable) if name == BASE else name)
    file.chmod(0o755)
    if name == BASE:
        (tree / PYTHON_PROGRAM).parent.mkdir(parents=True)
        (tree / PYTHON_PROGRAM).write_text("python")
    return packed_layer(name, tree, place)
