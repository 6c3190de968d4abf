"""The choice of the comparison of tiles with whole pictures that an export goes by."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.export.records import Measurement
from edgesr.export.stages.cache import StageCache
from edgesr.export.stages.runner import StageRunner
from edgesr.export.tiling.pooled_measurement import Pooled
from edgesr.runtimes.bundle.contract import Tiling

PROVEN = Tiling(verdict="proven", halo=2, field=2, step=1, error=0.0, psnr_db=None)
MEASURED = Tiling(verdict="measured", halo=35, field=None, step=1, error=0.0099, psnr_db=100.0)
INEXACT = Tiling(verdict="inexact", halo=None, field=None, step=1, error=3.0, psnr_db=40.0)
GIVEN_MEANS = Tiling(verdict="measured", halo=3, field=None, step=1, error=0.0, psnr_db=None, passes=2)


@pytest.mark.parametrize(
    ("compared", "pooled", "expected"),
    [
        (PROVEN, GIVEN_MEANS, PROVEN),
        (MEASURED, None, MEASURED),
        (MEASURED, GIVEN_MEANS, GIVEN_MEANS),
        (INEXACT, GIVEN_MEANS, GIVEN_MEANS),
        (INEXACT, None, INEXACT),
    ],
)
def test_a_network_that_pools_is_given_its_means(
    compared: Tiling, pooled: Tiling | None, expected: Tiling, tmp_path: Path
) -> None:
    """Also where its tiles came out alike, as do those of faint channel attention: on other images they do not."""
    (tmp_path / "net.edgesr-program").write_bytes(b"x")
    runner = StageRunner(StageCache(tmp_path / "cache"), tmp_path / "net.edgesr-program", pooled_tiles=True)
    runner.measurement = Measurement(compared, mac_per_hr_pixel=1.0, parameters=1)
    runner.pooled = Pooled(pooled, 0 if pooled is None else 12)
    assert runner.tiling is expected
