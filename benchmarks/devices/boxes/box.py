"""A box with edgesr's script on it: what it is, what it has, what it is sent, what it runs."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from edgesr.benchmarks.devices.boxes.exchange import Reply, Terms, exchange
from edgesr.benchmarks.devices.boxes.facts import Facts, parse_facts
from edgesr.benchmarks.devices.boxes.payloads import Payload
from edgesr.benchmarks.devices.boxes.transport import Transport, reason_in
from edgesr.benchmarks.devices.device import AbsentDeviceError
from edgesr.benchmarks.devices.process_exit import describe_exit
from edgesr.runtimes.errors import EdgesrError, InputError, MissingPackageError

_WORD = re.compile(r"[A-Za-z0-9_./:=+-]+")
_SLOWEST_BYTES_PER_SECOND = 50_000
_ABSENT = b"absent\n"
_CALL = (
    'test -f "$d/SCRIPT" || { echo; echo TOKEN; echo absent; exit; }; '  # then it is sent, and this line again
    'exec sh "$d/SCRIPT" "$d" TOKEN WORDS'
)
_INSTALL = 'mkdir -p "$d" && cat >"$d/part.$$" && mv "$d/part.$$" "$d/SCRIPT" && echo && echo TOKEN'


class UnreachedError(InputError):
    """The connection could not be made, or was lost."""


class NotThereError(UnreachedError, AbsentDeviceError):
    """It could not be made, or was lost, for a reason that is not the user's to mend here: nothing answers."""


@dataclass(frozen=True)
class Box:
    """The box behind a transport. All methods: an InputError with the box's own reason, one line that begins with
    its name; raises an UnreachedError without a connection.
    """

    transport: Transport

    @property
    def name(self) -> str:
        return self.transport.name

    def probe(self) -> Facts:
        """Ask the box for its machine and its programs."""
        with self.named_errors():
            return parse_facts(self.call(Terms(), "probe"))

    def push(self, payload: Payload) -> int:
        """Send a folder; the bytes that were sent."""
        content = payload.archive()
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        with self.named_errors():
            self.call(Terms(content=content, seconds=60 + size / _SLOWEST_BYTES_PER_SECOND), "unpack", payload.folder)
        return size

    def clean(self) -> None:
        """Delete everything that edgesr put there."""
        with self.named_errors():
            self.call(Terms(), "clean")

    def call(self, terms: Terms, *words: str) -> bytes:
        """The answer of edgesr's script to a verb and its words; the script is sent before where it is not there."""
        answer = self._line(_CALL, words, terms)
        if answer == _ABSENT:
            self._line(_INSTALL, (), Terms(content=_script()))
            answer = self._line(_CALL, words, terms)
        return answer

    def command(self, *words: str) -> tuple[list[str], str]:
        """The command line that runs a verb of edgesr's script, which was sent before, and the token that comes before
        its answer.
        """
        return self._command(_CALL, words)

    def ended(self, returncode: int, errors: str) -> str:
        """One line that says how a command ended; the shell on the box reports a signal as 128 plus its number."""
        why = self.transport.why_unreached(returncode, errors)
        return why or describe_exit(128 - returncode if returncode > 128 else returncode, errors)

    @contextmanager
    def named_errors(self) -> Iterator[None]:
        """Turn every error of the box into an InputError that begins with the name of the box."""
        try:
            yield
        except (InputError, MissingPackageError):
            raise
        except EdgesrError as error:
            raise InputError(f"{self.name}: {error}") from error

    def _line(self, line: str, words: Sequence[str], terms: Terms) -> bytes:
        """The answer to a line of shell."""
        command, token = self._command(line, words)
        reply = exchange(command, token=token, terms=terms)
        if reply.answer is None:
            raise self._failure(reply)
        return reply.answer

    def _command(self, line: str, words: Sequence[str]) -> tuple[list[str], str]:
        """The command line that runs a line of shell on the box, and the token that comes before its answer.

        Login shells are not all alike: they are given "sh -c" and one word in single quotes, without a quotation mark,
        backslash, exclamation mark or line feed in it.
        """
        assert all(_WORD.fullmatch(word) for word in words), words
        token = f"edgesr-{secrets.token_hex(8)}"
        for name, value in (("SCRIPT", _script_name()), ("TOKEN", token), ("WORDS", " ".join(words))):
            line = line.replace(name, value)
        return self.transport.command(f"sh -c 'umask 077; d=\"{self.transport.folder}\"; {line}'"), token

    def _failure(self, reply: Reply) -> EdgesrError:
        if reply.returncode < 0:
            return UnreachedError(
                f"{self.name}: the client program was {describe_exit(reply.returncode, reply.errors)}"
            )
        why = self.transport.why_unreached(reply.returncode, reply.errors)
        if why is not None:
            return (UnreachedError if self.transport.is_refusal(why) else NotThereError)(f"{self.name}: {why}")
        return EdgesrError(reason_in(reply.errors))


@cache
def _script() -> bytes:
    return (resources.files("edgesr.benchmarks.devices.boxes") / "box.sh").read_bytes()


@cache
def _script_name() -> str:
    return f"box-{hashlib.sha256(_script()).hexdigest()[:16]}.sh"
