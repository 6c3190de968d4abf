"""Parts that all commands share: option texts, progress bars, tables. This module prints; the libraries below it do
not.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgesr.cli.completion import devices, one_of, providers, runtimes, some_of
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import is_standard_output
from edgesr.runtimes.wording import printable

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from edgesr.benchmarks.tables.table import Table
    from edgesr.runtimes.progress import Progress

BundleArgument = Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder made by 'edgesr export'.")]
ArtifactOption = Annotated[
    str | None,
    typer.Option(
        "--artifact", help="Use only this artifact (a model of the bundle), by its id such as onnx-int8-tile."
    ),
]
RuntimeOption = Annotated[
    str | None,
    typer.Option("--runtime", help="Use only this runtime: {runtimes}.", autocompletion=one_of(runtimes)),
]

ProviderOption = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="NAME",
        help="Execution provider (an accelerator's part of a runtime) to use; the CPU does the rest: {providers}.",
        autocompletion=one_of(providers),
    ),
]

DeviceOption = Annotated[
    str,
    typer.Option("--device", help="Where to run, separated by commas: {devices}.", autocompletion=some_of(devices)),
]
DevicePythonOption = Annotated[
    str | None,
    typer.Option(
        "--device-python",
        metavar="PATH",
        help="Path of a Python on the other machine (ssh or adb) to use with its packages, instead of the one that "
        "edgesr sends.",
    ),
]
_PIPE_WIDTH = 160
_MOST_DIGITS = 9


def keep_output_free(context: typer.Context, path: Path | None) -> Path | None:
    """Send what a command prints to standard error if standard output is to hold one file alone."""
    if path is not None and is_standard_output(path):
        if sys.stdout is None:
            raise InputError(f"{path}: standard output is closed; name a file")
        sys.stdout.flush()
        context.with_resource(redirect_stdout(sys.stderr))
    return path


JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        callback=keep_output_free,
        help="Also write the results to this JSON file; - is standard output, and tables then go to standard error.",
    ),
]


def size_text(size: tuple[int, int]) -> str:
    """A tile size as `parse_size` reads it."""
    return f"{size[0]}x{size[1]}"


def comma_separated(text: str) -> tuple[str, ...]:
    """The parts of an option's text, without blanks, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def parse_size(text: str, option: str = "--tile-size") -> tuple[int, int]:
    """Height and width of a tile size such as 128x128."""
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(map(_is_count, sides)):
        raise InputError(f"{option} {text!r}: give height x width in LR pixels, for example 128x128")
    return int(sides[0]), int(sides[1])


def parse_bytes(option: str, text: str) -> int:
    """Bytes of a size such as 256MB, 1.5GB or 500000000; units are powers of 1000."""
    found = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)\s*([kmg]?)b?", text.strip().lower())
    if found is None:
        raise InputError(f"{option} {text!r}: give a size such as 256MB or 1GB")
    return round(float(found[1]) * {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}[found[2]])


def parse_percent(option: str, text: str) -> float:
    """The share of 1 of a text such as 5% or 2.5."""
    found = re.fullmatch(r"(\d{1,4}(?:\.\d+)?)\s*%?", text.strip())
    if found is None:
        raise InputError(f"{option} {text!r}: give a percentage such as 5%")
    return float(found[1]) / 100


def positive_integers(option: str, text: str) -> list[int]:
    """The whole numbers above 0 of an option's text, each once."""
    parts = comma_separated(text)
    if not parts or not all(map(_is_count, parts)):
        raise InputError(f"{option} {text!r}: give whole numbers above 0, separated by commas")
    return list(dict.fromkeys(map(int, parts)))


def _is_count(text: str) -> bool:
    """Whether it is a whole number above 0, of at most nine digits."""
    return text.isdecimal() and len(text) <= _MOST_DIGITS and int(text) > 0


def factors(option: str, text: str) -> tuple[float, ...]:
    """The numbers of an option's text."""
    try:
        return tuple(float(part) for part in comma_separated(text))
    except ValueError:
        raise InputError(f"{option} {text!r}: give numbers, separated by commas") from None


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A callback that draws a progress bar on stderr for every task; notices alone where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    from edgesr.runtimes.progress import ProgressEvent

    tasks: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    note = TextColumn("{task.fields[note]}", markup=False)
    with Bars(*columns, note, console=console, transient=True, disable=not console.is_terminal) as bars:

        def draw(event: ProgressEvent) -> None:
            if event.is_notice:
                console.print(
                    f"edgesr: {printable(event.note)}", markup=False, emoji=False, highlight=False, soft_wrap=True
                )
                return
            if event.task not in tasks:
                tasks[event.task] = bars.add_task(event.task, total=event.total, note=event.note)
            bars.update(tasks[event.task], completed=event.done, total=event.total, note=event.note)

        yield draw


def print_table(table: Table) -> None:
    """Draw a table as wide as the terminal, or as a pipe may be; what a narrow terminal cannot hold and is the same in
    every row is told below.
    """
    from rich.console import Console

    from edgesr.benchmarks.tables.table import without_alike

    console = Console()
    if not console.is_terminal:
        Console(width=_PIPE_WIDTH).print(_drawn(table))
    elif console.measure(_drawn(table), options=console.options.update(max_width=_PIPE_WIDTH)).maximum <= console.width:
        console.print(_drawn(table))
    else:
        narrow, said = without_alike(table)
        console.print(_drawn(narrow, padding=0))
        print_lines([f"in every row: {said}", ""] if said else [])


def _drawn(table: Table, *, padding: int = 1) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(
        title=Text(printable(table.title)),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, padding),
    )
    for column in table.columns:
        drawn.add_column(Text(printable(column)), overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(printable(cell)) for cell in row))
    return drawn


def print_lines(lines: list[str]) -> None:
    """One line each."""
    for line in lines:
        print(printable(line), flush=True)


def print_errors(lines: list[str]) -> None:
    """One line each, on stderr."""
    for line in lines:
        print(f"edgesr: {printable(' '.join(line.split()))}", file=sys.stderr, flush=True)


def escape_what_cannot_be_encoded() -> None:
    """Print characters that the terminal's encoding lacks, and file names that are no text, as escapes from now on."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Nobody reads standard output any more: what is still buffered goes nowhere, without a message at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
