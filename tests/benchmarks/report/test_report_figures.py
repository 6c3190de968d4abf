"""The plots of the report, on hand-made figures."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from edgesr.benchmarks.machine.limits import MachineLimits
from edgesr.benchmarks.report.data import ReportData
from edgesr.benchmarks.report.drawn.encoding import PictureStore, heat_map
from edgesr.benchmarks.report.figures import broken_name, escaped, roofline_figure
from edgesr.benchmarks.report.page import script_json
from edgesr.benchmarks.report.summary import roofline_table
from edgesr.benchmarks.report.tradeoff import Point
from edgesr.benchmarks.results.rows import Key

HOSTILE = "</script><script>alert(2)</script>"


def test_pareto_front_by_hand() -> None:
    def point(ms: float, psnr_db: float | None, size_kb: float) -> Point:
        head = {"artifact": "a", "runtime": "ort", "engine": "ort", "precision": "fp32"}
        return Point(**head, ms_per_megapixel=ms, interval=(ms, ms), p50_ms=ms, psnr_db=psnr_db, size_kb=size_kb)

    exact, fast, small = point(10, None, 100), point(5, 50, 100), point(10, 50, 50)
    worse = point(10, 60, 100)
    assert exact.beats(worse)
    assert not exact.beats(exact)
    assert not any(a.beats(b) for a in (exact, fast, small) for b in (exact, fast, small))


def test_roofline_of_measured_limits() -> None:
    """Limits and speeds under the names of the result file."""
    key = Key(artifact="a<b", runtime="ort", threads=1, device="host")
    result = SimpleNamespace(key=key, intensity_flop_per_byte=20.0, gflops=30.0, share_of_peak=0.5)
    limits = (MachineLimits(threads=1, sgemm_gflops=60.0, bandwidth_gb_per_s=10.0),)
    results = cast(Any, SimpleNamespace(results=(result,), limits=limits))
    found = ReportData(bundle=cast(Any, None), latency=results)
    figure = roofline_figure(found)
    assert figure is not None
    roof, points = figure["data"]
    assert (roof["x"][1], roof["y"][1]) == (6.0, 60.0)
    assert roof["y"][0] == pytest.approx(10 * roof["x"][0])
    assert (points["x"], points["y"]) == ([20.0], [30.0])
    assert "a&lt;b" in points["text"][0]
    table = roofline_table(found)
    assert table.rows == (("a<b", "ort", "1", "20.0", "30.0", "50%"),)


def test_heat_map_keeps_the_largest_error() -> None:
    error = np.zeros((10, 6), dtype=np.float32)
    error[9, 5] = 3.0
    pixels, doublings = heat_map(error, 4)
    assert pixels.shape == (4, 2, 3)
    assert doublings == 6  # 3 * 64 = 192, 3 * 128 is above 255
    assert pixels[3, 1].astype(int).sum() == pixels.astype(int).sum(axis=2).max()
    assert heat_map(error, 10)[0].shape == (10, 6, 3)


def test_identical_pictures_are_stored_once_within_a_budget() -> None:
    store = PictureStore()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert [store.add(noise), store.add(noise.copy()), store.add(255 - noise)] == [0, 0, 1]
    lossless, quality = store.encoded(1_000_000)
    assert (len(lossless), quality) == (2, None)
    smaller, reduced = store.encoded(15_000)
    assert reduced is not None
    assert sum(map(len, smaller)) < sum(map(len, lossless))


def test_text_for_scripts_and_plots() -> None:
    assert "<" not in script_json(HOSTILE)
    assert json.loads(str(script_json(HOSTILE))) == HOSTILE
    with pytest.raises(ValueError, match="JSON"):
        script_json(math.nan)
    assert escaped("<b>") == "&lt;b&gt;"
    assert broken_name("tflite-int8-tile-128x128") == "tflite-int8-<br>tile-128x128"
