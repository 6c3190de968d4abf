"""The commands and Python examples of README.md, CONTRIBUTING.md and docs/*.md, each with its page and line.

A command is a line of an indented or fenced block that begins with a program, without its comment, or a command of
edgesr or Python between backticks in prose. A line that begins with three dots is a remark, and no command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.places import ROOT

PROGRAMS = frozenset(
    (
        *("adb", "apt", "apt-get", "bash", "brew", "buildah", "cd", "cmake", "cmp", "cp", "curl", "docker", "edgesr"),
        *("for", "git", "make", "mkdir", "npm", "npx", "pip", "podman", "python", "python3", "python3.11", "ray", "sh"),
        *("ssh", "sudo", "torchrun", "unzip", "wget"),
    )
)
"""First words that make a line of a block a command; paths into an environment's bin folder do as well. In an indented
block that begins with a command every line is one, whatever it begins with.
"""

_FENCE = re.compile(r"^\s*```(\w*)\s*$")
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_INLINE_COMMAND = re.compile(r"(/usr/bin/time )?(edgesr (devices )?[\w-]+ |edgesr -|python docs/\S+ |python -m \S+ )\S")
_COMMENT = re.compile(r"(^|\s+)#\s.*$")
_VARIABLE = re.compile(r"^[A-Z_]+=\S*$")
_PATH = re.compile(r"^[\w.-]*/bin/\w+|^\.?/[\w./-]+$|^\.ci/run$")


@dataclass(frozen=True)
class PageCommand:
    """A command as its page has it, continued lines joined; ``inline``: between backticks in prose."""

    page: str
    line: int
    text: str
    inline: bool = False

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Block:
    """The lines of a code block; ``language`` is that of its fence, "indented" for one without a fence."""

    line: int
    language: str
    lines: tuple[str, ...]


def pages() -> list[Path]:
    """The pages whose commands are run."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands_of(page: Path) -> list[PageCommand]:
    """The commands of a page in its order."""
    name, text = str(page.relative_to(ROOT)), page.read_text()
    found = [
        PageCommand(name, line, command)
        for block in blocks(text)
        if block.language in {"indented", "", "sh", "bash", "shell", "console"} and not _is_python(block)
        for line, command in _block_commands(block)
    ]
    found += [PageCommand(name, line, command, inline=True) for line, command in _inline_commands(text)]
    return sorted(found, key=lambda one: one.line)


def python_examples(page: Path) -> list[Block]:
    """The Python blocks of a page: fenced ones, and indented ones that begin with an import."""
    return [block for block in blocks(page.read_text()) if block.language == "python" or _is_python(block)]


def blocks(text: str) -> list[Block]:
    """Fenced and indented blocks; an indented one begins after an empty line."""
    found: list[Block] = []
    fence: str | None = None
    start, lines, before = 0, list[str](), ""
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        marker = _FENCE.match(line)
        if fence is not None:
            if marker:
                found.append(Block(start, fence, tuple(lines)))
                fence, lines = None, []
            else:
                lines.append(line)
        elif lines and not line.startswith("    "):
            found.append(Block(start, "indented", tuple(lines)))
            lines = []
        elif line.startswith("    ") and (lines or not before.strip()):
            start = start if lines else number
            lines.append(line[4:])
        if fence is None and marker and (not found or number > found[-1].line + len(found[-1].lines)):
            fence, start, lines = marker[1], number + 1, []
        before = line
    return found


def _is_python(block: Block) -> bool:
    return block.language == "indented" and block.lines[0].startswith(("from ", "import "))


def _block_commands(block: Block) -> Iterator[tuple[int, str]]:
    lines = list(_joined(block))
    all_of_them = block.language == "indented" and bool(lines) and _is_command(lines[0][1])
    for number, line in lines:
        if line.startswith("..."):
            continue
        if all_of_them or _is_command(line):
            yield number, line.removeprefix("$ ")


def _joined(block: Block) -> Iterator[tuple[int, str]]:
    """Line number and text of each line that is not empty, without comments, continued lines as one."""
    start, parts = 0, list[str]()
    for number, line in enumerate(block.lines, start=block.line):
        start = start if parts else number
        continued = line.rstrip().endswith("\\")
        parts.append(line.rstrip().removesuffix("\\").strip() if continued else _COMMENT.sub("", line).strip())
        if not continued:
            if text := " ".join(part for part in parts if part):
                yield start, text
            parts = []


def _is_command(line: str) -> bool:
    words = line.removeprefix("$ ").split()
    while words and _VARIABLE.match(words[0]):
        words.pop(0)
    return bool(words) and (words[0] in PROGRAMS or bool(_PATH.match(words[0])))


def _inline_commands(text: str) -> Iterator[tuple[int, str]]:
    lines = text.splitlines()
    for block in blocks(text):
        for number in range(block.line - 1, min(block.line - 1 + len(block.lines), len(lines))):
            lines[number] = ""
    prose = "\n".join("" if _FENCE.match(line) else line for line in lines)
    for paragraph in re.finditer(r"(?:.+\n?)+", prose):
        for inline in _INLINE.finditer(paragraph[0]):
            command = " ".join(inline[1].split())
            if _INLINE_COMMAND.match(command):
                yield prose.count("\n", 0, paragraph.start() + inline.start()) + 1, command
