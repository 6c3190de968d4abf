"""The ways to reach a box. Another way is one file with a `Transport`."""

from __future__ import annotations

from abc import ABC, abstractmethod

from edgesr.runtimes.errors import InputError

_FOLLOWING = ("Exiting with failure status", "Error is not recoverable", "Broken pipe")
"""In lines of tar and gzip that follow the one with the reason."""


class Transport(ABC):
    """Runs a line of shell on one box, with the standard input, output and error of a program of this machine."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the box in results."""

    @property
    @abstractmethod
    def folder(self) -> str:
        """The folder of edgesr's files on the box, as a shell writes it within double quotes."""

    @abstractmethod
    def command(self, line: str) -> list[str]:
        """The program of this machine that runs the line."""

    @abstractmethod
    def why_unreached(self, returncode: int, errors: str) -> str | None:
        """The reason why the program did not reach the box, and what to do, in one line; None if it did."""

    @abstractmethod
    def is_refusal(self, why: str) -> bool:
        """Whether that reason of `why_unreached` is one that the user has to mend: a wrong name, a key, a setting."""

    @property
    @abstractmethod
    def machine(self) -> str:
        """The machine behind it, which other names may lead to as well."""

    @abstractmethod
    def close(self) -> None:
        """End what is kept open between lines."""


def require_plain(what: str, text: str) -> None:
    """Raise an InputError for text that a program could take for an option, or that no host or serial number has."""
    if not text or text.startswith("-") or not text.isprintable() or any(sign.isspace() for sign in text):
        raise InputError(f"{what} {text!r}: give a name without blanks that does not begin with '-'")


def reason_in(errors: str) -> str:
    """The line of an error text that tells most: the last one that is not of a program that ends since another did."""
    lines = [" ".join(line.split()) for line in errors.splitlines() if line.strip()]
    own = [line for line in lines if not any(sign in line for sign in _FOLLOWING)]
    return (own or lines or ["no answer, and no reason given"])[-1][:300]
