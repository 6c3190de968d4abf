"""A command of a page without the notation of manuals, as words, and the calls of edgesr in it."""

from __future__ import annotations

import re
import shlex

_NOTATION = (
    (re.compile(r"\[(-[^\]]*)\]"), r"\1"),  # what may be left out is given
    (re.compile(r"(?<=\s)\.\.\.(?=\s|$)"), ""),  # and so on
    (re.compile(r"(?<=[\w.:])\|[\w.:|-]+"), ""),  # the first of several
)
_ENDS = frozenset({"&&", "||", "|", ";", "&", "(", ")", ">", "<"})
_WRAPPERS = frozenset({"podman", "docker", "torchrun", "/usr/bin/time", "time", "env"})
"""Programs that run the edgesr that stands among their words."""


def without_notation(text: str) -> str:
    """A command that can be given: ``[--exact]`` becomes ``--exact``, ``clean|noise:8`` becomes ``clean``."""
    for pattern, replacement in _NOTATION:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


def calls_of_edgesr(text: str) -> list[list[str]]:
    """The words behind ``edgesr`` in every command of a shell line."""
    calls, one = [], list[str]()
    for word in [*_words(without_notation(text)), ";"]:
        if word in _ENDS:
            if (words := _behind_edgesr(one)) is not None:
                calls.append(words)
            one = []
        else:
            one.append(word)
    return calls


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def _behind_edgesr(words: list[str]) -> list[str] | None:
    while words and re.match(r"^[A-Z_]+=", words[0]):
        words = words[1:]
    if words[:3] == ["python", "-m", "edgesr"]:
        return words[3:]
    if words and (words[0] == "edgesr" or words[0].endswith("/bin/edgesr")):
        return words[1:]
    if words and words[0] in _WRAPPERS and "build" not in words[1:2] and "edgesr" in words:
        return words[words.index("edgesr") + 1 :]
    return None


def is_fragment(text: str) -> bool:
    """Whether a page leaves the rest of a command to the reader, by three dots at its end."""
    return text.endswith(" ...")
