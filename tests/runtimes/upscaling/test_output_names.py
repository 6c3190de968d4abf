"""Names of the images of a folder run: distinct on every file system, and the same when a stopped run goes on."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.upscaling.folders.journal import JOURNAL_FILE
from edgesr.runtimes.upscaling.folders.output_names import output_names
from tests.helpers.folder_runs import folder_run, listing, save_photograph, written_names


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["a.jpg", "b.png", "c.d.tif"], ["a.png", "b.png", "c.d.png"]),
        (["a.jpg", "a.png", "b.png"], ["a.jpg.png", "a.png.png", "b.png"]),
        (["a.jpg", "a.jpg.tif", "a.png"], ["a.jpg.png", "a.jpg.tif.png", "a.png.png"]),
        (
            ["a.jpg", "a.jpg.png", "a.jpg.png.bmp", "a.png"],
            [f"a.{s}.png" for s in ("jpg", "jpg.png", "jpg.png.bmp", "png")],
        ),
        (["A.jpg", "a.png"], ["A.jpg.png", "a.png.png"]),
        (["A.png", "a.PNG", "a.png"], ["A.png.png", "a.PNG.2.png", "a.png.3.png"]),
        (["A.png", "a.png", "a.png.2.bmp"], ["A.png.png", "a.png.3.png", "a.png.2.png"]),
        (["STRASSE.png", "stra\u00dfe.png"], ["STRASSE.png.png", "stra\u00dfe.png.2.png"]),
        (["e\u0301.jpg", "\u00e9.png"], ["e\u0301.jpg.png", "\u00e9.png.png"]),
        (["\udcff.jpg", "\udcff.png"], ["\udcff.jpg.png", "\udcff.png.png"]),
    ],
)
def test_names(sources: list[str], names: list[str]) -> None:
    chosen = output_names(sources, ".png", kept={})
    assert list(chosen) == sources
    assert list(chosen.values()) == names
    folded = {unicodedata.normalize("NFC", name).casefold() for name in names}
    assert len(folded) == len(names)


@pytest.mark.parametrize("sources", [["a.jpg", "a.png", "b.bmp"], ["A.png", "a.PNG", "a.png", "a.png.2.bmp"]])
def test_names_stay_whichever_of_them_are_already_given(sources: list[str]) -> None:
    chosen = output_names(sources, ".tif", kept={})
    for source in sources:
        assert output_names(sources, ".tif", kept={source: chosen[source]}) == chosen
        rest = {other: name for other, name in chosen.items() if other != source}
        assert output_names(sources, ".tif", kept=rest) == chosen


def test_a_name_that_was_given_stays_when_another_file_comes() -> None:
    assert output_names(["a.jpg", "a.png"], ".png", kept={"a.png": "a.png"}) == {"a.jpg": "a.jpg.png", "a.png": "a.png"}


def test_stopped_run_goes_on_with_its_names(mobile_bundle: Bundle, tmp_path: Path) -> None:
    """Also when a file of the same stem came meanwhile: what is done keeps its name and is not done again."""
    (tmp_path / "in").mkdir()
    for name in ("a.bmp", "a.jpg", "b.png", "c.png"):
        save_photograph(tmp_path / "in" / name, (9, 9))
    with pytest.raises(KeyboardInterrupt):
        folder_run(mobile_bundle, tmp_path / "in", tmp_path / "out", stop_at="c.png")
    assert listing(tmp_path / "out") == [JOURNAL_FILE, "a.bmp.png", "a.jpg.png", "b.png"]
    save_photograph(tmp_path / "in" / "b.jpg", (9, 9))
    (tmp_path / "in" / "a.bmp").unlink()
    report = folder_run(mobile_bundle, tmp_path / "in", tmp_path / "out")
    assert (written_names(report), report.done_before) == (["b.jpg.png", "c.png"], 2)
    assert listing(tmp_path / "out") == ["a.bmp.png", "a.jpg.png", "b.jpg.png", "b.png", "c.png"]
