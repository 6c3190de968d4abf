"""Every edgesr command of the pages is one that edgesr takes, and every Python example finds what it imports."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from tests.commands.pages import PageCommand, blocks, commands_of, pages, python_examples
from tests.commands.parsing import fault
from tests.commands.substitutions import spelled_out
from tests.commands.words import calls_of_edgesr, is_fragment

PAGE = """Prose with `edgesr parity
bundle --json -` and the command `edgesr parity` alone.

    edgesr bench bundle \\
        --rounds 3    # two lines
    ... and so on
    VAR=x weasel run

```
$ edgesr doctor
edgesr: what it said
```

    from edgesr import upscale
    for row in upscale: ...
"""


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_edgesr_takes_every_command(page: Path) -> None:
    faults = [
        f"{command.place}: edgesr {' '.join(words)}: {refused}"
        for command in commands_of(page)
        for words in calls_of_edgesr(spelled_out(command.text))
        if (refused := fault(words, fragment=command.inline or is_fragment(command.text)))
    ]
    assert faults == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_python_examples_import_what_is_there(page: Path) -> None:
    for example in python_examples(page):
        tree = ast.parse("\n" * (example.line - 1) + "\n".join(example.lines), str(page))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "edgesr":
                module = importlib.import_module(node.module or "")
                missing = [one.name for one in node.names if not hasattr(module, one.name)]
                assert missing == [], f"{page.name}:{node.lineno}"


def test_commands_of_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.commands.pages.ROOT", tmp_path)
    (tmp_path / "page.md").write_text(PAGE)
    assert commands_of(tmp_path / "page.md") == [
        PageCommand("page.md", 1, "edgesr parity bundle --json -", inline=True),
        PageCommand("page.md", 4, "edgesr bench bundle --rounds 3"),
        PageCommand("page.md", 7, "VAR=x weasel run"),
        PageCommand("page.md", 10, "edgesr doctor"),
    ]
    assert [block.line for block in python_examples(tmp_path / "page.md")] == [14]


def test_pages_hold_many_commands() -> None:
    assert sum(len(commands_of(page)) for page in pages()) > 100
    assert all("```" not in line for page in pages() for block in blocks(page.read_text()) for line in block.lines)
    assert {page.name for page in pages()} >= {"README.md", "CONTRIBUTING.md", "devices.md"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("edgesr parity b && VAR=1 python -m edgesr doctor", [["parity", "b"], ["doctor"]]),
        ("docker run --tag edgesr:1 -v x edgesr upscale a b", [["upscale", "a", "b"]]),
        ("podman build --tag edgesr .", []),
        ("edgesr diff b [--exact] --plot F.svg|.png | jq .results", [["diff", "b", "--exact", "--plot", "F.svg"]]),
        (".venv/bin/edgesr export --delegate gpu ...", [["export", "--delegate", "gpu"]]),
    ],
)
def test_calls_in_a_shell_line(text: str, words: list[list[str]]) -> None:
    assert calls_of_edgesr(text) == words


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("frobnicate bundle", "No such command 'frobnicate'"),
        ("devices frobnicate", "No such command 'frobnicate'"),
        ("parity bundle --jsonn x", "No such option: --jsonn"),
        ("parity", "Missing argument 'BUNDLE'"),
        ("bench bundle --rounds many", "Invalid value for '--rounds'"),
        ("export --output b --precision fp32,int7", "--precision int7: not one of"),
        ("export --output b --preset srrescycgan-mobil", "--preset srrescycgan-mobil: not one of"),
        ("parity bundle --device host,arm64:cortex-b1", "--device arm64:cortex-b1: not one of"),
        ("devices setup arm63", "NAME|arm63"),
    ],
)
def test_what_edgesr_would_refuse_is_told(words: str, refused: str) -> None:
    told = fault(words.split())
    assert told is not None and any(part in told for part in refused.split("|"))


def test_a_fragment_may_leave_out_arguments_but_has_true_options() -> None:
    assert fault(["report", "--sustained"], fragment=True) is None
    assert fault(["upscale", "--halo", "field"], fragment=True) is None
    assert "No such option" in (fault(["upscale", "--halos", "field"], fragment=True) or "")
    assert "--precision int7" in (fault(["export", "--precision", "int7"], fragment=True) or "")


def test_nothing_is_done_while_words_are_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fault(["--install-completion"]) is None
    assert fault(["--version"]) is None and fault(["--help"]) is None and fault(["export", "--help"]) is None
    assert "No such command" in (fault(["exports", "--help"]) or "") and capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == []
