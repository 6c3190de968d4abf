"""Docstrings are sentences or noun phrases with a full stop, which name their subject first."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.helpers.places import ROOT
from tests.house.test_rooms import python_files

RIDDLES = {"How", "Of", "That", "Those", "What", "Where", "Which"}
"""A sentence that begins with one of them is only understood at its end."""
COMMAND = "python "
"""Docstrings of scripts may end with the command that runs them."""


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """The line and text of each docstring of a module, its classes and its functions."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and (text := ast.get_docstring(node)) is not None:
            yield node.body[0].lineno, text


def faults(text: str) -> list[str]:
    """The rules that a docstring breaks."""
    first = text.split("\n\n", maxsplit=1)[0].strip()
    if not first:
        return ["is empty"]
    found = [f"begins with {word}" for word in RIDDLES if first.split()[0] == word]
    if first[-1] not in ".:?" and COMMAND not in first:
        found.append("has no full stop")
    return found


def test_docstrings_name_their_subject_and_end() -> None:
    files = [*python_files(), *(ROOT / "docs").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]
    texts = [(file, line, text) for file in files for line, text in docstrings(file.read_text())]
    assert len(texts) > 1000
    assert [(str(file.relative_to(ROOT)), line, fault) for file, line, text in texts for fault in faults(text)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The folder of the user's cache.", []),
        ("Whether it is done.", []),
        ("Whatever is given counts.", []),
        ("Run it:\n\n    a table without full stop", []),
        ("Compare two files. python compare.py A B", []),
        ("Does it compute the same?", []),
        ("What is made.", ["begins with What"]),
        ("Where it is\n", ["begins with Where", "has no full stop"]),
        ("", ["is empty"]),
    ],
)
def test_faults_of_a_docstring_by_hand(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


def test_docstrings_are_those_of_modules_classes_and_functions() -> None:
    source = '"""A."""\nclass B:\n    """B."""\n    async def c(self) -> None:\n        """C."""\n\n\ndef d(): ...\n'
    assert list(docstrings(source)) == [(1, "A."), (3, "B."), (5, "C.")]
