"""The command line: one file a sub-command in `commands/`, heavy imports inside the command that needs them."""

from __future__ import annotations

import signal
import sys
from importlib import metadata
from types import FrameType
from typing import Annotated

import typer

from edgesr.cli.command import Command
from edgesr.cli.commands.devices import devices
from edgesr.cli.commands.diff import diff
from edgesr.cli.commands.doctor import doctor
from edgesr.cli.commands.eval import evaluate
from edgesr.cli.commands.export import export
from edgesr.cli.commands.goldens import goldens
from edgesr.cli.commands.inspect import inspect
from edgesr.cli.commands.measuring.bench import bench
from edgesr.cli.commands.measuring.compare import compare
from edgesr.cli.commands.measuring.parity import parity
from edgesr.cli.commands.measuring.profile import profile
from edgesr.cli.commands.pack import pack
from edgesr.cli.commands.report import report
from edgesr.cli.commands.train import train
from edgesr.cli.commands.upscale import upscale
from edgesr.cli.commands.web import web
from edgesr.cli.terminal import discard_output, escape_what_cannot_be_encoded
from edgesr.runtimes.allocator import keep_large_blocks_after_torch
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.wording import printable

_INTERRUPTED = 130
_CLOSED_PIPE = 141

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Export a super-resolution network (PyTorch, ONNX) to files for phones and edge boxes, check that each file "
    "computes what PyTorch computes, measure how fast it runs, and upscale photographs with it.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgesr {metadata.version('edgesr')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of edgesr itself."""


app.command(cls=Command)(doctor)
app.command(cls=Command)(export)
app.command(cls=Command)(parity)
app.command(cls=Command)(goldens)
app.command(cls=Command)(bench)
app.command(cls=Command)(compare)
app.command(cls=Command)(profile)
app.add_typer(devices, name="devices")
app.command(cls=Command)(diff)
app.command(cls=Command)(report)
app.command(cls=Command)(upscale)
app.command(cls=Command)(web)
app.command(cls=Command)(inspect)
app.command(cls=Command)(train)
app.command(cls=Command)(pack)
app.command(name="eval", cls=Command)(evaluate)


def main() -> None:
    """Entry point: exit code 0 done, 1 the check failed, 2 bad input or missing package (one line on stderr).

    Also 130 after Ctrl-C, 143 after SIGTERM, and 141 where the program that reads the output has ended, as 'head' does:
    the code that shells give for SIGPIPE.
    """
    signal.signal(signal.SIGTERM, _terminate)
    keep_large_blocks_after_torch()
    escape_what_cannot_be_encoded()
    try:
        _run()
    except (BrokenPipeError, SystemExit) as error:
        if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):
            raise
        discard_output()
        sys.exit(_CLOSED_PIPE)  # typer and rich end with 1 here, which says that a check failed


def _terminate(number: int, _: FrameType | None) -> None:
    """End as Ctrl-C does, so that worker processes and temporary files go too."""
    raise SystemExit(128 + number)


def _run() -> None:
    """Run the command and exit."""
    try:
        code = app(standalone_mode=False, prog_name="edgesr")
    except EdgesrError as error:
        _fail(str(error))
    except typer.TyperException as error:
        _fail(error.format_message())
    except BrokenPipeError:
        raise
    except OSError as error:
        _fail(f"{error.filename or 'writing the output'}: {error.strerror or error}")
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    if code == _INTERRUPTED:  # typer's own code for Ctrl-C inside a command
        print("edgesr: interrupted", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> None:
    if message:  # none where the help was shown instead
        print(f"edgesr: {printable(' '.join(message.split()))}", file=sys.stderr)
    sys.exit(2)
