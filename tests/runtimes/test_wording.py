"""Numbers go with the form of their noun, and moments are dates that people write."""

from __future__ import annotations

import re

import pytest

from edgesr.benchmarks.jobs import Job
from edgesr.export.calibration.tiles import calibration_warnings
from edgesr.runtimes.wording import counted, moment, noun_for
from tests.helpers.places import ROOT

LAYERS = ("export", "sr_model", "benchmarks", "runtimes")


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 artifacts"), (1, "1 artifact"), (2, "2 artifacts"), (1_234, "1,234 artifacts")]
)
def test_a_number_with_its_noun(number: int, text: str) -> None:
    assert counted(number, "artifact") == text


def test_plurals_that_no_s_makes() -> None:
    assert [counted(number, "patch", "patches") for number in (1, 3)] == ["1 patch", "3 patches"]
    assert [noun_for(number, "tile") for number in (1, 6)] == ["tile", "tiles"]


def test_one_thread_and_several() -> None:
    job = Job(kind="limits", bundle="", artifact="", runtime="", threads=1)
    assert job.title == "limits, 1 thread"
    assert calibration_warnings([])[-1].startswith("only 0 tiles to calibrate on")


def test_moments_are_dates() -> None:
    assert moment("2026-11-27T19:05:59Z") == moment("2026-11-27T19:05:59+00:00") == "27 November 2026, 19:05 UTC"
    assert moment("2027-01-02T03:04:05+01:00") == "2 January 2027, 02:04 UTC"


@pytest.mark.parametrize("text", ["", "20261127", "2026-11-27", "2026-13-27T19:05:59Z", "0001-01-01T00:00:00+12:00"])
def test_what_is_no_moment_stays_as_it_is(text: str) -> None:
    assert moment(text) == text


def test_no_message_leaves_the_plural_to_the_reader() -> None:
    files = [file for folder in (*LAYERS, "edgesr/cli") for file in (ROOT / folder).rglob("*")]
    texts = {file: file.read_text() for file in files if file.suffix in {".py", ".j2", ".js"}}
    assert len(texts) > 250
    assert [name for name, text in texts.items() if re.search(r"\} \w+\(s\)", text)] == []
