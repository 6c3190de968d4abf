"""The house: folders of a size that one looks through, short files, and imports without a cycle."""

from __future__ import annotations

import ast
import statistics
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.helpers.places import ROOT

LAYERS = ("sr_model", "export", "runtimes", "benchmarks")
NO_MODULES = {"__init__.py", "__main__.py", "conftest.py"}
"""Python and pytest run these; nothing imports them."""


def python_files() -> list[Path]:
    return [file for folder in (*LAYERS, "edgesr", "tests") for file in (ROOT / folder).rglob("*.py")]


def modules() -> dict[str, Path]:
    """Our modules by name, packages without their own code left out."""
    found = {}
    for folder in (*LAYERS, "edgesr"):
        for file in (ROOT / folder).rglob("*.py"):
            parts = file.relative_to(ROOT).with_suffix("").parts
            if file.name != "__init__.py":
                found[".".join(parts if folder == "edgesr" else ("edgesr", *parts))] = file
    return found


def imported(file: Path, known: dict[str, Path]) -> set[str]:
    """Modules of ours that a file imports: at its top, in functions, and for type checkers alone."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None, f"{file}: import by the whole name"
            names = {f"{node.module}.{alias.name}" for alias in node.names} & known.keys()
            found |= names or {node.module}
    ours = {name for name in found if name.partition(".")[0] == "edgesr"}
    if file.is_relative_to(ROOT / "edgesr" / "cli"):
        ours.discard("edgesr")  # the public functions, of layers below
    assert ours <= known.keys(), f"{file}: names packages, which hide what they import: {ours - known.keys()}"
    return ours


def room(module: str) -> str:
    """The folder below a layer that a module is in, with what is below it; a module in none stands for itself."""
    return ".".join(module.split(".")[:3])


def function_lines(file: Path) -> list[int]:
    nodes = ast.walk(ast.parse(file.read_text()))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [(node.end_lineno or node.lineno) - node.lineno + 1 for node in functions]


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    """The imports of each module."""
    known = modules()
    assert len(known) > 200
    found = {name: imported(file, known) for name, file in known.items()}
    assert sum(map(len, found.values())) > 1000
    return found


def test_modules_import_each_other_without_a_cycle(graph: dict[str, set[str]]) -> None:
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def test_rooms_import_each_other_without_a_cycle(graph: dict[str, set[str]]) -> None:
    between: dict[str, set[str]] = defaultdict(set)
    for module, others in graph.items():
        between[room(module)] |= {room(other) for other in others} - {room(module)}
    assert "edgesr.runtimes.bundle" in between["edgesr.runtimes.upscaling"]
    list(TopologicalSorter(between).static_order())


def test_packages_import_no_modules() -> None:
    """Otherwise importing one module would import others behind its back."""
    for file in python_files():
        if file.name == "__init__.py" and file.parent != ROOT / "edgesr":
            assert imported(file, modules()) <= {"edgesr.runtimes.telemetry"}, file


def test_folders_hold_from_three_to_sixteen_files() -> None:
    held: dict[Path, list[str]] = defaultdict(list)
    for file in python_files():
        held[file.parent].append(file.name)
    assert len(held) > 40
    for folder, names in held.items():
        assert len(names) <= 16, folder
        own = len(set(names) - NO_MODULES)
        assert own >= 3 or ((own == 0 and any(folder.rglob("*/__init__.py"))) or folder.name == "edgesr"), folder


def test_every_folder_of_code_is_a_package() -> None:
    for file in python_files():
        assert (file.parent / "__init__.py").is_file(), file


def test_files_and_functions_are_short() -> None:
    lines = [length for file in python_files() if (length := len(file.read_text().splitlines()))]
    assert statistics.median(lines) <= 120
    assert max(lines) <= 250
    functions = sorted(length for file in python_files() for length in function_lines(file))
    assert len(functions) > 2000
    assert functions[int(0.9 * len(functions))] <= 20
    assert functions[-1] <= 100  # a command: an option takes several lines
