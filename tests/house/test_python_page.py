"""The examples of docs/python.md run, one after the other in one folder."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgesr
from tests.helpers.places import ROOT

PAGE = ROOT / "docs" / "python.md"
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def photograph(path: Path, side: int) -> None:
    values = np.random.default_rng(side).integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
    Image.fromarray(values).resize((side, side), Image.Resampling.BICUBIC).save(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the files that the page says are there; the user's cache is left alone."""
    photograph(tmp_path / "photo.png", 64)
    (tmp_path / "photographs").mkdir()
    for side in (160, 192):
        photograph(tmp_path / "photographs" / f"{side}.png", side)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_examples_run(folder: Path) -> None:
    text = PAGE.read_text()
    examples = list(EXAMPLE.finditer(text))
    assert len(examples) > 10
    names: dict[str, object] = {}
    for example in examples:
        line = text.count("\n", 0, example.start(1))
        exec(compile("\n" * line + example[1], str(PAGE), "exec"), names)
    assert {path.name for path in folder.iterdir()} >= {"bundle", "photo_x4.png", "upscaled", "report.html", "run"}


def test_page_calls_every_public_function() -> None:
    text = PAGE.read_text()
    functions = [name for name in edgesr.__all__ if name[0].islower()]
    assert [name for name in functions if f"edgesr.{name}(" not in text] == []
