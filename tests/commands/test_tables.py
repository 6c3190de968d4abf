"""The tables by which commands of pages are made small, given their files, or left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.commands.names import NAMES, needed
from tests.commands.needs import missing
from tests.commands.not_run import NOT_RUN, expected_codes, row_for
from tests.commands.pages import PageCommand, commands_of, pages
from tests.commands.running import rows_without_command
from tests.commands.substitutions import PLACEHOLDERS, SHORTENED, shortened, spelled_out
from tests.commands.words import without_notation
from tests.helpers.places import ROOT


def test_every_row_leaves_out_a_command_and_names_files_that_are_there() -> None:
    assert rows_without_command() == []
    assert [file for row in NOT_RUN for file in row.covered_by if not (ROOT / file).is_file()] == []


def test_a_row_without_a_command_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("    make install\n")
    monkeypatch.setattr("tests.commands.running.pages", lambda: [tmp_path / "page.md"])
    monkeypatch.setattr("tests.commands.pages.ROOT", tmp_path)
    assert rows_without_command() == [row.pattern for row in NOT_RUN if row.pattern != "^make "]


def test_every_substitution_and_every_name_is_of_a_command() -> None:
    texts = [command.text for page in pages() for command in commands_of(page)]
    spelled = [spelled_out(text) for text in texts]
    assert [row for row, _ in PLACEHOLDERS if not any(re.search(row, without_notation(text)) for text in texts)] == []
    assert [row for row, _ in SHORTENED if not any(re.search(row, text) for text in spelled)] == []
    read = {name for text in texts for name in needed(shortened(text))}
    assert NAMES.keys() - read - {"raw"} == set(), "raw: what `out` is made from"


@pytest.mark.parametrize(
    ("text", "run"),
    [
        (
            "edgesr bench bundle --rounds 7",
            "edgesr bench --runtime ort --rounds 2 --calls 1 --seconds 0 bundle --rounds 2",
        ),
        (
            "edgesr parity bundle --device host,arm64:cortex-a76",
            "edgesr parity --artifact onnx-fp32-tile bundle --device host,arm64:cortex-a76",
        ),
        (
            "edgesr train photographs/ --preset mobile-m --output run --minutes 30",
            "edgesr train --batch-size 2 --patch-size 24 photographs/ --preset mobile-m --output run --minutes 0.05",
        ),
        (
            "edgesr bench b --runtime ort --mlperf --artifact a --against old.json",
            "edgesr bench b --runtime ort --mlperf --artifact a --json old.json && "
            "edgesr bench b --runtime ort --mlperf --artifact a --against old.json",
        ),
        ("edgesr web b --output s --serve --port 8000", "edgesr web b --output s --serve --port 0"),
        (".venv/bin/python -m tests.commands README.md", ".venv/bin/python -m tests.commands --list README.md"),
        ("edgesr devices clean browser", "XDG_CACHE_HOME=empty-cache edgesr devices clean browser"),
    ],
)
def test_commands_become_short_and_keep_their_shape(text: str, run: str) -> None:
    assert shortened(text) == run


def test_only_placeholders_are_replaced_before_parsing() -> None:
    text = "edgesr bench bundle [--rounds 7] --device adb:SERIAL"
    assert spelled_out(text) == "edgesr bench bundle --rounds 7 --device adb:127.0.0.1:6555"
    assert spelled_out("edgesr bench bundle --rounds 7") == "edgesr bench bundle --rounds 7"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("edgesr upscale photograph.jpg large.png --bundle bundle", ["photograph.jpg", "bundle"]),
        ("edgesr export --module my_net.py:build --checkpoint w.pth --output bundle", ["my_net.py", "w.pth"]),
        ("edgesr inspect demo/bundle", ["bundle", "demo/bundle"]),
        ("edgesr compare old.json new.json", ["old.json", "new.json"]),
        ("edgesr eval run/generator.safetensors --data Set5/ --json new.json", ["Set5", "run/generator.safetensors"]),
    ],
)
def test_files_that_a_command_reads(text: str, names: list[str]) -> None:
    assert list(needed(text)) == names
    assert set(names) <= NAMES.keys()


def test_exit_codes() -> None:
    assert expected_codes("edgesr parity bundle") == (0,)
    assert expected_codes("edgesr compare old.json new.json") == (0, 1)
    assert expected_codes("edgesr upscale a.png a.png") == (2,)


def test_what_a_machine_lacks_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.commands.needs.SHARED", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "shared/weights" in (missing("edgesr export --checkpoint srrescgan_x4.pth --output b") or "")
    assert missing("edgesr parity bundle --json - | jq .results") == "needs the program jq"
    assert missing("edgesr parity bundle") is None


def test_a_command_in_no_row_is_run() -> None:
    assert row_for(PageCommand("page.md", 1, "edgesr parity bundle")) is None
    assert row_for(PageCommand("page.md", 1, "make test")) is not None
