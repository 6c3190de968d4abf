"""Whether edgesr takes the words of a command, without running it: its command, options and names from tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from edgesr.benchmarks.devices.registry import DEVICE_KINDS
from edgesr.cli.main import app

if TYPE_CHECKING:
    from typer._click.core import Context

_LEFT_OUT = re.compile("^Missing (argument|option|parameter)|requires an argument")
_HELP = "--help"
_ALL = {"all"}
"""A value that stands for a whole table."""


def fault(words: list[str], *, fragment: bool = False) -> str | None:
    """The reason why edgesr would refuse the words behind ``edgesr``; None where it takes them.

    ``fragment``: in prose, as in "give `edgesr upscale --halo field`", arguments and a last value may be left out. So
    may they be next to ``--help``.
    """
    fragment = fragment or _HELP in words
    words = [word for word in words if word != _HELP]
    if not words:
        return None
    try:
        command, context = _parsed(words, resilient=False)
    except typer.Exit:  # --version
        return None
    except typer.TyperException as error:
        told = error.format_message()
        if not fragment or not _LEFT_OUT.search(told):
            return told
        command, context = _parsed(words, resilient=True)
    return next(_unknown_names(command, context), None)


def _parsed(words: list[str], *, resilient: bool) -> tuple[Any, Context]:
    """The command that runs at last, with its arguments; groups in groups are followed."""
    command = _without_actions(typer.main.get_command(app))
    context: Any = command.make_context("edgesr", list(words), resilient_parsing=resilient)
    while hasattr(command, "resolve_command") and (left := [*context._protected_args, *context.args]):
        name, inner, arguments = command.resolve_command(context, left)
        command = _without_actions(inner)
        context = command.make_context(name, arguments, parent=context, resilient_parsing=resilient)
    return command, context


def _without_actions(command: Any) -> Any:
    """A command, made for this one call, whose options do nothing when they are read: --install-completion writes."""
    for parameter in command.params:
        parameter.callback = None
    return command


def _unknown_names(command: Any, context: Context) -> Iterator[str]:
    """Values that are in none of the tables that completion reads, and devices of no kind."""
    for parameter in command.params:
        value = context.params.get(parameter.name or "")
        if not isinstance(value, str):
            continue
        known = {item.value for item in parameter.shell_complete(context, "")}
        for one in value.split(",") if known else ():
            if one not in known | _ALL and not ("host" in known and _is_remote(one)):
                yield f"{parameter.opts[-1]} {one}: not one of {', '.join(sorted(known))}"


def _is_remote(device: str) -> bool:
    return any(kind.remote and kind.opens(device) for kind in DEVICE_KINDS)
