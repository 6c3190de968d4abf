"""The table of figures: what it measures is what results hold and what tables show."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgesr.benchmarks.quality.candidates import Candidate
from edgesr.benchmarks.quality.degradations import upscale_bicubic
from edgesr.benchmarks.quality.figures import (
    FIGURES,
    Compared,
    Figure,
    PerceptualDistance,
    Quality,
    mean_quality,
    measured,
)
from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.benchmarks.quality.measurement import measure_quality
from edgesr.benchmarks.tables.quality import image_quality_table, mean_quality_table
from tests.helpers.places import PHOTOGRAPHS

_DISTANCE = PerceptualDistance("none", lambda sr, hr: float(np.abs(sr.astype(int) - hr).mean()))


def test_each_field_of_quality_has_a_row() -> None:
    assert [figure.field for figure in FIGURES] == [field.name for field in dataclasses.fields(Quality)]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.field)
def test_a_figure_tells_a_worse_picture_from_a_better_one(figure: Figure) -> None:
    """A worse picture has more noise and is brighter: a figure may look at one of the two alone."""
    rng = np.random.default_rng(0)
    hr = rng.integers(50, 200, (32, 48, 3), dtype=np.uint8)
    worse = [hr + rng.integers(0, most, hr.shape, dtype=np.uint8, endpoint=True) for most in (1, 9, 40)]
    measured_values = [figure.measure(Compared(picture, hr, 4, _DISTANCE)) for picture in worse]
    values = [value for value in measured_values if value is not None]
    assert len(set(values)) == 3
    assert values in (sorted(values), sorted(values, reverse=True))


def test_figures_by_hand() -> None:
    """A picture that is everywhere 5 too bright: its squared error is 25 on each channel."""
    hr = np.full((16, 16, 3), 100, dtype=np.uint8)
    quality = measured(Compared(hr + np.uint8(5), hr, 4, None))
    assert quality.psnr_rgb_db == pytest.approx(10 * np.log10(255**2 / 25), abs=1e-9)
    assert quality.psnr_y_db == pytest.approx(10 * np.log10(255**2 / (5 * 219 / 255) ** 2), abs=1e-3)
    assert quality.st_lpips is None


def test_a_mean_is_unknown_where_one_image_is() -> None:
    known = Quality(psnr_y_db=30.0, psnr_rgb_db=28.0, ssim=0.5, st_lpips=0.25)
    other = Quality(psnr_y_db=None, psnr_rgb_db=32.0, ssim=1.0, st_lpips=0.75)
    mean = mean_quality([known, other])
    assert (mean.psnr_y_db, mean.psnr_rgb_db, mean.ssim, mean.st_lpips) == (None, 30.0, 0.75, 0.5)


def test_tables_show_each_figure() -> None:
    bicubic = Candidate(name="bicubic", scale=4, upscale=lambda lr: upscale_bicubic(lr, 4))
    results = measure_quality([bicubic], read_image_set(PHOTOGRAPHS), degradation="clean")
    mean, each = mean_quality_table(results), image_quality_table(results)
    titles = tuple(figure.title for figure in FIGURES)
    assert mean.columns[1:] == titles
    assert each.columns[2:] == titles
    assert mean.rows[0][1:] == tuple(figure.text(results.results[0].mean) for figure in FIGURES)
    assert len(each.rows) == len(results.images)
