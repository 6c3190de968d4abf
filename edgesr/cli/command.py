"""Commands whose help is made when it is shown: names come from the tables, defaults from the library's options."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from typer.core import TyperArgument, TyperCommand, TyperOption

from edgesr.cli.completion import IN_HELP

if TYPE_CHECKING:
    from typer._click.core import Context
    from typer._click.formatting import HelpFormatter

_TABLE = re.compile(r"\{(\w+)\}")


class Command(TyperCommand):
    """A command of edgesr: ``{targets}`` in the help of a parameter becomes what `IN_HELP` has for it, and a
    default that a function gives becomes its value. Neither is read for the help of edgesr itself, which stays quick.
    """

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        for parameter in self.params:
            if isinstance(parameter, TyperArgument | TyperOption):
                parameter.help = parameter.help and _TABLE.sub(_names, parameter.help)
            if callable(parameter.default):
                parameter.default = parameter.default()
        super().format_help(ctx, formatter)


def default_of(
    options: Callable[[], type], field: str, text: Callable[[Any], object] | None = None
) -> Callable[[], Any]:
    """A function that gives a field's default of the library's dataclass; ``text`` turns it into what a user types."""

    def read() -> Any:
        value = getattr(options(), field)
        return value if text is None else text(value)

    return read


def _names(found: re.Match[str]) -> str:
    return ", ".join(IN_HELP[found[1]]())
