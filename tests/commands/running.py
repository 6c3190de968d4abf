"""Runs the commands of pages, each page in a folder of its own, and says how each ended."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgesr.runtimes.errors import EdgesrError
from tests.commands.names import make_missing
from tests.commands.needs import missing
from tests.commands.not_run import NOT_RUN, expected_codes, row_for
from tests.commands.pages import PageCommand, commands_of, pages
from tests.commands.parsing import fault
from tests.commands.shell import Shell
from tests.commands.stand_ins import StandInMissing, StandIns
from tests.commands.substitutions import shortened, spelled_out
from tests.commands.words import calls_of_edgesr, is_fragment
from tests.helpers.places import ROOT

State = Literal["ok", "failed", "parsed", "left out", "not run"]

_NEW_FOLDER = re.compile(r"\bedgesr (?:train|pack|goldens) .*--output (\S+)|\bedgesr upscale \S+ ([\w-]+/?)(?:\s|$)")
"""Commands that go on with, or refuse, a folder that another command of the page made: each is shown for itself."""


@dataclass(frozen=True)
class Outcome:
    """The end of a command. ``told``: the reason why it was not run, or the last line of what failed."""

    command: PageCommand
    state: State
    seconds: float = 0.0
    told: str = ""


def rows_without_command() -> list[str]:
    """Patterns of `NOT_RUN` that match no command of any page."""
    commands = [command for page in pages() for command in commands_of(page)]
    return [row.pattern for row in NOT_RUN if not any(row.matches(command) for command in commands)]


def run_pages(chosen: list[Path], folder: Path, *, limit_s: float) -> Iterator[Outcome]:
    """Run the commands of pages below a folder, one after the other."""
    _write_programs(folder / "bin")
    (folder / "home").mkdir()
    with StandIns(folder) as stand_ins:
        for page in chosen:
            place = folder / page.stem
            _prepare(place, folder)
            for command in commands_of(page):
                yield _run(command, Shell(place, _environment(folder), limit_s), stand_ins)


def _write_programs(folder: Path) -> None:
    """The program edgesr of this checkout, and the Python that runs this."""
    folder.mkdir()
    for name, words in (("edgesr", "-m edgesr "), ("python", ""), ("python3.11", "")):
        (folder / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words}"$@"\n')
        (folder / name).chmod(0o755)


def _environment(folder: Path, *clients: Path) -> dict[str, str]:
    """The user's own, with a home folder that is thrown away; what was set up in the user's cache is found."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    path = ":".join([*map(str, clients), str(folder / "bin"), os.environ["PATH"]])
    python = ":".join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    own = {"HOME": str(folder / "home"), "XDG_CACHE_HOME": cache, "PATH": path, "PYTHONPATH": python}
    return {**os.environ, **own, "PYTHONUNBUFFERED": "1"}


def _prepare(place: Path, folder: Path) -> None:
    """A copy of the documentation, which scripts write to, and links to what commands read of the checkout."""
    shutil.copytree(ROOT / "docs", place / "docs")
    for name in ("export", "sr_model"):
        (place / name).symlink_to(ROOT / name)
    (place / ".venv").mkdir()
    (place / ".venv" / "bin").symlink_to(folder / "bin")


def _run(command: PageCommand, shell: Shell, stand_ins: StandIns) -> Outcome:
    if (row := row_for(command)) is not None:
        return Outcome(command, "not run", told="; ".join((row.reason, *row.covered_by)))
    if command.inline or is_fragment(command.text):
        refused = [fault(words) for words in calls_of_edgesr(spelled_out(command.text))]
        if any(refused):
            return Outcome(command, "parsed", told="part of a command")
    text = shortened(command.text)
    if (reason := missing(text)) is not None:
        return Outcome(command, "left out", told=reason)
    try:
        return _run_here(command, text, shell, stand_ins)
    except StandInMissing as error:
        return Outcome(command, "left out", told=str(error))
    except (EdgesrError, OSError, RuntimeError) as error:
        return Outcome(command, "failed", told=f"before it was run: {error}")


def _run_here(command: PageCommand, text: str, shell: Shell, stand_ins: StandIns) -> Outcome:
    make_missing(text, shell.folder, shell)
    for found in _NEW_FOLDER.finditer(text):
        shutil.rmtree(shell.folder / (found[1] or found[2]), ignore_errors=True)
    clients = stand_ins.clients(text)
    own = Shell(shell.folder, _environment(shell.folder.parent, *clients), shell.limit_s)
    ended = own.run(stand_ins.wrapped(text), serves="--serve" in text)
    if ended.code in expected_codes(text):
        return Outcome(command, "ok", ended.seconds)
    return Outcome(command, "failed", ended.seconds, f"exit code {ended.code}, run as {text!r}: {ended.said}")
