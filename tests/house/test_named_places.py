"""The places that CONTRIBUTING.md and the walkthrough name are there: files, folders, and what is defined in them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.helpers.places import ROOT

PAGES = ("CONTRIBUTING.md", "docs/walkthrough.md")
_SPAN = re.compile(r"`([^`\n]+)`")
_PLACE = re.compile(r"(?P<path>[\w.-]+(?:/[\w.-]+)+/?|[\w-]+\.(?:py|md|txt|toml))(?:: (?P<name>\w+))?")
_FOLDERS = tuple(f"{folder}/" for folder in ("edgesr", "export", "sr_model", "benchmarks", "runtimes", "tests", "docs"))
_MADE_BY_THE_READER = ("NAME", "KIND", "benchmarks/devices/mirror.py")


def places_of(text: str) -> list[tuple[str, str | None]]:
    """Paths from the checkout's folder that a page names, each with the function, class or table if one is named."""
    found = [_PLACE.fullmatch(span) for span in _SPAN.findall(text)]
    named = [(match["path"], match["name"]) for match in found if match is not None]
    return [
        (path, name)
        for path, name in named
        if (path.startswith(_FOLDERS) or name is not None) and not any(part in path for part in _MADE_BY_THE_READER)
    ]


def defined_in(file: Path) -> set[str]:
    """Functions, classes and variables at the top of a module, or any word after "const" of a TypeScript file."""
    if file.suffix != ".py":
        return set(re.findall(r"const (\w+)", file.read_text()))
    names: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize("page", PAGES)
def test_every_named_place_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    assert [line for line in text.splitlines() if line.count("`") % 2] == [], "a place stands on one line"
    places = places_of(text)
    assert len([name for _, name in places if name is not None]) >= 15
    missing = [
        (path, name)
        for path, name in places
        if not (ROOT / path).exists() or (name is not None and name not in defined_in(ROOT / path))
    ]
    assert missing == []


def test_a_wrong_place_is_found() -> None:
    places = places_of("`tests/no.py`, `tests/conftest.py: gone`, `make test`, `export/formats/NAME_target.py`")
    assert places == [("tests/no.py", None), ("tests/conftest.py", "gone")]
    assert "pytest_configure" in defined_in(ROOT / "tests" / "conftest.py")
